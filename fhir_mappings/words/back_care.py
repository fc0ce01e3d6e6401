"""What names back pain and its treatment in words: enough to leave a question open, never to answer one.

An earlier visit for "low back pain" or a "physical therapy session" is a contact or a treatment whoever coded it. Words
prove neither how long nor whether it helped, so they state no concept; but where a rule reads a gap in the record as a
fact, they fill it.
"""

from __future__ import annotations

import re
from typing import Final

from fhir_mappings.words.matcher import affirms, said_now
from fhir_mappings.words.tokens import remembered

_DISC: Final = r"dis[ck]s?"
_PAIN: Final = re.compile(
    r"\b(?:back (?:pain|ache|strain|sprain|spasms?|problems?|troubles?|injury|discomfort|stiffness)|backaches?"
    r"|(?:pain|ache|spasms?|stiffness) (?:\w+ ){0,3}(?:back|spine)|c?lbp|lumbago|lumbalgia|sciatica|radicul\w+"
    r"|lumb\w+ (?:\w+ )?(?:pain|strain|sprain|syndrome|stenosis|spondyl\w+|dis[ck]s?)|spinal stenosis|spondylosis"
    rf"|slipped {_DISC}|(?:prolapsed|herniated|bulging|degenerative) (?:\w+ )?(?:{_DISC}|nucleus)"
    rf"|{_DISC} (?:\w+ )?(?:herniation|bulge|bulging|protrusion|prolapse|extrusion|degeneration|disease)"
    r"|facet (?:joint )?(?:pain|syndrome|arthr\w+)|failed back)\b"
)
_CHRONIC_PAIN: Final = re.compile(r"\bchronic (?:\w+ ){0,3}(?:pain|lumbago|sciatica|radiculopathy)\b")
_CHRONIC: Final = re.compile(r"\bchronic\b")
_CARE: Final = re.compile(
    r"\b(?:physical therap\w+|physio\w*|pt (?:eval\w*|re-?eval\w*|visits?|sessions?|treatments?)|therapeutic exercises?"
    r"|exercise (?:therapy|program\w*)|rehab\w*|aquatic therapy|chiropract\w*|osteopathic manip\w+|spinal manip\w+"
    r"|manual therapy|acupuncture|massage|traction|back school|epidural(?: \w+){0,3}|esi|transforaminal(?: \w+){0,3}"
    r"|(?:facet|nerve|nerve root|medial branch) (?:joint )?(?:injections?|blocks?)|radiofrequency (?:\w+ )?ablation"
    r"|trigger point\w*|spin(?:e|al) (?:injections?|clinic|cent(?:er|re))|pain (?:clinic|management|medicine))\b"
)
# Both sides, and pain or numbness that runs down both legs, as notes have them.
BOTH_SIDES: Final = r"\b(?:bilat\w*|both|ble|b ?/ ?l(?:e|les)?)(?!\w)"
BOTH_LEGS: Final = re.compile(
    rf"{BOTH_SIDES} (?:\w+ ){{0,2}}"
    r"(?:sciatica|radic\w*|(?:leg|legs|le|lower extremity|lower limb) (?:pain|symptoms|sx|numb\w*|tingling))\b"
    r"|\bble (?:pain|symptoms|sx|radic\w*|numb\w*|tingling)\b"
    r"|\bboth (?:legs|feet) (?:\w+ ){0,2}(?:numb\w*|tingl\w+)"
    r"|\b(?:sciatica|radic\w*|leg pain|le pain|radiat\w+|shooting)\W+(?:\w+ ){0,4}"
    rf"(?:bilat\w*|b/l|ble|both (?:legs|sides|lower|les?))(?!\w)"
    r"|\b(?:pain|numb\w*|tingling) (?:\w+ ){0,3}(?:both (?:legs|feet)|b/l legs?|ble)\b"
)
# What of the body is not the low back, unless the back is named beside it.
_ELSEWHERE: Final = re.compile(
    r"\b(?:cervical|neck|thoracic|shoulders?|arms?|elbows?|wrists?|hands?|fingers?|hips?|knees?|ankles?|feet|foot"
    r"|pelvic|abdom\w+|chest|head|face|facial|jaw|pregnan\w+|cardiac|pulmonary|vestibular|speech|stroke|alcohol"
    r"|substance|labou?r)\b"
)
_BACK: Final = re.compile(r"\b(?:back|lumb\w+|l-?spine|spine|spinal|sciatica|lbp)\b")
# Analgesics beside those of the value sets; by their names alone.
_PAIN_DRUG: Final = re.compile(
    r"\b(?:oxycodone|hydrocodone|codeine|morphine|hydromorphone|oxymorphone|tapentadol|fentanyl|buprenorphine|methadone"
    r"|meperidine|paracetamol|metamizole|dipyrone|diazepam|amitriptyline|nortriptyline|lidocaine|capsaicin|percocet"
    r"|oxycontin|roxicodone|vicodin|norco|lortab|dilaudid|nucynta|butrans|belbuca|etoricoxib|dexketoprofen)\b"
)
_SPINE_SURGEON: Final = re.compile(
    r"\b(?:neurosurg\w+|(?:spine|spinal|back|lumbar) (?:\w+ )?surg\w+|ortho\w* (?:\w+ )?(?:surg\w+|spine)"
    r"|orthop(?:a)?edic(?:s| surgeons?)|surgeon\w* (?:\w+ ){0,3}(?:spine|back)"
    r"|(?:lumbar|spinal|spine|l\d\S*) (?:\w+ ){0,2}(?:decompression|fusion|laminectomy|dis[ck]ectomy|arthrodesis)"
    r"|(?:micro)?dis[ck]ectomy|laminectomy|laminotomy)\b"
)
_INTERVENTIONIST: Final = re.compile(
    r"\b(?:pain (?:clinic|management|medicine|specialists?|service|center|centre)|interventional (?:pain|spine)"
    r"|epidural (?:\w+ )?injections?|(?:facet|nerve root|medial branch|transforaminal) (?:\w+ )?(?:injections?|blocks?)"
    r"|radiofrequency (?:\w+ )?ablation|spinal cord stimulat\w+)\b"
)


