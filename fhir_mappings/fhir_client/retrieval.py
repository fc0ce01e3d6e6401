"""What is asked of a client's FHIR server, within which limits, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.searches import USUAL, SearchForm
from fhir_mappings.fhir.sources import SourceReading, SourceState
from fhir_mappings.fhir_client.scopes import EVERYTHING, Scopes
from fhir_mappings.fhir_client.transport import Transport


class Result(StrEnum):
    """How asking ended, of one call or of one source; fixed words, safe to log."""

    OK = "ok"
    EMPTY = "empty"
    PARTIAL = "partial"  # some pages, but not all, or with something missing
    TIMEOUT = "timeout"
    REFUSED = "refused"  # the rules of this client forbid the address
    UNAUTHORIZED = "unauthorized"  # 401
    FORBIDDEN = "forbidden"  # 403
    NOT_IN_SCOPE = "not-in-scope"  # the token does not cover the type: not asked
    NOT_FOUND = "not-found"  # 404 or 410
    NOT_SUPPORTED = "not-supported"  # 405 or 501, or a refusal that says so
    HTTP_ERROR = "http-error"
    FAILED = "failed"  # the server says, with a 200, that it failed
    UNREADABLE = "unreadable"  # an answer that is no FHIR
    TOO_LARGE = "too-large"
    CONNECTION = "connection"
    OPEN = "open"  # the server did not answer lately: not asked
    NOT_LISTED = "not-listed"  # the server is none of those that the client may name: not asked
    TOKEN_TYPE = "token-type"  # noqa: S105 - the token is of a type that nobody agreed on: not asked
    UNUSABLE_ID = "unusable-id"  # the patient's id cannot be part of an address: not asked


# With these a server says that it does not have a source to offer. Only where the token names the type as granted is
# that a failure of a source which is there.
LACKING: Final = frozenset({Result.FORBIDDEN, Result.NOT_FOUND, Result.NOT_SUPPORTED, Result.NOT_IN_SCOPE})


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """How long and how much may be asked for one hook call.

    `deadline` is a value of the client's clock, in seconds. `pages` counts the pages of one source, a prefetched one
    too. A failed call is tried again once if `retries` is not 0. With `batch` one Bundle asks for everything first.
    """

    deadline: float
    pages: int = 10
    retries: int = 1
    batch: bool = False


@dataclass(frozen=True, slots=True)
class FhirServer:
    """A FHIR server that may be asked: its base address, already checked, and how; its repr shows no token.

    `form` is how it is known to take searches; what it turns out to take is remembered beside that.
    """

    base: str = field(repr=False)
    transport: Transport = field(repr=False)
    limits: FetchLimits
    token: str | None = field(default=None, repr=False)
    scopes: Scopes = EVERYTHING
    form: SearchForm = USUAL


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call: for which resource type (`Bundle` for a batch), how it ended, how many seconds it took."""

    resource_type: str
    result: Result
    seconds: float


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The sources of a chart after asking: every reading by prefetch key, and how asking for each ended.

    `results` holds only what was missing or had further pages. `missing_required` are the keys of needs without which
    there is no advice, and which neither the prefetch nor the server brought.
    """

    readings: Mapping[str, SourceReading]
    results: Mapping[str, Result]
    calls: tuple[Call, ...] = ()

    @property
    def missing_required(self) -> tuple[str, ...]:
        """The required needs that were asked for in vain."""
        return tuple(
            need.key
            for need in DATA_NEEDS
            if need.required
            and need.key in self.results
            and self.readings[need.key].state in (SourceState.UNAVAILABLE, SourceState.NOT_PROVIDED)
        )
