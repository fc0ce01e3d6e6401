"""What could not be looked at: the state of each source in words, and which rows of the timeline it leaves open.

An empty row says "nothing recorded" only where its sources were read whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cds_service.pages.demo.timeline import Lane
from fhir_mappings.criteria.episode import THERAPY_SOURCES
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.sources import SourceState
from fhir_mappings.terminology import concepts as groups

if TYPE_CHECKING:
    from cards.guideline.wording import Wording
    from fhir_mappings.chart.chart import Chart

STATE_WORDS: Final[Mapping[SourceState, str]] = {
    SourceState.NOT_PROVIDED: "not sent",
    SourceState.NOT_OFFERED: "not offered",
    SourceState.UNAVAILABLE: "could not be read",
    SourceState.PARTIAL: "read in part",
}

_SOURCES: Final[Mapping[Lane, tuple[str, ...]]] = {
    Lane.SYMPTOM: groups.FINDINGS,
    Lane.RED_FLAG: (*groups.FINDINGS, "Procedure", *groups.DRUGS),
    Lane.THERAPY: THERAPY_SOURCES,
    Lane.IMPLANT: ("Device", "DeviceUseStatement", "Procedure", *groups.PROBLEMS),
    Lane.IMAGING: ("DiagnosticReport", "ImagingStudy", "Procedure"),
}

_ORDER: Final = tuple(need.resource_type for need in DATA_NEEDS)


@dataclass(frozen=True, slots=True)
class OpenLane:
    """A kind of row that may lack records, and why: "conditions could not be read; devices not sent"."""

    lane: str
    why: str


def open_lanes(chart: Chart, wording: Wording) -> tuple[OpenLane, ...]:
    """Return the kinds of rows of which a source was not read whole, in the order of the picture."""
    missing = {lane: chart.incomplete(sources) for lane, sources in _SOURCES.items()}
    return tuple(OpenLane(lane.value, _why(chart, names, wording)) for lane, names in missing.items() if names)


def not_read_whole(chart: Chart, wording: Wording) -> str:
    """Return every source of the timeline that was not read whole, with the reason; empty where all were."""
    sources = dict.fromkeys(name for names in _SOURCES.values() for name in names)
    return _why(chart, chart.incomplete(sources), wording)


def _why(chart: Chart, names: tuple[str, ...], wording: Wording) -> str:
    by_state: dict[str, list[str]] = {}
    for name in sorted(names, key=_ORDER.index):
        by_state.setdefault(STATE_WORDS[chart.state(name)], []).append(wording.find("sources", name, default=name))
    return "; ".join(f"{', '.join(found)} {state}" for state, found in by_state.items())
