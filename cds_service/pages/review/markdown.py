"""The review sheet as Markdown: for whoever reviews the guideline in a repository, where two versions can be compared.

It says what the page and the HTML file say, in the same order. What is Markdown already stays so; names of a site are
escaped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from cards.response.markdown import escape
from cds_service.pages.criteria.editions import Edition
from cds_service.pages.review.sheet import LETTERS, ReviewSheet, SheetCard, SheetRule, read_sheet

_SIGNATURES = ("Name", "Role", "Date", "Approved, or what must change first", "Signature")


def sheet_markdown(edition: Edition, today: date, version: str) -> str:
    """Return the sheet of an edition as a Markdown file."""
    return "\n\n".join(_Sheet(read_sheet(edition), today, version).blocks()) + "\n"


@dataclass(frozen=True, slots=True)
class _Sheet:
    sheet: ReviewSheet
    today: date
    version: str

    def blocks(self) -> Iterator[str]:
        """Yield the blocks of the sheet from top to bottom."""
        sheet, words, guideline = self.sheet, self.sheet.words, self.sheet.guideline
        yield f"# {words['title']}"
        yield _lines(self._facts())
        yield from (words["purpose"], guideline.standing)
        yield f"{words['days'].format(day=sheet.ordered_on)} {words['footer'].format(footer=sheet.footer)}"
        grades = "; ".join(words["grade"][name] for name in LETTERS)
        yield f"{words['grades']} {grades}. {words['grade_notes']}"
        yield "## Changed at this site"
        yield _lines(map(escape, sheet.changes)) if sheet.changes else words["no_changes"]
        yield "## Decision order"
        yield "\n".join(
            f"{at}. **{item.id.replace('_', ' ').capitalize()}.** {item.meaning}"
            for at, item in enumerate(guideline.outcomes, 1)
        )
        yield from (f"## {words['rules']}", words["rules_note"])
        for entry in sheet.rules:
            yield from self._rule(entry)
        if sheet.others:
            yield f"## {words['others']}"
        for other in sheet.others:
            yield f"### {other.message.title} `{other.message.id}`"
            yield from (f"*{escape(other.case)}.*", *_card(other.card)) if other.card else (words["silent"],)
        yield from self._numbers()
        yield from (f"## {words['reading']}", _lines(guideline.reading))
        note = words["settled_approved" if sheet.standing.approved else "settled_note"]
        yield from (f"## {words['settled']}", note.format(rules=", ".join(sheet.without_source)))
        yield _lines(f"{key}: {sentence}" for key, sentence in guideline.decisions)
        yield f"## {words['statements']}"
        yield _lines(f"{statement.id}: {statement.text}" for statement in guideline.statements)
        yield from self._signatures()

    def _facts(self) -> Iterator[str]:
        sheet, guideline = self.sheet, self.sheet.guideline
        yield f"Site: {escape(sheet.site) or 'none named'} (clients: {escape(', '.join(sheet.clients))})"
        yield f"Guideline: {guideline.id}, version **{guideline.version}**"
        yield f"Fingerprint: **{sheet.standing.fingerprint}**"
        yield f"Approval: {escape(f'{sheet.standing.sentence} {sheet.standing.caution}'.strip())}"
        yield f"Printed: {self.today.isoformat()}, by version {self.version} of the service"

    def _rule(self, entry: SheetRule) -> Iterator[str]:
        words, rule = self.sheet.words, entry.rule
        yield f"### {rule.title} `{rule.id}` {LETTERS[entry.grade]}"
        yield rule.sentence
        said = [", ".join(statement.id for statement in rule.statements), "; ".join(rule.citations)]
        yield words["no_source"] if entry.grade == "design" else f"{'; '.join(filter(None, said))}."
        yield f"*{escape(entry.patient)}*"
        if not entry.fires:
            yield words["silent"]
        elif entry.same_as:
            yield words["same"].format(rule=entry.same_as)
        else:
            yield from _card(entry.card) if entry.card else (words["no_card"],)

    def _numbers(self) -> Iterator[str]:
        words = self.sheet.words
        yield from (f"## {words['numbers']}", words["numbers_note"])
        rows = []
        for number in self.sheet.guideline.numbers:
            value = f"{number.value:g} {number.unit.replace('Cel', '°C')}"
            changed = f" (guideline {number.usual:g})" if number.changed else ""
            rows.append((number.name.replace("_", " "), f"{value}{changed}", number.source))
        yield _table(("Number", "Value", "Source"), (tuple(map(escape, row)) for row in rows))

    def _signatures(self) -> Iterator[str]:
        sheet, words, guideline = self.sheet, self.sheet.words, self.sheet.guideline
        yield f"## {words['sign']}"
        yield words["sign_note"].format(version=guideline.version, fingerprint=sheet.standing.fingerprint)
        yield _table(_SIGNATURES, [("",) * len(_SIGNATURES)] * 3)
        if not sheet.standing.approved:
            yield words["sign_file"]
        yield (
            f'```toml\napproved_by = "…"\napproved_on = {self.today.isoformat()}\nguideline = "{guideline.version}"\n'
            f'guideline_fingerprint = "{sheet.standing.fingerprint}"\n```'
        )


def _card(card: SheetCard) -> Iterator[str]:
    """Yield a card as a quotation."""
    quiet = " *quiet*" if card.quiet else ""
    told = [f"**{card.level}**{quiet} **{escape(card.summary)}**", card.detail]
    told += [" · ".join(f"[{escape(label)}]" for label in card.buttons)] if card.buttons else []
    yield "\n".join(f"> {line}".rstrip() for line in "\n\n".join(told).split("\n"))


def _lines(items: Iterable[str]) -> str:
    return "\n".join(f"- {item}" for item in items)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
