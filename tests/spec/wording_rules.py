"""What no card may ever say: that something dangerous is not there, or that a scan is safe."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_DANGERS = "ces|cauda equina(?: syndrome)?|infection|cancer|malignancy|fracture"
_REASSURANCES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\bno red[ -]flags?\b(?! (?:was|were) (?:found|coded|recorded))",
        r"\bred[ -]flags? (?:is |are |was |were |have been )?(?:absent|excluded|ruled out|negative)\b",
        r"\bsafe (?:for (?:an )?mri?|to (?:scan|proceed))\b",
        r"\b(?:is|are|as) mri?[- ]safe\b",
        r"\bmri? (?:scan )?is safe\b",
        r"\b(?:renal|kidney) function (?:is )?(?:normal|fine|acceptable|adequate)\b",
        rf"\b(?:{_DANGERS}) (?:is |was |has been )?(?:unlikely|excluded|ruled out)\b",
    )
]


def texts_of(card: dict[str, Any]) -> Iterator[str]:
    """Yield everything a card says to its reader."""
    yield card["summary"]
    yield card["detail"]
    for suggestion in card.get("suggestions", []):
        yield suggestion["label"]
        for action in suggestion["actions"]:
            yield action["description"]


def reassurances(card: dict[str, Any]) -> list[str]:
    """Return the reassurances a card gives."""
    plain = [" ".join(re.sub(r"[*_`]", "", text).split()) for text in texts_of(card)]
    return [found[0] for text in plain for pattern in _REASSURANCES for found in pattern.finditer(text)]
