"""The names that the insights give to the ids on record: from the wording catalogue and the guideline.

An id that a later version does not know any more keeps its numbers and stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

from cards.guideline.wording import Wording, load_wording
from fhir_mappings.fhir.needs import DATA_NEEDS

PHASES: Final[Mapping[str, str]] = {
    "total": "Whole call",
    "wait": "Waiting for its turn",
    "authenticate": "Checking who calls",
    "read": "Reading the request",
    "fetch": "Fetching from the FHIR server",
    "chart": "Reading the chart",
    "assess": "Applying the criteria",
    "respond": "Writing the answer",
    "recall": "Looking up what was answered",
    "store": "Storing feedback",
}

_PLACEHOLDER: Final = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True)
class InsightsWords:
    """Names in the language of one catalogue.

    `site_reasons` are our names of override reasons by the system and code that a client has in their place.
    """

    wording: Wording
    site_reasons: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def message(self, message: str) -> str:
        """Return the title of a message."""
        return self.wording.find("messages", message, "title", default=message)

    def outcome(self, outcome: str) -> str:
        """Return the short name of an outcome."""
        return outcome.replace("_", " ").capitalize()

    def outcome_meaning(self, outcome: str) -> str:
        """Return what an outcome means, or nothing."""
        return self.wording.find("outcomes", outcome)

    def suggestion(self, key: str) -> str:
        """Return the label of a suggestion, with an ellipsis for what differs from card to card."""
        label = self.wording.find("suggestions", key.partition("/")[0], "label", default=key)
        return _PLACEHOLDER.sub("…", label)

    def reason(self, code: str, system: str, display: str) -> str:
        """Return the words of an override reason: ours where it is ours or stands for it, else what the client sent."""
        if not code:
            return "No coded reason given"
        if ours := self.site_reasons.get((system, code)):
            return self.wording.text("overrides", ours, "display")
        for reason in self.wording.get("overrides").values():
            if (reason["code"], reason["system"]) == (code, system):
                return str(reason["display"])
        return display or code

    def knowing(self, site_reasons: Mapping[tuple[str, str], str]) -> InsightsWords:
        """Return the same names, and ours for the reasons that clients have codes of their own for."""
        return replace(self, site_reasons=site_reasons)

    def phase(self, phase: str) -> str:
        """Return what happens in a phase."""
        return PHASES.get(phase, phase)

    def source(self, key: str) -> str:
        """Return what stands under a prefetch key."""
        kinds = {need.key: need.resource_type for need in DATA_NEEDS}
        return self.wording.find("sources", kinds.get(key, ""), default=key).capitalize()


@cache
def insights_words(language: str = "en") -> InsightsWords:
    """Return the names in a language."""
    return InsightsWords(load_wording(language))
