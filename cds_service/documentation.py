"""The criteria page: everything the guideline looks for, compares with and says, from the tables that it runs on.

A page written by hand would drift from the code within weeks, and a reviewer would sign off rules that do not run.
So there is no fact in here: ids, numbers, codes and sentences come from the criteria, the guideline and the wording
catalogue, and a test compares the page in `docs/` with what this module writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields

from cards.changelog import load_changelog
from cards.guideline import (
    FOOTER_STATEMENT,
    GUIDELINE_ID,
    GUIDELINE_VERSION,
    LEADS_TO,
    MESSAGE_TYPES,
    MESSAGES,
    OFFERS,
    RULES,
    MessageType,
    Outcome,
    Rule,
)
from cards.markdown import escape
from cards.wording import Wording, load_wording
from cds_service.code_tables import CodeTables, links, table
from fhir_mappings.criteria.registry import CRITERIA, READING_THRESHOLDS, Criterion
from fhir_mappings.terminology import TerminologyIndex, bundled_value_sets
from fhir_mappings.thresholds import Thresholds


def criteria_page() -> str:
    """Return the whole page in English Markdown, for the bundled knowledge and the default thresholds."""
    index = TerminologyIndex.from_directory(bundled_value_sets())
    return "\n\n".join(_Page(load_wording(), index, Thresholds()).blocks()) + "\n"


@dataclass(frozen=True, slots=True)
class _Page:
    wording: Wording
    index: TerminologyIndex
    thresholds: Thresholds

    def blocks(self) -> Iterator[str]:
        """Yield the blocks of the page from top to bottom."""
        yield f"# {self._prose('title')}"
        yield f"Guideline `{GUIDELINE_ID}`, version {GUIDELINE_VERSION}. {self._prose('generated')}"
        yield from (self._prose("purpose"), self._prose("standing"))
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
        yield "\n".join(f"- [{name}](#{name.lower().replace(' ', '-')})" for name, _ in sections)
        for name, section in sections:
            yield f"## {name}"
            yield from section

    def _prose(self, key: str) -> str:
        return self.wording.text("criteria-page", key)

    def _sentence(self, *path: str) -> str:
        """Return a sentence with the thresholds that it names."""
        return self.wording.text(*path, **asdict(self.thresholds))

    def _outcomes(self) -> Iterator[str]:
        yield self._prose("order")
        rows = [
            (str(position), f"`{outcome}`", self._sentence("outcomes", outcome), self._leading(outcome))
            for position, outcome in enumerate(Outcome, start=1)
        ]
        yield table(("", "Outcome", "Meaning", "Messages that stand first with it"), rows)

    def _leading(self, outcome: Outcome) -> str:
        return links(tuple(message.id for message in MESSAGE_TYPES if outcome in message.outcomes))

    def _rules(self) -> Iterator[str]:
        yield self._prose("rules")
        for criterion in CRITERIA:
            yield from self._rule(criterion)
            facts = [*self._basis(criterion, LEADS_TO[criterion.id], criterion.citations), *self._inputs(criterion)]
            yield "\n".join(f"- {fact}" for fact in facts)
        for rule in RULES:
            cited = dict.fromkeys(key for name in rule.messages for key in MESSAGES[name].citations)
            yield from self._rule(rule)
            yield "\n".join(f"- {fact}" for fact in self._basis(rule, rule.messages, tuple(cited)))

    def _rule(self, rule: Criterion | Rule) -> Iterator[str]:
        yield f"### {rule.id}"
        yield f"**{rule.title}.** {self._sentence('rules', rule.id)}"

    def _basis(self, rule: Criterion | Rule, messages: tuple[str, ...], citations: tuple[str, ...]) -> Iterator[str]:
        for name in rule.statements:
            yield f"{name}: {self.wording.text('statements', name)}"
        if not rule.statements:
            yield self._prose("no-statement")
        named = [self.wording.text("citations", key) for key in citations]
        yield f"Cited: {'; '.join(named) or self._prose('no-citation')}"
        yield f"Leads to: {links(messages)}"

    def _inputs(self, criterion: Criterion) -> Iterator[str]:
        sources = [self.wording.text("sources", name) for name in criterion.sources]
        yield f"Read from: {', '.join(sources)}"
        if criterion.concepts:
            yield f"Concepts: {', '.join(self._concept(concept) for concept in criterion.concepts)}"
        described = {field.name: field.metadata for field in fields(Thresholds)}
        for name in criterion.thresholds:
            value = f"{getattr(self.thresholds, name):g} {described[name]['unit']}"
            yield f"Number: `{name}` {escape(value)} ({escape(described[name]['source'])})"

    def _concept(self, concept: str) -> str:
        return f"[{escape(self.index.value_set(concept)['title'])}](#{concept})"

    def _numbers(self) -> Iterator[str]:
        yield self._prose("numbers")
        rows = []
        for field in fields(Thresholds):
            users = tuple(criterion.id for criterion in CRITERIA if field.name in criterion.thresholds)
            used = links(users) if field.name not in READING_THRESHOLDS else "reading records"
            value = f"{getattr(self.thresholds, field.name):g}"
            unit, source = escape(field.metadata["unit"]), escape(field.metadata["source"])
            rows.append((f"`{field.name}`", value, unit, source, used))
        yield table(("Number", "Default", "Unit", "Source", "Used by"), rows)

    def _reading(self) -> Iterator[str]:
        yield self._prose("reading")
        yield "\n".join(f"- {self._sentence('reading', key)}" for key in self.wording.get("reading"))

    def _decisions(self) -> Iterator[str]:
        yield self._prose("decisions")
        rows = [(key, self._sentence("decisions", key)) for key in self.wording.get("decisions")]
        yield table(("", "Decision"), rows)

    def _statements(self) -> Iterator[str]:
        yield self._prose("statements")
        rows = []
        rules: tuple[Criterion | Rule, ...] = (*CRITERIA, *RULES)
        for statement, text in self.wording.get("statements").items():
            users = tuple(rule.id for rule in rules if statement in rule.statements)
            rows.append((statement, text, links(users) if statement != FOOTER_STATEMENT else "foot of every card"))
        yield table(("Statement", "In our words", "Rules"), rows)

    def _messages(self) -> Iterator[str]:
        yield self._prose("messages")
        for message in MESSAGE_TYPES:
            yield f"### {message.id}"
            yield f"**{self.wording.text('messages', message.id, 'title')}.** Level: {message.indicator.value}."
            yield "\n".join(f"- {line}" for line in self._message(message))

    def _message(self, message: MessageType) -> Iterator[str]:
        """Yield the facts of a message; its summaries, or its text where it only accompanies others."""
        wording = self.wording.get("messages", message.id)
        for variant, summary in wording.get("summary", {}).items():
            yield f"Summary{'' if variant == 'default' else f' ({variant})'}: {summary}"
        if "summary" not in wording:
            yield from (f"Text: {paragraph}" for paragraph in wording["text"]["default"])
        yield f"Statements: {', '.join(message.statements) or 'none'}"
        named = [self.wording.text("citations", key) for key in message.citations]
        yield f"Cited: {'; '.join(named) or 'nothing'}"
        leading = [name for name, messages in LEADS_TO.items() if message.id in messages]
        leading += [rule.id for rule in RULES if message.id in rule.messages]
        yield f"Rules: {links(tuple(leading))}"
        labels = [self.wording.get("suggestions", key, "label") for key in OFFERS.get(message.id, ())]
        yield f"Suggestions: {'; '.join(labels) or 'none'}"
        reasons = [self.wording.text("overrides", key, "display") for key in message.overrides]
        yield f"Override reasons: {'; '.join(reasons) or 'none'}"

    def _codes(self) -> Iterator[str]:
        yield self._prose("codes")
        yield from CodeTables(self.index, self.wording).sections()

    def _changelog(self) -> Iterator[str]:
        for release in load_changelog():
            yield f"### Version {release.version}, {release.date.isoformat()}"
            yield "\n".join(f"- {change}" for change in release.changes)
