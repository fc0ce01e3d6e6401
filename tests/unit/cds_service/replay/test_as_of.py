"""As of then: what counts at a moment, and what is taken back."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.replay.as_of import as_of
from cds_service.replay.moments import parse_moment
from cds_service.replay.records import read_records
from tests.protocol.builders import CPT, concept
from tests.unit.cds_service.replay.past import (
    DAY,
    PATIENT_RESOURCE,
    RESOLVED,
    condition,
    lines,
    past_order,
    record,
    study,
    then,
)

UNTIL_LATER = {"start": "2026-05-01", "end": "2026-06-09"}
PERIOD = {"start": "2026-06-02T09:00:00Z", "end": "2026-06-02T11:00:00Z"}


@pytest.mark.parametrize(
    ("resource", "is_there"),
    [
        (condition(recordedDate="2026-06-02"), True),
        (condition(recordedDate="2026-06-03"), False),
        (condition(recordedDate="2026-06-02T11:59:00Z"), True),
        (condition(recordedDate="2026-06-02T12:01:00Z"), False),
        (condition(recordedDate="2026-06-02T08:01:00-04:00"), False),
        (condition(recordedDate="2026-06-02T00:00:00Z"), True),  # midnight stands for the day
        (condition(recordedDate="2026-06"), True),  # may have been by then
        (condition(recordedDate="2026-07"), False),
        (condition(recordedDate="2026-06-05", onsetDateTime="2020-01-01"), False),
        (condition(onsetDateTime="2026-06-03"), False),
        (condition(meta={"lastUpdated": "2026-06-03T00:00:01Z"}), False),
        (condition(onsetDateTime="2026-06-01", meta={"lastUpdated": "2026-08-03T00:00:01Z"}), True),
        (condition(), True),  # nothing is known
        (record("Observation", effectiveDateTime="2026-06-01", issued="2026-06-03T10:00:00Z"), False),
        (record("Observation", effectiveDateTime="2026-06-01"), True),
        (record("Procedure", performedPeriod={"start": "2026-06-03"}), False),
        (record("MedicationStatement", dateAsserted="2026-06-03", effectiveDateTime="2026-01-01"), False),
        (record("Appointment", created="2026-06-01", start="2026-07-01T10:00:00Z"), True),
        (PATIENT_RESOURCE | {"meta": {"lastUpdated": "2026-08-03T00:00:01Z"}}, True),
    ],
)
def test_what_was_recorded_by_then_counts(resource: dict[str, Any], is_there: bool) -> None:
    """A record counts unless it certainly came later, by the best that is known of it."""
    assert bool(then("2026-06-02T12:00:00Z", resource)) is is_there


def test_day_alone_leaves_the_whole_day() -> None:
    """An order of which only the day is known sees what was recorded at any time of that day."""
    assert then(DAY, condition(recordedDate="2026-06-02T23:00:00Z"))


def test_problem_is_dated_by_its_visit() -> None:
    """A problem that does not say when it was recorded was so at its visit, however long it lasts already."""
    visit = record("Encounter", period={"start": "2026-06-05"})
    told = condition(onsetDateTime="2019-01-01", encounter={"reference": "Encounter/encounter-1"})
    assert then(DAY, visit, told) == []


def test_device_is_dated_by_its_operation() -> None:
    """A device has no date of its own; the operation that put it in tells since when it is there."""
    device = record("Device", meta={"lastUpdated": "2026-09-01T10:00:00Z"})
    put_in = record(
        "Procedure", performedDateTime="2020-01-01", focalDevice=[{"manipulated": {"reference": "Device/device-1"}}]
    )
    assert [found["resourceType"] for found in then(DAY, device, put_in)] == ["Device", "Procedure"]
    assert then(DAY, device) == []


@pytest.mark.parametrize(
    ("resource", "changes"),
    [
        (
            condition(clinicalStatus=RESOLVED, abatementDateTime="2026-06-20", recordedDate="2026-05-01"),
            {"abatementDateTime": None, "clinicalStatus": "active"},
        ),
        (
            condition(clinicalStatus=RESOLVED, abatementDateTime="2026-06-01", recordedDate="2026-05-01"),
            {"abatementDateTime": "2026-06-01", "clinicalStatus": "resolved"},
        ),
        (condition(clinicalStatus=RESOLVED, recordedDate="2026-05-01"), {"clinicalStatus": "resolved"}),
        (
            record(
                "Encounter", status="finished", period={"start": "2026-06-01", "end": "2026-06-09"}, length={"value": 8}
            ),
            {"status": "in-progress", "period": {"start": "2026-06-01"}, "length": None},
        ),
        (record("Encounter", status="finished", period=PERIOD), {"status": "finished", "period": PERIOD}),
        (
            record("Procedure", status="completed", performedPeriod={"start": "2026-05-01", "end": "2026-07-01"}),
            {"status": "in-progress", "performedPeriod": {"start": "2026-05-01"}},
        ),
        (
            record(
                "MedicationRequest",
                status="completed",
                authoredOn="2026-05-01",
                dispenseRequest={"validityPeriod": {"end": "2026-07-01"}},
            ),
            {"status": "active"},
        ),
        (
            record("MedicationStatement", status="completed", effectivePeriod=UNTIL_LATER),
            {"status": "active", "effectivePeriod": {"start": "2026-05-01"}},
        ),
        (
            record("Appointment", status="noshow", created="2026-05-01", start="2026-06-09T10:00:00Z"),
            {"status": "booked"},
        ),
        (PATIENT_RESOURCE | {"deceasedDateTime": "2026-06-30"}, {"deceasedDateTime": None}),
        (PATIENT_RESOURCE | {"deceasedDateTime": "2026-06-01"}, {"deceasedDateTime": "2026-06-01"}),
        (
            condition(recordedDate="2026-05-01", note=[{"text": "now"}, {"text": "later", "time": "2026-06-09"}]),
            {"note": [{"text": "now"}]},
        ),
    ],
)
def test_what_changed_later_is_taken_back(resource: dict[str, Any], changes: dict[str, Any]) -> None:
    """Statuses are as they were, as far as the data tell when they changed."""
    (found,) = then(DAY, resource)
    for element, value in changes.items():
        got = found.get(element)
        assert (found[element]["coding"][0]["code"] if element == "clinicalStatus" else got) == value


def test_version_of_then_needs_nothing_taken_back() -> None:
    """What was written by then was in that state already, whatever it says of the future."""
    planned = condition(
        clinicalStatus=RESOLVED, abatementDateTime="2026-06-20", meta={"lastUpdated": "2026-06-01T10:00:00Z"}
    )
    assert then(DAY, planned) == [planned]


def test_version_in_force_counts() -> None:
    """Of several versions of one resource, as several exports bring them, the one of then counts."""
    versions = [
        condition(code, recordedDate="2026-05-01", meta={"lastUpdated": f"2026-{month}-01T10:00:00Z"})
        for month, code in (("05", "M54.50"), ("06", "M54.51"), ("07", "M54.59"))
    ]
    assert then(DAY, *reversed(versions)) == [versions[1]]


def test_visit_knows_no_diagnosis_to_come() -> None:
    """A diagnosis that was recorded later is not among those of the visit."""
    later = condition(recordedDate="2026-06-09")
    visit = record("Encounter", period=PERIOD, diagnosis=[{"condition": {"reference": "Condition/c-1"}}])
    (found,) = then("2026-06-02T10:00:00Z", later, visit)
    assert found["diagnosis"] == []


@pytest.mark.parametrize(
    ("result", "is_there"),
    [
        (study(started="2026-06-02", basedOn=[{"reference": "ServiceRequest/mri-1"}]), False),
        (study(started="2026-06-02"), False),  # of the same code and day
        (study(started="2026-06-02T08:00:00Z"), True),  # certainly before
        (study(started="2026-06-01"), True),
        (record("DiagnosticReport", issued="2026-06-02", code=concept(CPT, "72100")), True),
        (record("ServiceRequest", authoredOn="2026-06-02", basedOn=[{"reference": "ServiceRequest/mri-1"}]), False),
        (record("QuestionnaireResponse", authored="2026-06-02", basedOn=[{"reference": "ServiceRequest/mri-1"}]), True),
    ],
)
def test_own_results_are_not_there_yet(result: dict[str, Any], is_there: bool) -> None:
    """What an order brought is not in the chart in which it was placed; the answers to its questions are."""
    order = past_order(authoredOn="2026-06-02T10:00:00Z")
    assert bool(then("2026-06-02T10:00:00Z", order, result, order=order)) is is_there


def test_report_of_own_study_is_not_there_yet() -> None:
    """A report that only names the study belongs to the order all the same, and so do its results."""
    order = past_order()
    done = study(
        started="2026-05-30", basedOn=[{"reference": "https://ehr.example/fhir/ServiceRequest/mri-1/_history/2"}]
    )
    report = record(
        "DiagnosticReport",
        effectiveDateTime="2026-05-30",
        imagingStudy=[{"reference": "ImagingStudy/imagingstudy-1"}],
        result=[{"reference": "Observation/observation-1"}],
    )
    assert then(DAY, order, done, report, record("Observation", effectiveDateTime="2026-05-30"), order=order) == []


def test_temporary_references_lead_to_their_records() -> None:
    """`urn:uuid:` references of a generator are read as those to the records with that id."""
    visit = record("Encounter", period={"start": "2026-06-05"})
    told = condition(encounter={"reference": "urn:uuid:encounter-1"})
    assert then(DAY, visit, told) == []
    (found, _) = then("2026-06-05", visit, told)
    assert found["encounter"] == {"reference": "Encounter/encounter-1"}


def test_assumed_times_are_counted() -> None:
    """What rests on the time of the last change, or on nothing, is counted, there or not; what is left out by type."""
    records = read_records(
        lines(
            condition(id="a", recordedDate="2026-05-01"),
            condition(id="b"),
            condition(id="c", meta={"lastUpdated": "2026-05-01T10:00:00Z"}),
            condition(id="d", meta={"lastUpdated": "2026-08-01T10:00:00Z"}),
        )
    )
    moment = parse_moment(DAY)
    assert moment
    found = as_of(records, moment)
    assert (found.count, found.assumed) == (3, 3)
    assert found.updated_later == {"Condition": 1}
