"""Hints in free text: a small phrase matcher with negation, doubt and family scope.

Text is never evidence. It may raise a question, and it may keep "not appropriate" from being said; it never fires
an emergency and never reassures. So the matcher leans one way: whatever is not clearly denied, or clearly about
somebody else, is a hint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

TOPICS: dict[str, str] = {
    "ces": r"cauda equina|saddle|peri-?anal|perine(?:al|um)|genital\w*|groin numbness|ces"
    r"|difficult(?:y|ies) (?:urinating|voiding|passing urine)|numb(?:ness)? between (?:the |his |her )?legs"
    r"|when wiping"
    r"|urinary retention|retention of urine|incontinen\w*"
    r"|(?:bladder|bowel|sphincter)s?|anal tone|(?:unable to|cannot|can't) (?:urinate|void|pass urine)",
    "motor": r"foot[- ]drop|drop[- ]foot|weak(?:ness|er|ening)?|\w*paresis|\w*pleg\w*|paralys\w+|motor deficits?"
    r"|giving way|(?:unable to|cannot|can't|can not) (?:lift|move|walk|stand)",
    "cord": r"myelopath\w+|cord compression|cord lesions?",
    "infection": r"discitis|osteomyelitis|epidural abscess(?:es)?|fever\w*|febrile|septic|sepsis|bacter(?:a)?emi\w+"
    r"|endocarditis|spinal infections?|chills|temp(?:erature)? (?:of )?(?:3[89]|4[0-2])",
    "cancer": r"cancers?|malignan\w+|metasta\w+|carcinomas?|lymphomas?|myelomas?|leuk(?:a)?emi\w+|sarcomas?"
    r"|melanomas?|tumou?rs?|neoplas\w+|chemo\w*|radiotherapy"
    r"|(?:breast|prostate|lung|colon|renal|kidney|thyroid) ca",
    "risk": r"(?:weight|wt) loss|losing weight|night sweats|(?:iv|intravenous|injection|injecting) drugs?|ivd[ua]"
    r"|immuno(?:suppress\w*|compromised|deficien\w+)|hiv|transplant\w*|osteoporo\w+"
    r"|(?:chronic|long[- ]term) steroids?|on steroids?|prednis(?:one|olone)",
    "trauma": r"falls?|fell|fallen|mv[ac]|motor vehicle|car accident|accidents?|trauma\w*|fractur\w*|injur\w+",
    "surgery": r"laminectom\w+|dis[ck]ectom\w+|spin(?:al|e) (?:fusions?|surger(?:y|ies))"
    r"|lumbar (?:fusions?|surger(?:y|ies))|post-?op(?:erative)?|post-?laminectomy",
    "implant": r"pacemakers?|defibrillators?|neuro-?stimulators?|(?:spinal(?: cord)?|nerve|brain) stimulators?|scs"
    r"|cochlear implants?|aneurysm clips?|(?:implanted|intrathecal) pumps?|ventricular assist|lvad|icd(?!-?\d)"
    r"|metal fragments?|shrapnel|bullets?",
}
_BY_TOPIC = {topic: re.compile(rf"\b(?:{words})\b") for topic, words in TOPICS.items()}
_ANY = re.compile(rf"\b(?:{'|'.join(TOPICS.values())})\b")

_SENTENCE = re.compile(r"[.;\n!]+|\bbut\b|\bhowever\b|\balthough\b|\bexcept\b|\byet\b")
# Denials that reach over a list ("denies fever, weakness, or numbness"), and those that need the list's "or" for it.
# "Not" is neither: "not improving", "not able to walk".
# A loss is no denial: "no control of the bladder", "without anal tone", "no feeling in the saddle area".
_NO_FINDING = r"(?! (?:better|worse|improve\w*|relief|change|longer|response|benefit|help|effect|success|resolution))"
_LOSS = r"(?! (?:\w+ )?(?:control|tone|sensation|feeling|power|strength|movement)\b)"
_LISTING = re.compile(
    rf"\b(?:den(?:ies|ied|ying)|(?:without|w/o)(?! warning){_NO_FINDING}{_LOSS}|negative for|absence of|free of"
    r"|no evidence of|neither|(?:does|did|do) not (?:have|report|complain)|has not had)\b"
)
_SINGLE = re.compile(rf"\b(?:no|never|nor)\b{_NO_FINDING}{_LOSS}")
# What ends the reach of a denial: a new statement in the same sentence.
_NEW_STATEMENT = re.compile(
    r"\b(?:has|have|had|reports?|complains?|presents?|presenting|with|now|new|worsening|progressive|positive|since"
    r"|because|due)\b"
)
_OWN_VERB = re.compile(r"\s*(?:had|has|have|any|been|reported|experienced|known|of)\b")
_OR = re.compile(r"\b(?:or|nor)\b")
_DENIED_AFTER = re.compile(
    r"\W*(?:is |was |has been |have been )?(?:ruled out|excluded|absent|negative|denied|not present)\b"
)
# What a phrase is followed by when it is affirmed, whatever was denied before it; and what takes a denial back.
_AFFIRMED_AFTER = re.compile(
    r"(?:\s+\w+){0,2}?\s*(?:(?:is |are |was )?(?:present|positive|confirmed)\b|\+|since\b|now\b|today\b|new\b"
    r"|started\b|began\b|\d)"
)
_TAKEN_BACK = re.compile(r"\b(?:later|now|subsequently|then|today|since)\b")
_FAMILY = re.compile(
    r"\b(?:family history|fam(?:ily)? hx|fhx?|mother|father|brother|sister|parents?|siblings?|aunt|uncle|cousin"
    r"|grand(?:mother|father|parents?)|son|daughter)\b"
)
_NOT_MALIGNANT = re.compile(
    r"\b(?:basal cell|benign|squamous cell carcinoma of (?:the )?skin|skin cancer|non-?melanoma)\b"
)
_REACH = 12  # words that a denial reaches


def may_hold_hint(text: str) -> bool:
    """Whether a text is worth keeping: a quick look, before negation is weighed."""
    return _ANY.search(_plain(text)) is not None


def hints_in(text: str) -> frozenset[str]:
    """Return the topics that a text raises without denying them or telling them of the family."""
    return frozenset(topic for sentence in _SENTENCE.split(_plain(text)) for topic in _in_sentence(sentence))


def _plain(text: str) -> str:
    """Return a text in small letters with single spaces; line ends stay, since they end a statement."""
    return "\n".join(" ".join(line.split()) for line in text.casefold().splitlines())


def affirms(text: str, phrase: re.Pattern[str]) -> bool:
    """Whether a text says a phrase without denying it in the same sentence."""
    return any(
        not _is_denied(sentence, found)
        for sentence in _SENTENCE.split(_plain(text))
        for found in phrase.finditer(sentence)
    )


def _in_sentence(sentence: str) -> Iterator[str]:
    for topic, pattern in _BY_TOPIC.items():
        if any(not _is_discounted(sentence, found, topic) for found in pattern.finditer(sentence)):
            yield topic


def _is_discounted(sentence: str, found: re.Match[str], topic: str) -> bool:
    if _is_denied(sentence, found):
        return True
    if topic not in ("cancer", "risk"):
        return False
    # Whose illness it is, and of what kind, is said between the same commas.
    start = sentence.rfind(",", 0, found.start()) + 1
    end = sentence.find(",", found.end())
    clause = sentence[start : end if end >= 0 else None]
    return bool(_FAMILY.search(clause)) or (topic == "cancer" and bool(_NOT_MALIGNANT.search(clause)))


def _is_denied(sentence: str, found: re.Match[str]) -> bool:
    """Whether a phrase is denied: right after it, or by a denial before it that reaches it."""
    after = sentence[found.end() :]
    if _DENIED_AFTER.match(after):
        return not _TAKEN_BACK.search(after)
    if _AFFIRMED_AFTER.match(after):
        return False
    # Searched in the whole sentence, since what follows a denial decides whether it is one.
    all_denials = [*_LISTING.finditer(sentence), *_SINGLE.finditer(sentence)]
    denials = [denial for denial in all_denials if denial.end() <= found.start()]
    if not denials:
        return False
    last = max(denials, key=lambda denial: denial.end())
    between = sentence[last.end() : found.start()]
    own = _OWN_VERB.match(between)
    between = between[own.end() :] if own else between
    if len(between.split()) > _REACH or _NEW_STATEMENT.search(between):
        return False
    if last.re is _LISTING or "," not in between:
        return True
    # "No fever, weakness" is a list of findings; "no prior surgery, weakness" is two statements.
    return bool(_ANY.search(between) or _OR.search(between) or _OR.search(after))
