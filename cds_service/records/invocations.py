"""The record of one hook call: what was asked, what was answered, how fast, on what data; no patient data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

# Begins the service of a call that the demo page or the command line made about an invented patient.
DEMO_MARK: Final = "demo:"


@dataclass(frozen=True, slots=True)
class CardRecord:
    """A card of an answer: its id, level and messages, and its suggestions as (uuid, key).

    `message_keys` and `marks` are keyed hashes by which a later call finds out that it was answered;
    `suggestion_marks` are those of the order once a suggestion is taken, in the order of the suggestions.
    """

    uuid: str
    indicator: str
    messages: tuple[str, ...]
    suggestions: tuple[tuple[str, str], ...] = ()
    message_keys: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    suggestion_marks: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class AssessmentRecord:
    """The answer on one lumbar MRI order."""

    outcome: str
    messages: tuple[str, ...]
    cards: tuple[CardRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Invocation:
    """One hook call.

    `mode` is the client's mode at that moment and `shown` whether cards, if any, were sent. `user` and `patient` are
    keyed hashes. `phases` are milliseconds by name; `sources` are states by prefetch key, such as `fetched:complete`.
    `status` is the HTTP status; a call without lumbar MRI orders has no assessments.
    """

    request_id: str
    at: datetime
    client: str
    service: str
    hook: str
    status: int
    mode: str
    shown: bool
    guideline: str
    milliseconds: float
    user: str = ""
    patient: str = ""
    assessments: tuple[AssessmentRecord, ...] = ()
    phases: Mapping[str, float] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    synthetic: bool = False


class Recorder(Protocol):
    """Takes records; never waits and never fails."""

    def record(self, invocation: Invocation) -> None:
        """Keep a record, or count it as dropped."""

    def close(self, timeout: float = 5.0) -> bool:
        """Write what waits, for at most so many seconds, and return whether everything taken was written."""


class NullRecorder:
    """Keeps nothing: for one-off answers."""

    def record(self, invocation: Invocation) -> None:
        """Forget it."""

    def close(self, timeout: float = 5.0) -> bool:  # noqa: ARG002 - the interface's
        """Nothing waits."""
        return True
