"""The unique device identifier (UDI) of a device: which issuer's it is, and the device identifier (DI) in it.

A UDI is what a scanner read or a person copied from a label, so it comes in every form: a GS1 element string with or
without parentheses, separators and the scanner's prefix; the bars of HIBCC and ICCBBA; or the bare DI, with or without
leading zeros. What is said of a device model stands under its DI, so that is what has to come out. The rest (lot,
serial number, dates) is shown to people only. Anything else comes out as text without a DI: nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# Longer than any UDI (GS1: 76 signs, HIBCC: 79); what is longer is not looked into.
LONGEST: Final = 250


class Issuer(StrEnum):
    """The issuing agencies that the FDA has accredited; UNKNOWN where a text does not tell."""

    GS1 = "GS1"
    HIBCC = "HIBCC"
    ICCBBA = "ICCBBA"
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Udi:
    """A UDI as it was written, and what could be read in it; an element that could not is empty.

    `device_identifier` is written as AccessGUDID writes it: of GS1 the GTIN with 14 digits. `is_sound` tells whether
    its check digit fits, where it has one. `alternative` is what the DI is otherwise, where the text can be read in
    two ways. Dates are ISO dates, of a month where the day is left open.
    """

    text: str
    issuer: Issuer = Issuer.UNKNOWN
    device_identifier: str = ""
    is_sound: bool = True
    lot: str = ""
    serial: str = ""
    expires: str = ""
    manufactured: str = ""
    alternative: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The device identifiers under which the model may be known, the likelier one first."""
        return tuple(filter(None, (self.device_identifier, self.alternative)))


def parse_udi(text: str) -> Udi:
    """Return what a UDI, or a bare DI, says."""
    if len(text) > LONGEST:
        return Udi(text)
    plain = _SEPARATOR.sub(_GS, _SCANNER.sub("", text.strip(" \t\r\n*"))).replace(" ", "").lstrip(_GS)
    if found := _gs1(text, plain):
        return found
    upper = plain.upper()
    if upper.startswith(("=", "&,", "&)")):
        return _iccbba(text, upper)
    if upper.startswith("+") and (found := _hibcc(text, upper)):
        return found
    return _bare(text, upper.removeprefix("+"))


def identifier_key(device_identifier: str) -> str:
    """Return a device identifier in the one form in which it is compared: GTINs of any length with 14 digits."""
    plain = _GAPS.sub("", device_identifier.strip()).upper()
    return plain.zfill(_GTIN) if _DIGITS.fullmatch(plain) and fits_check_digit(plain) else plain


def fits_check_digit(digits: str) -> bool:
    """Whether the last digit of a GTIN of any length is its check digit (modulo 10, weights 3 and 1)."""
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(digits)))
    return weighted % 10 == 0


_GS: Final = "\x1d"
_GTIN: Final = 14
# The sign that ends an element of variable length, and how software writes it that cannot show it.
_SEPARATOR: Final = re.compile(r"\u241d|[<{\[](?:GS|FNC1)[>}\]]|\\x1[dD]|\\u001[dD]|&#(?:29|x1[dD]);")
# The scanner's prefix: which kind of bars it read.
_SCANNER: Final = re.compile(r"^\][A-Za-z][0-9]")
_GAPS: Final = re.compile(r"[ \t-]")
# The shortest GTIN has 8 digits; one whose leading zeros were dropped has any number up to 14.
_DIGITS: Final = re.compile(r"[0-9]{8,14}")

# GS1 application identifiers on the labels of devices: with a fixed length, or up to the separator.
_FIXED: Final[Mapping[str, int]] = {"00": 18, "01": 14, "02": 14, "20": 2} | dict.fromkeys(
    ("11", "12", "13", "15", "16", "17"), 6
)
_VARIABLE: Final = ("10", "21", "22", "240", "241", "242", "250", "251", "30", "37")
_BRACKETED: Final = re.compile(r"[({\[]([0-9]{2,4})[)}\]]")
_DATE: Final = re.compile(r"([0-9]{2})(0[1-9]|1[0-2])([0-2][0-9]|3[01])")


