"""Measured values: what a number may stand for, in which unit, and which measurements are known by their words.

A value with a comparator is a range (">=200" may be 600), so a limit is passed, not passed, or unknown. An unknown unit
is unknown, never small. Laboratories write values as texts (">60", "2/5", "GT 45") and name measurements without codes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from fhir_mappings.chart.entries import ChartEntry


@dataclass(frozen=True, slots=True)
class Measured:
    """The values that a measurement may mean, both ends included, in the unit as written and in small letters."""

    low: float
    high: float
    unit: str = ""

    @property
    def exact(self) -> float | None:
        """The one value it means; None for a range."""
        return self.low if self.low == self.high else None

    def above(self, limit: float) -> bool | None:
        """Whether it is more than a limit, whatever the true value; None where that depends on it."""
        if self.low > limit:
            return True
        return False if self.high <= limit else None

    def at_least(self, limit: float) -> bool | None:
        """Whether it reaches a limit."""
        if self.low >= limit:
            return True
        return False if self.high < limit else None

    def below(self, limit: float) -> bool | None:
        """Whether it is less than a limit."""
        reached = self.at_least(limit)
        return None if reached is None else not reached

    def scaled(self, factor: float, offset: float = 0.0) -> Measured:
        """Return it in another unit: times a factor, after an offset was taken away."""
        return Measured((self.low - offset) * factor, (self.high - offset) * factor)

    def shown(self, unit: str) -> str:
        """Return it for people, with a unit."""
        if self.exact is not None:
            return f"{self.low:.4g} {unit}".strip()
        if math.isinf(self.high):
            return f">{self.low:.4g} {unit}".strip()
        if math.isinf(self.low):
            return f"<{self.high:.4g} {unit}".strip()
        return f"{self.low:.4g}-{self.high:.4g} {unit}".strip()


# UCUM codes and the spellings of clients, small letters, with the factor to the unit that the limits are in.
MILLILITRES: Final[Mapping[str, float]] = {
    **dict.fromkeys(("ml", "milliliter", "milliliters", "millilitre", "millilitres", "cc", "ccm", "cm3", ""), 1.0),
    **dict.fromkeys(("l", "liter", "liters", "litre", "litres"), 1000.0),
    "dl": 100.0,
    "cl": 10.0,
    "[foz_us]": 29.5735295625,
}
MILLIMETRES_PER_HOUR: Final[Mapping[str, float]] = {
    **dict.fromkeys(("mm/h", "mm/hr", "mm/hour", "mm/1h", "mm/1hr", "mm in 1 hour", "mm", "mm/(h)", ""), 1.0),
    "cm/h": 10.0,
}
MILLIGRAMS_PER_LITRE: Final[Mapping[str, float]] = {
    **dict.fromkeys(("mg/l", "ug/ml", "µg/ml", "mcg/ml", ""), 1.0),
    "mg/dl": 10.0,
    "g/l": 1000.0,
}
RATE: Final[Mapping[str, float]] = dict.fromkeys(
    (
        "ml/min/{1.73_m2}",
        "ml/min/1.73m2",
        "ml/min/1.73 m2",
        "ml/min/1.73m*2",
        "ml/min/1.73m^2",
        "ml/min/1.73",
        "ml/min/bsa",
        "ml/min/{bsa}",
        "ml/min",
        "",
    ),
    1.0,
)
_CELSIUS: Final = frozenset({"cel", "c", "°c", "degc", "deg c", "degrees c", "celsius", "℃"})
_FAHRENHEIT: Final = frozenset({"[degf]", "f", "°f", "degf", "deg f", "degrees f", "fahrenheit", "℉"})
_COLDEST_FAHRENHEIT: Final = 60.0  # a body temperature above this cannot be in degrees Celsius


def converted(value: Measured, factors: Mapping[str, float]) -> Measured | None:
    """Return a value in the unit that the factors lead to; None for a unit they do not name."""
    factor = factors.get(value.unit)
    return None if factor is None else value.scaled(factor)


def in_celsius(value: Measured) -> Measured | None:
    """Return a temperature in degrees Celsius; without a unit by its height; None for an unknown unit."""
    if value.unit in _FAHRENHEIT or (not value.unit and value.low > _COLDEST_FAHRENHEIT):
        found = value.scaled(5 / 9, 32.0)
        return Measured(round(found.low, 1), round(found.high, 1))
    if value.unit in _CELSIUS and value.low > _COLDEST_FAHRENHEIT:
        return in_celsius(Measured(value.low, value.high))
    return value.scaled(1.0) if value.unit in _CELSIUS or not value.unit else None


_COMPARATORS: Final[Mapping[str, str]] = {
    ">": ">", "gt": ">", "greater than": ">", "more than": ">", "over": ">", "above": ">",
    ">=": ">=", "=>": ">=", "≥": ">=", "at least": ">=",
    "<": "<", "lt": "<", "less than": "<", "under": "<", "below": "<",
    "<=": "<=", "=<": "<=", "≤": "<=", "at most": "<=", "up to": "<=",
}  # fmt: skip
_WORDED: Final = "|".join(re.escape(word) for word in sorted(_COMPARATORS, key=len, reverse=True))
_NUMBER: Final = re.compile(
    rf"\s*(?:(?P<compared>{_WORDED})\s*)?(?P<number>\d+(?:[.,]\d+)*)(?P<grade>[+-])?\s*(?P<scale>/\s*5(?!\d))?"
    r"\s*(?P<unit>[^\s;()]*)",
    re.IGNORECASE,
)
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_HALF: Final = 0.5  # what a "+" or "-" beside a grade is worth


def measured(entry: ChartEntry) -> Measured | None:
    """Return what an Observation (or its component) measured; None where it holds no value that can be read."""
    part = entry.part
    if part is None or part.data_absent_reason is not None:
        return None
    quantity = part.value_quantity
    if quantity is not None:
        if quantity.value is None:
            return None
        unit = (quantity.code or quantity.unit or "").strip().casefold()
        return _compared(quantity.value, quantity.comparator or "", _plain_unit(unit, quantity.unit))
    if part.value_integer is not None:
        return Measured(part.value_integer, part.value_integer)
    return written(part.value_string or "")


def written(text: str) -> Measured | None:
    """Return the value at the beginning of a text; None where it does not begin with one."""
    found = _NUMBER.match(text.casefold())
    if found is None:
        return None
    value = _decimal(found["number"])
    if found["grade"]:
        value += _HALF if found["grade"] == "+" else -_HALF
    return _compared(value, _COMPARATORS.get(found["compared"] or "", ""), found["unit"].strip(".,"))


def _compared(value: float, comparator: str, unit: str) -> Measured:
    low = high = value
    if comparator in (">", ">="):
        low, high = (math.nextafter(value, math.inf) if comparator == ">" else value), math.inf
    elif comparator in ("<", "<="):
        low, high = -math.inf, (math.nextafter(value, -math.inf) if comparator == "<" else value)
    elif comparator:
        low, high = -math.inf, math.inf
    return Measured(low, high, unit)


def _plain_unit(unit: str, word: str | None) -> str:
    """Return a unit without what says nothing: a dimensionless code, an annotation that stands for a word."""
    if unit in ("1", "{score}", "{mrc}", "{grade}"):
        return ""
    return (word or unit).strip().casefold() if unit.startswith("{") else unit


def _decimal(text: str) -> float:
    """Return a number written with either sign between its parts; three digits after a comma are thousands."""
    plain = text.replace(",", "") if _THOUSANDS.fullmatch(text) else text.replace(",", ".")
    whole, _, rest = plain.partition(".")
    return float(f"{whole}.{rest.replace('.', '')}" if rest else whole)


# Measurements by their words, where no code tells: what a laboratory or a ward calls them.
_BY_WORDS: Final = (
    ("pvr", re.compile(r"\bpost-?[ -]?void(?:ing)?(?: bladder)? resid\w*|\bpvr\b|\bbladder scan\b|\bresidual urine\b")),
    ("esr", re.compile(r"\besr\b|\bsed(?:imentation)? rate\b|\bsedimentation\b")),
    ("crp", re.compile(r"\bcrp\b|\bc[- ]?reactive prot\w*")),
    ("egfr", re.compile(r"\be-?gfr\b|\bglomerular filtration\b|\bgfr\b")),
    ("fever", re.compile(r"\b(?:body )?temp(?:erature)?\b")),
    (
        "motor_generic",
        re.compile(
            r"\b(?:muscle|motor) (?:strength|power)\b|\bmrc\b|\behl\b|\bextensor hallucis\b"
            r"|\b(?:dorsi|plantar)-?flexion\b"
            r"|\b(?:hip|knee|ankle|toe|leg|foot) (?:flexion|extension|strength|power|dorsiflexion|abduction)\b"
            r"|\b(?:power|strength)\b.{0,20}\b(?:leg|foot|hip|knee|ankle|lower)\b"
        ),
    ),
)
_OTHER_LIMB: Final = re.compile(
    r"\b(?:arms?|hands?|grip|fingers?|wrists?|elbows?|shoulders?|upper|bicep\w*|tricep\w*|deltoid|neck|jaw|facial"
    r"|room|water|skin|storage|refrigerator|incubator|bath|range of motion|rom)\b"
)


@lru_cache(maxsize=2048)
def concept_by_words(words: str) -> str:
    """Return the concept of a measurement that its words name, small letters; empty where they name none."""
    for concept, pattern in _BY_WORDS:
        if pattern.search(words):
            return "" if concept in ("fever", "motor_generic") and _OTHER_LIMB.search(words) else concept
    return ""
