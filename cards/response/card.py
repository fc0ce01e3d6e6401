"""One card as CDS Hooks writes it: in full, or in one line where it was answered and must not be silent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

from cards.decision.assessment import Assessment
from cards.decision.decision import Message
from cards.guideline.guideline import MESSAGES, Indicator
from cards.response.client_shape import CardAsks, ResponseShape
from cards.response.memory import Answer, Memory
from cards.response.shaping import allowed_links, answers_for, selection
from cards.response.text import CardText
from cards.suggestions.actions import Suggestion

# What a form can settle by asking which implant it is.
_SCREENED = frozenset({"C-MR-UNKNOWN", "C-MR-HOLD"})
_MOST_REASONS = 4  # to override a card: those of its first message before those of what joins it
_NAMESPACE = UUID("5f0f4f7e-7f0b-5d0f-9b8e-6f1a7c3d2e10")


@dataclass(frozen=True, slots=True)
class SentCard:
    """A card that was sent: its id, level and messages, and its suggestions as (uuid, key).

    `message_keys` are the memory's keys of its messages, `marks` those of the order and `suggestion_marks` those of
    each suggestion; without a memory they are empty.
    """

    uuid: str
    indicator: Indicator
    messages: tuple[str, ...]
    suggestions: tuple[tuple[str, str], ...] = ()
    message_keys: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    suggestion_marks: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """A card as JSON, with what is remembered of it."""

    document: dict[str, Any]
    sent: SentCard


@dataclass(frozen=True, slots=True)
class CardMaker:
    """Makes the cards about one order, or about equal ones, of which the first gives its name and its texts.

    `several` says that the response holds cards about other orders too.
    """

    assessments: Sequence[Assessment]
    shape: ResponseShape
    memory: Memory
    several: bool

    def full(self, messages: tuple[Message, ...], suggestions: tuple[Suggestion, ...]) -> Card:
        """Return a card with its text, its suggestions and the reasons to override it."""
        wording, lead = self.shape.wording, messages[0]
        # What this client cannot press has no action, and is said.
        by_hand = tuple(item.label for item in suggestions if not item.actions)
        suggestions = tuple(item for item in suggestions if item.actions)
        is_short = self.shape.client.detail == "short"
        equal = len(self.assessments)
        detail = self._text.detail(messages, several=self.several, equal=equal, short=is_short, by_hand=by_hand)
        card = self._document(lead, self._name(lead), self._text.summary(lead), detail)
        offered: list[tuple[str, Suggestion]] = []
        if suggestions:
            behavior, suggestions = selection(suggestions, self.shape.client, wording)
            offered = [(str(uuid5(_NAMESPACE, f"{self._name(lead)}|{item.key}")), item) for item in suggestions]
            card["suggestions"] = [_suggestion(item, identifier) for identifier, item in offered]
            card["selectionBehavior"] = behavior
        reasons = list(dict.fromkeys(key for message in messages for key in MESSAGES[message.id].overrides))
        if reasons:
            card["overrideReasons"] = [_override_reason(key, self.shape) for key in reasons[:_MOST_REASONS]]
        return self._linked(card, messages, offered)

    def line(self, messages: tuple[Message, ...], answer: Answer) -> Card:
        """Return the card that reminds of an answered one: nothing to press, but what still has to be done."""
        lead, site = messages[0], self.shape.client.override_reasons
        ours = next((key for key, reason in site.items() if reason.code == answer.reason), "")
        if ours:
            answer = replace(answer, reason=self.shape.wording.text("overrides", ours, "code"))
        detail = self._text.reminder(messages, answer, several=self.several, equal=len(self.assessments))
        summary = self._text.summary(lead, answered=True)
        return self._linked(self._document(lead, f"{self._name(lead)}|line", summary, detail), messages, [])

    @property
    def _text(self) -> CardText:
        first = self.assessments[0]
        return CardText(first, self.shape.wording, typed=answers_for(first, self.shape).style == "none")

    def _name(self, lead: Message) -> str:
        return f"{self.shape.hook_instance}|{self.assessments[0].order.reference}|{lead.id}"

    def _document(self, lead: Message, name: str, summary: str, detail: str) -> dict[str, Any]:
        wording = self.shape.wording
        return {
            "uuid": str(uuid5(_NAMESPACE, name)),
            "summary": summary,
            "detail": detail,
            "indicator": lead.indicator.value,
            "source": {
                "label": wording.text("meta", "source_label"),
                "url": _why(lead.id, self.shape) or wording.text("meta", "source_url"),
                "topic": {
                    "system": wording.text("meta", "topic_system"),
                    # Letters and digits only: a client that matches overrides by topic needs a plain, stable code.
                    "code": lead.id.replace("-", ""),
                    "display": wording.text("messages", lead.id, "title"),
                },
            },
        }

    def _linked(
        self, card: dict[str, Any], messages: tuple[Message, ...], offered: Sequence[tuple[str, Suggestion]]
    ) -> Card:
        """Return a card with its link, and what is remembered of it."""
        lead, orders = messages[0], [assessment.order for assessment in self.assessments]
        if links := self._form_links(messages) or allowed_links([_link(lead.id, self.shape)], self.shape.client):
            card["links"] = links
        sent = SentCard(
            uuid=card["uuid"],
            indicator=lead.indicator,
            messages=tuple(message.id for message in messages),
            suggestions=tuple((identifier, item.key) for identifier, item in offered),
            message_keys=tuple(filter(None, (self.memory.key(self.assessments[0], message) for message in messages))),
            marks=self.memory.marks(orders),
            suggestion_marks=tuple(self.memory.marks_after(orders, item) for _, item in offered),
        )
        return Card(card, sent)

    def _form_links(self, messages: tuple[Message, ...]) -> list[dict[str, Any]]:
        """Return the link that opens the form, for a card that asks; it stands alone, the source says why as well.

        Not filtered by the hosts that a client allows: it has registered the form.
        """
        questions = tuple(dict.fromkeys(question for message in messages for question in message.questions))
        if self.shape.form_link is None or not (questions or any(item.id in _SCREENED for item in messages)):
            return []
        assessment = self.assessments[0]
        asks = CardAsks(
            card=messages[0].id,
            order=assessment.order.reference,
            patient=assessment.chart.patient_id,
            study=tuple(_codings(assessment.order.resource.get("code"))),
            questions=questions,
        )
        url, context = self.shape.form_link(asks)
        label = self.shape.wording.text("meta", "form_label")
        return [{"label": label, "url": url, "type": "smart", "appContext": context}]


def _codings(code: Any) -> Iterator[tuple[str, str]]:
    """Yield the codings of what was ordered that can be told by system and code."""
    codings = code.get("coding") if isinstance(code, dict) else None
    for coding in codings if isinstance(codings, list) else ():
        if isinstance(coding, dict) and isinstance(coding.get("system"), str) and isinstance(coding.get("code"), str):
            yield coding["system"], coding["code"]


def _why(message: str, shape: ResponseShape) -> str:
    """Return the page that explains a message, without anything about the patient; empty without an address."""
    return f"{shape.address}/why/{message}" if shape.address else ""


def _link(message: str, shape: ResponseShape) -> dict[str, str]:
    """Return the link to the page that explains a message, else to the criteria it rests on."""
    kind = "why" if shape.address else "link"
    url = _why(message, shape) or shape.wording.text("meta", "link_url")
    return {"label": shape.wording.text("meta", f"{kind}_label"), "url": url, "type": "absolute"}


def _override_reason(key: str, shape: ResponseShape) -> dict[str, str]:
    """Return a reason to override, by the client's own code where it has one."""
    ours = dict(shape.wording.get("overrides", key))
    site = shape.client.override_reasons.get(key)
    if site is None:
        return ours
    return {"code": site.code, "system": site.system, "display": site.display or ours["display"]}


def _suggestion(suggestion: Suggestion, identifier: str) -> dict[str, Any]:
    shaped_one: dict[str, Any] = {"label": suggestion.label, "uuid": identifier}
    if suggestion.recommended:
        shaped_one["isRecommended"] = True
    shaped_one["actions"] = [action.to_json() for action in suggestion.actions]
    return shaped_one
