"""A FHIR server with Epic's manners, as public documentation and repositories tell them; nothing of it is Epic's.

It refuses what Epic refuses, leaves out what Epic does not have, and says in its own way that there is nothing.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

from tests.loopback_server import Received, Reply
from tests.protocol.fhir_stub import chart_of, fhir_stub, resource_type
from tests.unit.fhir_mappings.fhir_client.server import refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.protocol.fhir_stub import FhirStub

# Types that such a server may lack, and those that its user may not see.
ABSENT: Final = ("MedicationStatement", "QuestionnaireResponse")
FORBIDDEN: Final = ("Appointment", "DeviceUseStatement")
_FHIR: Final = {"Content-Type": "application/fhir+json"}


@contextmanager
def epic_stub(
    values: Mapping[str, Any], *, absent: tuple[str, ...] = ABSENT, forbidden: tuple[str, ...] = FORBIDDEN
) -> Iterator[FhirStub]:
    """Run a server that holds the resources of a prefetch while the block runs."""
    drugs = [found for found in chart_of(values) if found["resourceType"] == "Medication"]
    refused = dict.fromkeys(absent, 404) | dict.fromkeys(forbidden, 403)
    with fhir_stub(values) as stub:
        stub.special = {"*": lambda request: _answer(request, stub.usual, drugs, refused)}
        yield stub


def _answer(
    request: Received, usual: Callable[[Received], Reply], drugs: list[Any], refused: Mapping[str, int]
) -> Reply:
    name, query = resource_type(request), parse_qs(urlsplit(request.path).query)
    if name in refused:
        return _reply(refusal("not-found" if refused[name] == 404 else "forbidden", "fatal"), refused[name])
    if name == "Observation" and query and not {"category", "code"} & set(query):
        return _reply(refusal("required", "fatal"), 400)
    if {"_include", "_sort"} & set(query):
        return _reply(refusal("not-supported", "fatal"), 400)
    reply = usual(request)
    found = json.loads(reply.body)
    return _reply(_mannered(found, name, query, drugs) if found["resourceType"] == "Bundle" else found, reply.status)


def _mannered(bundle: Any, name: str, query: Mapping[str, list[str]], drugs: list[Any]) -> Any:
    """Return a searchset as such a server writes it."""
    entries = [entry for entry in bundle["entry"] if _is_of(entry["resource"], query.get("category"))]
    for entry in entries:
        if isinstance(entry["resource"].get("category"), list):
            entry["resource"]["category"] = entry["resource"]["category"][0]
    if name == "MedicationRequest" and entries:
        entries += [{"resource": drug} for drug in drugs]
    says = ["It may not contain the entire record."] if entries else ["Resource request returns no results."]
    issues = [{"severity": "warning", "code": "processing", "details": {"text": text}} for text in says]
    remark = {"resource": {"resourceType": "OperationOutcome", "issue": issues}, "search": {"mode": "outcome"}}
    return {**bundle, "total": len(entries), "entry": [*entries, remark]}


def _is_of(resource: Any, categories: list[str] | None) -> bool:
    found = resource.get("category") or []
    codes = {coding.get("code") for concept in found for coding in concept.get("coding", ())}
    return not categories or bool(codes & set(categories[0].split(",")))


def _reply(body: Any, status: int = 200) -> Reply:
    return Reply(status, json.dumps(body).encode(), _FHIR)
