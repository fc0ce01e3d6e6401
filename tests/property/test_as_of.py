"""Laws of the chart of then, over any records: the future changes nothing, and the present is as it is."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cds_service.replay.as_of import as_of
from cds_service.replay.moments import of_day
from cds_service.replay.records import read_records

TODAY = date(2026, 6, 2)
SUBJECT = {"reference": "Patient/p"}
DATED = {
    "Condition": ("recordedDate", "onsetDateTime"),
    "Observation": ("issued", "effectiveDateTime"),
    "Procedure": ("performedDateTime",),
    "MedicationRequest": ("authoredOn",),
    "MedicationStatement": ("dateAsserted", "effectiveDateTime"),
    "DiagnosticReport": ("issued", "effectiveDateTime"),
    "ImagingStudy": ("started",),
    "AllergyIntolerance": ("recordedDate",),
    "QuestionnaireResponse": ("authored",),
    "ServiceRequest": ("authoredOn",),
}


def days(earliest: int, latest: int) -> st.SearchStrategy[date]:
    """Return days by their distance from today."""
    return st.integers(earliest, latest).map(lambda away: TODAY + timedelta(days=away))


@st.composite
def records(draw: st.DrawFn, earliest: int, latest: int) -> dict[str, Any]:
    """Return a record all of whose dates lie between two distances from today."""
    kind = draw(st.sampled_from(sorted(DATED)))
    at = draw(days(earliest, latest))
    written = draw(st.sampled_from([at.isoformat(), f"{at}T10:30:00Z", f"{at}T23:59:59+02:00"]))
    element = draw(st.sampled_from(DATED[kind]))
    name = f"{earliest}-{draw(st.integers(0, 5))}"
    found = {"resourceType": kind, "id": name, "subject": SUBJECT, element: written}
    if draw(st.booleans()):
        found["meta"] = {"lastUpdated": f"{draw(days(max(earliest, (at - TODAY).days), latest))}T12:00:00Z"}
    if kind == "Condition" and draw(st.booleans()):
        found["abatementDateTime"] = draw(days((at - TODAY).days, latest)).isoformat()
    return found


def chart(*resources: dict[str, Any]) -> list[str]:
    """Return the chart of today's end as texts."""
    lines = [json.dumps(resource).encode() for resource in resources]
    then = as_of(read_records(lines), of_day(TODAY))
    return sorted(json.dumps(json.loads(line), sort_keys=True) for found in then.resources.values() for line in found)


@given(st.lists(records(-2000, 0)), st.lists(records(2, 2000)))
def test_later_records_change_nothing(known: list[dict[str, Any]], later: list[dict[str, Any]]) -> None:
    """What was recorded and changed after a day leaves the chart of that day as it is."""
    assert chart(*known, *later) == chart(*known)


@given(st.lists(records(-2000, 0), unique_by=lambda found: (found["resourceType"], found["id"])))
def test_on_the_day_itself_nothing_is_changed(known: list[dict[str, Any]]) -> None:
    """A chart of which nothing is of later is the chart that was exported, byte for byte as data."""
    assert chart(*known) == sorted(json.dumps(found, sort_keys=True) for found in known)


@given(st.lists(records(-400, 400)), st.randoms())
def test_arrival_changes_nothing(known: list[dict[str, Any]], chance: Any) -> None:
    """Files and lines come in any order, and some twice."""
    mixed = [*known, *known[:3]]
    chance.shuffle(mixed)
    assert chart(*mixed) == chart(*known)
