"""The scenarios as they ship: a file written from the tables that the tests run on, and how it is searched.

The package must not depend on its tests, and readers of a page must see what those tests hold. So the file is a copy,
made by `make docs`, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import msgspec

from cds_service.pages.rendering.search import folded

_FILE = "scenarios.json"


@dataclass(frozen=True, slots=True)
class OutcomeClass:
    """One outcome of the guideline and what it means, in the order in which they are tried."""

    id: str
    meaning: str


@dataclass(frozen=True, slots=True)
class ScenarioEntry:
    """One scenario in words: what is on record, and what must be answered.

    `level` is that of the first card, or empty where no card is given; `messages` must be given, the first of them
    first; `never` must not be. `shows` names the statements and rules of the guideline that it shows at work.
    """

    id: str
    title: str
    patient: str
    order: str
    record: tuple[str, ...]
    outcome: str
    level: str
    messages: tuple[str, ...]
    never: tuple[str, ...]
    shows: tuple[str, ...]

    def holds(self, words: Sequence[str]) -> bool:
        """Whether every word of a search stands somewhere in it."""
        lines = (self.id, self.title, self.patient, self.order, *self.record, self.outcome, self.level)
        text = folded(" ".join((*lines, *self.messages, *self.never, *self.shows)))
        return all(word in text for word in words)


@dataclass(frozen=True, slots=True)
class ScenarioCollection:
    """All scenarios, for one version of the guideline."""

    version: str
    outcomes: tuple[OutcomeClass, ...]
    scenarios: tuple[ScenarioEntry, ...]

    def fitting(self, outcome: str, shows: str, words: Sequence[str]) -> tuple[ScenarioEntry, ...]:
        """Return the scenarios of an outcome, that show a statement or rule and hold every word; empty asks nothing."""
        return tuple(
            item
            for item in self.scenarios
            if outcome in ("", item.outcome) and (not shows or shows in item.shows) and item.holds(words)
        )


@cache
def collection_text() -> bytes:
    """Return the file as it ships."""
    return (resources.files("cds_service.pages.scenarios") / _FILE).read_bytes()


@cache
def load_collection() -> ScenarioCollection:
    """Return the scenarios that ship."""
    return msgspec.json.decode(collection_text(), type=ScenarioCollection)
