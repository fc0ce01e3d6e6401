"""What a query asks of the insights."""

from __future__ import annotations

from datetime import UTC, date, datetime
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_service.pages.insights.filters import PARAMETERS, Filters, read_filters
from cds_service.records.insights.insights import Choices

TODAY = date(2026, 6, 2)
NOTHING = Choices((), (), None, None)
CHOICES = Choices(
    ("north", "south"), ("1.0.0",), datetime(2026, 1, 5, 9, tzinfo=UTC), datetime(2026, 6, 1, 9, tzinfo=UTC)
)


def read(query: str) -> Filters:
    """Read a query on 2 June 2026."""
    return read_filters(parse_qsl(query, keep_blank_values=True), TODAY)


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("", date(2026, 5, 4), TODAY),
        ("period=30", date(2026, 5, 4), TODAY),
        ("period=7", date(2026, 5, 27), TODAY),
        ("period=90", date(2026, 3, 5), TODAY),
        ("period=all", None, None),
        ("from=2026-05-01&to=2026-05-31", date(2026, 5, 1), date(2026, 5, 31)),
        ("from=2026-05-01", date(2026, 5, 1), None),
        ("to=2026-05-31&from=", None, date(2026, 5, 31)),
        ("period=7&from=2026-05-01&to=2026-05-01", date(2026, 5, 1), date(2026, 5, 1)),
    ],
)
def test_days(query: str, first: date | None, last: date | None) -> None:
    """Periods end today and include it; given days come before a period, and both ends are included."""
    filters = read(query)
    assert (filters.first, filters.last, filters.problems) == (first, last, ())


def test_last_day_is_selected_whole() -> None:
    """Calls of the last day, up to midnight in UTC, are counted."""
    selection = read("from=2026-05-01&to=2026-05-31").selection()
    assert selection.since == datetime(2026, 5, 1, tzinfo=UTC)
    assert selection.until == datetime(2026, 6, 1, tzinfo=UTC)


def test_real_records_unless_asked_otherwise() -> None:
    """Nobody takes synthetic records for real ones by leaving something out."""
    assert read("").selection().synthetic is False
    assert read("records=real").selection().synthetic is False
    assert read("records=synthetic").selection().synthetic is True


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("period=yesterday", "Period"),
        ("period=-7", "Period"),
        ("from=yesterday", "From"),
        ("from=20260501", "From"),
        ("from=2026-02-30", "From"),
        ("from=0001-01-01", "From"),
        ("to=9999-12-31", "To"),
        ("to=2026-W01-1", "To"),
        ("from=٢٠٢٦-05-01", "From"),
        ("from=2026-06-01&to=2026-05-01", "From and to"),
        ("records=all", "Records"),
        ("by=month", "Trend"),
        ("cleint=north", "no filter"),
        ("token=secret", "no filter"),
        ("client=north&client=south", "Client: given more than once"),
    ],
)
def test_what_cannot_be_read_is_told(query: str, named: str) -> None:
    """A typing error never shows the numbers of something else, and is not repeated."""
    filters = read(query)
    assert len(filters.problems) == 1
    assert named in filters.problems[0]
    assert "secret" not in filters.problems[0]


def test_clients_and_versions_must_be_on_record() -> None:
    """A client that never called is a mistake in the address, not a client without orders."""
    assert read("client=north&guideline=1.0.0").checked(CHOICES).problems == ()
    problems = read("client=nroth&guideline=2").checked(CHOICES).problems
    assert [problem.partition(":")[0] for problem in problems] == ["Client", "Guideline version"]


@pytest.mark.parametrize(
    ("query", "unit"),
    [
        ("", "day"),
        ("period=7", "day"),
        ("period=90", "week"),
        ("period=all", "week"),
        ("period=90&by=day", "day"),
        ("period=7&by=week", "week"),
        ("from=2026-05-01&to=2026-05-31", "day"),
        ("from=2026-05-01&to=2026-06-01", "week"),
    ],
)
def test_unit_of_the_trend(query: str, unit: str) -> None:
    """A month is drawn by day, more by week, unless one is chosen."""
    assert read(query).unit(CHOICES) == unit


def test_open_ends_are_those_of_the_records() -> None:
    """All records are drawn over the time that they cover; without any there is no such time."""
    assert read("period=all").days(CHOICES) == (date(2026, 1, 5), date(2026, 6, 1))
    assert read("period=all").days(NOTHING) is None
    assert read("from=2026-05-01").days(NOTHING) == (date(2026, 5, 1), date(2026, 5, 1))


def test_usual_question_has_a_short_address() -> None:
    """Only what differs from the usual stands in the address."""
    assert read("").query() == ""
    assert read("period=30&records=real&by=&client=").query() == ""
    assert read("from=2026-05-01&client=a b").query(period="7") == "period=7&client=a+b"


_VALUES = st.sampled_from(["", "7", "all", "2026-05-01", "2026-05-31", "synthetic", "real", "day", "north", "1", "é&="])


@given(st.dictionaries(st.sampled_from(PARAMETERS), _VALUES))
def test_address_asks_the_same_again(values: dict[str, str]) -> None:
    """A copied address shows its receiver what its sender saw."""
    filters = read_filters(values.items(), TODAY)
    if not filters.problems:
        assert read(filters.query()) == filters


@given(st.lists(st.tuples(st.one_of(st.sampled_from(PARAMETERS), st.text()), st.text())))
def test_any_query_can_be_read(pairs: list[tuple[str, str]]) -> None:
    """Nothing in an address is a crash."""
    filters = read_filters(pairs, TODAY)
    filters.selection()
    filters.checked(CHOICES)
    filters.unit(CHOICES)
