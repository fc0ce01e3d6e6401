"""Chronic steroids: ninety consecutive days covered by prescriptions within the last year."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.fhir_mappings.records import Resource, ago, coded, finding, prescription, quantity, record

PREDNISONE, TABLET, CREAM = "rx:8640", "rx:198145", "rx:106258"


def steroid(day: int | str | None, supply: float | None, code: str = PREDNISONE, **elements: Any) -> Resource:
    """Return a prescription of a systemic steroid."""
    return prescription(code, day, supply, **elements)


def dispensed(value: Any, unit: str | None = None, code: str | None = None, refills: Any = None) -> Resource:
    """Return a dispense request."""
    duration = quantity(value, unit, code=code)
    return {"expectedSupplyDuration": duration} | ({} if refills is None else {"numberOfRepeatsAllowed": refills})


@pytest.mark.parametrize(
    ("prescriptions", "chronic"),
    [
        ([steroid(89, 90)], True),
        ([steroid(88, 90)], False),  # 89 days until the order; supply beyond it does not count
        ([steroid(200, 90)], True),
        ([steroid(200, 89)], False),
        ([steroid(200, 45), steroid(155, 45)], True),
        ([steroid(200, 45), steroid(154, 45)], False),  # a day's gap
        ([steroid(200, 60), steroid(160, 60)], True),  # overlapping
        ([steroid(200, 45), steroid(155, 45, TABLET)], True),  # another preparation of the same
        ([steroid(456, 180)], True),  # ninety of its days lie within the last 366
        ([steroid(456, 170)], False),
        ([steroid(20, 5)], False),
        ([steroid(200, None)], False),
        ([steroid(None, 90)], False),
        ([steroid(200, 90, status="cancelled")], False),
        ([steroid(200, 90, status="stopped")], True),
        ([steroid(200, 90, CREAM)], False),
        ([steroid(200, 90, doNotPerform=True)], False),
        ([steroid("2026-01", 120)], True),
        ([steroid("2026-02", 92)], True),
    ],
)
def test_covered_days(prescriptions: list[Resource], chronic: bool) -> None:
    """Only days that a prescription really covers count, without a gap and not beyond the order."""
    assert ("steroid" in finding("R-V6", *prescriptions).tags) is chronic


@pytest.mark.parametrize(
    ("dispense", "chronic"),
    [
        (dispensed(90, "days", "d"), True),
        (dispensed(90), True),
        (dispensed(13, "weeks", "wk"), True),
        (dispensed(12, "weeks", "wk"), False),
        (dispensed(3, "Months"), True),
        (dispensed(30, "d", refills=2), True),
        (dispensed(30, "d", refills=1), False),
        (dispensed(90, "d", refills=-5), True),
        (dispensed(90, "tablets"), False),
        (dispensed(0, "d"), False),
        (dispensed(-90, "d"), False),
        (dispensed(1e9, "d"), False),
        ({"numberOfRepeatsAllowed": 5}, False),
        ({"expectedSupplyDuration": {"unit": "d"}}, False),
    ],
)
def test_length_of_a_supply(dispense: Resource, chronic: bool) -> None:
    """Days, weeks and months are read, refills multiply, and an impossible length covers nothing."""
    assert ("steroid" in finding("R-V6", steroid(200, None, dispenseRequest=dispense)).tags) is chronic


def test_statement_alone_covers_no_days() -> None:
    """A statement says that a drug is taken, not for how long without a gap."""
    statement = record("MedicationStatement", "s", status="active", medicationCodeableConcept=coded(PREDNISONE))
    assert "steroid" not in finding("R-V6", statement).tags


def test_steroid_of_unstated_length_is_not_ruled_out() -> None:
    """An active prescription of last autumn that does not say how long it lasts leaves chronic use open."""
    assert finding("R-V6", steroid(200, None)).status.value == "UNKNOWN"


def taken(start: str | None, end: str | None, state: str = "active") -> Resource:
    """Return a statement that a steroid is or was taken."""
    period = {name: day for name, day in (("start", start), ("end", end)) if day}
    drug = {"status": state, "medicationCodeableConcept": coded(PREDNISONE)}
    return record("MedicationStatement", "s", **drug, effectivePeriod=period or None)


@pytest.mark.parametrize(
    ("statement", "chronic"),
    [
        (taken(ago(200), ago(100)), True),
        (taken(ago(200), ago(120)), False),
        (taken(ago(200), None), True),
        (taken(ago(80), None), False),
        (taken(ago(200), None, "completed"), False),
        (taken(None, ago(20)), False),
        (taken(None, None), False),
    ],
)
def test_statement_covers_its_period(statement: Resource, chronic: bool) -> None:
    """A steroid that is stated to be taken from one day to another, or still, covers those days."""
    assert ("steroid" in finding("R-V6", statement).tags) is chronic
