"""What a verifier gets and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
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


class Reason(StrEnum):
    """Why a call is refused: fixed words for the log and the metrics, never sent to the caller."""

    NO_CREDENTIALS = "no-credentials"
    AUTHORIZATION = "authorization"  # more than one header
    SCHEME = "scheme"  # not Bearer
    SIZE = "size"
    MALFORMED = "malformed"  # not three base64url parts of sound JSON
    HEADER = "header"  # a header parameter that changes how the token is read
    TYPE = "typ"
    ALGORITHM = "alg"
    KEY_ID = "kid"
    ISSUER = "issuer"
    JKU = "jku"
    KEYS_UNAVAILABLE = "keys-unavailable"
    KEY_UNKNOWN = "key-unknown"
    KEY_UNFIT = "key-unfit"  # the key is there, and is not for this
    SIGNATURE = "signature"
    CLAIM_MISSING = "claim-missing"
    CLAIM_TYPE = "claim-type"
    EXPIRED = "expired"
    NOT_YET = "not-yet"  # issued, or valid, only in the future
    LIFETIME = "lifetime"
    AUDIENCE = "audience"
    TENANT = "tenant"
    SUBJECT = "subject"
    SCOPE = "scope"
    REPLAY = "replay"
    PROXY = "proxy"  # certificate headers from an address that may not set them
    CERTIFICATE = "certificate"


class NotAuthenticatedError(Exception):
    """A refusal; `reason` is a fixed word for the log and the metrics, never sent to the caller."""

    def __init__(self, reason: str, *, final: bool = True) -> None:
        """Take the reason, such as `signature` or `expired`.

        `final` is False when the credentials name no client of the verifier, so that another one may take them.
        """
        super().__init__(str(reason))
        self.reason = str(reason)
        self.final = final


class Verifier(Protocol):
    """One way to prove who calls."""

    def verify(self, credentials: Credentials) -> Caller | None:
        """Return the caller; None when these credentials are not of this verifier's kind or for its clients.

        NotAuthenticatedError when they are, and do not hold; one that is not final says why they are not.
        """
