"""From a record of a hook call to rows, and the writing of many at once."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, NamedTuple

from sqlalchemy import Connection

from cds_service.records.invocations import Invocation
from cds_service.records.statements import add_counts, insert_new
from cds_service.records.tables import ASSESSMENTS, CARDS, INVOCATIONS, SUGGESTIONS, UNRELATED_CALLS


class CallKey(NamedTuple):
    """What counted calls have in common."""

    hour: datetime
    client: str
    service: str
    guideline: str
    shown: bool
    synthetic: bool


@dataclass(slots=True)
class Batch:
    """Records to be written in one transaction: calls with ids that they keep when they are written again."""

    calls: list[tuple[int, Invocation]] = field(default_factory=list)
    unrelated: Counter[CallKey] = field(default_factory=Counter)

    def add(self, invocation: Invocation) -> None:
        """Take a call, under a new id or, when it was about no lumbar MRI order, as a count."""
        if is_unrelated(invocation):
            self.unrelated[call_key(invocation)] += 1
        else:
            self.calls.append((secrets.randbits(63), invocation))

    def __len__(self) -> int:
        return len(self.calls) + self.unrelated.total()


def is_unrelated(invocation: Invocation) -> bool:
    """Whether a call was answered and held no lumbar MRI order; a refused call is a record of its own."""
    return not invocation.assessments and invocation.status == HTTPStatus.OK


def call_key(invocation: Invocation) -> CallKey:
    """Return under what a call is counted."""
    return CallKey(
        hour=invocation.at.astimezone(UTC).replace(minute=0, second=0, microsecond=0),
        client=invocation.client,
        service=invocation.service,
        guideline=invocation.guideline,
        shown=invocation.shown,
        synthetic=invocation.synthetic,
    )


def write_batch(connection: Connection, batch: Batch) -> None:
    """Write a batch in the transaction of a connection; calls that are there already are left as they are."""
    insert_new(connection, INVOCATIONS, [_invocation(number, call) for number, call in batch.calls])
    insert_new(connection, ASSESSMENTS, list(_assessments(batch.calls)))
    insert_new(connection, CARDS, list(_cards(batch.calls)))
    insert_new(connection, SUGGESTIONS, list(_suggestions(batch.calls)))
    # In one order everywhere, so that two processes never wait for each other crosswise.
    counted = sorted(batch.unrelated.items())
    add_counts(connection, UNRELATED_CALLS, [key._asdict() | {"count": count} for key, count in counted])


def _invocation(number: int, call: Invocation) -> Mapping[str, Any]:
    return {
        "id": number,
        "request_id": call.request_id,
        "at": call.at,
        "client": call.client,
        "service": call.service,
        "hook": call.hook,
        "status": int(call.status),
        "mode": str(call.mode),
        "shown": call.shown,
        "guideline": call.guideline,
        "milliseconds": call.milliseconds,
        "user_hash": call.user,
        "patient_hash": call.patient,
        "phases": call.phases,
        "sources": call.sources,
        "synthetic": call.synthetic,
    }


def _assessments(calls: Sequence[tuple[int, Invocation]]) -> Iterator[Mapping[str, Any]]:
    for number, call in calls:
        for position, found in enumerate(call.assessments):
            yield {
                "invocation": number,
                "position": position,
                "outcome": str(found.outcome),
                "messages": found.messages,
            }


def _cards(calls: Sequence[tuple[int, Invocation]]) -> Iterator[Mapping[str, Any]]:
    for number, call in calls:
        for assessment, found in enumerate(call.assessments):
            for position, card in enumerate(found.cards):
                yield {
                    "invocation": number,
                    "assessment": assessment,
                    "position": position,
                    "uuid": card.uuid,
                    "indicator": str(card.indicator),
                    "lead": card.messages[0] if card.messages else "",
                    "messages": card.messages,
                    "message_keys": card.message_keys,
                    "marks": card.marks,
                }


def _suggestions(calls: Sequence[tuple[int, Invocation]]) -> Iterator[Mapping[str, Any]]:
    for number, call in calls:
        for assessment, found in enumerate(call.assessments):
            for card_position, card in enumerate(found.cards):
                for position, (uuid, key) in enumerate(card.suggestions):
                    yield {
                        "invocation": number,
                        "assessment": assessment,
                        "card": card_position,
                        "position": position,
                        "uuid": uuid,
                        "key": key,
                        "marks": card.suggestion_marks[position] if card.suggestion_marks else (),
                    }
