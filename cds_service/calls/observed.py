"""A call as it was observed: what judging takes, held in memory for a moment and never written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cds_service.calls.judged import Kind
from cds_service.clients.profile import Authentication, ClientProfile
from cds_service.protocol.trace import Trace
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.searches import USUAL, by_category, searches_of, templates_for


@dataclass(frozen=True, slots=True)
class Observed:
    """One answered request to a hook or to its feedback address; the repr shows nothing of it.

    `body` is None where it was not read: whoever calls was refused before, or it was too large to be looked at.
    """

    trace: Trace = field(repr=False)
    kind: Kind
    at: float
    path: str
    status: int
    milliseconds: float
    is_feedback: bool
    body: bytes | None = field(default=None, repr=False)
    authorization: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of the callers: how each client proves itself, who signs for whom, and our address."""

    authentication: Mapping[str, Authentication]
    issuers: Mapping[str, str]
    audiences: Mapping[str, frozenset[str]]
    templates: Mapping[str, Mapping[str, str]]
    public_url: str = ""

    @classmethod
    def of(cls, clients: Sequence[ClientProfile], public_url: str) -> Expected:
        """Return what is expected of these clients."""
        return cls(
            authentication={client.name: client.authentication for client in clients},
            issuers={issuer.iss.rstrip("/"): client.name for client in clients for issuer in client.issuers},
            audiences={
                client.name: frozenset(
                    audience.rstrip("/") for issuer in client.issuers for audience in issuer.audiences
                )
                for client in clients
            },
            templates={client.name: templates_for(client.fhir.form) for client in clients},
            public_url=public_url.rstrip("/"),
        )


# Every key under which prefetch is read, with the type of resource that belongs there.
KEYS: Final[Mapping[str, str]] = {
    search.key: need.resource_type
    for need in DATA_NEEDS
    for form in (USUAL, by_category(USUAL))
    for search in searches_of(need, form)
}
