"""What the criteria page says, as data: each fact once, whatever it is then written in.

Texts called `sentence`, `text` or `meaning` are single lines of Markdown from the wording catalogue, with the
thresholds filled in; everything else is plain text. Rules, messages and concepts refer to each other by id.
"""

from __future__ import annotations

from dataclasses import dataclass

from cards.guideline.changelog import Release
from cards.guideline.guideline import Indicator


@dataclass(frozen=True, slots=True)
class OutcomeEntry:
    """One outcome class in the decision order, with the messages that can stand first with it."""

    position: int
    id: str
    meaning: str
    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NumberEntry:
    """One threshold: the value in force, the guideline's own, and the rules that compare with it.

    `for_reading` marks one that is used while records are read, before any rule is asked.
    """

    name: str
    value: float
    usual: float
    unit: str
    source: str
    rules: tuple[str, ...]
    for_reading: bool

    @property
    def changed(self) -> bool:
        """Whether the site has changed it."""
        return self.value != self.usual


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One statement of the guidance text in our words, with the rules that implement it."""

    id: str
    text: str
    rules: tuple[str, ...]
    at_foot: bool = False


@dataclass(frozen=True, slots=True)
class ConceptName:
    """A concept as a rule names it."""

    id: str
    title: str


@dataclass(frozen=True, slots=True)
class RuleInputs:
    """What a criterion reads: kinds of records, concepts and thresholds."""

    sources: tuple[str, ...]
    concepts: tuple[ConceptName, ...]
    numbers: tuple[NumberEntry, ...]


@dataclass(frozen=True, slots=True)
class RuleEntry:
    """One rule; one that says what to do with findings, rather than looking for them, has no inputs."""

    id: str
    title: str
    sentence: str
    statements: tuple[StatementEntry, ...]
    citations: tuple[str, ...]
    messages: tuple[str, ...]
    inputs: RuleInputs | None = None


@dataclass(frozen=True, slots=True)
class MessageEntry:
    """One message: its summaries by variant, or its paragraphs where it only accompanies others."""

    id: str
    title: str
    level: Indicator
    summaries: tuple[tuple[str, str], ...]
    paragraphs: tuple[str, ...]
    statements: tuple[str, ...]
    citations: tuple[str, ...]
    rules: tuple[str, ...]
    suggestions: tuple[str, ...]
    override_reasons: tuple[str, ...]
    off: bool = False


@dataclass(frozen=True, slots=True)
class CodeEntry:
    """One row of a concept's codes: single codes, every code below one (`below`), or a form of codes (`pattern`).

    `excluded` marks codes that do not belong to the concept although another row would include them.
    """

    system: str
    codes: tuple[str, ...]
    display: str = ""
    excluded: bool = False
    below: bool = False
    pattern: bool = False


@dataclass(frozen=True, slots=True)
class ConceptEntry:
    """One concept: what it means, who asks for it, its codes; `uses` are uses besides rules, in words."""

    id: str
    title: str
    description: str
    rules: tuple[str, ...]
    uses: tuple[str, ...]
    codes: tuple[CodeEntry, ...]


@dataclass(frozen=True, slots=True)
class Guideline:
    """The whole guideline as it is in force; `site` is the name of a site that has changed something."""

    id: str
    version: str
    site: str
    standing: str
    outcomes: tuple[OutcomeEntry, ...]
    rules: tuple[RuleEntry, ...]
    numbers: tuple[NumberEntry, ...]
    reading: tuple[str, ...]
    decisions: tuple[tuple[str, str], ...]
    statements: tuple[StatementEntry, ...]
    messages: tuple[MessageEntry, ...]
    concepts: tuple[ConceptEntry, ...]
    releases: tuple[Release, ...]
