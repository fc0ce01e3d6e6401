"""Which orders of the past are replayed, and why others are not."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.replay.marking import Mark, Marker
from cds_service.replay.orders import Kind, past_orders
from cds_service.replay.records import read_records
from tests.protocol.builders import CPT, LOW_BACK_PAIN, concept
from tests.unit.cds_service.replay.past import assessor, condition, lines, past_order, record, study

RECOGNISER = assessor().recogniser


def found(kind: Kind, *resources: dict[str, Any]) -> tuple[list[tuple[str, str]], dict[str, int]]:
    """Return the orders as (reference, origin), and what was left out."""
    orders, left_out = past_orders(read_records(lines(*resources)), kind, RECOGNISER)
    return [(order.record.reference, order.origin) for order in orders], dict(left_out)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, None),
        ({"status": "active"}, None),
        ({"code": {"text": "MRI lumbar spine without contrast"}}, None),
        ({"status": "entered-in-error"}, "entered-in-error"),
        ({"status": "revoked"}, "cancelled"),
        ({"status": "draft"}, "never-signed"),
        ({"doNotPerform": True}, "no-order"),
        ({"intent": "proposal"}, "no-order"),
        ({"authoredOn": None}, "undated"),
    ],
)
def test_signed_orders_are_replayed(changes: dict[str, Any], reason: str | None) -> None:
    """An order counts whatever became of it, unless it was withdrawn or never one; what is left out is counted."""
    expected = ([], {reason: 1}) if reason else ([("ServiceRequest/mri-1", "ServiceRequest")], {})
    assert found(Kind.ORDERS, past_order(**changes)) == expected


def test_other_orders_are_not_ours() -> None:
    """An order that the hook would let go is none, and not counted as left out."""
    assert found(Kind.ORDERS, past_order(code=concept(CPT, "70551"))) == ([], {})


def test_part_of_an_order_is_no_other_order() -> None:
    """What a department makes of an order, based on it, is not replayed again."""
    part = past_order(2, intent="filler-order", basedOn=[{"reference": "ServiceRequest/mri-1"}])
    assert found(Kind.ORDERS, past_order(), part) == (
        [("ServiceRequest/mri-1", "ServiceRequest")],
        {"part-of-another-order": 1},
    )


def test_studies_stand_for_orders() -> None:
    """Where no order is exported, what was done stands for it, once for a study and a procedure of one day."""
    done = study(started="2026-05-01T10:00:00Z")
    told = record("Procedure", status="completed", code=concept(CPT, "72148"), performedDateTime="2026-05-01")
    other = record("Procedure", code=concept(CPT, "72148"), performedDateTime="2026-03-01") | {"id": "p-2"}
    not_done = study(status="cancelled", started="2026-02-01") | {"id": "s-2"}
    assert found(Kind.STAND_INS, done, told, other, not_done) == (
        [("ImagingStudy/imagingstudy-1", "ImagingStudy"), ("Procedure/p-2", "Procedure")],
        {"not-done": 1, "told-twice": 1},
    )


@pytest.mark.parametrize(
    "visit",
    [
        {"reasonCode": [LOW_BACK_PAIN]},
        {"diagnosis": [{"condition": {"reference": "Condition/c-1"}}]},
        {"reasonReference": [{"reference": "Condition/c-1"}]},
        {"id": "of-condition"},
    ],
)
def test_what_if_asks_at_back_pain_visits(visit: dict[str, Any]) -> None:
    """A visit is for back pain by its reason, its diagnosis, or a problem that was recorded there."""
    pain = condition(recordedDate="2026-05-01", encounter={"reference": "Encounter/of-condition"})
    own = record("Encounter", period={"start": "2026-05-01"}, **visit)
    other = record("Encounter", period={"start": "2026-05-02"}) | {"id": "other"}
    assert found(Kind.WHAT_IF, pain, own, other)[0] == [(f"Encounter/{own['id']}", "what-if")]


@pytest.mark.parametrize(
    ("resource", "mark"),
    [
        (past_order(), Mark.ORDER),
        (past_order(status="revoked"), Mark.ORDER),
        (study(), Mark.STUDY),
        (
            past_order(code={"text": "MRI spine", "coding": [{"system": "http://site.example", "code": "IMG7"}]}),
            Mark.UNRECOGNISED,
        ),
        (past_order(code=concept(CPT, "70551")), Mark(0)),
    ],
)
def test_patients_with_orders_are_marked(resource: dict[str, Any], mark: Mark) -> None:
    """Whoever has an order, a study, or an order that nobody can place is told by one resource alone."""
    marker = Marker(RECOGNISER)
    (line,) = lines(resource)
    assert [marker.mark(line, resource["resourceType"]) for _ in range(2)] == [mark, mark]
    assert dict(marker.unrecognised) == ({"http://site.example|IMG7": 2} if mark is Mark.UNRECOGNISED else {})
