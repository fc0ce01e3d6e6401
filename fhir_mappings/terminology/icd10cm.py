"""ICD-10-CM, classified whole: what a diagnosis means that no value set knows.

A value set lists what a criterion looks for; the other forty thousand diagnoses must not pass for absent. So each is
either asked about, set aside for a stated reason, or asked about for MR safety only. The table beside this module is
written by chapters and categories for a clinician to review.

`span` is the rule of age of a record that asks:

- `lasting`: while it is not over, whatever its age: tumours, diseases of cord, bone, immunity and vessels, paralysis.
- `infection`: while it goes on, and for a year after it is over.
- `event`: symptoms and injuries, for 90 days or undated.
- `with_deficit`: only together with a new neurologic deficit: anticoagulants and bleeding disorders.
- `with_injury`: how an injury came about: for 90 days, only together with an injury of the spine or the trunk.
- `safety`: an implant; it never bears on whether the scan is due.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final, Literal

Label = Literal["ask", "aside", "safety"]
Span = Literal["", "lasting", "infection", "event", "with_deficit", "with_injury", "safety"]

_CATEGORY: Final = 3
_EXACT: Final = 4  # characters up to which the editions of ICD-10 agree
# A letter, then digits or letters of which one is a digit; text may be glued on behind.
_SHAPE: Final = re.compile(r"\s*([A-Za-z](?:\d[0-9A-Za-z]|[A-Za-z]\d))(?:\.?([0-9A-Za-z]{1,4}))?(?![0-9A-Za-z.])")


@dataclass(frozen=True, slots=True)
class IcdLabel:
    """What a diagnosis means where no concept knows it, with the reason in a few plain words."""

    label: Label
    span: Span
    reason: str


_UNKNOWN: Final = IcdLabel("ask", "lasting", "not in the release known here")


def classify(code: str) -> IcdLabel | None:
    """Return what an ICD-10-CM code means by the table; None for what is not shaped like one.

    Missing dots, small letters, seventh characters and text behind the code are read. A code of the right shape that
    the table lacks asks.
    """
    plain = _plain(code)
    return None if plain is None else _looked_up(plain)


def category_label(code: str) -> IcdLabel | None:
    """Return what a code of another edition of ICD-10 means: by itself while short, else by its category.

    The editions share their categories and most codes of four characters; a longer national code is known only where
    its whole category means one thing. None where that is not so, where the table lacks the category (another edition
    may have it, and its words tell), or for what is not shaped like a code.
    """
    plain = _plain(code)
    return None if plain is None else _of_category(plain)


@lru_cache(maxsize=4096)  # of codes without what may be glued on behind, so that what is kept is short
def _of_category(plain: str) -> IcdLabel | None:
    if len(plain) <= _EXACT:
        found = _looked_up(plain)
        return None if found is _UNKNOWN else found
    labels = {label for root, label in load_table().items() if root.startswith(plain[:_CATEGORY])}
    return next(iter(labels)) if len(labels) == 1 else None


@cache
def load_table() -> dict[str, IcdLabel]:
    """Return the table beside this module: the label of each category and code, without dots."""
    table: dict[str, IcdLabel] = {}
    for line in (files("fhir_mappings.terminology") / "icd10cm.tsv").read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        codes, label, span, reason = line.split("\t")
        found = IcdLabel(label, span, reason)  # type: ignore[arg-type]  # a test holds the table to these words
        table |= dict.fromkeys(expanded(codes), found)
    return table


def expanded(codes: str) -> Iterator[str]:
    """Yield the codes of a row without dots: itself, or those of a range that differ in their last digits."""
    first, _, last = (part.replace(".", "") for part in codes.partition("-"))
    if not last:
        yield first
        return
    head = first[:1] if len(first) == _CATEGORY else first[:-1]
    width = len(first) - len(head)
    for number in range(int(first[len(head) :]), int(last[len(head) :]) + 1):
        yield f"{head}{number:0{width}d}"


def _plain(code: str) -> str | None:
    found = _SHAPE.match(code)
    return f"{found[1]}{found[2] or ''}".upper() if found else None


@lru_cache(maxsize=4096)
def _looked_up(plain: str) -> IcdLabel:
    table = load_table()
    return next((table[plain[:size]] for size in range(len(plain), 2, -1) if plain[:size] in table), _UNKNOWN)
