"""The UDI of a device, as scanners, labels and records write it."""

from __future__ import annotations

import base64

import pytest
from biip import ParseError
from biip.gs1_messages import GS1Message
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.devices.udi import Issuer, Udi, fits_check_digit, identifier_key, parse_udi

GTIN = "00643169001763"
WHOLE = f"(01){GTIN}(17)160712(21)21A11F4855"
HIBCC = "+H123PARTNO1234567890120/$$420020216LOT123456789012345/SXYZ456789012345678/16D20130202C"
ICCBBA = "=/A9999XYZ100T0944=,000025=A99971312345600=>014032=}013032&,1000000000000XYZ123"


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        "(01) 00643169001763 (17) 160712 (21) 21A11F4855",
        "{01}00643169001763{17}160712{21}21A11F4855",
        "(17)160712(01)00643169001763(21)21A11F4855",
        f"01{GTIN}1716071221" + "21A11F4855",
        f"]C101{GTIN}1716071221" + "21A11F4855",
        f"]d201{GTIN}1716071221" + "21A11F4855\x1d",
        f"\x1d01{GTIN}2121A11F4855\x1d17160712",
        f"01{GTIN}2121A11F4855<GS>17160712",
        f"  01 {GTIN} 17 160712 21 21A11F4855 ",
        f"1716071201{GTIN}2121A11F4855",
    ],
)
def test_gs1_element_string_is_read_in_every_form(text: str) -> None:
    """Parentheses, separators, the scanner's prefix and the order of the elements change nothing."""
    found = parse_udi(text)
    assert (found.issuer, found.device_identifier, found.is_sound) == (Issuer.GS1, GTIN, True)
    assert (found.serial, found.expires) == ("21A11F4855", "2016-07-12")


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        (GTIN, GTIN),
        ("643169001763", GTIN),
        ("0 06 43169 00176 3", GTIN),
        ("9504000059118", "09504000059118"),
        ("+09504000059118", "09504000059118"),
        ("(01)643169001763", GTIN),
        ("H123PARTNO1234567890120", "H123PARTNO1234567890120"),
        ("A9999XYZ100T0944", "A9999XYZ100T0944"),
    ],
)
def test_bare_device_identifier_is_read(text: str, identifier: str) -> None:
    """A DI alone counts, and a GTIN with any number of leading zeros is the same GTIN."""
    assert parse_udi(text).device_identifier == identifier == identifier_key(identifier)


@pytest.mark.parametrize(
    ("text", "issuer", "identifier"),
    [
        (HIBCC, Issuer.HIBCC, "H123PARTNO1234567890120"),
        ("+A123BJC5D6E71G", Issuer.HIBCC, "A123BJC5D6E71"),
        ("*+A123BJC5D6E71G*", Issuer.HIBCC, "A123BJC5D6E71"),
        ("+A123BJC5D6E71", Issuer.HIBCC, "A123BJC5D6E71"),
        ("+$$52001510X33", Issuer.HIBCC, ""),
        (ICCBBA, Issuer.ICCBBA, "A9999XYZ100T0944"),
        ("=)1TE123456A&)RZ12345678", Issuer.ICCBBA, "1TE123456A"),
        ("=,000025", Issuer.ICCBBA, ""),
    ],
)
def test_other_issuers_are_named(text: str, issuer: Issuer, identifier: str) -> None:
    """HIBCC and ICCBBA mark their bars; without the part that holds the DI there is none."""
    found = parse_udi(text)
    assert (found.issuer, found.device_identifier, found.text) == (issuer, identifier, text)


def test_wrong_check_digit_is_told() -> None:
    """A GTIN that was mistyped is not taken for a sound one."""
    assert parse_udi("(01)00643169001764").is_sound is False
    assert parse_udi("00643169001764").is_sound is False


def test_day_left_open_is_a_month() -> None:
    """GS1 writes day 00 where only the month is known; what is no date is none."""
    assert parse_udi(f"(01){GTIN}(17)251200(11)991399") == Udi(
        f"(01){GTIN}(17)251200(11)991399", Issuer.GS1, GTIN, expires="2025-12"
    )


@pytest.mark.parametrize(
    "text", ["", "pacemaker", "PPM", "n/a", "see op note", "(01)", "(10)A1", "+", "=/", "[01]x", "+ve"]
)
def test_what_is_no_udi_has_no_identifier(text: str) -> None:
    """Words in the place of a UDI are kept as text and looked up nowhere."""
    assert parse_udi(text).keys == ()


@given(st.text(max_size=400) | st.binary(max_size=120).map(lambda data: base64.b64encode(data).decode()))
def test_nothing_raises(text: str) -> None:
    """Whatever stands in its place, a UDI comes out with the text that went in."""
    assert parse_udi(text).text == text


_LOTS = st.text("ABCXYZ0123456789-./", min_size=1, max_size=20)
_GTINS = st.integers(0, 10**13 - 1).map(
    lambda number: next(f"{number:013}{last}" for last in range(10) if fits_check_digit(f"{number:013}{last}"))
)


@given(_GTINS, _LOTS, _LOTS, st.dates().map(lambda day: day.strftime("%y%m%d")))
def test_agrees_with_biip(gtin: str, lot: str, serial: str, day: str) -> None:
    """What an independent reader of GS1's bars reads, we read; it also reads what we do not need."""
    text = f"01{gtin}17{day}10{lot}\x1d21{serial}"
    try:
        theirs = {found.ai.ai: found.value for found in GS1Message.parse(text).element_strings}
    except ParseError:
        return
    ours = parse_udi(text)
    assert (ours.device_identifier, ours.lot, ours.serial) == (theirs["01"], theirs["10"], theirs["21"])
    assert ours.expires.replace("-", "")[2:] == theirs["17"]
