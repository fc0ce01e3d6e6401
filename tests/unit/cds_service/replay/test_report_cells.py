"""What a table says of few patients, and what its totals give away."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.replay.report.cells import (
    SMALL,
    Interval,
    column_told,
    is_small,
    part_told,
    share_told,
    table_told,
    wilson,
)

COUNTS = st.one_of(st.integers(0, 30), st.integers(0, 5000))


def test_few_are_not_said_and_none_is() -> None:
    """From 1 to 10 a count is not said; 0 and 11 are, and a second one is hidden where a total would give one away."""
    assert column_told([0, 1, 10, 11, 4000]) == [0, "<11", "<11", 11, 4000]
    assert column_told([3, 40, 25, 0]) == ["<11", 40, "11+", 0]


@given(st.lists(st.lists(COUNTS, min_size=4, max_size=4), min_size=1, max_size=6))
def test_totals_give_no_count_away(rows: list[list[int]]) -> None:
    """No small count is said, and no line of a table has one hidden count that its total leaves alone."""
    cells = table_told(rows, rows_add_up=True)
    lines = [
        *zip(rows, cells, strict=True),
        *zip(zip(*rows, strict=True), zip(*cells, strict=True), strict=True),
    ]
    for counts, told in lines:
        said = [count for count, cell in zip(counts, told, strict=True) if isinstance(cell, int)]
        assert not any(map(is_small, said))
        assert len(told) - len(said) != 1 or not any(said)


@pytest.mark.parametrize(
    ("part", "whole", "said", "share"),
    [
        (0, 50, 0, 0.0),
        (7, 50, "<11", None),
        (25, 50, 25, 50.0),
        (45, 50, ">39", None),
        (50, 50, 50, 100.0),
        (3, 7, "<11", None),
    ],
)
def test_part_gives_neither_itself_nor_its_rest_away(
    part: int, whole: int, said: str | int, share: float | None
) -> None:
    """A part is not said where it is small, nor exactly where what is left of it is; then there is no share either."""
    assert part_told(part, whole) == said
    assert share_told(part, whole) == share
    assert SMALL == 11


@pytest.mark.parametrize(
    ("part", "whole", "interval"),
    [
        (0, 10, Interval(0.0, 0.0, 27.8)),
        (5, 10, Interval(50.0, 23.7, 76.3)),
        (10, 10, Interval(100.0, 72.2, 100.0)),
        (2, 234, Interval(0.9, 0.2, 3.1)),
        (0, 0, None),
    ],
)
def test_interval_is_wilsons(part: int, whole: int, interval: Interval | None) -> None:
    """The values of textbooks, also for none and for all; of nothing there is no interval."""
    assert wilson(part, whole) == interval
