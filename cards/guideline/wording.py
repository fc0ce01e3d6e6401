"""The wording catalogue: all sentences, in one TOML file a language, read once at start.

The logic knows message ids, variants and placeholders; what is said, and in which language, is data. A catalogue of
another language may be partial: what it leaves out is taken from the English one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from importlib import resources
from typing import Any

from fhir_mappings.fhir.dates import DateInterval
from fhir_mappings.questionnaire.table import question_texts

_BASE_LANGUAGE = "en"


class WordingError(ValueError):
    """A catalogue that cannot be used: which one, and why."""


@dataclass(frozen=True)
class Wording:
    """A complete catalogue."""

    language: str
    table: Mapping[str, Any]

    def get(self, *path: str) -> Any:
        """Return the entry at a path; WordingError where the catalogue has none."""
        try:
            return reduce(lambda node, key: node[key], path, self.table)
        except (KeyError, TypeError):
            raise WordingError(f"wording catalogue {self.language!r} has no entry {'.'.join(path)!r}") from None

    def text(self, *path: str, **values: object) -> str:
        """Return a sentence with its placeholders filled."""
        return str(self.get(*path)).format(**values)

    def find(self, *path: str, default: str = "") -> str:
        """Return an optional string."""
        try:
            return str(self.get(*path))
        except WordingError:
            return default

    def variant(self, message: str, kind: str, variants: tuple[str, ...]) -> Any:
        """Return the wording for the first variant that the catalogue knows, else the default."""
        table = self.get("messages", message, kind)
        return next((table[name] for name in variants if name in table), table.get("default"))

    def note(self, name: str, released: date | None) -> str:
        """Return a remark on a line of evidence; `released` is the day of the table in which labels were looked up."""
        return self.text("notes", name, released=self.day(DateInterval(released, released)))

    def day(self, when: DateInterval) -> str:
        """Return a date as people write it; a partial one as far as it is known."""
        if when.earliest is None or when.latest is None:
            known = when.latest or when.earliest
            return self.text("meta", "undated") if known is None else self.day(DateInterval(known, known))
        months, first = self.get("meta", "months"), when.earliest
        if when.earliest == when.latest:
            return self.text("meta", "date", day=first.day, month=months[first.month - 1], year=first.year)
        if (first.year, first.month) == (when.latest.year, when.latest.month):
            return self.text("meta", "month_only", month=months[first.month - 1], year=first.year)
        return str(first.year) if first.year == when.latest.year else f"{first.year}-{when.latest.year}"


def load_wording(language: str = _BASE_LANGUAGE) -> Wording:
    """Return the catalogue of a language, completed from the English one; WordingError if there is none."""
    # How our questions are asked stands in their own table, since reading their answers needs it, too.
    base = {"questions": question_texts(), **_read(_BASE_LANGUAGE)}
    return Wording(language, base if language == _BASE_LANGUAGE else completed(base, _read(language)))


def completed(base: Mapping[str, Any], partial: Mapping[str, Any]) -> dict[str, Any]:
    """Return a catalogue with everything of the partial one, and the rest from the base."""
    merged = dict(base)
    for key, value in partial.items():
        below = merged.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            merged[key] = completed(below, value)
        else:
            merged[key] = value
    return merged


def _read(language: str) -> dict[str, Any]:
    file = resources.files("cards.guideline") / "catalogues" / f"{language}.toml"
    if not language.replace("-", "").isalnum() or not file.is_file():
        raise WordingError(f"there is no wording catalogue for the language {language!r}")
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise WordingError(f"wording catalogue {language!r}: {error}") from error
