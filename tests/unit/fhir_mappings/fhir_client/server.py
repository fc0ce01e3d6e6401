"""A FHIR server in memory: a transport that answers reads, searches, pages and batches from a list of resources."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from fhir_mappings.fhir_client.transport import FhirRequest, FhirResponse

BASE = "https://ehr.example/fhir/r4"
TOKEN = "token-of-this-call"

Json = Any
Resource = dict[str, Any]
FAILURE = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}


def answer(body: Json, status: int = 200, retry_after: float | None = None) -> FhirResponse:
    """Return a response with JSON, or with bytes as they are."""
    return FhirResponse(status, body if isinstance(body, bytes) else json.dumps(body).encode(), retry_after)


def refusal(code: str, severity: str = "error") -> Json:
    """Return the OperationOutcome with which a server refuses a search."""
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code}]}


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        """Start at some second."""
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the second."""
        return self.now


@dataclass
class FakeServer:
    """A server that finds resources by patient and by `_id`, in pages of a size by type.

    `special` answers, or raises, in the place of the server: by the start of an address below the base, for the
    first calls of it as many as are listed; a callable is asked each time. With `ignores` it ignores parameters,
    `totals` says whether it counts, `batches` whether it takes batches.
    """

    resources: tuple[Resource, ...] = ()
    page_size: Mapping[str, int] = field(default_factory=dict)
    special: Mapping[str, Any] = field(default_factory=dict)
    ignores: bool = False
    totals: bool = True
    batches: bool = True
    requests: list[FhirRequest] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def send(self, request: FhirRequest, seconds: float) -> FhirResponse:
        """Answer as the transport of a client does."""
        assert seconds > 0
        assert request.url.startswith(BASE)
        path = request.url.removeprefix(BASE).removeprefix("/")
        with self._lock:
            self.requests.append(request)
            found = self._special(path)
        if callable(found):
            response: FhirResponse = found(request)
            return response
        if isinstance(found, Exception):
            raise found
        if isinstance(found, FhirResponse):
            return found
        return self._batch(request.body) if request.body is not None else answer(*self._get(path))

    def close(self) -> None:
        """Nothing is held."""

    @property
    def paths(self) -> list[str]:
        """What was asked for, relative to the base."""
        return sorted(request.url.removeprefix(BASE).removeprefix("/") for request in self.requests)

    def count(self, start: str) -> int:
        """Return how often something was asked for."""
        return sum(path.startswith(start) for path in self.paths)

    def _special(self, path: str) -> Any:
        for start, answers in self.special.items():
            if path.startswith(start) if start else not path:
                if callable(answers):
                    return answers
                if answers:
                    return answers.pop(0)
        return None

    def _batch(self, body: bytes) -> FhirResponse:
        if not self.batches:
            return answer(FAILURE, 400)
        results = []
        for entry in json.loads(body)["entry"]:
            with self._lock:
                found = self._special(entry["request"]["url"])
            if isinstance(found, FhirResponse):
                results.append(
                    {"response": {"status": str(found.status)}, "resource": json.loads(found.body or "null")}
                )
            else:
                resource, status = self._get(entry["request"]["url"])
                results.append({"response": {"status": f"{status} Said"}, "resource": resource})
        return answer({"resourceType": "Bundle", "type": "batch-response", "entry": results})

    def _get(self, path: str) -> tuple[Json, int]:
        parts = urlsplit(path)
        resource_type, _, resource_id = parts.path.partition("/")
        if resource_id:
            own = [found for found in self._of(resource_type) if found["id"] == unquote(resource_id)]
            return (own[0], 200) if own else (FAILURE, 404)
        wanted = dict(parse_qsl(parts.query))
        found = list(self._of(resource_type))
        if not self.ignores:
            found = [resource for resource in found if _matches(resource, wanted)]
        size, start = self.page_size.get(resource_type, 100), int(wanted.get("_start", 0))
        return self._page(found, path.partition("&_start=")[0], start, size), 200

    def _of(self, resource_type: str) -> Iterator[Resource]:
        return (resource for resource in self.resources if resource["resourceType"] == resource_type)

    def _page(self, found: list[Resource], path: str, start: int, size: int) -> Resource:
        entries = [{"resource": resource, "search": {"mode": "match"}} for resource in found[start : start + size]]
        links = [{"relation": "self", "url": f"{BASE}/{path}"}]
        if start + size < len(found):
            links.append({"relation": "next", "url": f"{BASE}/{path}&_start={start + size}"})
        total = {"total": len(found)} if self.totals else {}
        return {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries, **total}


def _matches(resource: Resource, wanted: Mapping[str, str]) -> bool:
    if "_id" in wanted:
        return resource["id"] in wanted["_id"].split(",")
    if "patient" not in wanted:
        return False
    actors = [item.get("actor") for item in resource.get("participant", ())]
    owners: Iterable[Any] = [resource.get("subject"), resource.get("patient"), *actors]
    named = [owner.get("reference") for owner in owners if owner]
    return not named or f"Patient/{wanted['patient']}" in named
