"""Every search of the needs for one patient, asked exactly as the service asks, with more patience.

Each need is retrieved by itself, so that its time is its own; then all of them at once within the client's deadline,
as for an order. What is told of the records is how many there are.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from cds_service.cli.connection.check import Check, failed, passed, skipped
from cds_service.cli.connection.fhir_server import PATIENCE
from fhir_mappings.fhir.needs import DATA_NEEDS, is_wanted
from fhir_mappings.fhir.prefetch import sent_sources
from fhir_mappings.fhir_client.client import FhirClient
from fhir_mappings.fhir_client.queries import is_sendable
from fhir_mappings.fhir_client.retrieval import LACKING, FetchLimits, FhirServer, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cds_service.clients.profile import FhirAccess
    from fhir_mappings.fhir.needs import DataNeed
    from fhir_mappings.fhir_client.transport import FhirRequest, FhirResponse, Transport

_THREADS: Final = 24
_ANSWERED: Final = (Result.OK, Result.EMPTY)
_REMEDIES: Final = {
    Result.TIMEOUT: "Ask why it is so slow; have these data sent as prefetch.",
    Result.UNAUTHORIZED: "Give a token with --token-file; one that is refused has ended, or is for another server.",
    Result.FORBIDDEN: "Have the client granted the scopes that `lumbar-cds client-sheet` lists.",
    Result.NOT_FOUND: "Is the patient in this server? If the type is not there at all, have it sent as prefetch.",
    Result.NOT_SUPPORTED: "Have these data sent as prefetch: the criteria cannot do without.",
    Result.PARTIAL: "Raise fhir.pages or fhir.page_size until all of it is read.",
    Result.TOO_LARGE: "Set a smaller fhir.page_size, or a larger fhir.max_bytes.",
    Result.HTTP_ERROR: "The server refuses the search: ask it for the reason with curl, and say how it wants it.",
    Result.UNREADABLE: "It answers something that is no FHIR in JSON: is there a login page or a proxy before it?",
    Result.FAILED: "It answers that it failed; its log says why.",
    Result.CONNECTION: "Look at the way to the server.",
    Result.REFUSED: "It leads to an address that this client's rules forbid.",
}


@dataclass
class _Watched:
    """A transport that remembers the parameters of what was asked, and the status of each answer."""

    inner: Transport
    answers: list[tuple[frozenset[str], int]] = field(default_factory=list)

    def send(self, request: FhirRequest, seconds: float) -> FhirResponse:
        answer = self.inner.send(request, seconds)
        self.answers.append((frozenset(parse_qs(urlsplit(request.url).query)), answer.status))
        return answer

    def close(self) -> None:
        self.inner.close()


@dataclass(frozen=True, slots=True)
class SearchTrial:
    """The searches of one server for one patient."""

    base: str
    access: FhirAccess
    transport: Callable[[], Transport]
    token: str | None
    patient: str

    def checks(self) -> Iterator[Check]:
        """Yield a check for each need, `fhir.search.KEY`, and `fhir.deadline` for all of them at once."""
        if not is_sendable(self.patient):
            yield failed("fhir.searches", self.base, "the patient's id is no FHIR id", "Name one as the server has it.")
            return
        with ThreadPoolExecutor(_THREADS) as executor:
            client = FhirClient(executor, time.perf_counter)
            for need in DATA_NEEDS:
                yield self._one(client, need)
            yield self._together(client)

    def _server(self, transport: Transport, seconds: float) -> FhirServer:
        access = self.access
        limits = FetchLimits(time.perf_counter() + seconds, access.pages, access.retries, batch=False)
        return FhirServer(self.base, transport, limits, self.token, form=access.form)

    def _one(self, client: FhirClient, need: DataNeed) -> Check:
        watched = _Watched(self.transport())
        others = {other.key: b"null" for other in DATA_NEEDS if other.key != need.key}
        sent = sent_sources(others, form=self.access.form)
        began = time.perf_counter()
        found = client.retrieve(self._server(watched, PATIENCE), self.patient, sent)
        took = round((time.perf_counter() - began) * 1000)
        watched.close()
        result, entries = found.results[need.key], len(found.readings[need.key].resources)
        return self._judged(need, result, entries, took, self._wanted_form(watched))

    def _judged(self, need: DataNeed, result: Result, entries: int, took: int, form: str) -> Check:
        check_id, deadline = f"fhir.search.{need.key}", self.access.deadline_ms
        facts: dict[str, Any] = {"result": result.value, "entries": entries, "ms": took, "deadline_ms": deadline}
        if result in _ANSWERED:
            says = f"{entries} {'entry' if entries == 1 else 'entries'} in {took} ms of {deadline} ms"
            if took > deadline:
                remedy = "Have these data sent as prefetch, or raise fhir.deadline_ms as far as the EHR waits."
                return failed(check_id, self.base, f"{says}: too late", remedy, **facts)
            return passed(check_id, self.base, says, form, **facts)
        says = f"{result.value} after {took} ms"
        if result in LACKING and not is_wanted(need):
            remedy = "If it is so for every user, leave it out of the client's `sources`."
            return skipped(check_id, self.base, f"{says}: not offered, and not missed", remedy, **facts)
        remedy = _REMEDIES.get(result, "Ask whoever runs the server.")
        return failed(check_id, self.base, says, f"{remedy} {form}".strip(), **facts)

    def _wanted_form(self, watched: _Watched) -> str:
        """Return what to put into the profile, so that a server is asked at once as it wants to be asked."""
        refused = [names for names, status in watched.answers if 400 <= status < 500]  # noqa: PLR2004 - refusals
        taken = [names for names, status in watched.answers if status < 300]  # noqa: PLR2004 - answers
        if not refused or not taken:
            return ""
        first, last = refused[0], taken[-1]
        said = []
        if "_sort" in first - last:
            said.append("fhir.sort = false")
        if "_count" in first - last:
            said.append("fhir.page_size = 0")
        if "category" in last - first:
            said.append("fhir.observation_categories as docs/clients.md lists them")
        return f"It was taken only in a narrower form; set {' and '.join(said)}." if said else ""

    def _together(self, client: FhirClient) -> Check:
        """Return whether everything comes within the deadline of a hook call, asked at once on open connections."""
        transport, deadline = self.transport(), self.access.deadline_ms
        server = self._server(transport, deadline / 1000)
        server = replace(server, limits=replace(server.limits, batch=self.access.batch))
        began = time.perf_counter()
        found = client.retrieve(server, self.patient, sent_sources({}, form=self.access.form))
        took = round((time.perf_counter() - began) * 1000)
        transport.close()
        late = [key for key, result in found.results.items() if result is Result.TIMEOUT]
        facts: dict[str, Any] = {"ms": took, "deadline_ms": deadline, "late": late, "calls": len(found.calls)}
        if late:
            says = f"{len(late)} of {len(found.results)} sources do not come within {deadline} ms: {', '.join(late)}"
            remedy = "Have the slow ones sent as prefetch, or raise fhir.deadline_ms as far as the EHR waits."
            return failed("fhir.deadline", self.base, says, remedy, **facts)
        says = f"all {len(found.results)} sources at once, {len(found.calls)} calls: {took} ms of {deadline} ms"
        return passed("fhir.deadline", self.base, says, **facts)
