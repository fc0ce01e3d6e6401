"""What clinicians did with a card, as the EHR reports it: from the body of a feedback call to checked events.

A batch is taken whole or not at all, so that a client may send it again after an error without thinking. Cards are not
looked up: feedback comes late, twice, and for cards of an earlier deployment, and the client could do nothing about a
refusal.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cds_service.protocol import schemas
from cds_service.protocol.errors import BadRequestError, faults_of
from cds_service.protocol.serialization import decode, decode_body, encode

if TYPE_CHECKING:
    from collections.abc import Mapping

# A reason that was built at an Epic site, and not sent by us, comes as members of `extension` that begin so.
EPIC_REASON: Final = "com.epic.cdshooks.feedback.overrideReason"
_PARTS: Final = ("Category", "Display", "Title")
_LONGEST: Final = 2000


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
        if self.reason_system == EPIC_REASON:
            parts = (*parts, self.reason_display)  # several reasons of a site stand in one category
        return hashlib.sha256(encode((*parts, self.client) if self.client else parts)).hexdigest()


def read_feedback(body: bytes, service: str, client: str = "") -> tuple[FeedbackEvent, ...]:
    """Return the events that a client reports; ServiceError (400) names every entry and member at fault."""
    document = {name: decode(raw, name) for name, raw in decode_body(body).items() if name == "feedback"}
    if problems := schemas.FEEDBACK_REQUEST.problems(document):
        raise BadRequestError.of(faults_of(problems))
    return tuple(_event(entry, service, client) for entry in document["feedback"])


def _event(entry: Mapping[str, Any], service: str, client: str) -> FeedbackEvent:
    override = entry.get("overrideReason") or entry.get("overrideReasons") or {}
    reason = override.get("reason") or _site_reason(override.get("extension") or {})
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


def _site_reason(extension: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the reason in an extension as Epic writes it; nothing where it holds none."""
    category, display, title = (_text(extension.get(f"{EPIC_REASON}.reason{part}")) for part in _PARTS)
    words = display or title
    return {"code": category or words, "system": EPIC_REASON, "display": words} if category or words else {}


def _text(value: object) -> str:
    """Return a text or a number as text; anything else says nothing."""
    plain = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value).strip()[:_LONGEST] if plain else ""
