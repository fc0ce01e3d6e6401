"""What a clinician has answered is not asked again: which messages were, and which of them are never silent.

An override with a reason counts while the order is the one that it was given for. An accepted suggestion counts only
when the order received now carries it: pressing a button is not yet a change, and a change may have been undone. Both
count for the very evidence that was shown. What was shown is kept as marks: words that are keyed hashes of what an
order must hold, or names of the orders that must be drafted beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from cards.decision.assessment import Assessment
from cards.decision.decision import Message
from cards.guideline.guideline import MESSAGES, Indicator
from cards.guideline.wording import Wording
from cards.response.fingerprint import IDENTITY, changed_elements, message_text, order_texts
from cards.suggestions import drafts
from cards.suggestions.actions import Action, Suggestion
from fhir_mappings.orders.names import ContrastClass
from fhir_mappings.orders.orders import ImagingOrder

Outcome = Literal["accepted", "overridden"]
How = Literal["line", "silent"]

_ALLERGIES = frozenset({"allergy_gadolinium", "allergy_unclear"})
_CONTRAST_OF = {
    "order_mri_lumbar_wo": ContrastClass.WITHOUT,
    "order_mri_lumbar_wo_w": ContrastClass.WITHOUT_AND_WITH,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a clinician did with a card: when it was shown, the code of the reason, what it rested on, and its marks."""

    shown_at: datetime
    outcome: Outcome
    reason: str
    message_keys: frozenset[str]
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotRepeated:
    """A message that was not told in full again: it shrank to a line, or is silent."""

    message: str
    how: How
    answer: Answer


@dataclass(frozen=True, slots=True)
class _Changes:
    """What the actions of a suggestion do to the orders that are there, by id; orders are removed by reference."""

    removed: frozenset[str]
    other_studies: frozenset[str]
    updated: Mapping[str, Mapping[str, Any]]
    contrasts: Mapping[str, str]

    @classmethod
    def of(cls, actions: Sequence[Action]) -> _Changes:
        """Sort the actions; of several updates of one order the last counts."""
        updates = [(action, action.resource) for action in actions if action.type == "update" and action.resource]
        named = [(action, resource["id"], resource) for action, resource in updates if resource.get("id")]
        studies = [(name, action.orderable) for action, name, _ in named if action.orderable]
        return cls(
            removed=frozenset(action.resource_id for action in actions if action.type == "delete"),
            other_studies=frozenset(name for name, study in studies if study not in _CONTRAST_OF),
            updated={name: resource for _, name, resource in named},
            contrasts={name: _CONTRAST_OF[study].value for name, study in studies if study in _CONTRAST_OF},
        )


def _kept_nowhere(_text: str) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Memory:
    """What one user has answered about one patient, the newest first; without any, cards are as ever.

    `seal` hashes a text with a secret, the client, the user and the patient, so that what is kept says nothing and fits
    nobody else; it returns nothing where nothing is to be kept.
    """

    seal: Callable[[str], str] = _kept_nowhere
    answers: tuple[Answer, ...] = ()

    @property
    def keeps(self) -> bool:
        """Whether anything is kept."""
        return self.seal is not _kept_nowhere

    def key(self, assessment: Assessment, message: Message) -> str:
        """Return what is kept of a message and of what it rests on: the whole of it, however much a card told."""
        whole = next((found for found in assessment.messages if found.id == message.id), message)
        return self.seal(message_text(assessment, whole))

    def answers_to(self, assessment: Assessment) -> dict[str, Answer]:
        """Return the messages of an assessment that were answered, by id, with the newest answer that still counts."""
        standing = [answer for answer in self.answers if self._stands(answer.marks, assessment.order)]
        found: dict[str, Answer] = {}
        for message in assessment.messages if standing else ():
            key = self.key(assessment, message)
            answer = next((answer for answer in standing if key in answer.message_keys), None)
            if answer is not None:
                found[message.id] = answer
        return found

    def marks(self, orders: Sequence[ImagingOrder]) -> tuple[str, ...]:
        """Return the marks of a card about some orders: any of them, as it is."""
        return _unique(mark for order in orders for mark in self._marks(order.resource, order.contrast.value))

    def marks_after(self, orders: Sequence[ImagingOrder], suggestion: Suggestion) -> tuple[str, ...]:
        """Return the marks of a suggestion about some orders; none where it leaves no order of ours behind.

        None either where it answers a question on a form: no order tells whether that was kept, and the next call that
        brings the form does not ask again by itself. And none where it ordered another study, and the order that this
        was to replace is still to be removed.
        """
        if suggestion.leaves_order or any(
            action.type == "create" and not action.orderable for action in suggestion.actions
        ):
            return ()
        changes = _Changes.of(suggestion.actions)
        left = _unique(mark for order in orders for mark in self._marks_after(order, changes))
        added = (action for action in suggestion.actions if action.type == "create" and action.orderable)
        return (*left, *_unique(f"+{drafts.concept_of(action.orderable)}" for action in added)) if left else ()

    def _marks_after(self, order: ImagingOrder, changes: _Changes) -> Iterable[str]:
        """Return the marks of an order once the changes are done; none where it is gone or became another study."""
        if order.reference in changes.removed or order.id in changes.other_studies:
            return ()
        resource = changes.updated.get(order.id)
        if resource is None:
            return self._marks(order.resource, order.contrast.value)
        contrast = changes.contrasts.get(order.id, order.contrast.value)
        return self._marks(resource, contrast, (*IDENTITY, *changed_elements(order, resource)))

    def _marks(self, resource: Mapping[str, Any], contrast: str, elements: Sequence[str] = IDENTITY) -> Iterator[str]:
        """Yield the names of some elements and the hash of their values, one for each coding; none if not kept."""
        for held in filter(None, map(self.seal, order_texts(resource, contrast, elements))):
            yield f"{','.join(elements)}={held}"

    def _stands(self, marks: Sequence[str], order: ImagingOrder) -> bool:
        """Whether the order received now carries what the marks say."""
        held = [mark for mark in marks if not mark.startswith("+")]
        beside = {mark.removeprefix("+") for mark in marks if mark.startswith("+")}
        return beside <= order.sibling_concepts and any(self._holds(mark, order) for mark in held)

    def _holds(self, mark: str, order: ImagingOrder) -> bool:
        elements = tuple(mark.partition("=")[0].split(","))
        return mark in self._marks(order.resource, order.contrast.value, elements)


def is_never_silent(message: Message) -> bool:
    """Whether a message is told while it holds, answered or not: critical, an implant, an allergy to contrast."""
    if message.id == "C-CONTRAST-SAFETY":
        return not _ALLERGIES.isdisjoint(message.variants)
    implant = message.id.startswith("C-MR-") and message.indicator is not Indicator.INFO
    return message.indicator is Indicator.CRITICAL or implant


def is_told_anew(messages: Sequence[Message], answered: Mapping[str, Answer]) -> bool:
    """Whether a card says something that was not answered, beside texts that only ever accompany others."""
    return any(message.id not in answered and MESSAGES[message.id].lead for message in messages)


def answered_before(answer: Answer, wording: Wording) -> str:
    """Return what was answered, by our own name of the reason: what the client sent is not repeated."""
    if answer.outcome == "accepted":
        return wording.text("card", "answered_accepted")
    known = (reason for reason in wording.get("overrides").values() if reason["code"] == answer.reason)
    reason = next(known, None)
    if reason is None:
        return wording.text("card", "answered_overridden")
    return wording.text("card", "answered_for", reason=reason["display"])


def _unique(marks: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, marks)))
