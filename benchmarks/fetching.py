"""How long a hook call waits for a FHIR server, in units of one search, and what that costs.

A stub in a process of its own takes 50 ms for each search. Calls that miss everything (15 needs) and calls that miss a
single need alternate, made by one caller or by 32 at once: 1 would be perfect concurrency, 15 one search after the
other.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import multiprocessing
import statistics
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from benchmarks.bodies import PATIENT
from benchmarks.servers import Target
from fhir_mappings.fhir.needs import DATA_NEEDS

DELAY: Final = 0.05
CALLERS: Final = (1, 32)
_RECORDS: Final = 16  # of each search


def _answer(path: str) -> dict[str, Any]:
    """Return what a read or a search finds."""
    kind = path.partition("?")[0].partition("/")[0]
    if "?" not in path:
        return {"resourceType": kind, "id": PATIENT, "birthDate": "1988-01-01"}
    code = {"coding": [{"system": "http://snomed.info/sct", "code": "38341003", "display": "Hypertensive disorder"}]}
    subject = {"reference": f"Patient/{PATIENT}"}
    found = [
        {"resourceType": kind, "id": f"{kind}-{number}", "subject": subject, "code": code} for number in range(_RECORDS)
    ]
    entries = [{"resource": resource, "search": {"mode": "match"}} for resource in found]
    return {"resourceType": "Bundle", "type": "searchset", "total": _RECORDS, "entry": entries}


class _Stub(BaseHTTPRequestHandler):
    """Answers every search after the delay."""

    protocol_version = "HTTP/1.1"
    # Head and body in one piece: else the kernel holds the body back until the head is acknowledged, 40 ms later.
    wbufsize = -1

    def do_GET(self) -> None:
        """Answer a read or a search."""
        time.sleep(DELAY)
        self._send(_answer(self.path.removeprefix("/fhir/")))

    def log_message(self, *_arguments: object) -> None:
        """Keep quiet."""

    def _send(self, document: Mapping[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/fhir+json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    """Takes all that connect at once."""

    request_queue_size = 1024
    daemon_threads = True


def _serve(ports: Any) -> None:
    """Serve until ended, and tell the port."""
    server = _Server(("127.0.0.1", 0), _Stub)
    ports.put(server.server_address[1])
    server.serve_forever()


def _request(base: str, missing: int) -> bytes:
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
            "prefetch": {need.key: _answer(need.query(PATIENT)) for need in sent},
        }
    ).encode()


@contextlib.contextmanager
def fhir_server() -> Iterator[str]:
    """Start the stub and return its base address."""
    context = multiprocessing.get_context("spawn")
    ports = context.Queue()
    stub = context.Process(target=_serve, args=(ports,), daemon=True)
    stub.start()
    try:
        yield f"http://127.0.0.1:{ports.get()}/fhir"
    finally:
        stub.terminate()


def measure(target: Target, base: str, rounds: int) -> dict[str, float]:
    """Return by number of callers how long a call with all searches takes, in units of one with a single search.

    Beside it stand the milliseconds of processor time of each (`cpu all`, `cpu one`), made by one caller at a time.
    """
    every, one = _request(base, len(DATA_NEEDS)), _request(base, 1)
    found: dict[str, float] = {}
    for callers in CALLERS:
        taken: dict[bytes, list[float]] = {every: [], one: []}
        spent: dict[bytes, list[float]] = {every: [], one: []}
        _calls(target, every, callers, 2)
        for _ in range(rounds):
            for sent in (every, one):
                before = target.cpu()
                waited = _calls(target, sent, callers, 8 if callers == 1 else 3)
                taken[sent] += waited
                spent[sent].append((target.cpu() - before) / len(waited) * 1000)
        middle = {sent: statistics.median(waited) for sent, waited in taken.items()}
        found[f"p50 {callers}"] = middle[every] / middle[one]
        if callers == 1:
            found |= {"cpu all": statistics.mean(spent[every]), "cpu one": statistics.mean(spent[one])}
    return found


def _calls(target: Target, sent: bytes, callers: int, calls: int) -> list[float]:
    """Return the seconds of some calls of each caller."""

    def one(_: int) -> list[float]:
        connection = http.client.HTTPConnection("127.0.0.1", target.port)
        taken = []
        for _ in range(calls):
            started = time.perf_counter()
            connection.request("POST", target.path, sent, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            taken.append(time.perf_counter() - started)
            if answer.status != http.client.OK:
                raise SystemExit(f"{target.name} answered {answer.status}")
        connection.close()
        return taken

    with ThreadPoolExecutor(callers) as pool:
        return [seconds for taken in pool.map(one, range(callers)) for seconds in taken]
