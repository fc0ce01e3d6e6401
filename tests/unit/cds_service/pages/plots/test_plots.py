"""The geometry of the plots: what is drawn is what was counted."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.pages.plots.bars import Bar, Part, Range, Row, bar_plot, range_plot
from cds_service.pages.plots.scales import Caption, LegendItem, decades, linear_ticks, log_position, number
from cds_service.pages.plots.trend import HEIGHT, Period, column_plot, line_plot
from cds_service.pages.rendering.renderer import Renderer
from tests.unit.cds_service.pages.insights.insights_pages import FACTS

CAPTION = Caption("Cards", "cards", (LegendItem("accepted", "accepted"),))


def stacked(name: str, *values: float) -> Row:
    """Return a row with one bar of parts."""
    return Row(name, name, (Bar(tuple(Part(value, "accepted", f"{name} {value}") for value in values), "figures"),))


@pytest.mark.parametrize(
    ("most", "ticks"),
    [
        (0, (0, 1)),
        (1, (0, 1)),
        (3, (0, 1, 2, 3)),
        (7, (0, 2, 4, 6, 8)),
        (100, (0, 20, 40, 60, 80, 100)),
        (214, (0, 50, 100, 150, 200, 250)),
    ],
)
def test_axis_is_labelled_with_round_numbers(most: float, ticks: tuple[float, ...]) -> None:
    """Counts are read off whole numbers, and an empty plot has an axis too."""
    assert linear_ticks(most) == ticks


@given(st.integers(1, 10**9), st.integers(1, 8))
def test_axis_holds_every_value(most: int, count: int) -> None:
    """No bar runs out of its plot, ticks are evenly apart and few."""
    ticks = linear_ticks(most, count)
    assert ticks[0] == 0
    assert ticks[-2] < most <= ticks[-1]
    assert len(ticks) <= 3 * count + 2
    assert all(tick == int(tick) for tick in ticks)


@given(st.floats(0.001, 1e6), st.floats(0.001, 1e6))
def test_logarithmic_axis_keeps_the_order(first: float, second: float) -> None:
    """The slower one is never drawn left of the faster one."""
    low, high = sorted((first, second))
    scale = decades(low, high)
    places = [log_position(low, scale), log_position(high, scale)]
    assert scale[0] <= low * (1 + 1e-6)
    assert scale[-1] >= high * (1 - 1e-6)
    assert 0 <= places[0] <= places[1] <= 100


def test_bars_are_as_long_as_their_values() -> None:
    """Parts follow each other without a gap, in proportion, and nothing is drawn for zero."""
    plot = bar_plot(CAPTION, [stacked("a", 30, 0, 20), stacked("b", 100)])
    first, second = (row.marks for row in plot.rows)
    assert [(mark.x, mark.width) for mark in first] == [(0, 30), (30, 20)]
    assert [(mark.x, mark.width) for mark in second] == [(0, 100)]
    assert [tick.label for tick in plot.ticks] == ["0", "20", "40", "60", "80", "100"]


@given(st.lists(st.lists(st.integers(0, 10_000), min_size=1, max_size=4), max_size=5))
def test_no_bar_leaves_its_plot(values: list[list[int]]) -> None:
    """Whatever is counted, each row's parts end inside the plot."""
    plot = bar_plot(CAPTION, [stacked(str(at), *row) for at, row in enumerate(values)])
    for row in plot.rows:
        assert all(mark.x >= 0 and mark.x + mark.width <= 100.01 for mark in row.marks)


def test_several_bars_of_a_row_do_not_overlap() -> None:
    """Shown and silent stand below each other."""
    row = Row("a", "", (stacked("x", 5).bars[0], stacked("y", 7).bars[0]))
    drawn = bar_plot(CAPTION, [row]).rows[0]
    assert drawn.marks[0].y + 16 < drawn.marks[1].y
    assert drawn.marks[1].y + 16 <= drawn.height


def test_range_shows_every_value_and_what_to_compare_with() -> None:
    """Each percentile has its dot on the logarithmic axis, on which 500 ms stands too."""
    parts = tuple(Part(value, series, f"{value} ms") for value, series in ((1, "p50"), (10, "p90"), (100, "p99")))
    plot = range_plot(CAPTION, [Range("total", "total", parts, "1 · 10 · 100 ms")], reference=(500, "500 ms"))
    assert [mark.x for mark in plot.rows[0].marks if mark.dot] == pytest.approx([0, 33.333, 66.667], abs=0.01)
    assert plot.reference is not None
    assert plot.reference.at == pytest.approx(100 * math.log10(500) / 3, abs=0.01)
    assert [tick.label for tick in plot.ticks] == ["1", "10", "100", "1,000"]


def test_columns_stand_on_each_other_and_on_the_axis() -> None:
    """The parts of a period add up to its height; a period without anything is left empty."""
    periods = [Period("1 May", (("a", 6), ("b", 2)), "x"), Period("2 May", (("a", 0), ("b", 0)), "y")]
    plot = column_plot(CAPTION, periods)
    lower, upper = plot.blocks
    assert lower.y + lower.height == HEIGHT
    assert upper.y + upper.height == pytest.approx(lower.y)
    assert lower.height == pytest.approx(3 * upper.height)
    assert lower.x + lower.width < 50
    assert [place.tip for place in plot.places] == ["x", "y"]


def test_line_is_interrupted_where_there_is_no_rate() -> None:
    """No line suggests a rate for a time without orders."""
    values = (10.0, 20.0, None, 30.0, 40.0, None, 50.0)
    plot = line_plot(CAPTION, [Period(str(at), (("rate", value),), "") for at, value in enumerate(values)], most=100)
    assert [len(points.split()) for points in plot.lines] == [2, 2]
    assert len(plot.dots) == 5


def test_labels_of_many_periods_do_not_run_into_each_other() -> None:
    """A year of days is labelled as sparsely as a week."""
    periods = [Period(f"day {at}", (("a", 1),), "") for at in range(365)]
    ticks = column_plot(CAPTION, periods).across
    assert len(ticks) <= 4
    assert all(later.at - earlier.at > 15 for earlier, later in pairwise(ticks))


def test_plots_of_nothing_can_be_drawn() -> None:
    """A selection without records is no error."""
    assert bar_plot(CAPTION, []).rows == ()
    assert range_plot(CAPTION, [], reference=(500, "500 ms")).rows == ()
    assert column_plot(CAPTION, []).places == ()


def test_markup_escapes_names() -> None:
    """What a client sent as a reason's display is text, also inside a drawing."""
    hostile = '"><script>alert(1)</script>'
    row = Row(hostile, f"x{hostile}", (Bar((Part(1, "accepted", hostile),), hostile),))
    template = Renderer(FACTS)._environment.from_string(
        '{% import "insights_plots.html" as plots %}{{ plots.bars(plot) }}'
    )
    html = template.render(plot=bar_plot(CAPTION, [row]))
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 4


@pytest.mark.parametrize(("value", "text"), [(0, "0"), (1234, "1,234"), (0.1, "0.1"), (2.5, "2.5"), (10.0, "10")])
def test_numbers_are_written_as_people_do(value: float, text: str) -> None:
    """No needless decimals."""
    assert number(value) == text
