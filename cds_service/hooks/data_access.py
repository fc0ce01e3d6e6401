"""Everything that is to be had of a patient's data: what came with the call, and from the FHIR server what did not.

Asking is bounded by one deadline that begins with the request, so that a slow server costs data and never the answer.
A server that the client's profile does not list is treated as none at all.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from cds_service.egress.addresses import EgressError
from cds_service.egress.destinations import Destinations
from cds_service.egress.fhir_transport import FhirTransport
from fhir_mappings.fhir.prefetch import Sent, sent_sources
from fhir_mappings.fhir_client.client import FhirClient
from fhir_mappings.fhir_client.queries import order_references
from fhir_mappings.fhir_client.retrieval import FetchLimits, FhirServer, Result
from fhir_mappings.fhir_client.scopes import EVERYTHING, Scopes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from concurrent.futures import Executor

    from cds_service.clients.profile import ClientProfile
    from cds_service.egress.breaker import Breakers
    from cds_service.egress.http import HttpClient
    from cds_service.protocol.envelope import HookRequest
    from cds_service.protocol.trace import Trace
    from fhir_mappings.fhir.sources import SourceReading
    from fhir_mappings.orders.orders import ImagingOrder

# What became of the FHIR server that a request names: there is none, it may not be asked, or it was asked.
ServerUse = Literal["none", "refused", "asked"]

# A request that was slow to arrive still gets this share of the deadline for its data.
_LEAST_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True)
class Gathered:
    """The readings of all sources, and the required ones that were neither sent nor to be had."""

    readings: Mapping[str, SourceReading]
    missing_required: Sequence[str] = ()
    server: ServerUse = "none"


class DataAccess:
    """Gathers for every client of the process; safe to share between threads.

    The executor must not have run anything before the process forks: its threads would stay behind.
    """

    def __init__(
        self, clients: Iterable[ClientProfile], http: HttpClient, breakers: Breakers, executor: Executor
    ) -> None:
        """Take what asking is done with; EgressError when a profile lists an address that could never be asked."""
        self._http = http
        self._breakers = breakers
        self._fhir = FhirClient(executor, time.perf_counter)
        self._destinations = {client.name: Destinations.of(client) for client in clients}

    def sent(self, request: HookRequest, client: ClientProfile, trace: Trace) -> Mapping[str, Sent]:
        """Return what came with a call, by its key."""
        with trace.phase("read"):
            return sent_sources(request.prefetch, client.sources, client.fhir.form)

    def gather(
        self,
        sent: Mapping[str, Sent],
        request: HookRequest,
        orders: Sequence[ImagingOrder],
        client: ClientProfile,
        trace: Trace,
    ) -> Gathered:
        """Return what is known, and note in the trace how each source was had."""
        server = self._server(request, client, trace)
        if server is None:
            readings = {key: found.reading for key, found in sent.items()}
            trace.sources = {key: f"prefetch:{reading.state.value}" for key, reading in readings.items()}
            return Gathered(readings, server="none" if request.fhir_server is None else "refused")
        with trace.phase("fetch"), closing(server.transport):
            found = self._fhir.retrieve(server, request.patient_id, sent, order_references(orders))
        trace.sources = {
            key: f"{'fetched' if key in found.results else 'prefetch'}:{reading.state.value}"
            for key, reading in found.readings.items()
        }
        trace.fhir_results.update(call.result.value for call in found.calls)
        return Gathered(found.readings, found.missing_required, "asked")

    def _server(self, request: HookRequest, client: ClientProfile, trace: Trace) -> FhirServer | None:
        """Return the server to ask, or None where none was offered that may be asked; the trace tells why."""
        authorization = request.fhir_authorization or {}
        if request.fhir_server is None:
            return None
        token = request.access_token
        if token is not None and not _is_bearer(authorization):
            trace.fhir_results[Result.TOKEN_TYPE.value] += 1
            return None
        try:
            base = self._destinations[client.name].check_base(request.fhir_server)
        except EgressError:
            trace.fhir_results[Result.NOT_LISTED.value] += 1
            return None
        access = client.fhir
        allowed = access.deadline_ms / 1000
        deadline = max(trace.started + allowed, time.perf_counter() + allowed * _LEAST_SHARE)
        return FhirServer(
            base=base.url,
            transport=FhirTransport(self._http, client, self._breakers, base),
            limits=FetchLimits(deadline, pages=access.pages, retries=access.retries, batch=access.batch),
            token=token,
            # Scopes without a token speak of one that is not there.
            scopes=EVERYTHING if token is None else Scopes.parse(authorization.get("scope")),
            form=access.form,
        )


def _is_bearer(authorization: Mapping[str, Any]) -> bool:
    """Whether a token, if there is one, is of the only type that the hooks know."""
    return str(authorization.get("token_type") or "Bearer").lower() == "bearer"
