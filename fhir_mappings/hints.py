"""Hints in free text: a small phrase matcher with negation, doubt and family scope.

Text is never evidence. It may raise a question, and it may keep "not appropriate" from being said; it never fires
an emergency and never reassures. So the matcher leans one way: whatever is not clearly denied, or clearly about
somebody else, is a hint.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fhir_mappings.dates import UNKNOWN_DATE, DateInterval

TOPICS: dict[str, str] = {
    "ces": r"cauda equina|saddle|peri-?anal|perineal|urinary retention|retention of urine|incontinen\w*"
    r"|(?:bladder|bowel|sphincter)\b|anal tone",
    "motor": r"foot[- ]drop|weak(?:ness)?|paresis|\w*pleg\w*|paralys\w+|motor deficit|giving way",
    "cord": r"myelopathy|cord compression|cord lesion",
    "infection": r"discitis|osteomyelitis|epidural abscess|fevers?|febrile|septic|sepsis|bacter(?:a)?emia"
    r"|endocarditis|spinal infection|chills",
    "cancer": r"cancer|malignan\w+|metasta\w+|carcinoma|lymphoma|myeloma|leuk(?:a)?emia|sarcoma|melanoma"
    r"|tumou?rs?|neoplas\w+",
    "risk": r"weight loss|night sweats|(?:iv|intravenous|injection|injecting) drugs?|immuno(?:suppress\w*|compromised"
    r"|deficien\w+)|hiv|transplant\w*|osteoporo\w+|(?:chronic|long[- ]term) (?:steroids?|prednisone)",
    "trauma": r"fall|fell|falls|mv[ac]|motor vehicle|car accident|accident|trauma|fractures?|injury",
    "surgery": r"laminectomy|dis[ck]ectomy|spin(?:al|e) (?:fusion|surgery)|lumbar (?:fusion|surgery)"
    r"|post-?op(?:erative)?|post-?laminectomy",
    "implant": r"pacemaker|defibrillator|neuro-?stimulator|(?:spinal cord|nerve|brain) stimulator|cochlear implant"
    r"|aneurysm clip|implanted pump|intrathecal pump|ventricular assist|metal fragments?|shrapnel|bullet",
}
_BY_TOPIC = {topic: re.compile(rf"\b(?:{words})\b") for topic, words in TOPICS.items()}
_ANY = re.compile(rf"\b(?:{'|'.join(TOPICS.values())})\b")

_SENTENCE = re.compile(r"[.;\n!]+|\bbut\b|\bhowever\b|\balthough\b|\bexcept\b|\byet\b")
_DENIAL = re.compile(
    r"\b(?:no|not|denies|denied|denying|without|w/o|negative for|absence of|never|nor|neither|free of)\b"
    r"(?! improvement)"
)
# What ends the reach of a denial: a new statement in the same sentence.
_NEW_STATEMENT = re.compile(
    r"\b(?:has|have|had|reports?|complains?|presents?|presenting|with|now|new|worsening|progressive|positive|since)\b"
)
_DENIED_AFTER = re.compile(
    r"^\W*(?:is |was |has been |have been )?(?:ruled out|excluded|absent|negative|denied|not present)\b"
)
_FAMILY = re.compile(
    r"\b(?:family history|fam(?:ily)? hx|fhx?|mother|father|brother|sister|parents?|siblings?|aunt|uncle|cousin"
    r"|grand(?:mother|father|parents?)|son|daughter)\b"
)
_NOT_MALIGNANT = re.compile(
    r"\b(?:basal cell|benign|squamous cell carcinoma of (?:the )?skin|skin cancer|non-?melanoma)\b"
)
_REACH = 12  # words that a denial reaches


@dataclass(frozen=True, slots=True)
class Remark:
    """A free text of the record that may hold a hint: where it stands, when it applies, and whether it may be over.

    `covered` are topics that the resource's own codes settle already.
    """

    reference: str
    text: str
    when: DateInterval = UNKNOWN_DATE
    is_over: bool = False
    covered: frozenset[str] = frozenset()


def may_hold_hint(text: str) -> bool:
    """Whether a text is worth keeping: a quick look, before negation is weighed."""
    return _ANY.search(text.casefold()) is not None


def hints_in(text: str) -> frozenset[str]:
    """Return the topics that a text raises without denying them or telling them of the family."""
    return frozenset(topic for sentence in _SENTENCE.split(text.casefold()) for topic in _in_sentence(sentence))


def _in_sentence(sentence: str) -> Iterator[str]:
    for topic, pattern in _BY_TOPIC.items():
        if any(not _is_discounted(sentence, found, topic) for found in pattern.finditer(sentence)):
            yield topic


def _is_discounted(sentence: str, found: re.Match[str], topic: str) -> bool:
    before, after = sentence[: found.start()], sentence[found.end() :]
    if _is_denied(before) or _DENIED_AFTER.match(after):
        return True
    if topic == "cancer" and _NOT_MALIGNANT.search(sentence):
        return True
    return topic in ("cancer", "risk") and _FAMILY.search(before) is not None


def _is_denied(before: str) -> bool:
    """Whether the last denial before a phrase reaches it: few words away, and no new statement in between."""
    denials = list(_DENIAL.finditer(before))
    if not denials:
        return False
    between = before[denials[-1].end() :]
    return len(between.split()) <= _REACH and not _NEW_STATEMENT.search(between)


def topics_of(concepts: Iterable[str]) -> frozenset[str]:
    """Return the topics that coded concepts settle, so that their own words raise no question a second time."""
    return frozenset(topic for concept in concepts for topic, starts in _SETTLED.items() if concept.startswith(starts))


_SETTLED: dict[str, tuple[str, ...]] = {
    "ces": ("cauda_equina", "bladder_", "bowel_", "saddle_", "sensory_"),
    "motor": ("motor_", "neuro_"),
    "cord": ("cord_",),
    "infection": ("spinal_infection", "bacteraemia", "fever"),
    "cancer": ("cancer_", "family_history_cancer", "plexopathy"),
    "risk": (
        "weight_loss",
        "night_sweats",
        "ivdu",
        "immunosuppress",
        "hiv",
        "osteoporosis",
        "fragility",
        "steroid_",
        "family_history_cancer",
    ),
    "trauma": ("trauma_", "fragility_fracture", "lbp_strain", "osteoporosis", "cancer_metastatic"),
    "surgery": ("prior_", "history_of_surgery", "implant_"),
    "implant": ("implant_", "retained_metal", "external_pump", "device_external", "prior_"),
}
