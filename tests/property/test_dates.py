"""Dates that mean several days are compared soundly: no answer is given that one of those days would contradict."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import example, given
from hypothesis import strategies as st

from fhir_mappings.fhir.dates import DateInterval, date_at_age, exact, parse_date, parse_period, years_between
from tests.property.profile import law

DAYS = st.dates(date(1930, 1, 1), date(2060, 12, 31))


@st.composite
def intervals(draw: st.DrawFn) -> tuple[DateInterval, date]:
    """An interval, open or closed on either side, and one of its days."""
    day = draw(DAYS)
    before, after = (draw(st.integers(0, 800) | st.just(0)) for _ in range(2))
    earliest = draw(st.sampled_from((day - timedelta(days=before), None)))
    latest = draw(st.sampled_from((day + timedelta(days=after), None)))
    return DateInterval(earliest, latest), day


def agrees(answer: bool | None, truth: bool) -> bool:
    """Whether a three-valued answer leaves room for what is true of one day."""
    return answer is None or answer is truth


@law(500)
@given(intervals(), DAYS, st.integers(0, 800))
def test_a_comparison_with_a_day_holds_for_every_day_meant(
    case: tuple[DateInterval, date], day: date, days: int
) -> None:
    """On or before, on or after and within are never contradicted by a day that the date may mean."""
    interval, meant = case
    assert agrees(interval.on_or_before(day), meant <= day)
    assert agrees(interval.on_or_after(day), meant >= day)
    assert agrees(interval.within(days, day), meant >= day - timedelta(days=days))


@law(500)
@given(intervals(), intervals())
def test_a_comparison_of_dates_holds_for_every_pair_meant(
    one: tuple[DateInterval, date], other: tuple[DateInterval, date]
) -> None:
    """Later is never contradicted by any two days that the dates may mean, and no date is later than itself."""
    assert agrees(one[0].after(other[0]), one[1] > other[1])
    assert one[0].after(one[0]) is not True


@law(200)
@given(DAYS, DAYS)
def test_a_day_is_compared_exactly(one: date, other: date) -> None:
    """A date known to the day is answered with yes or no."""
    assert exact(one).on_or_before(other) is (one <= other)
    assert exact(one).on_or_after(other) is (one >= other)
    assert exact(one).after(exact(other)) is (one > other)


@law(300)
@given(DAYS, st.sampled_from((4, 7, 10)), st.sampled_from(("", "T00:00:00Z", "T23:59:59.999+14:00")))
def test_a_partial_date_means_every_day_it_may_be(day: date, signs: int, time: str) -> None:
    """A year, a month or a day, with or without a time, is read as an interval that holds the day meant."""
    written = day.isoformat()[:signs] + (time if signs == 10 else "")
    found = parse_date(written)
    assert found.earliest is not None
    assert found.latest is not None
    assert found.earliest <= day <= found.latest
    assert found.is_exact is (signs == 10)
    assert parse_period(written, None) == found
    begun = parse_period(None, written)
    assert begun.latest is not None
    assert begun.latest >= day


@law(300)
@given(st.text(max_size=12) | st.integers() | st.none() | st.lists(st.integers(), max_size=2))
def test_anything_else_is_an_unknown_date(text: object) -> None:
    """What is no date is no guess either, and raises nothing."""
    found = parse_date(text)
    assert found.is_known is (found.earliest is not None and found.latest is not None)


@law(500)
@given(DAYS, st.integers(0, 40_000))
@example(date(1987, 3, 1), 13_514)  # 29 February 2024, the last day at the age of 36
def test_an_age_in_years_means_the_year_between_two_birthdays(born: date, lived: int) -> None:
    """An age in years is read as an interval that holds every day on which the patient had that age."""
    day = born + timedelta(days=lived)
    age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    found = date_at_age(exact(born), age, age, "a")
    assert found.earliest is not None
    assert found.latest is not None
    assert found.earliest <= day <= found.latest


@law(300)
@given(DAYS, st.integers(0, 1000), st.integers(0, 2000))
def test_an_age_in_months_means_the_month_between_two_dates(born: date, months: int, within: int) -> None:
    """An age in months is read as an interval that holds every day on which the patient had that age."""
    year, month = divmod(born.month - 1 + months, 12)
    first = date(born.year + year, month + 1, min(born.day, 28))
    day = first + timedelta(days=within % 28)
    age = (day.year - born.year) * 12 + day.month - born.month - (day.day < born.day)
    found = date_at_age(exact(born), age, age, "mo")
    assert found.earliest is not None
    assert found.latest is not None
    assert found.earliest <= day <= found.latest


@law(300)
@given(intervals(), DAYS)
def test_an_age_allows_what_every_birthday_gives(birth: tuple[DateInterval, date], day: date) -> None:
    """The lowest and highest age that a partial birth date allows enclose the true one."""
    interval, born = birth
    low, high = years_between(interval, day)
    age = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    assert low is None or low <= age
    assert high is None or age <= high
