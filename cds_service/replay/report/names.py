"""The names that a report gives to what stands in the rows: messages, outcomes, concepts, codes, sources.

Displays come from the bundled value sets and the wording catalogue; what a sender called something is never shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

from cards.guideline.guideline import RULES
from cards.guideline.wording import Wording, load_wording
from fhir_mappings.criteria.registry import CRITERIA
from fhir_mappings.terminology.index import TerminologyIndex, bundled_value_sets

KINDS: Final = {
    "red-flag": "A red flag diagnosed",
    "surgery": "An operation on the spine",
    "admission": "A stay in hospital or an emergency visit",
}
# HL7 ActEncounterCode, as far as they are stays.
_CLASSES: Final = {
    "EMER": "emergency visit",
    "IMP": "inpatient stay",
    "ACUTE": "inpatient stay, acute",
    "NONAC": "inpatient stay, not acute",
    "OBSENC": "observation stay",
}
_ORIGINS: Final = {
    "ServiceRequest": "orders",
    "ImagingStudy": "imaging studies that stand for their orders",
    "Procedure": "procedures that stand for their orders",
    "what-if": "visits for back pain, each as if a lumbar MRI had been ordered there",
}
_LEFT_OUT: Final = {
    "entered-in-error": "entered in error",
    "cancelled": "cancelled",
    "never-signed": "never signed",
    "no-order": "no order: a proposal, a plan, or not to be done",
    "part-of-another-order": "part of another order",
    "not-done": "not done",
    "told-twice": "told twice, as a study and as a procedure",
    "undated": "without a day",
    "before-since": "before the first day asked for",
    "another-patient": "of another patient",
    "not-recognised": "not recognised when read again",
}
_THRESHOLDS: Final = {"conservative_care": "Conservative care, days", "elderly_age": "Age, years"}
NOT_KNOWN: Final = "not in the data"


@dataclass(frozen=True, slots=True)
class Names:
    """Names in the language of one catalogue."""

    wording: Wording
    index: TerminologyIndex

    def message(self, message: str) -> str:
        """Return the title of a message."""
        return self.wording.find("messages", message, "title", default=message)

    def outcome(self, outcome: str) -> str:
        """Return the short name of an outcome."""
        return outcome.replace("_", " ").capitalize()

    def meaning(self, outcome: str) -> str:
        """Return what an outcome means, in one sentence."""
        return self.wording.find("outcomes", outcome).partition(". ")[0].rstrip(".")

    def source(self, source: str) -> str:
        """Return what a resource type holds."""
        found = "draft order" if source == "Order" else self.wording.find("sources", source, default=source)
        return found[:1].upper() + found[1:]

    def code(self, code: str) -> str:
        """Return `system|code` with the name of the system, and the display where a value set knows it."""
        if not code:
            return NOT_KNOWN
        system, _, value = code.rpartition("|")
        known = min(self.index.concepts_of(system, value), default="")
        display = f" {self.index.display_of(known, system, value)}" if known else ""
        return f"{self.wording.find('systems', system, default=system)} {value}{display}".strip()

    def event(self, kind: str, what: str) -> str:
        """Return what happened later."""
        if kind == "admission":
            return _CLASSES.get(what, what)
        return self.wording.find("concepts", what, default=what.replace("_", " "))

    def origin(self, origin: str) -> str:
        """Return what stood for the orders."""
        return _ORIGINS.get(origin, origin)

    def left_out(self, reason: str) -> str:
        """Return why an order was not replayed."""
        if reason.startswith("without-"):
            return f"its {self.source(reason.removeprefix('without-')).lower()} is not in the data"
        if reason.startswith("at-"):
            return f"assessed at {reason.removeprefix('at-')}"
        return _LEFT_OUT.get(reason, reason)

    def threshold(self, threshold: str) -> str:
        """Return what a threshold is about."""
        return _THRESHOLDS.get(threshold, threshold.replace("_", " "))

    def criterion(self, criterion: str) -> str:
        """Return the title of a criterion or a rule."""
        titles = {item.id: item.title for item in CRITERIA} | {item.id: item.title for item in RULES}
        return titles.get(criterion, criterion)


@cache
def names(language: str = "en") -> Names:
    """Return the names in a language; the bundled value sets are read once."""
    return Names(load_wording(language), TerminologyIndex.from_directory(bundled_value_sets(), is_ours=True))