def _gs1(text: str, plain: str) -> Udi | None:
    """Return the UDI of a GS1 element string; None where there is no GTIN in it."""
    found = dict(_bracketed(plain) if _BRACKETED.match(plain) else _elements(plain))
    gtin = found.get("01", "")
    if len(gtin) > _GTIN or not _DIGITS.fullmatch(gtin):
        return None
    return Udi(
        text,
        Issuer.GS1,
        gtin.zfill(_GTIN),
        fits_check_digit(gtin),
        lot=found.get("10", ""),
        serial=found.get("21", ""),
        expires=_date(found.get("17", "")),
        manufactured=_date(found.get("11", "")),
    )


def _bracketed(plain: str) -> Iterator[tuple[str, str]]:
    """Yield the elements of a string for people: each application identifier in parentheses."""
    parts = _BRACKETED.split(plain)
    for place in range(len(parts) - 2, 0, -2):  # backwards, so that in a dict the first one counts
        yield parts[place], parts[place + 1].strip(_GS)


def _elements(plain: str) -> Iterator[tuple[str, str]]:
    """Yield the elements of a string for machines, up to the first one that cannot be told from what follows."""
    place = 0
    while place < len(plain):
        name = plain[place : place + 2]
        if name in _FIXED:
            end = place + 2 + _FIXED[name]
            yield name, plain[place + 2 : end]
        else:
            name = name if name in _VARIABLE else plain[place : place + 3]
            end = plain.find(_GS, place)
            end = len(plain) if end < 0 else end
            if name in _VARIABLE:
                yield name, plain[place + len(name) : end]
        while end < len(plain) and plain[end] == _GS:
            end += 1
        place = end


def _date(value: str) -> str:
    """Return the date of a GS1 element; UDIs are younger than the century."""
    found = _DATE.fullmatch(value)
    if not found:
        return ""
    year, month, day = found.groups()
    return f"20{year}-{month}" if day == "00" else f"20{year}-{month}-{day}"


# HIBCC: labeler (4 signs, the first a letter), product (1 to 18), unit of measure (a digit).
_HIBCC: Final = re.compile(r"[A-Z][A-Z0-9]{3}[A-Z0-9]{1,18}[0-9]")
# Its second part alone: lot and dates, after a flag or a day of the year.
_HIBCC_SECOND: Final = re.compile(r"\+(?:\$|[0-9]{5}[A-Z])")
_CODE_39: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-. $/+%"


def _hibcc(text: str, upper: str) -> Udi | None:
    """Return the UDI of HIBCC's bars, of which the check sign is no part of the DI; None where these are none."""
    primary, second, _ = upper[1:].partition("/")
    whole = primary if _HIBCC.fullmatch(primary) else ""
    if not second and _HIBCC.fullmatch(primary[:-1]) and _check_sign(f"+{primary[:-1]}") == primary[-1]:
        return Udi(text, Issuer.HIBCC, primary[:-1], alternative=whole)
    return Udi(text, Issuer.HIBCC, whole) if whole or _HIBCC_SECOND.match(upper) else None


def _check_sign(signs: str) -> str:
    """Return HIBCC's check sign (modulo 43); empty where a sign has no value."""
    if not set(signs) <= set(_CODE_39):
        return ""
    return _CODE_39[sum(map(_CODE_39.index, signs)) % len(_CODE_39)]


# ICCBBA (ISBT 128): a processor's product, or a blood bag.
_ICCBBA: Final = re.compile(r"=/([A-Z0-9]{16})|=\)([A-Z0-9]{10})")


def _iccbba(text: str, upper: str) -> Udi:
    found = _ICCBBA.search(upper)
    return Udi(text, Issuer.ICCBBA, (found[1] or found[2]) if found else "")


# A DI of any issuer: letters and digits, at least one of these a digit.
_ANY: Final = re.compile(r"(?=[A-Z]*[0-9])[A-Z0-9]{6,23}")


def _bare(text: str, upper: str) -> Udi:
    """Return the UDI of a DI that stands alone."""
    digits = _GAPS.sub("", upper)
    if _DIGITS.fullmatch(digits) and (len(digits) == _GTIN or fits_check_digit(digits)):
        return Udi(text, Issuer.GS1, digits.zfill(_GTIN), fits_check_digit(digits))
    return Udi(text, device_identifier=upper if _ANY.fullmatch(upper) else "")
