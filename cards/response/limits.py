"""What an answer could not take into account, in words: for the explanation, since it seldom changes what to do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cards.decision.assessment import Assessment
from cards.guideline.wording import Wording
from cards.response.markdown import escape
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.sources import SourceState

_OF_IMPLANTS = ("Device", "DeviceUseStatement", "Procedure", "Condition", "Encounter", "Observation")


@dataclass(frozen=True, slots=True)
class Limits:
    """Writes the limits of one assessment in one language; by kind and number, never by content."""

    assessment: Assessment
    wording: Wording

    def sentences(self) -> Iterator[str]:
        """Yield what was not sent, read or offered, what was withheld, foreign or damaged, and the numbers changed."""
        chart = self.assessment.chart
        for heading, state in (
            ("not_sent", SourceState.NOT_PROVIDED),
            ("not_read", SourceState.UNAVAILABLE),
            ("partly_read", SourceState.PARTIAL),
            ("not_offered", SourceState.NOT_OFFERED),
        ):
            names = [need.resource_type for need in DATA_NEEDS if chart.state(need.resource_type) is state]
            if names:
                yield self.wording.text("card", heading, sources=named_sources(names, self.wording))
        if chart.withheld:
            yield self.wording.text("card", "withheld")
        yield from self.implants()
        if chart.foreign:
            yield self.wording.text("card", "foreign", sources=named_sources(chart.foreign, self.wording))
        if chart.damaged:
            yield self.wording.text("card", "damaged", count=len(chart.damaged))
        yield from self._changed_numbers()

    def implants(self) -> Iterator[str]:
        """Yield what the records leave open of implants; nothing where one is known."""
        if self.assessment.findings["R-MR"].evidence:
            return
        if self.assessment.chart.incomplete(("Device", "DeviceUseStatement", "Procedure")):
            yield self.wording.text("card", "no_device_records")
        else:
            open_to_one = leaves_open(self.assessment, _OF_IMPLANTS)
            yield self.wording.text("card", "no_implant_read" if open_to_one else "no_implant_data")

    def _changed_numbers(self) -> Iterator[str]:
        """Yield the numbers of the guideline that the site has changed."""
        profile = self.assessment.profile
        changes = [
            self.wording.text(
                "card",
                "site_change",
                name=change.name.replace("_", " "),
                value=change.new,
                unit=change.unit,
                usual=change.old,
            )
            for change in profile.thresholds.changes
        ]
        if changes:
            yield self.wording.text("card", "site", site=escape(profile.site), changes="; ".join(changes))


def leaves_open(assessment: Assessment, sources: Sequence[str]) -> bool:
    """Whether a record was not understood that could show what a sentence says was not found.

    What the table of diagnoses knows is understood: it is asked about, and is nothing else.
    """
    ledgers = (assessment.chart.ledger, assessment.order.ledger)
    return any(not line.span for ledger in ledgers for line in ledger.unrecognised(*sources, "Order"))


def named_sources(names: Sequence[str], wording: Wording) -> str:
    """Return the names of FHIR resource types as a clinician reads them."""
    return ", ".join(wording.find("sources", name, default=escape(name)) for name in names)
