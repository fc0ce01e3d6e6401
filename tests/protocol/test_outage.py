"""A FHIR server that goes down and comes back, as several workers of a running service see it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pytest
import requests

from tests.protocol.builders import SIGN, prefetch
from tests.protocol.fetching import OUTAGE, offering
from tests.protocol.fhir_stub import fhir_stub, reply
from tests.service import PATIENCE, Running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.protocol.fhir_stub import FhirStub

pytestmark = pytest.mark.slow

# Calls in a row, each over a connection of its own: with two workers, enough that each gets some of them.
CALLS: Final = 24


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A running service of two workers."""
    service = Running(tmp_path_factory.mktemp("outage"))
    yield service
    assert service.stop() == 0


def statuses(running: Running, stub: FhirStub, calls: int = CALLS) -> list[int]:
    """Return what a number of hook calls that need the server are answered."""
    found = []
    for _ in range(calls):
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(f"{running.url}/cds-services/{SIGN}", json=offering(stub), timeout=PATIENCE)
        found.append(answer.status_code)
        if answer.ok:
            assert "could not be read" not in answer.text.lower()
            (assessment,) = answer.json()["extension"]["org.lumbar-mri-cds.assessments"]
            assert assessment["outcome"] == "NOT_APPROPRIATE"
    return found


def test_no_call_is_lost_once_a_server_is_back(running: Running) -> None:
    """A second after a server is back each worker answers its first call with all the data, and no call is lost."""
    with fhir_stub(prefetch()) as stub:
        assert statuses(running, stub, 4) == [200] * 4
        stub.special = {"*": reply(OUTAGE, 503)}
        assert statuses(running, stub) == [412] * CALLS
        states = running.session.get(f"{running.url}/metrics", timeout=PATIENCE).text
        assert 'lumbar_cds_fhir_calls_total{client="development",result="open"}' in states
        stub.special = {}
        time.sleep(1.0)
        assert statuses(running, stub) == [200] * CALLS
