"""The guideline as a whole: its identity, its outcomes, and every message it can give."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

GUIDELINE_ID = "lumbar-spine-mri"
GUIDELINE_VERSION = "1.2.0"
GUIDELINE_URL = f"https://lumbar-mri-cds.org/fhir/PlanDefinition/{GUIDELINE_ID}"


class Outcome(StrEnum):
    """What the guideline says of one order, in the order in which the classes are tried."""

    EMERGENCY = "EMERGENCY"
    CONTRAINDICATED = "CONTRAINDICATED"
    SAFETY_HOLD = "SAFETY_HOLD"
    URGENT = "URGENT"
    PROTOCOL_CHANGE = "PROTOCOL_CHANGE"
    APPROPRIATE = "APPROPRIATE"
    NOT_APPROPRIATE = "NOT_APPROPRIATE"
    NO_CRITERIA_APPLY = "NO_CRITERIA_APPLY"
    CANNOT_DETERMINE = "CANNOT_DETERMINE"
    OUT_OF_SCOPE = "OUT_OF_SCOPE"
    SERVICE_DEGRADED = "SERVICE_DEGRADED"


class Indicator(StrEnum):
    """CDS Hooks card indicators, the most pressing first."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class MessageType:
    """What is fixed of a message: how pressing it is by default, what it implements and what it cites.

    `statements` are ids of the guidance's statements, `citations` and `overrides` keys of the wording catalogue.
    `lead` is False for texts that only ever accompany another message.
    """

    id: str
    indicator: Indicator
    statements: tuple[str, ...]
    citations: tuple[str, ...] = ("guidance",)
    overrides: tuple[str, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    lead: bool = True


_CRITICAL, _WARNING, _INFO = Indicator.CRITICAL, Indicator.WARNING, Indicator.INFO
_IN_PLACE = ("known-other-cause", "already-imaged")
_NOT_NOW = ("duration-not-coded", "red-flag-not-coded", "expert-contradicts")
_PROTOCOL = ("expert-contradicts", "policy-contradicts", "already-imaged")

MESSAGE_TYPES: tuple[MessageType, ...] = (
    MessageType(
        "C-EMERG-CES",
        _CRITICAL,
        ("S02", "S02a", "S02b", "S02c"),
        ("guidance", "acr-v4", "acp-2011"),
        _IN_PLACE,
        (Outcome.EMERGENCY,),
    ),
    MessageType(
        "C-EMERG-CORD",
        _CRITICAL,
        ("S04b", "S03a"),
        ("guidance", "acr-v7", "acp-2011"),
        _IN_PLACE,
        (Outcome.EMERGENCY,),
    ),
    MessageType("C-URG-NEURO", _CRITICAL, ("S03a", "S03b"), ("guidance", "acp-2011"), _IN_PLACE, (Outcome.URGENT,)),
    MessageType(
        "C-URG-INFECT", _CRITICAL, ("S04a",), ("guidance", "acr-v7", "idsa-2015"), _IN_PLACE, (Outcome.URGENT,)
    ),
    MessageType("C-URG-CANCER", _CRITICAL, ("S04b",), ("guidance", "acr-v7"), _IN_PLACE, (Outcome.URGENT,)),
    MessageType("C-URG-TRAUMA", _WARNING, ("S04c", "S08a"), ("guidance",), _IN_PLACE, (Outcome.URGENT,)),
    MessageType("C-V7-RISK", _WARNING, ("S04a", "S04b"), ("guidance", "acr-v7"), _PROTOCOL, (Outcome.APPROPRIATE,)),
    MessageType(
        "C-MR-UNSAFE",
        _CRITICAL,
        ("S07a", "S08a", "S08b"),
        ("guidance",),
        ("device-cleared", "already-imaged"),
        (Outcome.CONTRAINDICATED,),
    ),
    MessageType(
        "C-MR-HOLD",
        _CRITICAL,
        ("S07a", "S08a", "S08b"),
        ("guidance",),
        ("device-cleared", "already-imaged"),
        (Outcome.SAFETY_HOLD,),
    ),
    MessageType("C-MR-COND", _WARNING, ("S07a",), ("guidance",), ("device-cleared",), (Outcome.PROTOCOL_CHANGE,)),
    MessageType("C-MR-UNKNOWN", _WARNING, ("S07a",), ("guidance",), ("device-cleared",), (Outcome.PROTOCOL_CHANGE,)),
    MessageType("C-MR-ARTIFACT", _INFO, ("S07b", "S08a", "S08b"), ("guidance",), (), (Outcome.PROTOCOL_CHANGE,)),
    MessageType(
        "C-CONTRAST-ADD",
        _WARNING,
        ("S10a", "S10b", "S10c"),
        ("guidance", "acr-contrast"),
        _PROTOCOL,
        (Outcome.PROTOCOL_CHANGE,),
    ),
    MessageType(
        "C-CONTRAST-DROP",
        _WARNING,
        ("S09", "S09a", "S09b"),
        ("guidance", "acr-v3"),
        _PROTOCOL,
        (Outcome.PROTOCOL_CHANGE,),
    ),
    MessageType(
        "C-CONTRAST-SAFETY",
        _WARNING,
        (),
        ("acr-nkf-2021",),
        ("policy-contradicts", "expert-contradicts"),
        (Outcome.PROTOCOL_CHANGE,),
    ),
    MessageType(
        "C-APPROP-6W", _INFO, ("S05", "S05a", "S05b", "S05c"), ("guidance", "acr-v3"), (), (Outcome.APPROPRIATE,)
    ),
    MessageType("C-APPROP-UNCERTAIN-DX", _INFO, ("S06a", "S06b"), ("guidance",), (), (Outcome.APPROPRIATE,)),
    MessageType("C-APPROP-PRIOR-SURG", _INFO, ("S10b",), ("guidance", "acr-v5"), (), (Outcome.APPROPRIATE,)),
    MessageType("C-APPROP-V6", _INFO, ("S04c",), ("guidance", "acr-v6"), (), (Outcome.APPROPRIATE,)),
    MessageType(
        "C-NOTAPP-6W",
        _WARNING,
        ("S01", "S05a"),
        ("guidance", "acr-v1", "choosing-wisely"),
        _NOT_NOW,
        (Outcome.NOT_APPROPRIATE,),
    ),
    MessageType(
        "C-INFO-NEED",
        _WARNING,
        ("S01", "S05a"),
        ("guidance",),
        _NOT_NOW,
        (Outcome.CANNOT_DETERMINE, Outcome.OUT_OF_SCOPE),
    ),
    MessageType("C-DUP", _INFO, (), ("acp-2011",), ("clinical-change", "already-imaged")),
    MessageType("C-UPRIGHT", _INFO, ("S13a", "S13b", "S13c"), ("guidance",), lead=False),
    MessageType("C-CLAUSTRO", _INFO, (), (), lead=False),
    MessageType(
        "C-PITFALL", _INFO, ("S11a", "S11b", "S11c", "S12a", "S12b", "S12c", "S12d"), ("guidance",), lead=False
    ),
    MessageType("C-EDU", _INFO, ("S14a", "S14b"), ("guidance",), lead=False),
    MessageType("C-DEGRADED", _WARNING, (), (), ("need-more-info",), (Outcome.SERVICE_DEGRADED,)),
)
MESSAGES: dict[str, MessageType] = {message.id: message for message in MESSAGE_TYPES}
POSITION: dict[str, int] = {message.id: position for position, message in enumerate(MESSAGE_TYPES)}

# Statements that apply to one variant of a message only: the others of its statements apply to all.
_OF_VARIANT: dict[str, dict[str, str]] = {
    "C-CONTRAST-ADD": {
        "surgery": "S10b",
        "nondiagnostic": "S10a",
        "infection": "S10c",
        "cancer": "S10c",
        "inflammation": "S10c",
        "immune": "S10c",
    },
    "C-APPROP-6W": {"root_signs": "S05b"},
}


def statements_of(message: str, variants: tuple[str, ...]) -> tuple[str, ...]:
    """Return the statements that a message rests on, given the variants that apply."""
    special = _OF_VARIANT.get(message, {})
    said = {special[variant] for variant in variants if variant in special}
    return tuple(name for name in MESSAGES[message].statements if name in said or name not in special.values())


# The footer of every card: clinical judgement prevails, and no clinician has reviewed the content yet.
FOOTER_STATEMENT = "S15"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that is no criterion of its own: it says what to do with findings, or goes with a message."""

    id: str
    title: str
    statements: tuple[str, ...]
    messages: tuple[str, ...]


RULES: tuple[Rule, ...] = (
    Rule("R-6W-YES", "The order fits after six weeks", ("S05", "S05a", "S05b", "S05c"), ("C-APPROP-6W",)),
    Rule(
        "R-MR-SEED-READING",
        "Which implants forbid the scan",
        ("S07a",),
        ("C-MR-UNSAFE", "C-MR-HOLD", "C-MR-COND"),
    ),
    Rule(
        "R-ALT-CT",
        "CT instead of MRI",
        ("S08a",),
        ("C-MR-UNSAFE", "C-MR-HOLD", "C-MR-ARTIFACT", "C-URG-TRAUMA"),
    ),
    Rule("R-ALT-MYELO", "CT myelography instead of MRI", ("S08b",), ("C-MR-UNSAFE", "C-MR-HOLD", "C-MR-ARTIFACT")),
    Rule("R-CON-WO", "Without contrast unless there is a reason", ("S09", "S09a", "S09b"), ("C-CONTRAST-DROP",)),
    Rule(
        "R-CORR",
        "What a picture does not tell",
        ("S11a", "S11b", "S11c", "S12a", "S12b", "S12c", "S12d"),
        ("C-PITFALL",),
    ),
    Rule("R-EDU", "What to tell the patient", ("S14a", "S14b"), ("C-EDU",)),
    Rule("R-DEG", "Part of the record could not be read", (), ("C-DEGRADED", "C-INFO-NEED")),
)

# The messages that a criterion can lead to: by being met, or by the question it leaves open.
LEADS_TO: dict[str, tuple[str, ...]] = {
    "R-SCOPE": ("C-INFO-NEED",),
    "R-IND": ("C-INFO-NEED",),
    "R-AGE": ("C-APPROP-V6", "C-INFO-NEED"),
    "R-CES": ("C-EMERG-CES", "C-INFO-NEED"),
    "R-BILAT": ("C-INFO-NEED", "C-EMERG-CES"),
    "R-MIMIC": ("C-INFO-NEED",),
    "R-CORD": ("C-EMERG-CORD", "C-INFO-NEED"),
    "R-MOTOR": ("C-URG-NEURO", "C-EMERG-CORD", "C-INFO-NEED"),
    "R-MULTI": ("C-URG-NEURO", "C-EMERG-CES"),
    "R-INFECT": ("C-URG-INFECT", "C-CONTRAST-ADD", "C-INFO-NEED"),
    "R-CANCER": ("C-URG-CANCER", "C-EMERG-CORD", "C-CONTRAST-ADD", "C-INFO-NEED"),
    "R-TRAUMA": ("C-URG-TRAUMA", "C-INFO-NEED"),
    "R-V6": ("C-APPROP-V6", "C-INFO-NEED"),
    "R-V7": ("C-V7-RISK", "C-CONTRAST-ADD", "C-INFO-NEED"),
    "R-HINT": ("C-INFO-NEED",),
    "R-UNREAD": ("C-INFO-NEED",),
    "R-DATE": ("C-INFO-NEED",),
    "R-EPISODE": ("C-NOTAPP-6W", "C-APPROP-6W", "C-INFO-NEED"),
    "R-6W-NO": ("C-NOTAPP-6W", "C-INFO-NEED"),
    "R-FIRST": ("C-NOTAPP-6W", "C-INFO-NEED"),
    "R-PRIORITY": ("C-INFO-NEED",),
    "R-SPECIALIST": ("C-INFO-NEED",),
    "R-FAIL6W": ("C-APPROP-6W", "C-APPROP-UNCERTAIN-DX", "C-INFO-NEED"),
    "R-DX": ("C-APPROP-UNCERTAIN-DX", "C-INFO-NEED"),
    "R-POSTOP-EARLY": ("C-URG-NEURO", "C-URG-INFECT", "C-EMERG-CES"),
    "R-CANDIDATE": ("C-APPROP-6W", "C-INFO-NEED"),
    "R-MR": ("C-MR-UNSAFE", "C-MR-HOLD", "C-MR-COND", "C-MR-UNKNOWN"),
    "R-ARTIFACT": ("C-MR-ARTIFACT",),
    "R-CON-NONDIAG": ("C-CONTRAST-ADD",),
    "R-CON-POSTOP": ("C-APPROP-PRIOR-SURG", "C-CONTRAST-ADD", "C-INFO-NEED"),
    "R-CON-MIT": ("C-CONTRAST-ADD",),
    "R-CON-SAFE": ("C-CONTRAST-SAFETY",),
    "R-PREG": ("C-CONTRAST-SAFETY", "C-INFO-NEED"),
    "R-DUP": ("C-DUP",),
    "R-UPRIGHT": ("C-UPRIGHT",),
    "R-CLAUS": ("C-CLAUSTRO",),
}

# The suggestions that a message can bring, as keys of the wording catalogue; `remove` stands in for one whose order is
# among the drafts already, or that an old client could not take.
_ALTERNATIVES = ("myelography-instead", "ct-instead", "remove")
_WHEN_HELD = ("myelography-beside", "ct-beside")
OFFERS: dict[str, tuple[str, ...]] = {
    "C-EMERG-CES": ("raise-priority", "add-contrast", "whole-spine-instead", *_WHEN_HELD, *_ALTERNATIVES),
    "C-EMERG-CORD": (
        "raise-priority",
        "add-contrast",
        "whole-spine",
        "whole-spine-instead",
        *_WHEN_HELD,
        *_ALTERNATIVES,
    ),
    "C-URG-NEURO": ("raise-priority", "add-contrast", "whole-spine-instead"),
    "C-URG-INFECT": ("raise-priority", "add-contrast", "labs-and-cultures"),
    "C-URG-CANCER": ("raise-priority", "add-contrast"),
    "C-URG-TRAUMA": ("ct-instead", "radiograph", "remove"),
    "C-V7-RISK": ("labs", "radiograph", "whole-spine-instead"),
    "C-MR-UNSAFE": _ALTERNATIVES,
    "C-MR-HOLD": ("ct-beside", "myelography-beside", "remove"),
    "C-CONTRAST-ADD": ("add-contrast",),
    "C-CONTRAST-DROP": ("drop-contrast",),
    "C-APPROP-UNCERTAIN-DX": ("plexus",),
    "C-APPROP-V6": ("radiograph",),
    "C-NOTAPP-6W": ("redate", "therapy-instead", "remove"),
    "C-INFO-NEED": ("therapy-instead", "therapy-beside", "radiograph", "remove"),
    "C-DUP": ("remove",),
    "C-UPRIGHT": ("standing-radiograph",),
}
