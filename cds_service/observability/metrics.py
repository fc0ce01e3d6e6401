"""Numbers for whoever keeps the service running, in the format of Prometheus.

A label value is a word of the code or a name of the configuration, never anything that was sent: labels are kept for
months, by another system. So each label has a closed vocabulary; anything else is counted as `other`.

The numbers live in the process or, under several workers, in files that the workers share (see `metrics_folder`); then
whichever worker is asked answers for all.
"""

from __future__ import annotations

import os
import struct
import threading
from typing import TYPE_CHECKING, Final, Protocol, runtime_checkable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from cards.guideline.guideline import GUIDELINE_VERSION, MESSAGES, Outcome
from cds_service import __version__
from cds_service.clients.profile import Mode
from cds_service.clients.switches import SWITCHED
from cds_service.observability.metrics_folder import VARIABLE
from cds_service.protocol.discovery import SERVICES
from cds_service.protocol.trace import PHASES
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.sources import SourceState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from cds_service.protocol.trace import Trace

CIRCUIT_STATES: Final = ("closed", "half-open", "open")
ORIGINS: Final = ("prefetch", "fetched")
NOT_REPEATED: Final = ("line", "silent")
SHED: Final = ("thread", "advice")
FEEDBACK_OUTCOMES: Final = ("accepted", "overridden")

# Seconds; close together where it matters: EHRs give up at about half a second.
BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.45, 0.5, 0.75, 1.0, 2.5)

_SOURCE_KEYS: Final = frozenset(need.key for need in DATA_NEEDS)
_SOURCE_STATES: Final = frozenset({*SourceState, *(f"{origin}:{state}" for origin in ORIGINS for state in SourceState)})
_SERVICES: Final = frozenset(service.id for service in SERVICES)
_OUTCOMES: Final = frozenset(Outcome)

# They double the series, and do not exist under several workers.
disable_created_metrics()  # type: ignore[no-untyped-call] # the library leaves it untyped

# The library looks at the same moment, which is when it is imported.
_MULTI_PROCESS: Final = VARIABLE in os.environ


@runtime_checkable
class RecorderNumbers(Protocol):
    """What a recorder tells of its queue, for its own process."""

    @property
    def queued(self) -> int:
        """How many records wait."""

    @property
    def written(self) -> int:
        """How many were stored since the process began."""

    @property
    def dropped(self) -> int:
        """How many were given up since the process began."""


