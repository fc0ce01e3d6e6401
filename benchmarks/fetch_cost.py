"""How long a hook call waits for a FHIR server, in units of one search.

A stub server in a process of its own takes 50 ms for each search. A call that misses everything (15 needs) and one that
misses a single need alternate, and the figure is the first divided by the second: 1 would be perfect concurrency, 15
one search after the other. With a batch Bundle the stub answers all entries after one delay, as a server that works on
them side by side would.

    python benchmarks/fetch_cost.py [--rounds 40]
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from flask.testing import FlaskClient

from cds_service.app import create_app
from cds_service.config.settings import load_settings
from cds_service.hooks.storage import Storage
from fhir_mappings.fhir.needs import DATA_NEEDS

DELAY = 0.05
PATIENT = "bench-1"
RECORDS = 16  # of each search
CLIENTS = """
[clients.bench]
extends = "development"
fhir = {{ batch = {batch} }}
"""


def answer(path: str) -> dict[str, Any]:
    """Return what a read or a search finds."""
    kind = path.partition("?")[0].partition("/")[0]
    if "?" not in path:
        return {"resourceType": kind, "id": PATIENT, "birthDate": "1988-01-01"}
    code = {"coding": [{"system": "http://snomed.info/sct", "code": "38341003", "display": "Hypertensive disorder"}]}
    subject = {"reference": f"Patient/{PATIENT}"}
    found = [
        {"resourceType": kind, "id": f"{kind}-{number}", "subject": subject, "code": code} for number in range(RECORDS)
    ]
    entries = [{"resource": resource, "search": {"mode": "match"}} for resource in found]
    return {"resourceType": "Bundle", "type": "searchset", "total": RECORDS, "entry": entries}


class Stub(BaseHTTPRequestHandler):
    """Answers every search after the delay."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a read or a search."""
        time.sleep(DELAY)
        self._send(answer(self.path.removeprefix("/fhir/")))

    def do_POST(self) -> None:
        """Answer a batch."""
        bundle = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(DELAY)
        entries = [
            {"response": {"status": "200"}, "resource": answer(entry["request"]["url"])} for entry in bundle["entry"]
        ]
        self._send({"resourceType": "Bundle", "type": "batch-response", "entry": entries})

    def log_message(self, *_arguments: object) -> None:
        """Keep quiet."""

    def _send(self, document: Mapping[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve(ports: Any) -> None:
    """Serve until ended, and tell the port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stub)
    ports.put(server.server_address[1])
    server.serve_forever()


def request(base: str, missing: int) -> bytes:
    """Return a call about a lumbar MRI whose prefetch lacks the last needs."""
    order = {
        "resourceType": "ServiceRequest",
        "id": "mri-1",
        "status": "draft",
        "intent": "order",
        "code": {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "72148"}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
    }
    sent = DATA_NEEDS[: len(DATA_NEEDS) - missing]
    context = {
        "userId": "Practitioner/p",
        "patientId": PATIENT,
        "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]},
    }
    return json.dumps(
        {
            "hook": "order-sign",
            "hookInstance": "bench",
            "fhirServer": base,
            "context": context,
            "prefetch": {need.key: answer(need.query(PATIENT)) for need in sent},
        }
    ).encode()


def seconds(client: FlaskClient, body: bytes) -> float:
    """Return how long one call takes."""
    started = time.perf_counter()
    response = client.post("/cds-services/lumbar-mri-order-sign", data=body, content_type="application/json")
    taken = time.perf_counter() - started
    if response.status_code != HTTPStatus.OK:
        raise SystemExit(response.text)
    return taken


def measure(base: str, rounds: int, *, batch: bool) -> None:
    """Measure and print one line."""
    with TemporaryDirectory() as folder:
        clients = Path(folder) / "clients.toml"
        clients.write_text(CLIENTS.format(batch=str(batch).lower()), encoding="utf-8")
        settings = load_settings({}, clients_file=clients, log_level="error")
        app = create_app(settings, clock=lambda: datetime(2026, 6, 2, tzinfo=UTC), storage=Storage())
        client = app.test_client()
        everything, one = request(base, len(DATA_NEEDS)), request(base, 1)
        pairs = [(seconds(client, everything), seconds(client, one)) for _ in range(rounds + 3)][3:]
    ratios = sorted(first / second for first, second in pairs)
    low, middle, high = statistics.quantiles(ratios, n=4)
    name = "one batch" if batch else f"{len(DATA_NEEDS)} searches"
    print(f"{name:<12} {middle:>6.2f}  {low:.2f}-{high:.2f}")


def main() -> None:
    """Start the stub, measure, and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    context = multiprocessing.get_context("spawn")
    ports = context.Queue()
    stub = context.Process(target=serve, args=(ports,), daemon=True)
    stub.start()
    base = f"http://127.0.0.1:{ports.get()}/fhir"
    print(f"{'missing':<12} {'x one':>6}  quartiles")
    for batch in (False, True):
        measure(base, rounds, batch=batch)
    stub.terminate()


if __name__ == "__main__":
    main()
