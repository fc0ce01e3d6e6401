"""The criteria in short, as Markdown: what is decided in which order, and each rule with its numbers, in one table.

It is for reading in the repository, where no service runs; the pages and their JSON have everything. Like those it is
written from the guideline document; a test compares the file in `docs/` with what this module writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cards.decision.assessment import AssessmentProfile
from cards.guideline.wording import Wording, load_wording
from cards.response.markdown import escape
from cds_service.guideline.document import Guideline, NumberEntry, RuleEntry
from cds_service.guideline.reading import read_guideline
from fhir_mappings.terminology.index import TerminologyIndex, bundled_value_sets


def bundled_guideline(wording: Wording) -> Guideline:
    """Return the guideline as it comes, with the default thresholds."""
    return read_guideline(
        wording, TerminologyIndex.from_directory(bundled_value_sets(), is_ours=True), AssessmentProfile()
    )


def criteria_page() -> str:
    """Return the page in English, for the guideline as it comes."""
    wording = load_wording()
    return "\n\n".join(_Page(wording, bundled_guideline(wording)).blocks()) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table; cells come as Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


@dataclass(frozen=True, slots=True)
class _Page:
    wording: Wording
    guideline: Guideline

    def blocks(self) -> Iterator[str]:
        """Yield the blocks of the page from top to bottom."""
        guideline = self.guideline
        yield f"# {self._prose('title')}"
        yield f"Guideline `{guideline.id}`, version {guideline.version}. {self._prose('generated')}"
        yield from (self._prose("purpose"), guideline.standing)
        yield from ("## Decision order", self._prose("order"), self._outcomes())
        yield from ("## Rules and their numbers", self._prose("short-rules"), self._rules(), self._other_numbers())
        yield from ("## Where the rest is", self._prose("rest"))

    def _prose(self, key: str) -> str:
        return self.wording.text("criteria-page", key)

    def _outcomes(self) -> str:
        rows = [(str(item.position), f"`{item.id}`", item.meaning) for item in self.guideline.outcomes]
        return _table(("", "Outcome", "Meaning"), rows)

    def _rules(self) -> str:
        return _table(
            ("Rule", "What it is about", "Numbers", "Messages", "Statements"), map(_rule, self.guideline.rules)
        )

    def _other_numbers(self) -> str:
        """Return the numbers that no rule compares with."""
        others = [number for number in self.guideline.numbers if not number.rules]
        return f"{self._prose('other-numbers')} {_numbers(others)}." if others else ""


def _rule(rule: RuleEntry) -> tuple[str, ...]:
    statements = ", ".join(statement.id for statement in rule.statements)
    numbers = _numbers(rule.inputs.numbers if rule.inputs else ())
    return f"`{rule.id}`", escape(rule.title), numbers, _codes(rule.messages), statements


def _numbers(numbers: Iterable[NumberEntry]) -> str:
    return ", ".join(f"`{item.name}` {escape(f'{item.value:g} {item.unit}')}" for item in numbers)
