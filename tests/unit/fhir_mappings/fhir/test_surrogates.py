"""Half characters in JSON text: replaced, and nothing else touched."""

from __future__ import annotations

import json
import time

import pytest

from fhir_mappings.fhir.surrogates import without_lone_surrogates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (rb'"pain \ud83d"', "pain \ufffd"),
        (rb'"\uDE00 pain"', "\ufffd pain"),
        (rb'"\ud83d\ud83d\ude00"', "\ufffd\U0001f600"),
        (rb'"\ude00\ud83d"', "\ufffd\ufffd"),
        (rb'"\ud83dx\ude00"', "\ufffdx\ufffd"),
        (rb'"\uD83D\uDE00"', "\U0001f600"),
        (rb'"C:\\ud83d"', r"C:\ud83d"),
        (rb'"\\\ud83d"', "\\\ufffd"),
        (rb'"\u0041\n\"\ud7ff"', 'A\n"\ud7ff'),
    ],
)
def test_lone_half_is_replaced(text: bytes, expected: str) -> None:
    """A half without its other half becomes U+FFFD; pairs, other escapes and escaped backslashes stay."""
    assert json.loads(without_lone_surrogates(text)) == expected


@pytest.mark.parametrize("text", [b"", b'"plain"', rb'"\uD83D\uDE00"', rb'"C:\\ud83d"', rb'"\ud7ff"'])
def test_sound_text_is_the_same_object(text: bytes) -> None:
    """Nothing is copied where nothing was wrong, which also tells that nothing was."""
    assert without_lone_surrogates(text) is text


def test_cost_grows_with_the_length_only() -> None:
    """A megabyte of halves is read once."""
    began = time.perf_counter()
    without_lone_surrogates(rb"\ud83d" * 200_000 + b"\\" * 200_001)
    assert time.perf_counter() - began < 2
