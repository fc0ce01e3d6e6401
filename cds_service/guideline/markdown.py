"""The criteria page in Markdown: everything the guideline looks for, compares with and says.

It is written from the guideline document, which is read from the tables that the service runs on; a test compares the
page in `docs/` with what this module writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cards.decision.assessment import AssessmentProfile
from cards.guideline.wording import Wording, load_wording
from cards.response.markdown import escape
from cds_service.guideline.document import (
    CodeEntry,
    ConceptEntry,
    Guideline,
    MessageEntry,
    NumberEntry,
    RuleEntry,
    RuleInputs,
    StatementEntry,
)
from cds_service.guideline.reading import read_guideline
from fhir_mappings.terminology.index import TerminologyIndex, bundled_value_sets


def criteria_page() -> str:
    """Return the whole page in English Markdown, for the bundled knowledge and the default thresholds."""
    wording, index = load_wording(), TerminologyIndex.from_directory(bundled_value_sets())
    return "\n\n".join(_Page(wording, read_guideline(wording, index, AssessmentProfile())).blocks()) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table; cells come as Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _list(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _links(headings: Iterable[str]) -> str:
    """Return links to headings that are nothing but an id, in one line."""
    return ", ".join(f"[`{heading}`](#{heading.lower()})" for heading in headings)


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
        sections = (
            ("Decision order", self._outcomes()),
            ("Rules", self._rules()),
            ("Numbers", self._numbers()),
            ("How records are read", self._reading()),
            ("Design decisions", self._decisions()),
            ("Statements", self._statements()),
            ("Messages", self._messages()),
            ("Codes", self._codes()),
            ("Changelog", self._changelog()),
        )
        yield _list(f"[{name}](#{name.lower().replace(' ', '-')})" for name, _ in sections)
        for name, section in sections:
            yield f"## {name}"
            yield from section

    def _prose(self, key: str) -> str:
        return self.wording.text("criteria-page", key)

    def _outcomes(self) -> Iterator[str]:
        yield self._prose("order")
        rows = [
            (str(item.position), f"`{item.id}`", item.meaning, _links(item.messages))
            for item in self.guideline.outcomes
        ]
        yield _table(("", "Outcome", "Meaning", "Messages that stand first with it"), rows)

    def _rules(self) -> Iterator[str]:
        yield self._prose("rules")
        for rule in self.guideline.rules:
            yield f"### {rule.id}"
            yield f"**{rule.title}.** {rule.sentence}"
            yield _list([*self._basis(rule), *(_inputs(rule.inputs) if rule.inputs else ())])

    def _basis(self, rule: RuleEntry) -> Iterator[str]:
        yield from (f"{statement.id}: {statement.text}" for statement in rule.statements)
        if not rule.statements:
            yield self._prose("no-statement")
        yield f"Cited: {'; '.join(rule.citations) or self._prose('no-citation')}"
        yield f"Leads to: {_links(rule.messages)}"

    def _numbers(self) -> Iterator[str]:
        yield self._prose("numbers")
        rows = [
            (f"`{item.name}`", f"{item.value:g}", escape(item.unit), escape(item.source), _used(item))
            for item in self.guideline.numbers
        ]
        yield _table(("Number", "Default", "Unit", "Source", "Used by"), rows)

    def _reading(self) -> Iterator[str]:
        yield self._prose("reading")
        yield _list(self.guideline.reading)

    def _decisions(self) -> Iterator[str]:
        yield self._prose("decisions")
        yield _table(("", "Decision"), self.guideline.decisions)

    def _statements(self) -> Iterator[str]:
        yield self._prose("statements")
        rows = [(item.id, item.text, _implemented(item)) for item in self.guideline.statements]
        yield _table(("Statement", "In our words", "Rules"), rows)

    def _messages(self) -> Iterator[str]:
        yield self._prose("messages")
        for message in self.guideline.messages:
            yield f"### {message.id}"
            yield f"**{message.title}.** Level: {message.level.value}."
            yield _list(_message(message))

    def _codes(self) -> Iterator[str]:
        yield self._prose("codes")
        for concept in self.guideline.concepts:
            yield from _concept(concept)

    def _changelog(self) -> Iterator[str]:
        for release in self.guideline.releases:
            yield f"### Version {release.version}, {release.date.isoformat()}"
            yield _list(release.changes)


def _inputs(inputs: RuleInputs) -> Iterator[str]:
    yield f"Read from: {', '.join(inputs.sources)}"
    if inputs.concepts:
        yield f"Concepts: {', '.join(f'[{escape(item.title)}](#{item.id})' for item in inputs.concepts)}"
    for item in inputs.numbers:
        yield f"Number: `{item.name}` {escape(f'{item.value:g} {item.unit}')} ({escape(item.source)})"


def _used(number: NumberEntry) -> str:
    return "reading records" if number.for_reading else _links(number.rules)


def _implemented(statement: StatementEntry) -> str:
    return "foot of every card" if statement.at_foot else _links(statement.rules)


def _message(message: MessageEntry) -> Iterator[str]:
    for variant, summary in message.summaries:
        yield f"Summary{'' if variant == 'default' else f' ({variant})'}: {summary}"
    yield from (f"Text: {paragraph}" for paragraph in message.paragraphs)
    yield f"Statements: {', '.join(message.statements) or 'none'}"
    yield f"Cited: {'; '.join(message.citations) or 'nothing'}"
    yield f"Rules: {_links(message.rules)}"
    yield f"Suggestions: {'; '.join(message.suggestions) or 'none'}"
    yield f"Override reasons: {'; '.join(message.override_reasons) or 'none'}"


def _concept(concept: ConceptEntry) -> Iterator[str]:
    yield f"### {concept.id}"
    yield f"**{escape(concept.title)}.** {escape(concept.description)}"
    yield f"Used by: {', '.join(filter(None, [_links(concept.rules), *concept.uses]))}."
    yield _table(("System", "Code", "Meaning"), map(_code, concept.codes))


def _code(entry: CodeEntry) -> tuple[str, str, str]:
    system = f"{'not ' if entry.excluded else ''}{escape(entry.system)}"
    # A bar would end the cell, even within a code span.
    codes = ", ".join(f"`{code}`" for code in entry.codes).replace("|", "\\|")
    if entry.below:
        codes = f"{codes} *and below*"
    elif entry.pattern:
        codes = f"*all codes of the form* {codes}"
    return system, codes, escape(entry.display)