def names_back_pain(text: str) -> bool:
    """Whether a text tells of pain of the low back or of what is treated like it, without denying it."""
    return _says(text, _PAIN)


def says_both_legs(text: str) -> str:
    """Return the words by which a text tells of pain in both legs now; empty where it does not."""
    return said_now(text, BOTH_LEGS)


def names_back_care(text: str) -> bool:
    """Whether a text tells of a treatment that may have been for the back."""
    return _says(text, _CARE)


def names_chronic_pain(text: str) -> bool:
    """Whether a text tells of pain that has lasted long, of the back or of no named place."""
    return _says(text, _CHRONIC_PAIN)


def says_chronic(text: str) -> bool:
    """Whether a text calls something chronic."""
    return affirms(text.casefold(), _CHRONIC)


def names_pain_drug(name: str) -> bool:
    """Whether the name of a drug is that of an analgesic which no value set holds."""
    return _PAIN_DRUG.search(name.casefold()) is not None


def referral_concept(text: str) -> str:
    """Return the concept of a referral by its name: to a surgeon of the spine, or for an intervention; else nothing."""
    if _says(text, _SPINE_SURGEON):
        return "surgery_candidate"
    return "intervention_candidate" if _says(text, _INTERVENTIONIST) else ""


@remembered
def _says(text: str, pattern: re.Pattern[str]) -> bool:
    """Whether a text affirms a pattern, and not of another part of the body alone."""
    said = text.casefold()
    return affirms(said, pattern) and (not _ELSEWHERE.search(said) or bool(_BACK.search(said)))
