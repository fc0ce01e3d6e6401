"""The review sheet as data: what a clinician must have seen before the guideline may advise at a site.

There is no fact in here: rules, numbers and sentences come from the guideline document, patients from the scenarios,
and cards from the service itself, with the numbers, messages and codes of the site.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from cards.guideline.guideline import MESSAGES, RULES, Rule
from cds_service.guideline.document import Guideline, MessageEntry, RuleEntry
from cds_service.hooks.standing import Standing
from cds_service.pages.criteria.editions import Edition
from cds_service.pages.criteria.gallery import exhibits
from cds_service.pages.review.patients import SmallestPatient, fires, load_patients, messages_of
from cds_service.pages.review.site_changes import site_changes
from fhir_mappings.criteria.registry import CRITERIA, Criterion

Grade = Literal["published", "guidance", "design"]
LETTERS: Final[Mapping[str, str]] = {"published": "A", "guidance": "B", "design": "C"}


@dataclass(frozen=True, slots=True)
class SheetCard:
    """A card as a clinician reads it, without the sentence that all end with; `quiet` where it interrupts nobody."""

    topic: str
    level: str
    summary: str
    detail: str
    buttons: tuple[str, ...]
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class SheetRule:
    """A rule with its grade and its smallest patient; `same_as` is an earlier rule whose patient brings this card."""

    rule: RuleEntry
    grade: Grade
    patient: str
    fires: bool
    card: SheetCard | None
    same_as: str = ""


@dataclass(frozen=True, slots=True)
class SheetMessage:
    """A message that no card above is led by or tells, with the case of the gallery that shows it."""

    message: MessageEntry
    case: str
    card: SheetCard | None


@dataclass(frozen=True, slots=True)
class ReviewSheet:
    """The whole sheet; `clients` are those for whom it holds."""

    guideline: Guideline
    standing: Standing
    site: str
    clients: tuple[str, ...]
    changes: tuple[str, ...]
    ordered_on: str
    footer: str
    rules: tuple[SheetRule, ...]
    others: tuple[SheetMessage, ...]
    words: Mapping[str, Any]

    @property
    def without_source(self) -> tuple[str, ...]:
        """The rules of the lowest grade."""
        return tuple(entry.rule.id for entry in self.rules if entry.grade == "design")


def read_sheet(edition: Edition) -> ReviewSheet:
    """Return the sheet of an edition of the guideline."""
    return _Writer(edition).sheet()


def grade_of(rule: str) -> Grade:
    """Return what stands behind a rule: a published guideline, a statement of the guidance text alone, or nothing."""
    rules: tuple[Criterion | Rule, ...] = (*CRITERIA, *RULES)
    found = next(item for item in rules if item.id == rule)
    if isinstance(found, Rule):
        cited = {key for message in found.messages for key in MESSAGES[message].citations if found.statements}
    else:
        cited = set(found.citations)
    if cited - {"guidance"}:
        return "published"
    return "guidance" if found.statements else "design"


@dataclass(frozen=True, slots=True)
class _Writer:
    edition: Edition

    def sheet(self) -> ReviewSheet:
        edition, wording = self.edition, self.edition.wording
        rules = tuple(self._rules())
        patients = load_patients()
        footer = "footer_approved" if edition.adviser.profile.approval else "footer"
        return ReviewSheet(
            guideline=edition.guideline,
            standing=edition.adviser.standing,
            site=edition.adviser.site.name,
            clients=edition.clients,
            changes=tuple(site_changes(edition)),
            ordered_on=max(patient.ordered_on for patient in patients.values()).isoformat(),
            footer=wording.text("card", footer).strip("*"),
            rules=rules,
            others=tuple(self._others(tuple(entry.card for entry in rules if entry.card))),
            words=wording.get("review"),
        )

    def _rules(self) -> Iterator[SheetRule]:
        patients = load_patients()
        first: dict[tuple[str, str], str] = {}
        for rule in self.edition.guideline.rules:
            patient = patients[rule.id]
            speaks, card = self._answer(patient)
            same = first.setdefault((card.summary, card.detail), rule.id) if card else rule.id
            same = "" if same == rule.id else same
            yield SheetRule(rule, grade_of(rule.id), patient.line, speaks, card, same)

    def _answer(self, patient: SmallestPatient) -> tuple[bool, SheetCard | None]:
        """Return whether a rule speaks of its patient here, and the card that it brings."""
        edition, request = self.edition, patient.request
        assessments = edition.assess(request, patient.ordered_on)
        if not assessments or not fires(patient.rule, assessments[0]):
            return False, None
        cards = edition.respond(assessments, request)["cards"]
        loud = edition.respond(assessments, request, "action")["cards"]
        card = _best(cards, messages_of(patient.rule), edition)
        return True, _shown(card, loud) if card else None

    def _others(self, shown: Sequence[SheetCard]) -> Iterator[SheetMessage]:
        """Yield the messages that lead no card above, nor are told on one."""
        topics, told = {card.topic for card in shown}, "\n".join(card.detail for card in shown)
        day = max(patient.ordered_on for patient in load_patients().values())
        edition = self.edition
        for exhibit in exhibits(edition.guideline.messages, lambda call: edition.answer(call, day)):
            message, card = exhibit.message, exhibit.card
            seen = _topic(message.id) in topics or f"**{message.title}.**" in told
            if not seen and not message.off:
                yield SheetMessage(message, exhibit.case, _shown(card, [card]) if card else None)


def _best(cards: Sequence[Mapping[str, Any]], messages: Sequence[str], edition: Edition) -> Mapping[str, Any] | None:
    """Return the card that a message of the rule leads, else one that tells it, else the first."""
    by_topic: dict[str, Mapping[str, Any]] = {card["source"]["topic"]["code"]: card for card in reversed(cards)}
    for message in messages:
        if found := by_topic.get(_topic(message)):
            return found
    titles = [edition.wording.text("messages", message, "title") for message in messages]
    telling = (card for card in cards if any(title in card["detail"] for title in titles))
    return next(telling, cards[0] if cards else None)


def _topic(message: str) -> str:
    return message.replace("-", "")


def _shown(card: Mapping[str, Any], loud: Sequence[Mapping[str, Any]]) -> SheetCard:
    return SheetCard(
        topic=card["source"]["topic"]["code"],
        level=card["indicator"],
        summary=card["summary"],
        detail="\n\n".join(card["detail"].split("\n\n")[:-1]),
        buttons=tuple(item["label"] for item in card.get("suggestions", ())),
        quiet=card["uuid"] not in {item["uuid"] for item in loud},
    )
