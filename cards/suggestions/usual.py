"""What is plainly a sound draft: the few elements that nearly every order carries over, written as all write them.

Validating a draft with `fhir.resources` takes longer than deciding about the order. So whatever is plainly sound is not
validated; anything else is, and nothing here says that a draft is not sound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, Final

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d)")
# Written by us, from our own tables.
_OURS: Final = frozenset({"resourceType", "status", "intent", "code", "priority"})


def is_plainly_sound(draft: Mapping[str, Any]) -> bool:
    """Whether a draft, but for what this package writes itself, is made of what is known to be sound FHIR."""
    return all(name in _OURS or (name in _SOUND and _SOUND[name](value)) for name, value in draft.items())


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isprintable() and value.strip() == value != ""


def _is_word(value: object) -> bool:
    return _is_text(value) and " " not in str(value)


def _is_date(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        if _DATE.fullmatch(value):
            return bool(date.fromisoformat(value))
        return bool(_MOMENT.fullmatch(value) and datetime.fromisoformat(value))
    except ValueError:
        return False


def _with_members(**sound: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Return what tells whether a value is an object of sound members and of no others."""

    def is_sound(value: object) -> bool:
        return (
            isinstance(value, dict)
            and bool(value)
            and all(name in sound and sound[name](member) for name, member in value.items())
        )

    return is_sound


def _each(sound: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and bool(value) and all(map(sound, value))


_reference: Final = _with_members(reference=_is_word, display=_is_text)
_concept: Final = _with_members(
    coding=_each(_with_members(system=_is_word, code=_is_word, display=_is_text)), text=_is_text
)
_SOUND: Final[Mapping[str, Callable[[Any], bool]]] = {
    "subject": _reference,
    "encounter": _reference,
    "requester": _reference,
    "authoredOn": _is_date,
    "reasonCode": _each(_concept),
    "reasonReference": _each(_reference),
    "note": _each(_with_members(text=_is_text)),
}
