"""The timeline as a drawing: where each mark and line stands, in the units of an SVG's view box.

There are two layouts, one with the labels beside the rows and a narrow one with the labels above them; the style sheet
shows the one that fits. Colours and fonts are classes of the style sheet, so that dark mode needs no second drawing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from cds_service.pages.demo.timeline_layout import (
    BOTTOM,
    NARROW,
    TOP,
    WIDE,
    Bar,
    Drawing,
    DrawnLane,
    DrawnRow,
    Layout,
    Point,
    Tick,
)
from fhir_mappings.fhir.dates import DateInterval, exact, shifted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cards.guideline.wording import Wording
    from cds_service.pages.demo.timeline import Mark, Row, Timeline

LAYOUTS: Final = (WIDE, NARROW)
_LONGEST_SPAN: Final = 400  # days; what is older stands at the left edge
_LEAST_SPAN: Final = 75
_LEAST_LABEL: Final = 12  # characters
_LEAST_AFTER: Final = 20  # days behind the order, where anything is dated there
_LANE: Final = 26.0
# Which of several stretches a row tells.
_TELLING: Final = ("goes-on", "contradicts", "recorded", "not-known", None)
_CHARACTER: Final = 6.8  # the width of a letter of a line's label, rather too wide than too narrow


@dataclass(frozen=True, slots=True)
class _Scale:
    """Days to units of the drawing."""

    first: date
    last: date
    left: float
    right: float

    def x(self, day: date) -> float:
        """Return where a day is, kept inside the plot."""
        share = (day - self.first).days / max(1, (self.last - self.first).days)
        return round(self.left + min(1.0, max(0.0, share)) * (self.right - self.left), 1)


def drawing_of(timeline: Timeline, layout: Layout, wording: Wording) -> Drawing:
    """Return the drawing of a timeline in one layout."""
    scale = _scale(timeline, layout)
    lanes: list[DrawnLane] = []
    rows: list[DrawnRow] = []
    y = TOP + 6
    for row in timeline.rows:
        if not lanes or lanes[-1].title != row.lane.value:
            y += _LANE
            lanes.append(DrawnLane(row.lane.name.lower().replace("_", "-"), row.lane.value, y - 8))
        rows.append(_row(row, y + layout.row / 2, (scale, timeline.as_of), layout, wording))
        y += layout.row
    care = timeline.care_line
    care_x = scale.x(care)
    care_label = f"{timeline.care_days} days before: {wording.day(exact(care))}"
    return Drawing(
        layout=layout,
        height=y + 8 + BOTTOM,
        lanes=tuple(lanes),
        rows=tuple(rows),
        ticks=tuple(_ticks(scale, layout, wording)),
        care_x=care_x,
        care_label=care_label,
        care_before=care_x > len(care_label) * _CHARACTER + 10,
        order_x=scale.x(timeline.as_of),
        order_label=_order_label(timeline, wording),
        has_later=any(mark.later for row in timeline.rows for mark in row.marks),
    )


def said_when(row: Row, wording: Wording) -> str:
    """Return in a few words when the records of a row are from, and what makes them doubtful."""
    late = [mark for mark in row.marks if mark.later]
    believed = [mark for mark in row.marks if not mark.later]
    parts = [_said(believed, wording)] if believed else []
    parts += [f"{_span(late, wording)}, dated after the order"] if late else []
    doubts = [mark.suspected for mark in row.marks]
    note = wording.text("notes", "suspected")
    doubt = f", {note}" if all(doubts) else f", in part {note}" if any(doubts) else ""
    return f"{'; also '.join(parts)}{doubt}"


def _said(marks: Sequence[Mark], wording: Wording) -> str:
    """Return when records that are not dated after the order are from."""
    recorded = [mark for mark in marks if not mark.of_order]
    if not recorded:
        return "a reason of the order"
    dated = [mark for mark in recorded if mark.when.is_known]
    if not dated:
        return wording.text("meta", "undated")
    lasting = [mark for mark in dated if mark.until]
    if lasting:
        return _stretch(min(lasting, key=lambda mark: _TELLING.index(mark.end)), wording)
    return _span(dated, wording)


def _span(marks: Sequence[Mark], wording: Wording) -> str:
    """Return the day of one record, or how many there are and the first and the last day."""
    days = list(dict.fromkeys((wording.day(marks[0].when), wording.day(marks[-1].when))))
    return f"{len(marks)} times, {' – '.join(days)}" if len(marks) > 1 else days[0]


def _stretch(mark: Mark, wording: Wording) -> str:
    begin = wording.day(mark.when)
    if mark.end == "goes-on":
        return f"since {begin}"
    if mark.end == "not-known" or mark.until is None:
        return f"from {begin}, end not known"
    if mark.end == "contradicts":
        return f"from {begin} to {wording.day(mark.until)}: dates contradict"
    return f"{begin} – {wording.day(mark.until)}"


def _order_label(timeline: Timeline, wording: Wording) -> str:
    day = wording.day(exact(timeline.as_of))
    if not timeline.has_order:
        return day
    if timeline.written is not None and timeline.as_of == timeline.today:
        return f"Today, {day}"
    return f"Order and today, {day}" if timeline.as_of == timeline.today else f"Order, {day}"


def _scale(timeline: Timeline, layout: Layout) -> _Scale:
    """Return a scale that begins with the oldest date of the last year or so, and holds the six weeks.

    Where something is dated after the order, it ends with that, or where a third of the past fits behind the order.
    """
    end = timeline.as_of
    limit = shifted(end, -_LONGEST_SPAN)
    days = [day for row in timeline.rows for mark in row.marks for day in _days(mark) if limit <= day <= end]
    first = min([*days, shifted(end, -_LEAST_SPAN)])
    margin = max(2, (end - first).days // 20)
    right = layout.width - 14
    late = [day for row in timeline.rows for mark in row.marks if mark.later for day in _days(mark)]
    if late:
        room = max(_LEAST_AFTER, (end - first).days // 3)
        end = min(max(*late, shifted(end, _LEAST_AFTER)), shifted(end, room))
    return _Scale(shifted(first, -margin), shifted(end, margin), layout.plot, right)


def _days(mark: Mark) -> Iterator[date]:
    for found in (mark.when, mark.until):
        if found is not None:
            yield from (day for day in (found.earliest, found.latest) if day is not None)


def _row(row: Row, y: float, time: tuple[_Scale, date], layout: Layout, wording: Wording) -> DrawnRow:
    """Return a row on a scale; `time` is the scale and the day of the order."""
    scale, as_of = time
    full_when = said_when(row, wording)
    when = _cut(full_when, layout.when_characters if not layout.label_above else layout.when_characters - _LEAST_LABEL)
    room = layout.when_characters - len(when) if layout.label_above else layout.characters
    y_marks = y + 9 if layout.label_above else y
    return DrawnRow(
        lane=row.lane.name.lower().replace("_", "-"),
        label=_cut(row.label, min(room, layout.characters)),
        full=row.label,
        when=when,
        full_when=full_when,
        y=y_marks,
        bars=tuple(bar for mark in row.marks for bar in _bars(mark, scale)),
        points=tuple(dict.fromkeys(_point(mark, scale, as_of) for mark in row.marks)),
    )


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[: characters - 1].rstrip()}…"


def _bars(mark: Mark, scale: _Scale) -> Iterator[Bar]:
    when, until = mark.when, None if mark.end == "contradicts" else mark.until
    if until is not None and until.latest is not None and until.latest > scale.first:
        begin = when.latest or when.earliest
        if begin is not None:
            yield _bar(scale, begin, until.earliest or until.latest, sure=True)
        if not until.is_exact and until.earliest is not None:
            yield _bar(scale, until.earliest, until.latest, sure=False)
    if when.is_known and not when.is_exact:
        latest = when.latest or scale.last
        if latest > scale.first and (when.earliest is None or when.earliest < scale.last):
            yield _bar(scale, when.earliest or scale.first, latest, sure=False)


def _bar(scale: _Scale, first: date, last: date, *, sure: bool) -> Bar:
    left, right = scale.x(first), scale.x(last)
    return Bar(left, round(max(3.0, right - left), 1), sure)


def _point(mark: Mark, scale: _Scale, as_of: date) -> Point:
    hollow = mark.suspected
    day = _symbol_day(mark.when)
    if day is not None and not mark.later:
        day = min(day, as_of)  # the middle of a partial date may lie behind the order
    if day is None:
        return Point(scale.left + 8, "undated", hollow)
    if day < scale.first:
        return Point(scale.left + 8, "earlier", hollow)
    if day > scale.last:
        return Point(scale.right - 8, "later", hollow)
    return Point(scale.x(day), "dot", hollow)


def _symbol_day(when: DateInterval) -> date | None:
    """Return where the symbol of a record stands: the day, or the middle of what a partial date may mean."""
    if when.earliest is None or when.latest is None:
        return when.latest or when.earliest
    return shifted(when.earliest, (when.latest - when.earliest).days // 2)


def _ticks(scale: _Scale, layout: Layout, wording: Wording) -> Iterator[Tick]:
    months = list(_months(scale.first, scale.last))
    step = next((step for step in (1, 2, 3, 6, 12) if len(months) / step <= layout.ticks), 12)
    names: Sequence[str] = wording.get("meta", "months")
    shown_year = 0
    for day in months[::step]:
        x = scale.x(day)
        if layout.plot + 8 < x < scale.right - 24:
            year = f" {day.year}" if day.year != shown_year else ""
            shown_year = day.year
            yield Tick(x, f"{names[day.month - 1]}{year}")


def _months(first: date, last: date) -> Iterator[date]:
    year, month = first.year, first.month
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)  # noqa: PLR2004 - months of a year
        if year > last.year or date(year, month, 1) > last:
            return
        yield date(year, month, 1)
