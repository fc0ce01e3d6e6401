"""What clinicians did with a card, as the EHR reports it: from the body of a feedback call to checked events.

What can be read of a batch is kept and what cannot is named: one entry at fault loses nothing of the others, and a
client may send all of it again, since what is known already is kept once. Cards are not looked up: feedback comes late,
twice, and for cards of an earlier deployment, and the client could do nothing about a refusal.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cds_service.protocol import schemas
from cds_service.protocol.errors import BadRequestError, Fault, faults_of
from cds_service.protocol.serialization import decode, decode_body, encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a client reports: the events that can be read, and what is wrong with the other entries."""

    events: tuple[FeedbackEvent, ...]
    faults: tuple[Fault, ...] = ()


def read_feedback(body: bytes, service: str, client: str = "") -> Feedback:
    """Return what a client reports, every entry and member at fault named; ServiceError (400) if it is no batch."""
    document = {name: decode(raw, name) for name, raw in decode_body(body).items() if name == "feedback"}
    entries = document.get("feedback")
    problems = schemas.FEEDBACK_REQUEST.problems(document)
    if problems and not isinstance(entries, list):
        raise BadRequestError.of(faults_of(problems))
    sound = [entry for entry in entries or () if not problems or _is_sound(entry)]
    events = tuple(event for entry in sound for event in _events(entry, service, client))
    return Feedback(events, tuple(faults_of(problems)))


def _is_sound(entry: object) -> bool:
    return not schemas.FEEDBACK_REQUEST.problems({"feedback": [entry]})


def _events(entry: Mapping[str, Any], service: str, client: str) -> Iterator[FeedbackEvent]:
    """Yield the event of an entry, or one for each reason where it lists several."""
    given = entry.get("overrideReason") or entry.get("overrideReasons") or {}
    overrides = [each for each in given if each] if isinstance(given, list) else [given]
    for override in overrides or [{}]:
        yield _event(entry, override, service, client)


def _event(entry: Mapping[str, Any], override: Mapping[str, Any], service: str, client: str) -> FeedbackEvent:
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
