"""A row tells what the hook would have shown, and what became of the patient."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from cds_service.replay.assessing import Scope
from cds_service.replay.orders import Kind, past_orders
from cds_service.replay.pseudonyms import Pseudonyms
from cds_service.replay.records import read_records
from cds_service.replay.rows import Alternative, Counted, LaterEvent, OrderRow
from cds_service.replay.whence import shared_keys
from tests.protocol.builders import (
    CPT,
    ICD_10_CM,
    LOW_BACK_PAIN,
    PATIENT,
    SIGN,
    HookClient,
    ListRecorder,
    concept,
    hook_request,
    make_app,
)
from tests.unit.cds_service.replay.past import (
    PATIENT_RESOURCE,
    SUBJECT,
    assessor,
    condition,
    lines,
    past_order,
    record,
    study,
)

PAIN = condition(onsetDateTime="2026-05-23", recordedDate="2026-05-23")
ORDER = past_order()
ALL = Scope()


def rows_of(*resources: dict[str, Any], scope: Scope = ALL, shared: Sequence[dict[str, Any]] = ()) -> list[OrderRow]:
    """Return the rows of the patient with some resources."""
    found = {key: line for line in lines(*shared) for key in shared_keys(line)}
    return list(assessor(scope, profile="production").patient(PATIENT, lines(PATIENT_RESOURCE, *resources), found).rows)


@pytest.mark.parametrize("kind", [Kind.ORDERS, Kind.STAND_INS, Kind.WHAT_IF])
def test_row_is_what_the_hook_answered(kind: Kind) -> None:
    """Posted as the draft with the chart of then, the same order gets the same outcome, messages and cards."""
    visit = record("Encounter", period={"start": "2026-06-02T09:00:00Z"}, reasonCode=[LOW_BACK_PAIN])
    done = study(started="2026-06-02T13:00:00Z", reasonCode=[LOW_BACK_PAIN])
    later = condition("G83.4", id="c-2", recordedDate="2026-06-20")
    replayed = assessor(replace(ALL, kind=kind), profile="production")
    resources = lines(PATIENT_RESOURCE, PAIN, ORDER, visit, done, later)
    records = read_records(resources)
    (order,), _ = past_orders(records, kind, replayed.recogniser)
    request = replayed.request(PATIENT, order)
    prefetch = replayed.chart_then(records, order).prefetch(ALL.sources)
    body = hook_request(SIGN, context={**request.context, "userId": "Practitioner/prac-1"}) | {
        "prefetch": {key: json.loads(value) for key, value in prefetch.items()}
    }
    recorder = ListRecorder()
    assert HookClient(make_app(recorder=recorder, profile="production")).call(SIGN, body).status == 200
    (told,) = recorder.kept[0].assessments
    (row,) = replayed.patient(PATIENT, resources, {}).rows
    assert (row.outcome, row.messages) == (told.outcome, told.messages)
    assert row.cards == tuple(message for card in told.cards for message in card.messages)
    assert row.outcome == "NOT_APPROPRIATE"
    assert row.is_deferred


def test_what_came_later_is_told_and_changes_nothing() -> None:
    """A red flag, an operation and a stay within 90 days stand beside the answer, which they do not change."""
    after = [
        condition("G83.4", id="c-2", recordedDate="2026-06-20"),
        record("Encounter", status="finished", period={"start": "2026-06-21"}, **{"class": {"code": "IMP"}}),
        record("Procedure", status="completed", code=concept(CPT, "63030"), performedDateTime="2026-06-22"),
        condition("G83.4", id="c-3", recordedDate="2026-12-20"),
    ]
    (before,) = rows_of(PAIN, ORDER)
    (row,) = rows_of(PAIN, ORDER, *after)
    assert row.later == (
        LaterEvent("red-flag", "cauda_equina", 18, "Condition/c-2"),
        LaterEvent("admission", "IMP", 19, "Encounter/encounter-1"),
        LaterEvent("surgery", "prior_lumbar_surgery", 20, "Procedure/procedure-1"),
    )
    assert (before.followed_to, row.followed_to) == (date(2026, 6, 2), date(2026, 12, 20))
    assert before.later == ()
    assert _alike(row) == _alike(before)


def test_known_red_flag_is_no_later_event() -> None:
    """A diagnosis that the chart held already is not new when it is recorded again."""
    known = condition("G83.4", recordedDate="2026-05-01", id="c-0")
    again = condition("G83.4", recordedDate="2026-06-20", id="c-9")
    assert rows_of(known, again, ORDER)[0].later == ()


def test_red_flag_that_was_denied_is_new() -> None:
    """What the chart of then denied was not known: diagnosed later it is told as any other."""
    denied = condition("G83.4", recordedDate="2026-05-01", id="c-0", verificationStatus=_status("refuted"))
    again = condition("G83.4", recordedDate="2026-06-20", id="c-9")
    assert [event.what for event in rows_of(PAIN, denied, again, ORDER)[0].later] == ["cauda_equina"]


def test_implant_of_which_only_the_last_update_is_known_is_told() -> None:
    """Updated after the order it may have been there all the same: it is left out, counted, and named by its type."""
    device = record("Device", type={"text": "Pacemaker"}, meta={"lastUpdated": "2026-08-01T10:00:00Z"})
    (row,) = rows_of(PAIN, device, ORDER)
    assert (row.updated_later, row.assumed) == ((Counted("Device", 1),), 1)


def _status(code: str) -> dict[str, Any]:
    return concept("http://terminology.hl7.org/CodeSystem/condition-ver-status", code)


def test_own_scan_under_another_code_is_not_there_yet() -> None:
    """The procedure of the ordered scan is often coded by other codes, and names no order: it is no earlier scan."""
    named = {"text": "MRI lumbar spine without contrast"}
    done = record("Procedure", status="completed", code=named, performedDateTime="2026-06-02")
    assert _alike(rows_of(PAIN, ORDER, done)[0]) == _alike(rows_of(PAIN, ORDER)[0])


def test_other_thresholds_are_tried() -> None:
    """Each row tells what other values of the two thresholds would have said, as the whole assessment says it."""
    old = {"birthDate": "1958-01-01"}  # 68 years
    pain = condition(onsetDateTime="2026-04-28", recordedDate="2026-04-28")  # five weeks
    (row,) = rows_of(PATIENT_RESOURCE | old | {"id": PATIENT}, pain, ORDER)
    assert [(each.threshold, each.value) for each in row.alternatives] == [
        ("conservative_care", 28),
        ("conservative_care", 56),
        ("elderly_age", 65),
        ("elderly_age", 75),
    ]
    base = assessor(profile="production")
    for tried in row.alternatives:
        thresholds = replace(base.adviser.profile.thresholds, **{tried.threshold: tried.value})
        profile = replace(base.adviser.profile, thresholds=thresholds)
        changed = replace(base, adviser=replace(base.adviser, profile=profile))
        (whole,) = changed.patient(PATIENT, lines(PATIENT_RESOURCE, PATIENT_RESOURCE | old, pain, ORDER), {}).rows
        assert Alternative(tried.threshold, tried.value, whole.outcome) == tried


def test_unread_is_counted_by_code() -> None:
    """What nobody recognised is counted by source and by code; words are no codes."""
    strange = condition(id="x", recordedDate="2026-05-01", code=concept("http://site.example", "Q17"))
    worded = condition(id="y", recordedDate="2026-05-01", code=concept("Mrs Example", "has a secret"))
    (row,) = rows_of(PAIN, strange, worded, ORDER)
    assert row.unread == (Counted("Condition", 2),)
    assert row.unread_codes == (Counted("http://site.example|Q17", 1),)


def test_sources_that_the_export_lacks_are_missing() -> None:
    """A core source of which the export has nothing may exist at the site: nothing is decided, and it is told."""
    scope = replace(ALL, sources=frozenset({"Patient", "Condition", "Encounter", "Observation", "Procedure"}))
    (row,) = rows_of(PAIN, ORDER, scope=scope)
    assert row.missing == ("MedicationRequest", "DiagnosticReport")
    assert row.outcome != "NOT_APPROPRIATE"


def test_whence_an_order_came() -> None:
    """Clinic, specialty and reason are told by what the order refers to, among shared resources too."""
    order = past_order(
        requester={"reference": "https://ehr.example/fhir/Practitioner/dr"},
        encounter={"reference": "Encounter/encounter-1"},
    )
    visit = record("Encounter", period={"start": "2026-06-02"}, serviceProvider={"reference": "Organization/o"})
    shared: list[dict[str, Any]] = [
        {"resourceType": "Organization", "id": "o", "name": "Back Clinic"},
        {"resourceType": "PractitionerRole", "id": "r", "practitioner": {"reference": "Practitioner/dr"}}
        | {"specialty": [{"text": "Family medicine"}]},
    ]
    (row,) = rows_of(PAIN, order, visit, shared=shared)
    assert (row.clinic, row.specialty, row.reason) == ("Back Clinic", "Family medicine", f"{ICD_10_CM}|M54.50")


def test_drug_is_named_by_a_shared_medication() -> None:
    """A prescription whose drug stands in a resource without a patient is read as at the hook."""
    drug = {"resourceType": "Medication", "id": "m", "code": {"text": "Prednisone 20 mg"}}
    told = record(
        "MedicationRequest", status="active", authoredOn="2026-05-30", medicationReference={"reference": "Medication/m"}
    )
    (named,) = rows_of(PAIN, ORDER, told, shared=[drug])
    (unnamed,) = rows_of(PAIN, ORDER, told)
    assert named.unread == ()
    assert unnamed.unread == (Counted("MedicationRequest", 1),)


@pytest.mark.parametrize(("since", "days"), [(None, 2), (date(2026, 6, 2), 1)])
def test_orders_before_a_day_are_left_out(since: date | None, days: int) -> None:
    """`since` leaves older orders out and counts them; each order is a row, the oldest first."""
    older = past_order(2, authoredOn="2026-01-02")
    found = assessor(replace(ALL, since=since)).patient(PATIENT, lines(PATIENT_RESOURCE, PAIN, ORDER, older), {})
    assert [row.day for row in found.rows] == [date(2026, 1, 2), date(2026, 6, 2)][-days:]
    assert found.left_out == ({"before-since": 1} if since else {})


def test_patient_who_was_not_exported_has_no_row() -> None:
    """Without the patient the hook would have refused the call: no row, and it is counted."""
    found = assessor().patient(PATIENT, lines(PAIN, ORDER), {})
    assert (found.rows, found.left_out) == ((), {"without-patient": 1})


def test_identifiers_are_hashed() -> None:
    """With a key nothing of a patient's or an order's id is in a row, nor anything that a person wrote."""
    named = condition("G83.4", id="secret-id", recordedDate="2026-06-20", note=[{"text": "secret"}])
    order = past_order() | {"id": "secret-order", "note": [{"text": "secret"}], "reasonCode": [{"text": "secret"}]}
    keyed = replace(assessor(), pseudonyms=Pseudonyms(b"k" * 32))
    (row,) = keyed.patient("secret-patient", _of_secret([PATIENT_RESOURCE, PAIN, named, order]), {}).rows
    assert "secret" not in repr(row)
    assert len({row.order, row.patient, row.later[0].reference}) == 3


def _of_secret(resources: list[dict[str, Any]]) -> list[bytes]:
    subject = {"reference": "Patient/secret-patient"}
    mine = [
        found | ({"id": "secret-patient"} if found["resourceType"] == "Patient" else {"subject": subject})
        for found in resources
    ]
    assert subject != SUBJECT
    return lines(*mine)


def _alike(row: OrderRow) -> OrderRow:
    return replace(row, later=(), followed_to=None, microseconds=0)
