"""What a verifier gets and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from cds_service.clients.profile import ClientProfile


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request brings to prove who sends it; its repr shows none of it.

    `authorization` holds every value of the header, since two of them are a refusal; `headers` are by lower-case name;
    `endpoint` is the path below the public address, such as `/cds-services/lumbar-mri-order-sign`.
    """

    endpoint: str
    authorization: tuple[str, ...] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    remote_address: str = field(default="", repr=False)
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """A client that has proved who it is; `issuer`, `tenant` and `token_id` may be logged."""

    client: ClientProfile
    issuer: str = ""
    tenant: str = ""
    token_id: str = field(default="", repr=False)


class NotAuthenticatedError(Exception):
    """A refusal; `reason` is a fixed word for the log and the metrics, never sent to the caller."""

    def __init__(self, reason: str) -> None:
        """Take the reason, such as `signature` or `expired`."""
        super().__init__(reason)
        self.reason = reason


class Verifier(Protocol):
    """One way to prove who calls."""

    def verify(self, credentials: Credentials) -> Caller | None:
        """Return the caller; None when these credentials are not of this verifier's kind or for its clients.

        NotAuthenticatedError when they are, and do not hold.
        """