class Metrics:
    """The numbers of one application; safe to use from all its threads."""

    def __init__(
        self, clients: Iterable[str] = (), refusals: Iterable[str] = (), fhir_results: Iterable[str] = ()
    ) -> None:
        """Take the names of all client profiles, the reasons for refusing a caller, and how a FHIR call may end."""
        self._clients = frozenset(clients)
        self._refusals, self._results = frozenset(refusals), frozenset(fhir_results)
        self._registry = CollectorRegistry()
        self._probes: list[Callable[[], None]] = []
        self._refreshing = threading.Lock()
        self._declare_calls()
        self._declare_data()
        self._declare_state()

    def _declare_calls(self) -> None:
        self._requests = self._counter("http_requests", "HTTP requests answered.", "endpoint", "method", "status")
        self._calls = self._counter("hook_calls", "Hook calls answered.", "client", "service", "status")
        self._orders = self._counter("orders", "Lumbar MRI orders in hook calls.", "client", "service")
        self._unrecognised = self._counter(
            "unrecognised_spine_mri_orders", "Orders that look like MRI of the spine and were not recognised.", "client"
        )
        self._outcomes = self._counter("outcomes", "Assessed orders by outcome.", "client", "outcome")
        self._messages = self._counter("messages", "Messages given, shown or kept silent.", "message", "shown")
        self._not_repeated = self._counter(
            "messages_not_repeated", "Messages answered before: silent, or told in a line.", "message", "how"
        )
        self._refused = self._counter("refusals", "Callers refused.", "reason")
        self._shed = self._counter(
            "shed_calls",
            "Calls sent away (503): no thread, or no place for advice, in time.",
            "client",
            "reason",
        )
        self._feedback = self._counter("feedback", "Feedback entries taken, repeats included.", "client", "outcome")
        self._latency = Histogram(
            "lumbar_cds_hook_duration_seconds",
            "Time to answer a hook call; lumbar says whether it held a lumbar MRI order.",
            ("service", "lumbar"),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._phases = Histogram(
            "lumbar_cds_phase_duration_seconds",
            "Time of the phases of a request.",
            ("phase",),
            buckets=BUCKETS,
            registry=self._registry,
        )

    def _declare_data(self) -> None:
        self._fhir = self._counter("fhir_calls", "Calls to clients' FHIR servers.", "client", "result")
        self._sources = self._counter("sources", "Data sources of assessed orders by state.", "source", "state")
        self._written = self._counter("records_written", "Invocation records stored.")
        self._dropped = self._counter("records_dropped", "Invocation records given up.")

    def _declare_state(self) -> None:
        self._queued = self._gauge("records_queued", "Invocation records waiting to be stored.", "livesum")
        self._circuits = self._gauge(
            "circuits", "Workers by the worst state of a client's circuit breakers.", "livesum", "client", "state"
        )
        self._modes = self._gauge(
            "client_mode", "1 for the mode that is in force for a client.", "mostrecent", "client", "mode"
        )
        self._switched = self._gauge(
            "client_switched",
            "Workers in which the kill switch lowers a client to a mode.",
            "livesum",
            "client",
            "mode",
        )
        self._unusable = self._gauge(
            "switch_file_unusable", "Workers that cannot use the switch file and go by what it said before.", "livesum"
        )
        self._tokens_away = self._gauge(
            "used_tokens_unavailable", "Workers that cannot look up which tokens were used before.", "livesum"
        )
        build = self._gauge("build_info", "What is running; always 1.", "max", "version", "guideline")
        build.labels(__version__, GUIDELINE_VERSION).set(1)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"lumbar_cds_{name}", meaning, labels, registry=self._registry)

    def _gauge(self, name: str, meaning: str, mode: str, *labels: str) -> Gauge:
        return Gauge(f"lumbar_cds_{name}", meaning, labels, registry=self._registry, multiprocess_mode=mode)  # type: ignore[arg-type] # one of the library's literals, written above

    def observe(self, trace: Trace, status: int) -> None:
        """Count an answered request."""
        self._requests.labels(trace.endpoint or "none", trace.method, status).inc()
        if trace.refusal:
            self._refused.labels(_known(trace.refusal, self._refusals)).inc()
        if trace.shed:
            self.shed(trace.client, trace.shed)
        for name, milliseconds in trace.phases.items():
            self._phases.labels(_known(name, PHASES)).observe(milliseconds / 1000)
        client = self._client(trace.client)
        for result, count in trace.fhir_results.items():
            self._fhir.labels(client, _known(result, self._results)).inc(count)
        for outcome, count in trace.feedback.items():
            self._feedback.labels(client, _known(outcome, FEEDBACK_OUTCOMES)).inc(count)
        if trace.hook:
            self._observe_call(trace, client, status)

    def shed(self, client: str | None, reason: str) -> None:
        """Count a call that was sent away; one that found no thread is counted here only, by whom its token names."""
        self._shed.labels(self._client(client), _known(reason, SHED)).inc()

    def _observe_call(self, trace: Trace, client: str, status: int) -> None:
        service = _known(trace.service, _SERVICES)
        self._calls.labels(client, service, status).inc()
        self._latency.labels(service, "yes" if trace.orders else "no").observe(trace.milliseconds / 1000)
        if trace.orders:
            self._orders.labels(client, service).inc(trace.orders)
        if trace.unrecognised_orders:
            self._unrecognised.labels(client).inc(trace.unrecognised_orders)
        for outcome in trace.outcomes:
            self._outcomes.labels(client, _known(outcome, _OUTCOMES)).inc()
        shown = "shown" if trace.shown else "silent"
        for message in trace.messages:
            self._messages.labels(_known(message, MESSAGES), shown).inc()
        for message, how in trace.not_repeated:
            self._not_repeated.labels(_known(message, MESSAGES), _known(how, NOT_REPEATED)).inc()
        for key, state in trace.sources.items():
            self._sources.labels(_known(key, _SOURCE_KEYS), _known(state, _SOURCE_STATES)).inc()

    def watch_recorder(self, recorder: RecorderNumbers) -> None:
        """Tell the numbers of a recorder from here on."""
        written, dropped = _Growth(self._written), _Growth(self._dropped)

        def probe() -> None:
            self._queued.set(recorder.queued)
            written.reach(recorder.written)
            dropped.reach(recorder.dropped)

        self._probes.append(probe)

    def watch_circuits(self, states: Callable[[], Mapping[str, str]]) -> None:
        """Tell the states of circuit breakers from here on, by client, as this process knows them."""

        def probe() -> None:
            for client, current in states().items():
                for state in CIRCUIT_STATES:
                    self._circuits.labels(self._client(client), state).set(state == current)

        self._probes.append(probe)

    def watch_modes(self, modes: Callable[[], Mapping[str, Mode]]) -> None:
        """Tell the modes in force from here on, by client, after the kill switch."""

        def probe() -> None:
            for client, current in modes().items():
                for mode in Mode:
                    self._modes.labels(self._client(client), mode.value).set(mode is current)

        self._probes.append(probe)

    def watch_switches(self, switched: Callable[[], Mapping[str, Mode]], is_current: Callable[[], bool]) -> None:
        """Tell from here on which clients the kill switch lowers, and whether its file as it stands is in force."""

        def probe() -> None:
            lowered = switched()
            for client in self._clients:
                for mode in SWITCHED:
                    self._switched.labels(client, mode.value).set(lowered.get(client) is mode)
            self._unusable.set(not is_current())

        self._probes.append(probe)

    def watch_tokens(self, is_available: Callable[[], bool]) -> None:
        """Tell from here on whether used tokens can be looked up."""
        self._probes.append(lambda: self._tokens_away.set(not is_available()))

    def refresh(self) -> None:
        """Look at everything that is watched.

        Under several workers each does so for itself every few seconds: the one that is scraped cannot ask the others.
        """
        with self._refreshing:
            for probe in self._probes:
                probe()

    def render(self) -> bytes:
        """Return all numbers in Prometheus' text format, under several workers those of all of them."""
        self.refresh()
        if not _MULTI_PROCESS:
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # the library leaves it untyped
        try:
            return generate_latest(registry)
        except struct.error:  # a worker that is just starting has made a file and not yet filled it
            return generate_latest(registry)

    def _client(self, name: str | None) -> str:
        return "unknown" if name is None else _known(name, self._clients)


def forget_process(pid: int) -> None:
    """Drop what an ended worker said of its own state; what it counted stays."""
    if _MULTI_PROCESS:
        mark_process_dead(pid)  # type: ignore[no-untyped-call] # the library leaves it untyped


class _Growth:
    """A counter that follows a number which only grows, and which begins anew in each process."""

    def __init__(self, counter: Counter) -> None:
        self._counter = counter
        self._seen = 0

    def reach(self, number: int) -> None:
        """Add what came since the last time."""
        self._counter.inc(number - self._seen if number >= self._seen else number)
        self._seen = number


def _known(value: str | None, allowed: Collection[str]) -> str:
    return value if value is not None and value in allowed else "other"
