"""What is counted, and that no label ever holds what was sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from cds_service.clients.profile import Mode
from cds_service.observability import metrics as module
from cds_service.observability.metrics import BUCKETS, Metrics, forget_process
from cds_service.protocol.trace import Trace
from tests.protocol.builders import (
    SELECT,
    SIGN,
    HookClient,
    feedback_entry,
    hook_request,
    ibuprofen_order,
    lumbar_mri,
    make_app,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MARK = "Zebulon"


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the values of a text in Prometheus' format by name and labels."""
    return {
        (sample.name.removeprefix("lumbar_cds_"), frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(of: Metrics | HookClient | str, name: str, **labels: str) -> float:
    """Return the sum of all numbers of a name that have these labels, whatever others they have."""
    text = of if isinstance(of, str) else of.render().decode() if isinstance(of, Metrics) else scraped(of)
    found = samples(text).items()
    return sum(number for (known, given), number in found if known == name and labels.items() <= dict(given).items())


def scraped(client: HookClient) -> str:
    """Return what an application tells."""
    return client.flask.get("/metrics").text


def traced(**facts: Any) -> Trace:
    """Return a trace of an answered hook call."""
    usual: dict[str, Any] = {"method": "POST", "endpoint": "hooks.call", "service": SIGN, "hook": "order-sign"}
    return Trace("abc", **(usual | facts))


@pytest.fixture
def metrics() -> Metrics:
    """Metrics of a service with two clients."""
    return Metrics(["north", "south"], refusals=["expired"], fhir_results=["ok", "timeout"])


@pytest.fixture
def service() -> HookClient:
    """A client of an application that has counted nothing."""
    return HookClient(make_app())


def test_requests_are_counted(service: HookClient) -> None:
    """Every answer counts, those of unknown addresses under no address."""
    service.open("/cds-services")
    service.open("/nothing")
    service.open(f"/cds-services/{SIGN}", "PUT")
    assert value(service, "http_requests_total", endpoint="hooks.discover", method="GET", status="200") == 1
    assert value(service, "http_requests_total", endpoint="none", method="GET", status="404") == 1
    assert value(service, "http_requests_total", endpoint="none", method="PUT", status="405") == 1


def test_hook_calls_are_counted(service: HookClient) -> None:
    """Calls, orders, outcomes, messages and times can be told apart by service and outcome."""
    for _ in range(3):
        service.call(SIGN, hook_request(SIGN))
    service.call(SELECT, hook_request(SELECT, ibuprofen_order()))
    service.call(SIGN, {"hook": "order-sign"})
    assert value(service, "hook_calls_total", service=SIGN, status="200") == 3
    assert value(service, "hook_calls_total", service=SIGN, status="400") == 1
    assert value(service, "orders_total", service=SIGN) == 3
    assert value(service, "outcomes_total", outcome="NOT_APPROPRIATE") == 3
    assert value(service, "messages_total", message="C-NOTAPP-6W", shown="shown") == 3
    assert value(service, "hook_duration_seconds_count", service=SIGN, lumbar="yes") == 3
    assert value(service, "hook_duration_seconds_count", service=SELECT, lumbar="no") == 1
    assert value(service, "phase_duration_seconds_count", phase="assess") == 3
    assert value(service, "phase_duration_seconds_count", phase="read") == 5


def test_orders_that_were_missed_are_counted(service: HookClient) -> None:
    """An order that looks like MRI of the spine and is let go is counted for its client, without a word of it."""
    service.call(SIGN, hook_request(SIGN, lumbar_mri(code={"text": f"MRI WHOLE SPINE {MARK}"})))
    service.call(SIGN, hook_request(SIGN, lumbar_mri(code={"text": "MRI L-SPINE WO"}), ibuprofen_order()))
    assert value(service, "unrecognised_spine_mri_orders_total") == 1
    assert value(service, "orders_total", service=SIGN) == 1
    assert MARK not in scraped(service)


def test_rehearsals_are_not_counted(service: HookClient) -> None:
    """The demos that the service answers for itself at start are nobody's orders."""
    assert not [name for name, _ in samples(scraped(service)) if name.startswith("orders")]


def test_feedback_is_counted(service: HookClient) -> None:
    """Accepted and overridden cards are counted, those beside an entry that cannot be read too; that entry is not."""
    accepted = {"outcome": "accepted", "acceptedSuggestions": [{"id": "x"}]}
    service.report(SIGN, [feedback_entry(), feedback_entry(), feedback_entry(**accepted)])
    service.report(SIGN, [feedback_entry(), feedback_entry(outcome="other")])
    assert value(service, "feedback_total", outcome="overridden") == 3
    assert value(service, "feedback_total", outcome="accepted") == 1
    assert value(service, "feedback_total", outcome="other") == 0


def test_facts_of_a_trace_are_counted(metrics: Metrics) -> None:
    """Refusals, FHIR calls, states of sources and silent messages are counted for each client."""
    trace = traced(client="north", shown=False, messages=("C-DUP",), sources={"conditions": "fetched:partial"})
    trace.fhir_results.update({"ok": 7, "timeout": 2})
    metrics.observe(trace, 200)
    metrics.observe(Trace("abc", refusal="expired"), 401)
    assert value(metrics, "fhir_calls_total", client="north", result="ok") == 7
    assert value(metrics, "fhir_calls_total", client="north", result="timeout") == 2
    assert value(metrics, "sources_total", source="conditions", state="fetched:partial") == 1
    assert value(metrics, "messages_total", message="C-DUP", shown="silent") == 1
    assert value(metrics, "refusals_total", reason="expired") == 1


@dataclass
class Recorder:
    """The numbers of a recorder."""

    queued: int = 0
    written: int = 0
    dropped: int = 0


def test_recorder_tells_its_queue(metrics: Metrics) -> None:
    """The queue's length is the present one; stored and dropped records add up, over a restart of the recorder too."""
    recorder = Recorder()
    metrics.watch_recorder(recorder)
    recorder.queued, recorder.written, recorder.dropped = 5, 3, 1
    metrics.refresh()
    metrics.refresh()
    recorder.queued, recorder.written, recorder.dropped = 0, 8, 1
    metrics.refresh()
    recorder.written, recorder.dropped = 2, 0
    assert value(metrics, "records_queued") == 0
    assert value(metrics, "records_written_total") == 10
    assert value(metrics, "records_dropped_total") == 1


def test_circuit_is_in_one_state(metrics: Metrics) -> None:
    """A circuit that closes again is not left standing as open."""
    states = {"north": "open", "south": "closed"}
    metrics.watch_circuits(lambda: states)
    assert value(metrics, "circuits", client="north", state="open") == 1
    states["north"] = "half-open"
    assert value(metrics, "circuits", client="north", state="half-open") == 1
    assert value(metrics, "circuits", client="north", state="open") == 0
    assert value(metrics, "circuits", client="south", state="closed") == 1


def test_one_mode_is_in_force(metrics: Metrics) -> None:
    """The kill switch shows: exactly one mode of a client is 1."""
    modes = {"south": Mode.ON}
    metrics.watch_modes(lambda: modes)
    metrics.refresh()
    modes["south"] = Mode.OFF
    assert [value(metrics, "client_mode", client="south", mode=mode.value) for mode in Mode] == [1, 0, 0, 0]


def test_file_of_a_starting_worker_does_no_harm(
    metrics: Metrics, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A scrape that meets a file before its worker has filled it looks once more."""

    def fill(registry: CollectorRegistry) -> bytes:
        """Answer as the library does, and let the worker fill its file meanwhile."""
        try:
            return generate_latest(registry)
        finally:
            empty.write_bytes(bytes(8))

    empty = tmp_path / "counter_1.db"
    empty.touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr(module, "_MULTI_PROCESS", True)
    monkeypatch.setattr(module, "generate_latest", fill)
    assert metrics.render() == b""


def test_ended_worker_is_forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What a worker counted stays when it ends; what it said of its own state goes."""
    for name in "counter_7.db", "gauge_livesum_7.db", "gauge_livesum_77.db":
        (tmp_path / name).touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr(module, "_MULTI_PROCESS", True)
    forget_process(7)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["counter_7.db", "gauge_livesum_77.db"]


def test_nothing_is_to_be_forgotten_in_one_process() -> None:
    """Without shared files the end of a process needs no bookkeeping."""
    forget_process(7)


def test_build_is_named(service: HookClient) -> None:
    """Program and guideline version stand among the numbers, so that a change of either can be seen in them."""
    (found,) = [labels for name, labels in samples(scraped(service)) if name == "build_info"]
    assert {name for name, _ in found} == {"version", "guideline"}


def test_applications_count_for_themselves(service: HookClient) -> None:
    """Two applications in one process do not share numbers."""
    service.open("/cds-services")
    other = HookClient(make_app())
    assert value(other, "http_requests_total", endpoint="hooks.discover", method="GET", status="200") == 0


def test_buckets_fit_the_deadline() -> None:
    """Half a second, where EHRs give up, and the fetching deadline before it are bounds of their own."""
    assert {0.45, 0.5} <= set(BUCKETS)
    assert list(BUCKETS) == sorted(BUCKETS)


MARKED: Mapping[str, Mapping[str, Any]] = {
    "client": {"client": MARK},
    "service": {"service": MARK},
    "refusal": {"refusal": MARK},
    "outcomes": {"outcomes": (MARK,)},
    "messages": {"messages": (MARK,)},
    "phases": {"phases": {MARK: 1.0}},
    "source keys": {"sources": {MARK: "prefetch:complete"}},
    "source states": {"sources": {"conditions": MARK}},
    "FHIR results": {"fhir_results": {MARK: 1}},
    "feedback": {"feedback": {MARK: 1}},
    "what is not counted": {"issuer": MARK, "tenant": MARK, "token_id": MARK, "mode": MARK, "request_id": MARK},
}


@pytest.mark.parametrize("facts", MARKED.values(), ids=MARKED.keys())
def test_no_label_holds_what_was_sent(metrics: Metrics, facts: Mapping[str, Any]) -> None:
    """Even if a value of a request got into a trace, it would be counted as `other`."""
    usual = {"request_id": "abc", "method": "POST", "service": SIGN, "hook": "order-sign"}
    metrics.observe(Trace(**{**usual, **facts}), 200)
    text = metrics.render().decode()
    assert MARK not in text


def test_unknown_client_is_other(metrics: Metrics) -> None:
    """State is told for clients of the configuration only."""
    metrics.watch_circuits(lambda: {MARK: "open"})
    metrics.watch_modes(lambda: {MARK: Mode.ON})
    assert MARK not in metrics.render().decode()
