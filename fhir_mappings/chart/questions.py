"""What the questions of order forms ask about: a small table from plain words to concepts.

Forms ask without codes ("Any new saddle numbness?"). A question is understood where its words name a thing and ask
whether it is there, now. One that takes the thing for granted ("Is the pacemaker MR conditional?") or asks about the
past may only raise a question of our own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from fhir_mappings.words.matcher import mentions_in, topics_in

# A question is short; what is longer is cut, so that a long one costs no more.
_LONGEST = 1000


@dataclass(frozen=True, slots=True)
class Question:
    """What a question asks about.

    `concepts` are what its answer states or denies, `topics` what a yes would raise. `is_inverted` where a yes says
    that all is well; `presumes` where any answer takes the thing for granted.
    """

    concepts: tuple[str, ...] = ()
    topics: frozenset[str] = frozenset()
    is_inverted: bool = False
    presumes: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    pattern: re.Pattern[str]
    concept: str
    topic: str
    is_lasting: bool = False


_LOSS = (
    r"dysfunctions?|incontinen\w*|retention|symptoms?|changes?|problems?|control|loss|difficult\w+|disturbances?"
    r"|trouble|issues?|complaints?|involvement|accidents?|hesitancy|leakage"
)


def _row(words: str, concept: str, topic: str, *, is_lasting: bool = False) -> _Row:
    return _Row(re.compile(rf"\b(?:{words})\b"), concept, topic, is_lasting)


_ROWS = (
    _row(
        r"(?:saddle|peri-?anal|perine(?:al|um)|groin|genitals?|genital area|buttocks?) (?:area )?"
        r"(?:numb\w*|an(?:a)?esthesia|hyp(?:o|a)esthesia|paresthesias?|sensory loss|sensation loss|loss of sensation)"
        r"|(?:numb\w*|loss of (?:feeling|sensation)|sensory loss|an(?:a)?esthesia|tingling) (?:\w+ ){0,5}"
        r"(?:saddle|peri-?anal|perine(?:al|um)|groin|genitals?|private parts|between (?:the |your )?legs)|saddle",
        "saddle_anaesthesia",
        "ces",
    ),
    _row(
        rf"(?:bladder|urinary|urine|urination|voiding)(?: (?:or|and|/|&|\w+)){{0,3}} (?:{_LOSS})"
        r"|(?:incontinen\w*|loss of control|difficult\w+|retention|trouble|loss) (?:\w+ ){0,3}"
        r"(?:bladder|urin\w+|voiding)"
        r"|bladder(?:/| or | and | & )bowel|bowel(?:/| or | and | & )bladder|unable to (?:urinate|void|pass urine)",
        "bladder_dysfunction",
        "ces",
    ),
    _row(
        rf"(?:bowel|f(?:a)?ecal|stool|sphincter)(?: (?:or|and|/|&|\w+)){{0,3}} (?:{_LOSS})"
        r"|(?:incontinen\w*|loss of control|loss) (?:\w+ ){0,3}(?:bowels?|stool|f(?:a)?eces)"
        r"|bladder(?:/| or | and | & )bowel|bowel(?:/| or | and | & )bladder",
        "bowel_dysfunction",
        "ces",
    ),
    _row(r"cauda equina(?: syndrome)?|ces", "cauda_equina", "ces"),
    _row(r"bladders?|bowels?|sphincters?|anal tone", "", "ces"),
    _row(
        r"foot[- ]drop|drop[- ]foot|(?:leg|lower[- ]extremity|lower limb|foot|ankle) weakness"
        r"|weakness (?:\w+ ){0,4}(?:legs?|foot|feet|lower (?:extremit\w+|limbs?))|progressive (?:motor )?weakness"
        r"|motor (?:weakness|deficits?|loss)",
        "motor_deficit",
        "motor",
    ),
    _row(r"weak(?:ness)?|neuro(?:logic(?:al)?)? deficits?|paralysis", "", "motor"),
    _row(r"fevers?|febrile", "fever", "infection"),
    _row(r"(?:active|current) (?:cancer|malignancy)|metasta\w+", "cancer_active", "cancer", is_lasting=True),
    _row(r"cancers?|malignan\w+|tumou?rs?", "cancer_history", "cancer", is_lasting=True),
    _row(
        r"(?:iv|intravenous|injection|injecting) drug (?:use|abuse|user)|ivd[ua]|iv drugs?",
        "ivdu",
        "risk",
        is_lasting=True,
    ),
    _row(r"(?:unexplained |unintentional |unintended )?weight loss|lost weight", "weight_loss", "risk"),
    _row(r"trauma\w*|falls?|fell|accident|mv[ac]|injur(?:y|ies)|fractures?", "", "trauma"),
    _row(r"pacemakers?|ppm", "implant_pacemaker", "implant", is_lasting=True),
    _row(r"icd(?!-?\d)|aicd|defibrillators?", "implant_icd", "implant", is_lasting=True),
    _row(r"lvad|vad|ventricular assist(?: device)?", "implant_vad", "implant", is_lasting=True),
    _row(r"(?:neuro-?)?stimulators?|scs", "implant_neurostimulator", "implant", is_lasting=True),
    _row(r"insulin pump", "external_pump", "implant", is_lasting=True),
    _row(
        r"(?<!insulin )(?:implanted |implantable |intrathecal |pain |drug |baclofen |infusion |medication )*pumps?",
        "implant_pump",
        "implant",
        is_lasting=True,
    ),
    _row(r"cochlear(?: implants?)?", "implant_cochlear", "implant", is_lasting=True),
    _row(r"(?:brain |cerebral )?aneurysm clips?", "implant_aneurysm_clip", "implant", is_lasting=True),
    _row(
        r"metal(?:lic)? (?:fragments?|foreign bod(?:y|ies)|objects?|slivers?)|metal (?:\w+ ){0,4}(?:eyes?|body)"
        r"|shrapnel|bullets?",
        "retained_metal",
        "implant",
        is_lasting=True,
    ),
    _row(
        r"(?<!cochlear )implants?|implanted (?:\w+ )?devices?|electronic devices?|medical devices?",
        "implant_other",
        "implant",
        is_lasting=True,
    ),
    _row(r"(?:may|might|could|possib\w+|chance) (?:\w+ ){0,4}pregnan\w+", "pregnancy_possible", ""),
    _row(r"pregnan(?:t|cy)", "pregnancy", ""),
    _row(
        r"(?:gadolinium|mri? contrast) (?:\w+ ){0,2}(?:allerg\w+|reactions?)"
        r"|(?:allerg\w+|reactions?) (?:\w+ ){0,4}(?:gadolinium|mri? contrast)",
        "gadolinium_allergy",
        "",
        is_lasting=True,
    ),
    _row(
        r"(?:contrast|dye) (?:\w+ ){0,2}(?:allerg\w+|reactions?)"
        r"|(?:allerg\w+|reactions?) (?:\w+ ){0,4}(?:contrast|dye)",
        "contrast_allergy_generic",
        "",
        is_lasting=True,
    ),
)
# The narrower of two readings of the same words.
_NARROWER = {
    "cancer_history": "cancer_active",
    "pregnancy": "pregnancy_possible",
    "contrast_allergy_generic": "gadolinium_allergy",
}
_ANY = re.compile(
    "|".join(
        [
            *(row.pattern.pattern for row in _ROWS),
            r"\bred[- ]flags?\b",
        ]
    )
)
_INVERTED = re.compile(
    r"\b(?:no|not|non|without|free of|den(?:y|ies|ied)|absen(?:t|ce)|ruled out|exclud\w+|negative|normal|intact"
    r"|unremarkable|cleared|removed)\b"
)
_PAST = re.compile(r"\b(?:history|hx|ever|previous\w*|prior|past|resolved|before)\b")
_PRESUMES = re.compile(
    r"\b(?:compatib\w+|conditional|safe|safety|model|manufacturer|make|type|serial|card|date|when|describe|where|which"
    r"|how (?:long|many|much)|since|onset|ultrasound|scan(?:ned)?|volume|catheter|cath|diary|surgery|tract infections?"
    r"|uti|infections? of)\b"
)
_RED_FLAGS = re.compile(r"\bred[- ]flags?\b")
_FAMILY = re.compile(r"\b(?:family|relatives?|mother|father|siblings?)\b")


def understood(question: str) -> Question | None:
    """Return what a question asks about; None where it is about nothing that matters here."""
    return _understood(" ".join(question[:_LONGEST].casefold().split()))


# The words of a form are the same for every patient.
@lru_cache(maxsize=2048)
def _understood(asked: str) -> Question | None:
    if _FAMILY.search(asked) or not (_ANY.search(asked) or mentions_in(asked)):
        return None
    rows = [row for row in _ROWS if row.pattern.search(asked)]
    inverted, presumes = _INVERTED.search(asked) is not None, _PRESUMES.search(asked) is not None
    past = _PAST.search(asked) is not None
    topics = frozenset(row.topic for row in rows if row.topic) | topics_in(asked)
    if not rows and _RED_FLAGS.search(asked):
        # Which one, nobody said; the most pressing is asked for.
        topics |= {"ces"}
    if inverted or presumes or any(not row.is_lasting for row in rows if past):
        return Question((), topics, inverted, presumes)
    concepts = [row.concept for row in rows]
    if "" in concepts:
        # What only asks, beside its own precise wording ("leg weakness"), adds nothing.
        concepts = [row.concept for row in rows if row.concept or not _has_sibling(row, rows)]
    kept = tuple(name for name in dict.fromkeys(concepts) if _NARROWER.get(name) not in concepts)
    return Question(() if "" in kept else kept, topics)


def _has_sibling(row: _Row, rows: list[_Row]) -> bool:
    return any(other.topic == row.topic and other.concept for other in rows)
