"""The timeline: which records lie on it, where, and that it says nothing which the record does not."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Any

import pytest

from cards.guideline.wording import load_wording
from cds_service.hooks.adviser import Adviser
from cds_service.pages.demo.inspection import Look, look_at
from cds_service.pages.demo.timeline import Lane
from cds_service.pages.demo.timeline_drawing import LAYOUTS, drawing_of
from cds_service.pages.demo.timeline_layout import NARROW, WIDE, Drawing
from cds_service.protocol.serialization import encode
from tests.unit.cds_service.pages.demo.demo_cases import (
    DAY,
    ICD,
    SNOMED,
    bundle,
    condition,
    hook_request,
    make_adviser,
    observation,
)

WORDING = load_wording()


@pytest.fixture(scope="module")
def adviser() -> Adviser:
    """The adviser of the development client."""
    return make_adviser()


def seen(adviser: Adviser, *, order: dict[str, Any] | None = None, today: date = DAY, **prefetch: Any) -> Look:
    """Return a look at a request with these prefetch values."""
    return look_at(encode(hook_request(order=order, **prefetch)), adviser, today)


def rows(look: Look) -> dict[str, str]:
    """Return what the table of the timeline says, by label."""
    return {line.label: line.when for line in look.table}


def test_rows_are_grouped_by_kind_and_say_when(adviser: Adviser) -> None:
    """Pain, red flag, therapy, implant and imaging each stand in their place, with dates as people write them."""
    look = seen(
        adviser,
        conditions=bundle(
            condition("pain", ICD, "M54.50", onset="2026-05-01"),
            condition("ces", SNOMED, "192970008", onset="2026-06-01", verification="provisional"),
            condition("pacer", ICD, "Z95.0", onset="2021"),
        ),
        procedures=bundle(
            {
                "resourceType": "Procedure",
                "id": "pt",
                "status": "completed",
                "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "97161"}]},
                "performedDateTime": "2026-05-10",
            }
        ),
        diagnosticReports=bundle(
            {
                "resourceType": "DiagnosticReport",
                "id": "mri",
                "status": "final",
                "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "72148"}]},
                "effectiveDateTime": "2026-03",
            }
        ),
    )
    assert [line.lane for line in look.table] == [lane.value for lane in Lane]
    assert rows(look) == {
        "Low back pain, nonspecific": "since 1 May 2026",
        "Cauda equina syndrome": "since 1 Jun 2026, suspected",
        "Physical therapy": "10 May 2026",
        "Pacemaker": "since 2021",
        "Lumbar MRI": "Mar 2026",
    }
    suspected = {row.label: row.marks[0].suspected for row in look.timeline.rows}
    assert suspected["Cauda equina syndrome"] is True
    assert suspected["Pacemaker"] is False


def test_denied_records_are_not_drawn(adviser: Adviser) -> None:
    """What a record rules out is no mark on the line."""
    denied = condition("no", SNOMED, "192970008", onset="2026-06-01", verification="refuted")
    assert "Cauda equina syndrome" not in rows(seen(adviser, conditions=bundle(denied)))


@pytest.mark.parametrize("onset", ["2026-06-12", "2027-06-01", "9999"])
def test_record_dated_after_the_order_stands_behind_it(adviser: Adviser, onset: str) -> None:
    """A date that cannot be right is shown as that, right of the order and in words, however far away it is."""
    look = seen(
        adviser,
        conditions=bundle(
            condition("later", SNOMED, "192970008", onset=onset),
            condition("pain", ICD, "M54.50", onset="2026-05-01"),
        ),
    )
    assert rows(look)["Cauda equina syndrome"].endswith("2026, dated after the order" if "06-12" in onset else "order")
    assert rows(look)["Low back pain, nonspecific"] == "since 1 May 2026"
    for drawing in look.drawings:
        points = {row.full: row.points[0].x for row in drawing.rows}
        assert drawing.has_later
        assert points["Low back pain, nonspecific"] < drawing.order_x < points["Cauda equina syndrome"]
        assert points["Cauda equina syndrome"] <= drawing.layout.width
        assert drawing.order_x - len(drawing.order_label) * 6.8 > 0


def test_end_before_the_begin_is_said(adviser: Adviser) -> None:
    """Dates that contradict each other are shown as the record has them, without a stretch of time between them."""
    broken = condition("a", ICD, "M54.50", onset="2026-03-10") | {"abatementDateTime": "2026-02-20"}
    look = seen(adviser, order={"reasonCode": []}, conditions=bundle(broken))
    assert rows(look) == {"Low back pain, nonspecific": "from 10 Mar 2026 to 20 Feb 2026: dates contradict"}
    assert [row.bars for row in look.drawings[0].rows] == [()]


def test_row_tells_what_is_only_suspected(adviser: Adviser) -> None:
    """A row of a suspicion and a fact says so, since its one hollow symbol is easily overlooked."""
    look = seen(
        adviser,
        conditions=bundle(
            condition("a", SNOMED, "192970008", onset="2026-05-30", verification="provisional"),
            condition("b", SNOMED, "192970008", onset="2026-06-01"),
        ),
    )
    assert rows(look)["Cauda equina syndrome"].endswith(", in part suspected")


def test_source_that_failed_leaves_its_rows_open(adviser: Adviser) -> None:
    """Without the conditions, no row on symptoms is no news: the timeline names the rows that may lack records."""
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    look = seen(adviser, conditions=failed, devices=...)
    why = {lane.lane: lane.why for lane in look.open_lanes}
    assert why["Symptoms"] == "conditions could not be read"
    assert why["Implants and operations"] == "conditions could not be read; devices not offered"
    assert "Treatment" not in why
    assert look.not_read == "conditions could not be read; devices not offered"
    assert seen(adviser).open_lanes == ()


def test_end_of_a_problem_is_as_recorded(adviser: Adviser) -> None:
    """A problem that is over ends where it ended; where nobody says whether it goes on, neither does the picture."""
    ended = condition("a", ICD, "M54.50", onset="2026-01-10") | {"abatementDateTime": "2026-02-20"}
    unsaid = condition("b", SNOMED, "23056005", onset="2026-03-01")
    del unsaid["clinicalStatus"]
    look = seen(adviser, order={"reasonCode": []}, conditions=bundle(ended, unsaid))
    assert rows(look) == {
        "Low back pain, nonspecific": "10 Jan 2026 – 20 Feb 2026",
        "Sciatica": "from 1 Mar 2026, end not known",
    }
    bars = {row.full: [bar.sure for bar in row.bars] for row in look.drawings[0].rows}
    assert bars == {"Low back pain, nonspecific": [True], "Sciatica": [True, False]}


def test_normal_values_are_no_red_flag(adviser: Adviser) -> None:
    """A temperature lies on the line only when a rule took it for a fever."""
    normal = observation("t1", "8310-5", 36.8, "Cel", "2026-06-01")
    assert "Fever" not in rows(seen(adviser, observations=bundle(normal)))
    high = observation("t2", "8310-5", 39.2, "Cel", "2026-06-01")
    host = condition("hiv", SNOMED, "86406008", onset="2020")
    assert "Fever" in rows(seen(adviser, observations=bundle(high), conditions=bundle(host)))


def test_undated_and_old_records_stand_at_the_edge(adviser: Adviser) -> None:
    """A device without a date is drawn with a question mark, a problem of long ago with an arrow, both in words too."""
    device = {
        "resourceType": "Device",
        "id": "d",
        "status": "active",
        "type": {"coding": [{"system": SNOMED, "code": "14106009"}]},
    }
    look = seen(
        adviser,
        devices=bundle(device),
        conditions=bundle(condition("c", SNOMED, "266987004", onset="2011-03-02")),
    )
    assert rows(look)["Pacemaker"] == "undated"
    assert rows(look)["Cancer history"] == "since 2 Mar 2011"
    kinds = {row.full: {point.kind for point in row.points} for row in look.drawings[0].rows}
    assert kinds["Pacemaker"] == {"undated"}
    assert kinds["Cancer history"] == {"earlier"}


def test_lines_follow_the_threshold_and_the_order(adviser: Adviser) -> None:
    """The six-week line stands 42 days before the day that the rules count from, and the order at its day."""
    look = seen(adviser)
    assert look.timeline.care_line == date(2026, 4, 21)
    wide = look.drawings[0]
    assert wide.care_label == "42 days before: 21 Apr 2026"
    assert wide.order_label == "Order and today, 2 Jun 2026"
    assert wide.layout.plot < wide.care_x < wide.order_x < wide.layout.width
    months_later = seen(adviser, today=date(2026, 11, 26))
    assert months_later.timeline.as_of == DAY
    assert months_later.drawings[0].order_label == "Order, 2 Jun 2026"
    days_later = seen(adviser, today=date(2026, 6, 12))
    assert days_later.timeline.written == DAY
    assert days_later.drawings[0].order_label == "Today, 12 Jun 2026"


def test_order_that_is_not_ours_still_shows_the_chart(adviser: Adviser) -> None:
    """The picture of the patient does not depend on what is ordered; only the findings do."""
    other = {"code": {"coding": [{"system": "http://loinc.org", "code": "57021-8"}]}}
    look = seen(adviser, order=other, conditions=bundle(condition("c", ICD, "M54.50", onset="2026-05-01")))
    assert look.orders == ()
    assert look.timeline.as_of == DAY
    assert "Low back pain, nonspecific" in rows(look)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_nothing_collides_or_leaves_the_picture(adviser: Adviser, layout: Any) -> None:
    """However many rows there are, each has its own height, and every mark and label stays inside."""
    problems = [condition(f"c{n}", ICD, code, onset=f"20{20 + n}-05") for n, code in enumerate(("M54.50", "M54.16"))]
    problems += [condition(f"f{n}", SNOMED, code) for n, code in enumerate(("192970008", "6077001", "266987004"))]
    problems.append(condition("long", ICD, "M47.26", onset="2026-02"))
    drawing = drawing_of(seen(adviser, conditions=bundle(*problems)).timeline, layout, WORDING)
    heights = [row.y for row in drawing.rows]
    assert all(lower - upper >= layout.row for upper, lower in pairwise(heights))
    assert drawing.top < heights[0]
    assert heights[-1] < drawing.bottom
    for row in drawing.rows:
        assert len(row.label) <= layout.characters
        assert all(layout.plot <= point.x <= layout.width for point in row.points)
        assert all(layout.plot <= bar.x and bar.x + bar.width <= layout.width for bar in row.bars)
    assert _line_label(drawing)


def _line_label(drawing: Drawing) -> bool:
    """Whether the label of the six-week line, about 6.5 units a letter, stays inside the picture."""
    length = len(drawing.care_label) * 6.5
    if drawing.care_before:
        return drawing.care_x - 5 - length >= 0
    return drawing.care_x + 5 + length <= drawing.layout.width


def test_calendar_is_labelled_within_reason(adviser: Adviser) -> None:
    """A year of history has a handful of month names, not fifty."""
    look = seen(adviser, conditions=bundle(condition("c", ICD, "M54.50", onset="2025-07-01")))
    wide, narrow = look.drawings
    assert 3 <= len(wide.ticks) <= WIDE.ticks
    assert 2 <= len(narrow.ticks) <= NARROW.ticks
    assert any("2026" in tick.label for tick in wide.ticks)
