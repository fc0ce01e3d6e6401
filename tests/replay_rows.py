"""Rows of a replay by hand, and a year of an invented hospital: what reports are tested with and pictured by."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from cds_service.replay.rows import DEFERRAL, Alternative, Counted, LaterEvent, OrderRow, schema

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

DAY: Final = date(2025, 3, 3)
BACK_PAIN: Final = "http://hl7.org/fhir/sid/icd-10-cm|M54.50"
_ROW: Final = OrderRow(
    order="",
    patient="",
    day=DAY,
    origin="ServiceRequest",
    clinic="North",
    specialty="Family medicine",
    reason=BACK_PAIN,
    outcome="CANNOT_DETERMINE",
    timing="CANNOT_DETERMINE",
    messages=("C-INFO-NEED",),
    cards=("C-INFO-NEED",),
    met=("R-SCOPE",),
    unknown=("R-EPISODE",),
    unread=(),
    unread_codes=(),
    missing=(),
    resources=40,
    assumed=0,
    updated_later=(),
    later=(),
    followed_to=DAY + timedelta(days=200),
    alternatives=(),
    guideline="1.2.0",
    client="site",
    site="",
    microseconds=4000,
)


def order(number: int, **changes: Any) -> OrderRow:
    """Return the row of an order, each number with a patient of its own."""
    own = {"order": f"{number:032x}", "patient": f"{number + 0xFFFF0000:032x}"}
    return replace(_ROW, **(own | changes))


def deferred(number: int, **changes: Any) -> OrderRow:
    """Return the row of an order that would have been told to wait."""
    said = {"messages": (DEFERRAL,), "cards": (DEFERRAL,), "outcome": "NOT_APPROPRIATE", "timing": "NOT_APPROPRIATE"}
    return order(number, **(said | changes))


def write_result(folder: Path, rows: Iterable[OrderRow], **summary: Any) -> Path:
    """Write rows and a summary as a replay leaves them, in two parts; return the folder."""
    listed = [asdict(row) for row in rows]
    (folder / "rows").mkdir(parents=True)
    half = len(listed) // 2
    for number, part in enumerate((listed[:half], listed[half:])):
        pq.write_table(pa.Table.from_pylist(part, schema=schema()), folder / "rows" / f"part-{number:05}.parquet")
    (folder / "summary.json").write_text(json.dumps({"replayed": "orders"} | summary), encoding="utf-8")
    return folder


_CLINICS: Final = ("Harbour Family Practice", "Hill Road Clinic", "Spine Centre", "Emergency Department", "Oak Surgery")
_SPECIALTIES: Final = ("Family medicine", "Internal medicine", "Orthopaedics", "Emergency medicine")
_ICD: Final = "http://hl7.org/fhir/sid/icd-10-cm"
_REASONS: Final = (f"{_ICD}|M54.50", f"{_ICD}|M54.16", f"{_ICD}|M48.061", f"{_ICD}|M51.26", "")
_KINDS: Final = (
    ("CANNOT_DETERMINE", "C-INFO-NEED", 44, ("R-SCOPE",)),
    ("APPROPRIATE", "C-APPROP-6W", 24, ("R-SCOPE", "R-FAIL6W")),
    ("NOT_APPROPRIATE", DEFERRAL, 13, ("R-SCOPE", "R-6W-NO")),
    ("URGENT", "C-URG-NEURO", 5, ("R-SCOPE", "R-MOTOR")),
    ("PROTOCOL_CHANGE", "C-CONTRAST-ADD", 6, ("R-SCOPE", "R-CON-POSTOP")),
    ("SAFETY_HOLD", "C-MR-HOLD", 5, ("R-SCOPE", "R-MR")),
    ("EMERGENCY", "C-EMERG-CES", 1, ("R-SCOPE", "R-CES")),
    ("NO_CRITERIA_APPLY", "", 2, ("R-SCOPE",)),
)
_SILENT: Final = ("C-APPROP-6W",)


def invented_year(orders: int = 2400) -> list[OrderRow]:
    """Return the orders of a year at a hospital that does not exist; always the same."""
    chance = random.Random(20250101)  # noqa: S311 - invented numbers
    return [_invented(number, chance) for number in range(orders)]


def _invented(number: int, chance: random.Random) -> OrderRow:
    outcome, message, _, met = chance.choices(_KINDS, [kind[2] for kind in _KINDS])[0]
    day = date(2025, 1, 1) + timedelta(days=chance.randrange(365))
    other = "APPROPRIATE" if outcome == "NOT_APPROPRIATE" and chance.random() < 0.2 else outcome
    unread = chance.random() < 0.3
    return order(
        number,
        day=day,
        clinic=chance.choices((*_CLINICS, f"Practice {number % 40}"), (30, 20, 18, 14, 12, 6))[0],
        specialty=chance.choices((*_SPECIALTIES, ""), (45, 20, 20, 10, 5))[0],
        reason=chance.choices(_REASONS, (40, 25, 12, 13, 10))[0],
        outcome=outcome,
        messages=(message,) if message else (),
        cards=(message,) if message and message not in _SILENT else (),
        met=met,
        unread=(Counted("Condition", 2), Counted("Procedure", 1)) if unread else (),
        unread_codes=(Counted(f"urn:example:problems|{number % 7}", 2),) if unread else (),
        missing=("Device",) if chance.random() < 0.6 else (),
        assumed=chance.randrange(3),
        later=tuple(_events(number, outcome, chance)),
        followed_to=day + timedelta(days=200 if chance.random() < 0.8 else 30),
        alternatives=(
            Alternative("conservative_care", 28, other),
            Alternative("conservative_care", 56, outcome),
            Alternative("elderly_age", 65, other if number % 2 else outcome),
            Alternative("elderly_age", 75, outcome),
        ),
        microseconds=chance.randrange(2500, 9000),
    )


def _events(number: int, outcome: str, chance: random.Random) -> Iterable[LaterEvent]:
    flags = 0.012 if outcome == "NOT_APPROPRIATE" else 0.035
    for kind, what, rate in (
        ("red-flag", chance.choice(("motor_deficit", "cancer_active", "trauma_spine")), flags),
        ("surgery", "prior_lumbar_surgery", 0.03),
        ("admission", "EMER", 0.06),
    ):
        if chance.random() < rate:
            yield LaterEvent(kind, what, chance.randrange(1, 90), f"{number:016x}{kind:0>16}"[:32])  # type: ignore[arg-type]
