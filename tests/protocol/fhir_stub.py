"""A FHIR server behind a real connection, that answers as a test says and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fhir_mappings.fhir_client.transport import FhirRequest
from tests.loopback_server import Received, Reply, serving
from tests.unit.fhir_mappings.fhir_client.server import BASE, FakeServer

if TYPE_CHECKING:
    from tests.loopback_server import LoopbackServer

Answer = Callable[[Received], Reply]


def chart_of(values: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the resources of a prefetch."""
    found = []
    for value in values.values():
        entries = value.get("entry", []) if value["resourceType"] == "Bundle" else [{"resource": value}]
        found += [entry["resource"] for entry in entries]
    return tuple(found)


class FhirStub:
    """The server; `special` holds answers of a test's own by the resource type of the address (`` for a batch)."""

    def __init__(self, fake: FakeServer, special: Mapping[str, Answer]) -> None:
        """Take the resources, and what is answered in another way."""
        self.fake = fake
        self.special = dict(special)
        self.stopping = threading.Event()
        self.http: LoopbackServer

    @property
    def base(self) -> str:
        """The address of the server."""
        return f"http://127.0.0.1:{self.http.port}/fhir"

    @property
    def asked(self) -> list[str]:
        """The resource types that were asked for, sorted, each as often as it was."""
        return sorted(map(resource_type, self.http.received))

    def answer(self, request: Received) -> Reply:
        """Answer a request."""
        if special := self.special.get(resource_type(request), self.special.get("*")):
            return special(request)
        return self.usual(request)

    def usual(self, request: Received) -> Reply:
        """Answer a request as a server does that has nothing against it."""
        path = request.path.removeprefix("/fhir")
        found = self.fake.send(FhirRequest(BASE + path, request.method, None, request.body or None), 1.0)
        headers = {"Content-Type": "application/fhir+json"}
        return Reply(found.status, found.body.replace(BASE.encode(), self.base.encode()), headers)

    def hang(self, _: Received) -> Reply:
        """Answer only when the test is over."""
        self.stopping.wait(30)
        return Reply(503)


def resource_type(request: Received) -> str:
    """Return what a request asks for; nothing for one to the base itself."""
    return urlsplit(request.path).path.removeprefix("/fhir").removeprefix("/").partition("/")[0]


def reply(body: Any, status: int = 200, **headers: str) -> Answer:
    """Return an answer with JSON, or with a text as it stands."""
    text = body if isinstance(body, str) else json.dumps(body)
    return lambda _: Reply(status, text.encode(), {"Content-Type": "application/fhir+json", **headers})


@contextmanager
def fhir_stub(
    values: Mapping[str, Any], special: Mapping[str, Answer] | None = None, **options: Any
) -> Iterator[FhirStub]:
    """Run a server that holds the resources of a prefetch while the block runs."""
    stub = FhirStub(FakeServer(chart_of(values), **options), special or {})
    with serving(stub.answer) as http:
        stub.http = http
        try:
            yield stub
        finally:
            stub.stopping.set()
