"""What clinicians did with the cards. The denominator is our own record of cards that were shown.

EHRs report what was accepted or overridden and never what was ignored, so a rate of the reports alone would flatter.
A card is accepted when a suggestion on it ever was taken, answered when only a question of it was, overridden when it
only was that, and otherwise has no answer. Only cards that offered something can be accepted at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, and_, case, func, select

from cds_service.records.insights.selection import COUNTED, Selection, answered_cards, cards_of, counts_of_answers
from cds_service.records.tables import ACCEPTED_SUGGESTIONS, CARDS, FEEDBACK, SUGGESTIONS

_LONGEST_DISPLAY: Final = 200


@dataclass(frozen=True, slots=True)
class CardAnswers:
    """Cards that were shown, and what was done with them; `silent` are those that nobody was shown.

    `offering` are the shown cards with a suggestion, `answered` those of which only a question was answered.
    """

    shown: int
    accepted: int
    overridden: int
    silent: int
    offering: int = 0
    answered: int = 0

    @property
    def unanswered(self) -> int:
        """Shown cards of which nothing was reported."""
        return self.shown - self.accepted - self.answered - self.overridden


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAnswers(CardAnswers):
    """The cards that a message leads: each card counts once, whatever else it says."""

    message: str


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many shown cards were overridden for a reason, and for how many of them somebody wrote a comment.

    Overrides without a coded reason have the code "".
    """

    code: str
    system: str
    display: str
    cards: int
    commented: int


@dataclass(frozen=True, slots=True)
class SuggestionAnswers:
    """How often a suggestion was offered on cards that a message leads, and how often it was accepted."""

    key: str
    lead: str
    offered: int
    accepted: int


def card_answers(connection: Connection, selection: Selection) -> CardAnswers:
    """Return what was done with the selected cards."""
    card = answered_cards(selection)
    counts = Counter[str]()
    for shown, *numbers in connection.execute(select(card.c.shown, *counts_of_answers(card)).group_by(card.c.shown)):
        _add(counts, numbers, shown=shown)
    return CardAnswers(**_answers(counts))


def message_answers(connection: Connection, selection: Selection) -> tuple[MessageAnswers, ...]:
    """Return the answers to cards by the message that leads them, the most frequent first."""
    card = answered_cards(selection, CARDS.c.lead)
    counts: dict[str, Counter[str]] = {}
    grouped = select(card.c.lead, card.c.shown, *counts_of_answers(card)).group_by(card.c.lead, card.c.shown)
    for lead, shown, *numbers in connection.execute(grouped):
        _add(counts.setdefault(lead, Counter()), numbers, shown=shown)
    found = (MessageAnswers(message=message, **_answers(count)) for message, count in counts.items())
    return tuple(sorted(found, key=lambda count: (-count.shown - count.silent, count.message)))


def _add(counts: Counter[str], numbers: Sequence[int], *, shown: bool) -> None:
    """Add numbers of cards and of what was done with them; of those that nobody was shown, how many there are."""
    named = dict(zip(COUNTED, map(int, numbers), strict=True))
    counts.update(named if shown else {"silent": named["shown"]})


def _answers(counts: Counter[str]) -> dict[str, int]:
    return {name: counts[name] for name in (*COUNTED, "silent")}


def override_reasons(connection: Connection, selection: Selection) -> tuple[ReasonCount, ...]:
    """Return why the selected cards were overridden, the most frequent first."""
    card = cards_of(selection)
    commented = func.count(case((FEEDBACK.c.comment != "", FEEDBACK.c.card)).distinct())
    rows = connection.execute(
        select(
            FEEDBACK.c.reason_code,
            FEEDBACK.c.reason_system,
            func.max(FEEDBACK.c.reason_display),
            func.count(FEEDBACK.c.card.distinct()),
            commented,
        )
        .select_from(FEEDBACK.join(card, and_(card.c.client == FEEDBACK.c.client, card.c.uuid == FEEDBACK.c.card)))
        .where(FEEDBACK.c.outcome == "overridden", FEEDBACK.c.synthetic == selection.synthetic, card.c.shown.is_(True))
        .group_by(FEEDBACK.c.reason_code, FEEDBACK.c.reason_system)
    )
    found = [
        ReasonCount(code, system, display[:_LONGEST_DISPLAY], cards, comments)
        for code, system, display, cards, comments in rows
    ]
    return tuple(sorted(found, key=lambda reason: (-reason.cards, reason.system, reason.code)))


def suggestion_answers(connection: Connection, selection: Selection) -> tuple[SuggestionAnswers, ...]:
    """Return how often suggestions were offered on shown cards and accepted, the most frequent first."""
    card = cards_of(selection, CARDS.c.invocation, CARDS.c.assessment, CARDS.c.position, CARDS.c.lead)
    of_card = and_(
        SUGGESTIONS.c.invocation == card.c.invocation,
        SUGGESTIONS.c.assessment == card.c.assessment,
        SUGGESTIONS.c.card == card.c.position,
    )
    offered = (
        select(card.c.client, card.c.uuid.label("card"), card.c.lead, SUGGESTIONS.c.uuid, SUGGESTIONS.c.key)
        .select_from(card.join(SUGGESTIONS, of_card))
        .where(card.c.shown.is_(True))
        .distinct()
        .subquery("offered")
    )
    taken = (
        select(FEEDBACK.c.client, FEEDBACK.c.card, ACCEPTED_SUGGESTIONS.c.suggestion)
        .join(ACCEPTED_SUGGESTIONS, ACCEPTED_SUGGESTIONS.c.feedback == FEEDBACK.c.fingerprint)
        .where(FEEDBACK.c.outcome == "accepted", FEEDBACK.c.synthetic == selection.synthetic)
        .distinct()
        .subquery("taken")
    )
    same = and_(
        taken.c.client == offered.c.client,
        taken.c.card == offered.c.card,
        taken.c.suggestion == offered.c.uuid,
    )
    rows = connection.execute(
        select(offered.c.key, offered.c.lead, func.count(), func.count(taken.c.suggestion))
        .select_from(offered.outerjoin(taken, same))
        .group_by(offered.c.key, offered.c.lead)
    )
    found = [SuggestionAnswers(key, lead, number, accepted) for key, lead, number, accepted in rows]
    return tuple(sorted(found, key=lambda count: (-count.offered, count.key, count.lead)))
