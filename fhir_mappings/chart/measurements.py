"""Measured values: what a number may stand for, and in which unit.

A value with a comparator is a range (">=200" may be 600), so a limit is passed, not passed, or unknown. An unknown unit
is unknown, never small. Laboratories write values as texts (">60", "2/5", "GT 45"), and one unit in many ways.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fhir_mappings.chart.entries import ChartEntry
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import Quantity, Range, Ratio
from fhir_mappings.words.matcher import affirms


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


_SILENT: Final = str.maketrans("²³µμ", "23uu", " ._^*{}[]()°")
_SPELLINGS: Final = (
    (re.compile(r"\(s\)"), "s"),
    (re.compile(r"\bper\b"), "/"),
    (re.compile(r"^\s*(?:°|\bdeg(?:ree)?s?\b\.?)\s*(?=[cf])"), ""),
    (re.compile(r"lit(?:er|re)s?\b"), "l"),
    (re.compile(r"^(?:millil|mls)$"), "ml"),
    (re.compile(r"sq\.? ?m\b"), "m2"),
    (re.compile(r"\bmcg\b"), "ug"),
)


def unit_key(unit: str) -> str:
    """Return a unit as it can be compared: without case, spaces, brackets and the many spellings of one thing."""
    key = unit.casefold().strip()
    for pattern, plain in _SPELLINGS:
        key = pattern.sub(plain, key)
    return "deg" if key == "°" else key.translate(_SILENT)


def _factors(units: Mapping[str, float]) -> Mapping[str, float]:
    return {unit_key(unit): factor for unit, factor in units.items()}


# UCUM codes and the words of clients, with the factor to the unit that the limits are in.
MILLILITRES: Final = _factors(
    {"mL": 1.0, "cc": 1.0, "ccm": 1.0, "cm3": 1.0, "": 1.0, "L": 1000.0, "dL": 100.0, "cL": 10.0}
    | {"[foz_us]": 29.5735295625}
)
MILLIMETRES_PER_HOUR: Final = _factors(
    dict.fromkeys(("mm/h", "mm/hr", "mm/hour", "mm/1h", "mm/1hr", "mm in 1 hour", "mm", ""), 1.0) | {"cm/h": 10.0}
)
MILLIGRAMS_PER_LITRE: Final = _factors({"mg/L": 1.0, "ug/mL": 1.0, "": 1.0, "mg/dL": 10.0, "g/L": 1000.0})
RATE: Final = _factors(dict.fromkeys(("mL/min/{1.73_m2}", "mL/min/1.73", "mL/min/{BSA}", "mL/min", ""), 1.0))
_CELSIUS: Final = frozenset({"cel", "c", "degc", "celsius", "℃"})
_FAHRENHEIT: Final = frozenset({"f", "degf", "fahrenheit", "℉"})
_NO_SCALE: Final = frozenset({"", "deg"})
_COLDEST_FAHRENHEIT: Final = 60.0  # a body temperature above this cannot be in degrees Celsius


def converted(value: Measured, factors: Mapping[str, float]) -> Measured | None:
    """Return a value in the unit that the factors lead to; None for a unit they do not name."""
    factor = factors.get(unit_key(value.unit))
    return None if factor is None else value.scaled(factor)


def in_celsius(value: Measured) -> Measured | None:
    """Return a temperature in degrees Celsius; without a unit by its height; None for an unknown unit."""
    unit = unit_key(value.unit)
    if unit not in _CELSIUS | _FAHRENHEIT | _NO_SCALE:
        return None
    if unit in _FAHRENHEIT or value.low > _COLDEST_FAHRENHEIT:
        found = value.scaled(5 / 9, 32.0)
        return Measured(round(found.low, 1), round(found.high, 1))
    return value.scaled(1.0)


_COMPARATORS: Final[Mapping[str, str]] = {
    ">": ">", "gt": ">", "greater than": ">", "more than": ">", "over": ">", "above": ">",
    ">=": ">=", "=>": ">=", "≥": ">=", "at least": ">=",
    "<": "<", "lt": "<", "less than": "<", "under": "<", "below": "<",
    "<=": "<=", "=<": "<=", "≤": "<=", "at most": "<=", "up to": "<=",
}  # fmt: skip
_WORDED: Final = "|".join(re.escape(word) for word in sorted(_COMPARATORS, key=len, reverse=True))
_DIGITS: Final = r"\d+(?:[.,]\d+)*"
_NUMBER: Final = re.compile(
    rf"\s*(?:(?P<compared>{_WORDED})\s*)?(?P<number>{_DIGITS})"
    rf"(?:\s*(?:-|–|to)\s*(?P<upper>{_DIGITS})|(?P<grade>[+-]))?\s*(?P<scale>/\s*5(?!\d))?"
    r"\s*(?P<unit>(?:°|deg(?:ree)?s?\.?)\s*(?:c|f|celsius|fahrenheit)\b|[^\s;(),]*)",
    re.IGNORECASE,
)
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
# "1.200" is a number with three decimals, or one of thousands with the point of half of Europe.
_EITHER: Final = re.compile(r"[1-9]\.\d{3}")
_HALF: Final = 0.5  # what a "+" or "-" beside a grade is worth
_FULL_POWER: Final = 5  # Medical Research Council grade
_GRADES: Final = re.compile(
    r"(?<![\d/.])(?:(?P<low>\d)\s*(?:-|–|to)\s*)?(?P<grade>\d)\s*(?P<sign>[+-])?\s*(?:/|out of\b|of\b)\s*5(?![\d/.])"
)
_GRADE_UNIT: Final = re.compile(r"(?:mrc|oxford)?(?:grade|scale|score)?(?:/5)?")
_FULL: Final = re.compile(r"(?:strong|full|intact|equal|normal|wnl)(?: (?:strength|power))?", re.IGNORECASE)
_LESS: Final = re.compile(r"\b(?:weak\w*|reduced|decreased|diminished|except|but|drop|unable|cannot|give-?way)\b")

Part = fhir.Observation | fhir.ObservationComponent


def measured(entry: ChartEntry) -> Measured | None:
    """Return what an Observation (or its component) measured; None where it holds no value that can be read."""
    part = entry.part
    if part is None or part.data_absent_reason is not None:
        return None
    if part.value_quantity is not None:
        return _quantity(part.value_quantity)
    if part.value_integer is not None:
        return Measured(part.value_integer, part.value_integer)
    if part.value_range is not None:
        return _range(part.value_range)
    if part.value_ratio is not None:
        return _ratio(part.value_ratio)
    return next((found for text in value_texts(part) if (found := written(text))), None)


def power(entry: ChartEntry) -> Measured | None:
    """Return the power of a muscle in grades of five, the weakest and the strongest where several are given.

    None where it is no such grade: 60 % or 8/10 is not full power.
    """
    texts = value_texts(entry.part) if entry.part is not None and entry.part.data_absent_reason is None else ()
    for text in texts:
        if _FULL.fullmatch(text.strip(" .")):
            return Measured(_FULL_POWER, _FULL_POWER)
        grades = [
            (
                _graded(found["low"] or found["grade"], "" if found["low"] else found["sign"]),
                _graded(found["grade"], found["sign"]),
            )
            for found in _GRADES.finditer(text.casefold())
        ]
        if grades:
            low = 0.0 if affirms(text, _LESS) else min(low for low, _ in grades)
            return Measured(low, max(high for _, high in grades))
    value = measured(entry)
    if value is None or not _GRADE_UNIT.fullmatch(unit_key(value.unit)) or value.low > _FULL_POWER:
        return None
    return value


def value_texts(part: Part) -> tuple[str, ...]:
    """Return the words in which a value is given."""
    coded = part.value_codeable_concept
    if coded is None:
        return (part.value_string,) if part.value_string else ()
    texts = (part.value_string, coded.text, *[coding.display for coding in coded.coding])
    return tuple(text for text in texts if text)


def _graded(digit: str, sign: str | None) -> float:
    return int(digit) + {"+": _HALF, "-": -_HALF}.get(sign or "", 0.0)


def _quantity(quantity: Quantity) -> Measured | None:
    if quantity.value is None:
        return None
    return _compared(quantity.value, quantity.value, quantity.comparator or "", _unit(quantity))


def _range(given: Range) -> Measured | None:
    ends = [end for end in (given.low, given.high) if end is not None and end.value is not None]
    units = {unit for end in ends if (unit := _unit(end))}
    if not ends or len({unit_key(unit) for unit in units}) > 1:
        return None
    low = given.low.value if given.low is not None and given.low.value is not None else -math.inf
    high = given.high.value if given.high is not None and given.high.value is not None else math.inf
    return Measured(low, high, next(iter(units), "")) if low <= high else None


def _ratio(given: Ratio) -> Measured | None:
    """Return a grade "3 : 5", or the value of a ratio to one."""
    whole = given.denominator.value if given.denominator else None
    return _quantity(given.numerator) if given.numerator is not None and whole in (None, 1, _FULL_POWER) else None


def written(text: str) -> Measured | None:
    """Return the value at the beginning of a text; None where it does not begin with one."""
    found = _NUMBER.match(text.casefold())
    if found is None:
        return None
    low = high = _decimal(found["number"])
    comparator, grade, unit = _COMPARATORS.get(found["compared"] or "", ""), found["grade"], found["unit"].strip(".")
    if found["upper"]:
        high = _decimal(found["upper"])
        return None if comparator or high < low else Measured(low, high, unit)
    if grade and low > _FULL_POWER:
        # "200+" is 200 or more; "60-" may be anything.
        return _compared(low, high, ">=" if grade == "+" else "?", unit)
    if grade:
        low = high = low + (_HALF if grade == "+" else -_HALF)
    elif _EITHER.fullmatch(found["number"]):
        high = low * 1000
    return _compared(low, high, comparator, unit)


def _compared(low: float, high: float, comparator: str, unit: str) -> Measured:
    if comparator in (">", ">="):
        low, high = (math.nextafter(low, math.inf) if comparator == ">" else low), math.inf
    elif comparator in ("<", "<="):
        low, high = -math.inf, (math.nextafter(high, -math.inf) if comparator == "<" else high)
    elif comparator:
        low, high = -math.inf, math.inf
    return Measured(low, high, unit)


def _unit(quantity: Quantity) -> str:
    """Return the unit of a quantity: its word where the code says nothing, or is of no system of units."""
    code, word = (quantity.code or "").strip().casefold(), (quantity.unit or "").strip().casefold()
    if code in ("1", "{score}", "{mrc}", "{grade}"):
        return ""
    return word or code if code.startswith("{") or code.isdigit() or not code else code


def _decimal(text: str) -> float:
    """Return a number written with either sign between its parts; three digits after a comma are thousands."""
    plain = text.replace(",", "") if _THOUSANDS.fullmatch(text) else text.replace(",", ".")
    whole, _, rest = plain.partition(".")
    return float(f"{whole}.{rest.replace('.', '')}" if rest else whole)
