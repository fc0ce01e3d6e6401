"""Moments as records state them, compared only as far as both sides tell.

One record says the day, another the second. Two times with a zone are compared to the instant, anything else by the day
as its author wrote it, and where that leaves it open nothing is certain: a replay leaves out, and takes back, only what
certainly came later.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import Final

from fhir_mappings.fhir.dates import DateInterval, exact, parse_date

_LONGEST: Final = 40
_HAS_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:")


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was: the days that it may have been, and the instant where that is told."""

    days: DateInterval
    instant: datetime | None = None

    @property
    def day(self) -> date | None:
        """The day, where only one is possible; otherwise the first."""
        return self.days.earliest

    def certainly_after(self, other: Moment) -> bool:
        """Whether it was later than another moment, whatever the missing parts of both were."""
        if self.instant is not None and other.instant is not None:
            return self.instant > other.instant
        return self.days.after(other.days) is True


def of_day(day: date) -> Moment:
    """Return a day of which no time is known."""
    return Moment(exact(day))


def parse_moment(text: object) -> Moment | None:
    """Read a FHIR date, dateTime or instant; None for anything else.

    Midnight is how many systems write that they know the day alone.
    """
    return _parsed(text) if isinstance(text, str) and len(text) <= _LONGEST else None


@lru_cache(maxsize=8192)
def _parsed(text: str) -> Moment | None:
    days = parse_date(text)
    if not days.is_known:
        return None
    return Moment(days, _instant(text.strip()) if _HAS_TIME.match(text.strip()) else None)


def _instant(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None or moment.time() == time():
            return None
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
