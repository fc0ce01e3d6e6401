"""Codes as they are badly written: with a modifier, a term, a label or a second code around the code that is meant.

A code that is not shaped like one of its system is no reason to lose a red flag. What is read in it is its focus: the
code itself, without what stands around it. Where nothing can be read nothing is guessed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from fhir_mappings.terminology.code_systems import (
    CPT,
    ICD_10,
    ICD_10_CM,
    LOINC,
    NCIT,
    RADLEX,
    RXNORM,
    SNOMED_CT,
    canonical_code,
    canonical_system,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_ICD: Final = r"[A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?"
# How the codes of a system look; NDC is known and left out, because no concept knows the drug behind such a number.
_SHAPES: Final = {
    system: re.compile(shape, re.IGNORECASE)
    for system, shape in (
        (SNOMED_CT, r"\d{6,18}"),
        (LOINC, r"(?:\d{1,7}|L[AGLP]\d+)-\d"),
        (ICD_10_CM, _ICD),
        (ICD_10, _ICD),
        (CPT, r"\d{4}[0-9A-Z]|[A-Z]\d{4}"),
        (RXNORM, r"\d{1,8}"),
        (NCIT, r"C\d{3,8}"),
        (RADLEX, r"RID\d+"),
    )
}
# Up to this length, without the dot, a code means the same in every edition of ICD-10.
_COMMON_TO_EDITIONS: Final = 4

_LABEL: Final = re.compile(
    r"\W*(?:icd[- ]?10(?:[- ]?(?:cm|gm))?|snomed(?:[- ]?ct)?|sct|cpt|hcpcs|loinc|rxnorm|rxcui)\s*[:#|\s]\s*",
    re.IGNORECASE,
)
_OPENING: Final = " \t\r\n([\"'<=^"
# No more of the code, and no number that goes on: what follows is a term, a punctuation mark or nothing.
_END: Final = re.compile(r"(?![0-9A-Z]|[.-]\d)", re.IGNORECASE)
_CPT_MODIFIERS: Final = re.compile(r"(?:[-\s,]*[0-9A-Z]{2})+\s*", re.IGNORECASE)
_SNOMED_TERM: Final = re.compile(r"\|[^|]*\|?")
# What stands between two ICD codes of one diagnosis, the marks of the dagger and asterisk system among it.
_ICD_SEPARATORS: Final = re.compile("[\\s,;/†*+!#()\\[\\]]+")


def codes_in(system: str, code: str) -> tuple[tuple[str, str], ...]:
    """Return the codes, each with its canonical system, that can be read in one that is not known as it was written.

    None where the system is unknown, or the code is shaped as it should be and simply is not known.
    """
    system = canonical_system(system)
    shape = _SHAPES.get(system)
    if shape is None:
        return ()
    written = code.strip()
    shaped = shape.fullmatch(written) is not None
    if system != ICD_10:
        return () if shaped else tuple((system, focus) for focus in _foci(system, shape, written))
    found = (written.upper(),) if shaped else _foci(system, shape, written)
    return tuple((ICD_10_CM, focus) for focus in found if len(canonical_code(ICD_10, focus)) <= _COMMON_TO_EDITIONS)


def _foci(system: str, shape: re.Pattern[str], written: str) -> Iterator[str]:
    """Yield the focus of a code, or the foci where several codes are written as one."""
    if label := _LABEL.match(written):
        written = written[label.end() :]
    if system == SNOMED_CT:
        for part in _SNOMED_TERM.sub(" ", written).partition(":")[0].split("+"):
            yield from _leading(shape, part)
    elif system in (ICD_10_CM, ICD_10):
        parts = [part for part in _ICD_SEPARATORS.split(written) if part]
        if len(parts) > 1 and all(map(shape.fullmatch, parts)):
            yield from (part.upper() for part in parts)
        else:
            yield from _leading(shape, written)
    elif system == CPT and (found := shape.match(written)) and _CPT_MODIFIERS.fullmatch(written, found.end()):
        yield found.group().upper()
    else:
        yield from _leading(shape, written)


def _leading(shape: re.Pattern[str], written: str) -> Iterator[str]:
    """Yield the code that a text begins with."""
    text = written.lstrip(_OPENING)
    found = shape.match(text)
    if found and _END.match(text, found.end()):
        yield found.group().upper()
