"""What counts for and against a FHIR server, and what is not sent at all."""

from __future__ import annotations

import pytest

from cds_service.clients.profile import ClientProfile, FhirAccess
from cds_service.egress.breaker import Breakers, Patience
from cds_service.egress.destinations import Destinations
from cds_service.egress.fhir_transport import FhirTransport
from cds_service.egress.http import Call, Fetched, HttpClient
from fhir_mappings.fhir_client.transport import FhirRequest, TransportError

BASE = "https://fhir.example/r4"
CLIENT = ClientProfile("north", fhir=FhirAccess(bases=(BASE,), connect_ms=100, read_ms=300, max_bytes=5))


class Scripted(HttpClient):
    """Answers with a status, or fails with a reason, and remembers what was sent."""

    def __init__(self, result: int | str) -> None:
        super().__init__(1)
        self.result = result
        self.calls: list[Call] = []

    def send(self, call: Call) -> Fetched:
        """Answer as scripted."""
        self.calls.append(call)
        if isinstance(self.result, str):
            raise TransportError(self.result)
        return Fetched(self.result, b"{}")


def state_after(result: int | str, seconds: float = 0.45) -> str:
    """Return the state of a circuit that opens at the first failure, after a hook call of one search with a result."""
    breakers = Breakers(Patience(failed=1))
    transport = FhirTransport(Scripted(result), CLIENT, breakers, Destinations.of(CLIENT).check_base(BASE))
    try:
        assert transport.send(FhirRequest(f"{BASE}/Condition"), seconds).status == result
    except TransportError as error:
        assert error.reason == result  # noqa: PT017 - either way the result comes through
    transport.close()
    return breakers.states()["north"]


@pytest.mark.parametrize("result", ["timeout", "connection", 500, 502, 503, 504])
def test_failing_server_opens_the_circuit(result: int | str) -> None:
    """A server that is down is not waited for again and again."""
    assert state_after(result) == "open"


@pytest.mark.parametrize("result", ["refused", "too-large", 200, 302, 400, 401, 403, 404, 410, 429, 501])
def test_server_that_answers_keeps_the_circuit_closed(result: int | str) -> None:
    """An expired token or an unknown search is no reason to stop asking others' questions."""
    assert state_after(result) == "closed"


def test_short_patience_says_nothing_about_the_server() -> None:
    """A retry in the last few milliseconds that times out is not the server's fault."""
    assert state_after("timeout", seconds=0.05) == "closed"


def test_limits_are_those_of_the_profile() -> None:
    """Each client's server has its own limits."""
    http = Scripted(200)
    transport = FhirTransport(http, CLIENT, Breakers(), Destinations.of(CLIENT).check_base(BASE))
    transport.send(FhirRequest(f"{BASE}/Condition"), 0.4)
    limits = http.calls[0].limits
    assert limits.seconds == pytest.approx(0.4, abs=0.05)
    assert (limits.connect_seconds, limits.read_seconds, limits.max_bytes) == (0.1, 0.3, 5)
    assert BASE not in repr(http.calls)


@pytest.mark.parametrize(
    "request_",
    [
        FhirRequest("https://evil.example/r4/Condition"),
        FhirRequest(f"{BASE}/Condition", "DELETE"),
        FhirRequest(f"{BASE}/Condition", token="a\r\nb"),
    ],
)
def test_refused_request_does_not_reach_the_network(request_: FhirRequest) -> None:
    """Whatever a request names, only searches below the base are sent."""
    http = Scripted(200)
    transport = FhirTransport(http, CLIENT, Breakers(), Destinations.of(CLIENT).check_base(BASE))
    with pytest.raises(TransportError, match="refused"):
        transport.send(request_, 0.4)
    assert not http.calls
