"""The FHIR client: fills in what a prefetch left out, all of it at once and within one deadline.

What did not arrive in time is unavailable, never "none". Nothing here knows HTTP, threads' number or the time of day:
the transport, the executor and the clock are handed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, wait
from functools import partial

from fhir_mappings.chart.chart import holds_others_only
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.prefetch import Sent
from fhir_mappings.fhir.readings import at_most_partial, with_resources
from fhir_mappings.fhir.resources import Resource
from fhir_mappings.fhir.sources import FAILED, MISSING, NOT_OFFERED, NOT_PROVIDED, SourceReading, SourceState
from fhir_mappings.fhir_client.batch import run_batch
from fhir_mappings.fhir_client.exchange import Clock, Exchange
from fhir_mappings.fhir_client.learned import LearnedForms
from fhir_mappings.fhir_client.lookups import MEDICATION_KEYS, MedicationLookup
from fhir_mappings.fhir_client.queries import Target, is_sendable, order_targets, resource_url
from fhir_mappings.fhir_client.retrieval import FhirServer, Result, Retrieval
from fhir_mappings.fhir_client.scopes import Access
from fhir_mappings.fhir_client.source import Source
from fhir_mappings.fhir_client.walk import Walk

# More than an order that somebody wrote refers to.
_MOST_REFERENCES = 20
_KEYS = {need.resource_type: need.key for need in DATA_NEEDS}


class FhirClient:
    """Reads from clients' FHIR servers; one for the whole process, safe to share between threads.

    `clock` returns seconds that only grow. The executor should have a worker for each need of each hook call that is
    answered at a time; a call that waits for a worker waits within its deadline.
    """

    def __init__(self, executor: Executor, clock: Clock) -> None:
        """Take what runs the calls and what measures them."""
        self._executor = executor
        self._clock = clock
        self._learned = LearnedForms(clock)

    def retrieve(
        self,
        server: FhirServer,
        patient_id: str,
        sent: Mapping[str, Sent],
        references: Iterable[str] = (),
    ) -> Retrieval:
        """Return the readings of a prefetch with what was missing: whole needs, further pages, drugs by reference.

        `sent` is as `sent_sources` returns it. `references` are those of the orders, as `order_references` lists them.
        A need that the prefetch answered, even with a failure, is not asked for again.
        """
        exchange = Exchange(server, self._clock)
        return _Retrieving(self._executor, exchange, self._learned, patient_id, sent).run(references)


class _Retrieving:
    """One retrieval under way."""

    def __init__(
        self,
        executor: Executor,
        exchange: Exchange,
        learned: LearnedForms,
        patient_id: str,
        sent: Mapping[str, Sent],
    ) -> None:
        self.executor = executor
        self.exchange = exchange
        self.learned = learned
        self.server = exchange.server
        self.patient_id = patient_id
        self.sent = sent
        self.given = {key: found.reading for key, found in sent.items()}
        self.sources: dict[str, Source] = {}
        self.refused: dict[str, Result] = {}
        self.referred: dict[Target, Walk] = {}
        self.started: list[Future[None]] = []

    def run(self, references: Iterable[str]) -> Retrieval:
        """Ask for everything, and put together what arrives in time."""
        usable = is_sendable(self.patient_id)
        for sent in self.sent.values():
            if sent.unread:
                self._plan(sent, usable=usable)
        if not usable:
            return Retrieval(*self._outcomes(), self.exchange.close())
        self._plan_references(references)
        try:
            self._first_wave()
            # What the drugs are is asked for while other sources are still on their way.
            lookup = MedicationLookup(self.exchange, self._outcomes()[0], self.patient_id)
            self._await([self._start(walk) for walk in lookup.searches()])
            for walk in lookup.reads():
                self._start(walk)
            self._await_all()
        finally:
            calls = self.exchange.close()
            for future in self.started:
                future.cancel()
        found, results = self._outcomes()
        return Retrieval(lookup.added_to(found), results, calls)

    def _plan(self, sent: Sent, *, usable: bool) -> None:
        """Decide how to ask for what a prefetch did not bring of a need, or why not."""
        need, server = sent.need, self.server
        name = need.resource_type
        access = server.scopes.search(name) if need.parameters else server.scopes.read(name)
        if not usable:
            self.refused[need.key] = Result.UNUSABLE_ID
        elif access is Access.NONE:
            self.refused[need.key] = Result.NOT_IN_SCOPE
        else:
            form = self.learned.form(server.base, name, server.form)
            remember = partial(self.learned.note, server.base, name, server.form)
            self.sources[need.key] = Source(self.exchange, sent, self.patient_id, form, access, self._start, remember)

    def _plan_references(self, references: Iterable[str]) -> None:
        """Decide which resources that the orders refer to have to be read one by one."""
        held = {(found.resource_type, found.id) for reading in self.given.values() for found in reading.resources}
        for target in order_targets(references, self.server.base)[:_MOST_REFERENCES]:
            if tuple(target) not in held and self.server.scopes.read(target.resource_type) is not Access.NONE:
                url = resource_url(self.server.base, target)
                self.referred[target] = Walk(self.exchange, target.resource_type, url)

    def _first_wave(self) -> None:
        """Start asking for everything that is known to be missing; return once the drug records are there."""
        walks = [walk for source in self.sources.values() for walk in source.walks]
        walks += self.referred.values()
        new = [walk for walk in walks if walk.is_new]
        going_on = [walk for walk in walks if not walk.is_new]
        running = {walk: self._start(walk) for walk in going_on}
        if self.server.limits.batch and len(new) > 1:
            batch = self.executor.submit(run_batch, self.exchange, new)
            self.started.append(batch)
            self._await([batch])
        running |= {walk: self._start(walk) for walk in new if walk.url is not None}
        drugs = [walk for key in MEDICATION_KEYS if key in self.sources for walk in self.sources[key].walks]
        self._await([running[walk] for walk in drugs if walk in running])

    def _start(self, walk: Walk) -> Future[None]:
        future = self.executor.submit(walk.run)
        self.started.append(future)
        return future

    def _await_all(self) -> None:
        """Wait for every call, those too that others start while they run."""
        awaited = 0
        while awaited < len(self.started):
            futures = self.started[awaited:]
            awaited += len(futures)
            self._await(futures)

    def _await(self, futures: Sequence[Future[None]]) -> None:
        """Wait until some calls are done or time is up; a fault of our own in one of them is raised."""
        done, late = wait(futures, timeout=self.exchange.seconds_left)
        if late:
            self.exchange.expire()
        for future in done:
            future.result()

    def _outcomes(self) -> tuple[dict[str, SourceReading], dict[str, Result]]:
        """Return the readings and the words for them, as far as everything has come."""
        found, results = dict(self.given), dict(self.refused)
        for key, result in self.refused.items():
            if found[key].state in MISSING and result is Result.UNUSABLE_ID:
                found[key] = FAILED
        for key, source in self.sources.items():
            found[key], results[key] = source.outcome()
            if found[key].state is SourceState.NOT_PROVIDED:
                found[key] = _lacking(self.sent[key])
        for target, walk in self.referred.items():
            self._add_referred(found, target, walk.outcome()[0].resources)
        return found, results

    def _add_referred(self, found: dict[str, SourceReading], target: Target, resources: Iterable[Resource]) -> None:
        """Add what an order refers to; a source is not made more complete by it."""
        key = _KEYS[target.resource_type]
        reading = at_most_partial(found[key]) if holds_others_only(found[key], self.patient_id) else found[key]
        meant = [resource for resource in resources if (resource.resource_type, resource.id) == tuple(target)]
        found[key] = with_resources(reading, meant)


def _lacking(sent: Sent) -> SourceReading:
    """Return the reading of a source that the server turned out not to have: a failure where the profile lists it."""
    if sent.is_listed:
        return FAILED
    return NOT_OFFERED if sent.reading.state is SourceState.NOT_OFFERED else NOT_PROVIDED
