"""What a visitor of the insights asks about: read from the query, so that an address can be kept and shared.

Days are days of UTC, as in the records. Whatever cannot be read is told in a fixed sentence and never replaced by a
default: numbers for another period than the one asked for would be believed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode

from cds_service.records.insights.insights import Choices
from cds_service.records.insights.selection import Selection
from cds_service.records.insights.volumes import Unit

PERIODS: Final[Mapping[str, int | None]] = {"7": 7, "30": 30, "90": 90, "all": None}
PARAMETERS: Final = ("period", "from", "to", "client", "guideline", "records", "by")

RECORDS: Final = ("real", "demo", "synthetic")

_USUAL_PERIOD: Final = "30"
_USUAL_RECORDS: Final = "real"
_DATES: Final = "dates"
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_YEARS: Final = (2000, 2100)
_MOST_DAYS: Final = 31  # of a period that is drawn by day unless a unit is chosen
_SENTENCES: Final = {
    "period": "Period: must be 7, 30, 90 or all.",
    "from": "From: must be a date between 2000 and 2100, written as 2026-05-31.",
    "to": "To: must be a date between 2000 and 2100, written as 2026-05-31.",
    "records": "Records: must be real, demo or synthetic.",
    "by": "Trend: must be by day or by week.",
}


@dataclass(frozen=True, slots=True)
class Filters:
    """One question: the first and the last day (None: open), a client and a guideline version ("": any), the records.

    `period` is a key of `PERIODS`, or `dates` where days were given. `by` is the unit of the trend, "" where none was
    chosen. `problems` are sentences on what could not be read; with any, the other fields must not be answered.
    """

    period: str = _USUAL_PERIOD
    first: date | None = None
    last: date | None = None
    client: str = ""
    guideline: str = ""
    records: str = _USUAL_RECORDS
    by: str = ""
    problems: tuple[str, ...] = ()

    @property
    def synthetic(self) -> bool:
        """Whether synthetic records are asked for."""
        return self.records == "synthetic"

    @property
    def demo(self) -> bool:
        """Whether calls about the demo's invented patients are asked for."""
        return self.records == "demo"

    @property
    def by_dates(self) -> bool:
        """Whether days were given instead of a number of them."""
        return self.period == _DATES

    def selection(self) -> Selection:
        """Return the question as the records take it."""
        return Selection(
            since=_midnight(self.first) if self.first else None,
            until=_midnight(self.last + timedelta(days=1)) if self.last else None,
            client=self.client or None,
            guideline=self.guideline or None,
            synthetic=self.synthetic,
            demo=self.demo,
        )

    def days(self, choices: Choices) -> tuple[date, date] | None:
        """Return the first and last day, open ends taken from the records; None when those are empty too."""
        first = self.first or (choices.first and choices.first.date())
        last = self.last or (choices.last and choices.last.date())
        if first is None and last is None:
            return None
        return first or last, last or first  # type: ignore[return-value] # one of them is a day, see above

    def unit(self, choices: Choices) -> Unit:
        """Return the unit of the trend: as chosen, else days for about a month and weeks for more."""
        if self.by:
            return "week" if self.by == "week" else "day"
        span = self.days(choices)
        return "day" if span is None or span[1] - span[0] < timedelta(days=_MOST_DAYS) else "week"

    def checked(self, choices: Choices) -> Filters:
        """Return the same question, with a problem for a client or version of which there is no record."""
        problems = list(self.problems)
        kind = self.records
        if self.client and self.client not in choices.clients:
            problems.append(f"Client: there are no {kind} records of such a client.")
        if self.guideline and self.guideline not in choices.guidelines:
            problems.append(f"Guideline version: there are no {kind} records of such a version.")
        return replace(self, problems=tuple(problems))

    def query(self, **changes: str) -> str:
        """Return the question as the query of an address, with some parameters changed; what is usual is left out."""
        values = {
            "period": "" if self.by_dates or self.period == _USUAL_PERIOD else self.period,
            "from": self.first.isoformat() if self.by_dates and self.first else "",
            "to": self.last.isoformat() if self.by_dates and self.last else "",
            "client": self.client,
            "guideline": self.guideline,
            "records": "" if self.records == _USUAL_RECORDS else self.records,
            "by": self.by,
        }
        if "period" in changes:
            values |= {"from": "", "to": ""}
        return urlencode({name: value for name, value in (values | changes).items() if value})


def read_filters(pairs: Iterable[tuple[str, str]], today: date) -> Filters:
    """Return the question that the parameters of a query ask on a day; an empty parameter counts as not given."""
    given = [(name, value.strip()) for name, value in pairs if value.strip()]
    times = Counter(name for name, _ in given)
    problems = []
    if unknown := sum(1 for name in times if name not in PARAMETERS):
        problems.append(
            f"The address has {unknown} parameter(s) that are no filter; the filters are {_listed(PARAMETERS)}."
        )
    problems += [f"{name.capitalize()}: given more than once." for name in PARAMETERS if times[name] > 1]
    values = dict(given)
    period, by = values.get("period", _USUAL_PERIOD), values.get("by", "")
    records = values.get("records", _USUAL_RECORDS)
    days = {name: _day(values[name]) for name in ("from", "to") if name in values}
    wrong = {
        "period": period not in PERIODS,
        "from": days.get("from", today) is None,
        "to": days.get("to", today) is None,
        "records": records not in RECORDS,
        "by": by not in ("", "day", "week"),
    }
    problems += [sentence for name, sentence in _SENTENCES.items() if wrong[name]]
    first, last = days.get("from"), days.get("to")
    if first and last and first > last:
        problems.append("From and to: the first day must not be after the last one.")
    if days:
        period = _DATES
    elif (length := PERIODS.get(period)) is not None:
        first, last = today - timedelta(days=length - 1), today
    return Filters(
        period=period if period == _DATES or period in PERIODS else _USUAL_PERIOD,
        first=first,
        last=last,
        client=values.get("client", ""),
        guideline=values.get("guideline", ""),
        records=records if records in RECORDS else _USUAL_RECORDS,
        by="" if wrong["by"] else by,
        problems=tuple(problems),
    )


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None
    return day if day and _YEARS[0] <= day.year <= _YEARS[1] else None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
