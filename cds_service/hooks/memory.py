"""What a user has answered about a patient, as the cards need it: sealed, and looked up only when it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from cards.response.memory import Answer, Memory

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from cards.response.memory import Outcome
    from cds_service.clients.profile import ClientProfile
    from cds_service.protocol.envelope import HookRequest
    from cds_service.records.identities import Identities
    from cds_service.records.stores import AnsweredCard, AnsweredCards


@dataclass(frozen=True, slots=True)
class Remembrance:
    """Gives each call its memory; safe to share between threads."""

    identities: Identities
    answered: AnsweredCards
    clock: Callable[[], datetime]

    def empty(self, client: ClientProfile, request: HookRequest) -> Memory:
        """Return a memory that holds nothing and seals what this call shows, unless nothing may be remembered."""
        if not client.remember_hours or not request.user_id:
            return Memory()
        return Memory(partial(self.identities.seal, client.name, request.user_id, request.patient_id))

    def filled(self, memory: Memory, client: ClientProfile, request: HookRequest) -> Memory | None:
        """Return a memory with what was answered of late; None when that could not be looked up."""
        if not memory.keeps:
            return memory
        name, since = client.name, self.clock() - timedelta(hours=client.remember_hours)
        user, patient = self.identities.user(name, request.user_id), self.identities.patient(name, request.patient_id)
        found = self.answered.of(name, user, patient, since)
        return None if found is None else Memory(memory.seal, tuple(map(_answer, found)))


def _answer(card: AnsweredCard) -> Answer:
    outcome: Outcome = "accepted" if card.outcome == "accepted" else "overridden"
    return Answer(card.shown_at, outcome, card.reason, frozenset(card.message_keys), card.marks)
