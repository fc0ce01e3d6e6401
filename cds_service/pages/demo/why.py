"""Why a card says what it says, for one patient: what stands below the card, so that the card itself is read quickly.

Told are the rules behind the messages of that card, as the findings have them, the limits of what was read, and the
pages that explain each message without a patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cards.guideline.guideline import LEADS_TO
from cds_service.pages.demo.findings import assessed_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cards.decision.assessment import Assessment
    from cards.response.response import SentAssessment
    from cds_service.hooks.adviser import Adviser
    from cds_service.pages.demo.findings import AssessedOrder, FindingView, Saying
    from cds_service.protocol.envelope import HookRequest


@dataclass(frozen=True, slots=True)
class Why:
    """The explanation of one card: its order, its messages, and the findings that led to them."""

    card: str
    order: AssessedOrder
    messages: tuple[Saying, ...]
    findings: tuple[FindingView, ...]


def explanations(assessed: Sequence[Assessment], request: HookRequest, adviser: Adviser) -> tuple[Why, ...]:
    """Return the explanation of every card that a request is answered with, had nothing been answered before."""
    response = adviser.respond(assessed, request)
    found = {why.card: why for pair in zip(assessed, response.sent, strict=True) for why in _of_order(*pair, adviser)}
    return tuple(found.values())


def _of_order(assessment: Assessment, sent: SentAssessment, adviser: Adviser) -> Iterator[Why]:
    order = assessed_order(assessment, adviser.wording)
    for card in sent.cards:
        about = frozenset(card.messages)
        yield Why(
            card=card.uuid,
            order=order,
            messages=tuple(message for message in order.messages if message.id in about),
            findings=tuple(view for view in order.open if about & set(LEADS_TO[view.criterion])),
        )
