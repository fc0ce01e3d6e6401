"""The one way to the network: what the FHIR client asks of it, without knowing how it is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FhirRequest:
    """One HTTP request to a FHIR server; its repr shows neither address nor token."""

    url: str = field(repr=False)
    method: str = "GET"
    token: str | None = field(default=None, repr=False)
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FhirResponse:
    """The status and the whole body of an answer, and the seconds after which the server wants to be asked again."""

    status: int
    body: bytes = field(repr=False)
    retry_after: float | None = None


class TransportError(Exception):
    """No answer; `reason` is a fixed word, safe to log: `timeout`, `connection`, `refused`, `too-large`, `open`."""

    def __init__(self, reason: str) -> None:
        """Take the reason."""
        super().__init__(reason)
        self.reason = reason


class Transport(Protocol):
    """Sends requests; bound to one client's rules of where it may go."""

    def send(self, request: FhirRequest, seconds: float) -> FhirResponse:
        """Return the answer within some seconds, all of it; TransportError when there is none."""

    def close(self) -> None:
        """Hear that nothing more is asked for this hook call."""
