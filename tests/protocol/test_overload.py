"""A burst that is many times more than the service can answer: who is answered meanwhile, and what is left of it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any, Final

import pytest
import requests

from tests.ehr import clients_file, hook
from tests.loopback_server import Received, Reply, serving
from tests.protocol.builders import SIGN, feedback_entry, hook_request, ibuprofen_order, lumbar_mri
from tests.service import PATIENCE, Running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

PLACES: Final = 4
BURST: Final = 10 * PLACES
ADDRESS: Final = hook(SIGN)


class Hospital:
    """A running service of one worker with two clients, whose FHIR server answers only when it is told to."""

    def __init__(self, folder: Path, base: str) -> None:
        """Start it."""
        fhir = {"deadline_ms": 20_000, "connect_ms": 20_000, "read_ms": 20_000, "retries": 0, "bases": [base]}
        profile = {"extends": "development", "fhir": fhir}
        clients = {name: {**profile, "origins": [f"https://{name}.example"]} for name in ("flood", "calm")}
        settings = {"CLIENTS_FILE": str(clients_file(folder, clients)), "THREADS": str(PLACES), "WAIT_MS": "2000"}
        self.service = Running(folder, workers=1, settings=settings)
        self.base = base

    def post(self, client: str, document: Any, path: str = ADDRESS) -> requests.Response:
        """Send a document as a client."""
        headers = {"Origin": f"https://{client}.example", "Content-Type": "application/json"}
        with requests.Session() as session:
            session.trust_env = False
            body = json.dumps(document)
            return session.post(f"{self.service.url}{path}", body, headers=headers, timeout=PATIENCE)

    def fetching(self, client: str) -> requests.Response:
        """Order a lumbar MRI, for which the FHIR server is asked."""
        document = hook_request(SIGN, lumbar_mri(), prefetch=None, fhirServer=self.base)
        return self.post(client, document)


@pytest.fixture(scope="module")
def released() -> threading.Event:
    """Set once the FHIR server answers."""
    return threading.Event()


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory, released: threading.Event) -> Iterator[Hospital]:
    """The hospital."""

    def answer(_: Received) -> Reply:
        released.wait(PATIENCE)
        body = json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": []}).encode()
        return Reply(200, body, {"Content-Type": "application/fhir+json"})

    with serving(answer) as server:
        running = Hospital(tmp_path_factory.mktemp("hospital"), f"http://127.0.0.1:{server.port}/fhir")
        yield running
        released.set()
        assert running.service.stop() == 0


def test_burst_leaves_everything_else_answered_and_passes(hospital: Hospital, released: threading.Event) -> None:
    """While one client waits for its FHIR server ten times over, others and other orders are answered, and all later.

    Of the burst itself some are sent away with a time to come again, and none fails in another way.
    """
    with ThreadPoolExecutor(BURST) as pool:
        burst = [pool.submit(hospital.fetching, "flood") for _ in range(BURST)]
        refused = next(done.result() for done in as_completed(burst, PATIENCE))
        assert refused.status_code == 503
        # The places of the flood are taken, and stay so: its FHIR server does not answer.
        assert hospital.post("flood", hook_request(SIGN, ibuprofen_order())).json() == {"cards": []}
        assert hospital.post("calm", hook_request(SIGN, ibuprofen_order())).json() == {"cards": []}
        assert hospital.post("calm", hook_request(SIGN, lumbar_mri())).status_code == 200
        assert hospital.post("flood", {"feedback": [feedback_entry()]}, f"{ADDRESS}/feedback").status_code == 200
        for probe in "/livez", "/readyz", "/metrics":
            assert hospital.service.session.get(f"{hospital.service.url}{probe}", timeout=PATIENCE).ok
        released.set()
        statuses = Counter(done.result().status_code for done in burst)
    assert refused.headers["Retry-After"] == "1"
    assert refused.json()["issue"][0]["code"] == "throttled"
    assert set(statuses) <= {200, 412, 503}
    assert 0 < statuses[503] < BURST
    for client in ("flood", "calm"):
        assert hospital.post(client, hook_request(SIGN, lumbar_mri())).status_code == 200
    metrics = hospital.service.session.get(f"{hospital.service.url}/metrics", timeout=PATIENCE).text
    assert f'lumbar_cds_shed_calls_total{{client="flood",reason="advice"}} {statuses[503]}.0' in metrics
    assert 'shed_calls_total{client="calm"' not in metrics
