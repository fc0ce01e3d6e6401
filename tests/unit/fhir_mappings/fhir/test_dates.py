"""Dates as people record them: partial, missing, written wrongly, or at the ends of the calendar."""

from __future__ import annotations

from datetime import date

import pytest

from fhir_mappings.fhir.dates import (
    UNKNOWN_DATE,
    DateInterval,
    date_at_age,
    exact,
    parse_date,
    parse_period,
    shifted,
    years_between,
)

DAY = date(2026, 6, 2)


def interval(first: str | None, last: str | None) -> DateInterval:
    """Return the interval between two days in ISO form."""
    return DateInterval(date.fromisoformat(first) if first else None, date.fromisoformat(last) if last else None)


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-06-02", "2026-06-02", "2026-06-02"),
        ("2026-06", "2026-06-01", "2026-06-30"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-06-02T23:30:00-11:00", "2026-06-02", "2026-06-02"),
        ("2026-06-02T10", "2026-06-02", "2026-06-02"),
        ("2026-06-02 10:00", "2026-06-02", "2026-06-02"),
        (" 2026-06-02 ", "2026-06-02", "2026-06-02"),
        ("0001", "0001-01-01", "0001-12-31"),
        ("9999-12", "9999-12-01", "9999-12-31"),
    ],
)
def test_date_is_read_as_far_as_it_is_given(text: str, first: str, last: str) -> None:
    """A year or a month means every day in it, and a time zone never moves the day that somebody wrote."""
    assert parse_date(text) == interval(first, last)


@pytest.mark.parametrize(
    "text",
    [
        *(None, 2026, 20260602.0, True, [], {}, "", "last spring", "06/02/2026", "2026-13", "2026-02-30", "2026-6-2"),
        *("0000", "20260602", "2026-06-02x", "2026-W23", "-2026", "2026-00-01", "2026-01-00"),
    ],
)
def test_what_is_no_date_is_unknown(text: object) -> None:
    """A date that cannot be read is not known, rather than guessed or a crash."""
    assert parse_date(text) == UNKNOWN_DATE
    assert not parse_date(text).is_known


@pytest.mark.parametrize(
    ("text", "before", "after", "within"),
    [
        ("2026-04-21", True, False, False),  # 42 days before
        ("2026-04-22", False, True, True),  # 41 days before
        ("2026-04", None, None, None),
        ("2026-03", True, False, False),
        ("2026-05", False, True, True),
        ("2026", None, None, None),
        ("2025", True, False, False),
        ("2027", False, True, True),
        ("soon", None, None, None),
    ],
)
def test_comparison_never_guesses(text: str, before: bool | None, after: bool | None, within: bool | None) -> None:
    """A rule about 42 days is answered yes or no only if every day that the date may mean gives that answer."""
    when = parse_date(text)
    assert when.on_or_before(date(2026, 4, 21)) is before
    assert when.on_or_after(date(2026, 4, 22)) is after
    assert when.within(41, DAY) is within


@pytest.mark.parametrize(
    ("one", "other", "later"),
    [
        ("2026-06-02", "2026-06-01", True),
        ("2026-06-02", "2026-06-02", False),
        ("2026-06", "2026-05", True),
        ("2026-05", "2026-06", False),
        ("2026-06-15", "2026-06", None),
        ("2026", "2026", None),
        ("2026", "", None),
        ("", "2026", None),
    ],
)
def test_later_is_only_said_when_certain(one: str, other: str, later: bool | None) -> None:
    """Whether one record is newer than another is left open where their days may overlap."""
    assert parse_date(one).after(parse_date(other)) is later


@pytest.mark.parametrize(
    ("earliest", "latest", "before", "after"),
    [(None, "2026-01-01", True, False), ("2026-12-01", None, False, True), (None, "2026-12-01", None, None)],
)
def test_one_known_end_is_used(
    earliest: str | None, latest: str | None, before: bool | None, after: bool | None
) -> None:
    """A date of which only one end is known still settles what that end settles."""
    when = interval(earliest, latest)
    assert when.is_known
    assert not when.is_exact
    assert (when.on_or_before(DAY), when.on_or_after(DAY)) == (before, after)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-05-01", "2026-05-20", interval("2026-05-01", "2026-05-01")),
        ("2026-05", None, interval("2026-05-01", "2026-05-31")),
        (None, "2026-05-20", interval(None, "2026-05-20")),
        ("once", "2026-05", interval(None, "2026-05-31")),
        (None, None, UNKNOWN_DATE),
    ],
)
def test_period_begins_at_its_start(start: str | None, end: str | None, expected: DateInterval) -> None:
    """What lasted a period began at its start, or at the latest at its end."""
    assert parse_period(start, end) == expected


@pytest.mark.parametrize(
    ("low", "high", "unit", "first", "last"),
    [
        (38, 38, "a", "2026-04-17", "2027-04-17"),
        (38, 38, " a ", "2026-04-17", "2027-04-17"),
        (None, 38, "a", None, "2027-04-17"),
        (38, None, "a", "2026-04-17", None),
        (6, 6, "mo", "1988-10-17", "1988-11-17"),
        (2, 2, "wk", "1988-05-01", "1988-05-08"),
        (3, 4, "d", "1988-04-20", "1988-04-22"),
        (24, 24, "h", "1988-04-18", "1988-04-18"),
        (1e6, 1e6, "a", "9999-12-31", "9999-12-31"),
        (-1e6, None, "a", "0001-01-01", None),
    ],
)
def test_age_is_a_span_of_days(
    low: float | None, high: float | None, unit: str, first: str | None, last: str | None
) -> None:
    """An age of 38 years means the whole year between two birthdays, and an impossible one ends at the calendar."""
    assert date_at_age(exact(date(1988, 4, 17)), low, high, unit) == interval(first, last)


@pytest.mark.parametrize(
    ("birth", "value", "unit"),
    [
        (UNKNOWN_DATE, 38, "a"),
        (DateInterval(date(1988, 1, 1), None), 38, "a"),
        (exact(date(1988, 4, 17)), 38, "years"),
        (exact(date(1988, 4, 17)), 38, None),
        (exact(date(1988, 4, 17)), float("inf"), "a"),
        (exact(date(1988, 4, 17)), float("nan"), "a"),
    ],
)
def test_age_that_cannot_be_placed_is_unknown(birth: DateInterval, value: float, unit: str | None) -> None:
    """Without a birth date, a known unit or a number, an age says nothing."""
    assert date_at_age(birth, value, value, unit) == UNKNOWN_DATE


@pytest.mark.parametrize(
    ("birth", "ages"),
    [
        ("1956-06-02", (70, 70)),
        ("1956-06-03", (69, 69)),
        ("1956-06", (69, 70)),
        ("1956", (69, 70)),
        ("1955", (70, 71)),
        ("2004-02-29", (22, 22)),
        ("", (None, None)),
    ],
)
def test_age_in_years_allows_for_a_partial_birth_date(birth: str, ages: tuple[int | None, int | None]) -> None:
    """The lowest and the highest age are those of the youngest and the oldest day of birth that is possible."""
    assert years_between(parse_date(birth), DAY) == ages


@pytest.mark.parametrize(
    ("day", "days", "expected"),
    [
        (DAY, -42, date(2026, 4, 21)),
        (date(1, 1, 20), -42, date.min),
        (date(9999, 12, 20), 42, date.max),
        (DAY, 10**12, date.max),
        (DAY, -(10**12), date.min),
    ],
)
def test_calendar_has_ends(day: date, days: int, expected: date) -> None:
    """Records dated to the year 1 or 9999 are counted from without a crash."""
    assert shifted(day, days) == expected
