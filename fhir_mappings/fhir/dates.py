"""Partial dates as closed intervals, compared in three values.

FHIR dates may be a year, a month or a day. A rule such as "at least 42 days ago" must not be answered by guessing
the missing part, so each date becomes the interval of days it may mean, and a comparison answers True (whatever the
day was), False (whatever the day was) or None (it depends on the day).
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

# Seconds and zone are ignored on purpose: the day as the author wrote it is the clinical day.
_FHIR_DATE = re.compile(r"\s*(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ].*)?)?)?\s*", re.DOTALL)
# UCUM time units in which ages are given.
_LONGEST_DATE = 40  # characters of a date that is remembered
_MONTHS = {"a": 12, "mo": 1}
_DAYS = {"wk": 7.0, "d": 1.0, "h": 1 / 24, "min": 1 / 1440}


@dataclass(frozen=True, slots=True)
class DateInterval:
    """The days a date may mean, both ends included; None on a side means that this side is not known."""

    earliest: date | None = None
    latest: date | None = None

    @property
    def is_known(self) -> bool:
        """Whether anything at all is known of the date."""
        return self.earliest is not None or self.latest is not None

    @property
    def is_exact(self) -> bool:
        """Whether it is one day."""
        return self.earliest is not None and self.earliest == self.latest

    def on_or_before(self, day: date) -> bool | None:
        """Whether the date is on or before a day."""
        if self.latest is not None and self.latest <= day:
            return True
        if self.earliest is not None and self.earliest > day:
            return False
        return None

    def on_or_after(self, day: date) -> bool | None:
        """Whether the date is on or after a day."""
        if self.earliest is not None and self.earliest >= day:
            return True
        if self.latest is not None and self.latest < day:
            return False
        return None

    def within(self, days: int, before: date) -> bool | None:
        """Whether the date lies at most this many days before a day (a later date counts as within)."""
        return self.on_or_after(shifted(before, -days))

    def after(self, other: DateInterval) -> bool | None:
        """Whether the date is certainly later than another one."""
        if self.earliest is not None and other.latest is not None and self.earliest > other.latest:
            return True
        if self.latest is not None and other.earliest is not None and self.latest <= other.earliest:
            return False
        return None


UNKNOWN_DATE = DateInterval()


def shifted(day: date, days: int) -> date:
    """Return a day moved by some days, held at the ends of the calendar, where records with year 1 or 9999 lie."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min


def exact(day: date) -> DateInterval:
    """Return the interval of a single day."""
    return DateInterval(day, day)


def parse_date(text: object) -> DateInterval:
    """Read a FHIR date, dateTime or instant; anything else is an unknown date."""
    if not isinstance(text, str):
        return UNKNOWN_DATE
    return _known_date(text) if len(text) <= _LONGEST_DATE else _read_date(text)


def _read_date(text: str) -> DateInterval:
    match = _FHIR_DATE.fullmatch(text)
    if match is None:
        return UNKNOWN_DATE
    year, month, day = (int(part) if part else None for part in match.groups())
    try:
        if year is None:
            return UNKNOWN_DATE
        if month is None:
            return DateInterval(date(year, 1, 1), date(year, 12, 31))
        if day is None:
            return DateInterval(date(year, month, 1), date(year, month, monthrange(year, month)[1]))
        return exact(date(year, month, day))
    except ValueError:
        return UNKNOWN_DATE


# The dates of a record are asked for again and again, and one visit has many records.
_known_date = lru_cache(maxsize=4096)(_read_date)


def possible_days(text: object) -> DateInterval:
    """Return the day of a date or time as its author wrote it and as the service counts it, which is by UTC.

    In the evening of one zone it is the next day here: an answer given then is one of both days.
    """
    written = parse_date(text)
    if not written.is_exact or not isinstance(text, str):
        return written
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return written
    if moment.tzinfo is None or written.earliest is None:
        return written
    try:
        day = moment.astimezone(UTC).date()
    except OverflowError:
        return written
    return DateInterval(min(written.earliest, day), max(written.earliest, day))


def parse_period(start: object, end: object) -> DateInterval:
    """Return when something that lasted a period began: its start, or no later than its end."""
    begun = parse_date(start)
    if begun.is_known:
        return begun
    return DateInterval(None, parse_date(end).latest)


def date_at_age(birth: DateInterval, low: float | None, high: float | None, unit: str | None) -> DateInterval:
    """Return when a patient had an age between two values of a UCUM time unit (a, mo, wk, d).

    An age of n years means the whole year between two birthdays, so the interval is one unit wider than the values.
    """
    unit = (unit or "").strip()
    if birth.earliest is None or birth.latest is None or (unit not in _MONTHS and unit not in _DAYS):
        return UNKNOWN_DATE
    try:
        earliest = None if low is None else _aged(birth.earliest, int(low), unit)
        latest = None if high is None else _aged(birth.latest, int(high) + 1, unit)
    except (OverflowError, ValueError):
        return UNKNOWN_DATE
    return DateInterval(earliest, latest)


def _aged(birth: date, amount: int, unit: str) -> date:
    if unit in _DAYS:
        return shifted(birth, int(amount * _DAYS[unit]))
    years, month = divmod(birth.month - 1 + amount * _MONTHS[unit], 12)
    year = birth.year + years
    if not date.min.year <= year <= date.max.year:
        return date.max if years > 0 else date.min
    return date(year, month + 1, min(birth.day, monthrange(year, month + 1)[1]))


def years_between(birth: DateInterval, day: date) -> tuple[int | None, int | None]:
    """Return the lowest and the highest age in whole years that a birth date allows on a day."""
    return (
        None if birth.latest is None else _whole_years(birth.latest, day),
        None if birth.earliest is None else _whole_years(birth.earliest, day),
    )


def _whole_years(birth: date, day: date) -> int:
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
