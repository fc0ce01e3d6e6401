"""What clinicians did with a card, as the EHR reports it: from the body of a feedback call to checked events.

A batch is taken whole or not at all, so that a client may send it again after an error without thinking. Cards are not
looked up: feedback comes late, twice, and for cards of an earlier deployment, and the client could do nothing about a
refusal.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from cds_service.protocol import schemas
from cds_service.protocol.errors import BadRequestError, faults_of
from cds_service.protocol.serialization import decode, decode_body, encode

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class FeedbackEvent:
    """One reported outcome of one card, by one client; feedback taken before clients had names has none.

    The comment is free text and may name a patient: its repr leaves it out.
    """

    service: str
    card: str
    outcome: str
    at: datetime
    accepted: tuple[str, ...] = ()
    reason_code: str = ""
    reason_system: str = ""
    reason_display: str = ""
    comment: str = field(default="", repr=False)
    client: str = ""

    @property
    def fingerprint(self) -> str:
        """A key by which the same report sent again is recognised.

        The comment is part of it: two reports that differ only there are both kept, rather than one lost. So is the
        client: none can take the place of another's report.
        """
        parts: tuple[object, ...] = (
            self.service,
            self.card,
            self.outcome,
            self.at.isoformat(),
            sorted(self.accepted),
            self.reason_system,
            self.reason_code,
            self.comment,
        )
        return hashlib.sha256(encode((*parts, self.client) if self.client else parts)).hexdigest()


def read_feedback(body: bytes, service: str, client: str = "") -> tuple[FeedbackEvent, ...]:
    """Return the events that a client reports; ServiceError (400) names every entry and member at fault."""
    document = {name: decode(raw, name) for name, raw in decode_body(body).items() if name == "feedback"}
    if problems := schemas.FEEDBACK_REQUEST.problems(document):
        raise BadRequestError.of(faults_of(problems))
    return tuple(_event(entry, service, client) for entry in document["feedback"])


def _event(entry: Mapping[str, Any], service: str, client: str) -> FeedbackEvent:
    override = entry.get("overrideReason") or {}
    reason = override.get("reason") or {}
    return FeedbackEvent(
        service=service,
        card=entry["card"],
        outcome=entry["outcome"],
        at=datetime.fromisoformat(entry["outcomeTimestamp"].upper()).astimezone(UTC),
        accepted=tuple(suggestion["id"] for suggestion in entry.get("acceptedSuggestions") or ()),
        reason_code=reason.get("code") or "",
        reason_system=reason.get("system") or "",
        reason_display=reason.get("display") or "",
        comment=override.get("userComment") or "",
        client=client,
    )
