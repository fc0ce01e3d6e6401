"""One deadline over everything: what is late does not count, does not disturb and does not go on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from fhir_mappings.fhir.sources import SourceState
from fhir_mappings.fhir_client.exchange import Exchange
from fhir_mappings.fhir_client.retrieval import FetchLimits, FhirServer, Result
from fhir_mappings.fhir_client.transport import FhirRequest, FhirResponse, TransportError
from tests.unit.fhir_mappings.fhir_client.asking import KEYS, Asking, all_but
from tests.unit.fhir_mappings.fhir_client.server import BASE, FAILURE, FakeServer, answer
from tests.unit.fhir_mappings.records import FOOT_DROP, PAIN, bundle, condition, observation, patient

PARTIAL, UNAVAILABLE = SourceState.PARTIAL, SourceState.UNAVAILABLE
# Long enough for a busy machine to answer everything else, which is waited for in vain.
SHORT = 0.6
RECORDS = (patient(), condition(PAIN), observation(FOOT_DROP))
NEXT = [{"relation": "next", "url": "Observation?page=2"}]


class Gate:
    """An answer that is held back until the test lets it go, or that fails then."""

    def __init__(self, response: FhirResponse, error: Exception | None = None) -> None:
        """Take the answer."""
        self.opened = Event()
        self.response = response
        self.error = error

    def __call__(self, _request: FhirRequest) -> FhirResponse:
        """Answer once the gate is open."""
        assert self.opened.wait(30)
        if self.error:
            raise self.error
        return self.response


@pytest.mark.parametrize("error", [None, TransportError("connection"), OSError("late")])
def test_what_is_late_is_unavailable(error: Exception | None) -> None:
    """A source that does not arrive in time is unavailable, not "none"; its thread then ends without a trace."""
    gate = Gate(answer(bundle(observation(FOOT_DROP), link=NEXT, total=None)), error)
    server = FakeServer(RECORDS, special={"Observation": gate})
    with ThreadPoolExecutor(16) as executor:
        found = Asking(executor).retrieve(server, seconds=SHORT)
        before, asked = dict(found.readings), len(server.requests)
        gate.opened.set()
    assert found.results["observations"] == "timeout"
    assert found.readings["observations"].state is UNAVAILABLE
    assert found.results["conditions"] == "ok"
    assert [call.result for call in found.calls if call.resource_type == "Observation"] == [Result.TIMEOUT]
    # Nothing was asked for after the end, neither the next page nor a second try, and nothing came in.
    assert (found.readings, len(server.requests)) == (before, asked)


def test_a_late_required_source_is_missing() -> None:
    """Without the conditions there is no advice, and the patient that did arrive is kept."""
    gate = Gate(answer(bundle()))
    with ThreadPoolExecutor(16) as executor:
        found = Asking(executor).retrieve(FakeServer(RECORDS, special={"Condition": gate}), seconds=SHORT)
        gate.opened.set()
    assert found.missing_required == ("conditions",)
    assert found.readings["patient"].resources


def test_pages_in_time_count() -> None:
    """The pages that arrived before the deadline are used, and the source is incomplete."""
    gate = Gate(answer(bundle()))
    first = answer(bundle(observation(FOOT_DROP), link=NEXT, total=None))
    server = FakeServer(RECORDS, special={"Observation?patient": [first], "Observation?page=2": gate})
    with ThreadPoolExecutor(16) as executor:
        found = Asking(executor).retrieve(server, all_but("observations"), seconds=SHORT)
        gate.opened.set()
    assert found.results == {"observations": "partial"}
    assert (found.readings["observations"].state, len(found.readings["observations"].resources)) == (PARTIAL, 1)


def test_calls_that_wait_for_a_worker_wait_within_the_deadline() -> None:
    """With all workers busy, what was never asked is unavailable, and is not asked later either."""
    gate = Gate(answer(bundle()))
    server = FakeServer(RECORDS, special={"": gate, "Patient": gate})
    with ThreadPoolExecutor(1) as executor:
        found = Asking(executor).retrieve(server, seconds=SHORT)
        gate.opened.set()
    assert found.results == dict.fromkeys(KEYS, "timeout")
    assert len(server.requests) == 1
    assert len(found.calls) == 1


@pytest.mark.parametrize("seconds", [0, -1])
def test_nothing_is_asked_after_the_deadline(asking: Asking, seconds: float) -> None:
    """A deadline that has passed leaves nothing to ask."""
    server = FakeServer(RECORDS)
    found = asking.retrieve(server, seconds=seconds)
    assert (server.requests, found.calls) == ([], ())
    assert found.results == dict.fromkeys(KEYS, "timeout")


def test_no_page_is_followed_after_the_deadline(asking: Asking) -> None:
    """Time that runs out between two pages ends the walk, and an answer that came too late is not used."""

    def slow(_request: FhirRequest) -> FhirResponse:
        asking.clock.now += 15
        return answer(bundle(observation(FOOT_DROP, resource_id=str(asking.clock.now)), link=NEXT, total=None))

    server = FakeServer(special={"Observation": slow})
    found = asking.retrieve(server, all_but("observations"), seconds=20)
    assert len(server.requests) == 2
    assert len(found.readings["observations"].resources) == 1
    assert [call.seconds for call in found.calls] == [15, 15]


RETRIED = [answer(FAILURE, status) for status in (429, 502, 503, 504)]


@pytest.mark.parametrize("first", [*RETRIED, TransportError("connection")])
def test_a_passing_trouble_is_tried_once_more(asking: Asking, first: FhirResponse | TransportError) -> None:
    """A connection that breaks or a server that is busy may answer the second time."""
    server = FakeServer(RECORDS, special={"Condition": [first]})
    found = asking.retrieve(server, all_but("conditions"))
    assert found.results == {"conditions": "ok"}
    assert len(server.requests) == 2
    assert len(found.calls) == 2


@pytest.mark.parametrize(("retries", "calls"), [(0, 1), (1, 2), (7, 2)])
def test_there_is_at_most_one_more_try(asking: Asking, retries: int, calls: int) -> None:
    """However many tries are set, a server in trouble is not asked more than twice."""
    server = FakeServer(RECORDS, special={"Condition": [answer(FAILURE, 503)] * 9})
    found = asking.retrieve(server, all_but("conditions"), retries=retries)
    assert len(server.requests) == calls
    assert found.results == {"conditions": "http-error"}


@pytest.mark.parametrize(
    "first",
    [answer(FAILURE, status) for status in (400, 401, 403, 404, 410, 500, 501)]
    + [TransportError(reason) for reason in ("timeout", "refused", "too-large", "open")],
)
def test_other_failures_are_final(asking: Asking, first: FhirResponse | TransportError) -> None:
    """What will not be better the second time is not asked a second time."""
    server = FakeServer(RECORDS, special={"Condition": [first]})
    found = asking.retrieve(server, all_but("conditions"))
    assert len(server.requests) == 1
    assert found.readings["conditions"].resources == ()
    assert found.missing_required == ("conditions",)


@pytest.mark.parametrize(("after", "calls"), [(0.001, 2), (-1.0, 2), (19.9, 1), (20.0, 1), (3600.0, 1)])
def test_a_server_that_names_a_time_is_heeded_within_the_deadline(asking: Asking, after: float, calls: int) -> None:
    """A server that asks for more patience than there is time is not asked again."""
    server = FakeServer(RECORDS, special={"Condition": [answer(FAILURE, 429, retry_after=after)]})
    asking.clock.now += 0.1
    found = asking.retrieve(server, all_but("conditions"), seconds=19.9)
    assert len(server.requests) == calls
    assert found.results == {"conditions": "ok" if calls > 1 else "http-error"}


def test_no_second_try_after_the_deadline(asking: Asking) -> None:
    """A call that failed when time was up is not repeated."""

    def fail(_request: FhirRequest) -> FhirResponse:
        asking.clock.now += 30
        raise TransportError("connection")

    server = FakeServer(special={"Condition": fail})
    found = asking.retrieve(server, all_but("conditions"))
    assert len(server.requests) == 1
    assert found.results == {"conditions": "timeout"}


def test_a_second_try_is_not_waited_for_when_time_is_up(asking: Asking) -> None:
    """A thread that was told to wait by its server ends with the retrieval, not after the wait."""
    asked = Event()

    def busy(_request: FhirRequest) -> FhirResponse:
        asked.set()
        return answer(FAILURE, 503, retry_after=3600)

    server = FakeServer(special={"Condition": busy})
    limits = FetchLimits(asking.clock.now + 7200)
    exchange = Exchange(FhirServer(BASE, server, limits), asking.clock)
    late = asking.executor.submit(exchange.ask, "Condition", f"{BASE}/Condition")
    assert asked.wait(30)
    exchange.expire()
    assert late.result(30).result in {Result.HTTP_ERROR, Result.TIMEOUT}
    assert len(server.requests) == 1
