"""A service with clients whose data are fetched, and calls that offer it a server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from fhir_mappings.fhir.needs import DATA_NEEDS
from tests.ehr import clients_file
from tests.protocol.builders import (
    HOOKS,
    ICD_10_CM,
    SIGN,
    HookClient,
    ListRecorder,
    Reply,
    back_pain_since,
    concept,
    hook_request,
    make_app,
    prefetch,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.protocol.fhir_stub import FhirStub

DEADLINE: Final = 2.0  # enough for a busy machine to be answered by the stub in time
SLACK: Final = 3.0  # for a machine that is busy with other tests
TYPES: Final = sorted(need.resource_type for need in DATA_NEEDS)
SERVICES_BY_HOOK: Final = {hook: service for service, hook in HOOKS.items()}
TOKEN: Final = "token-of-the-call"
OUTAGE: Final = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
CAUDA_EQUINA: Final = back_pain_since("2026-06-01") | {"id": "ces", "code": concept(ICD_10_CM, "G83.4")}


class Hospital:
    """A service with clients that differ in how their FHIR server may be asked; told apart by their origin."""

    def __init__(self, file: Any) -> None:
        """Start it."""
        self.records = ListRecorder()
        self.client = HookClient(make_app(recorder=self.records, clients_file=file, data_dir=file.parent / "data"))

    def call(self, request: Mapping[str, Any], client: str = "patient", **headers: str) -> Reply:
        """Call as a client."""
        sent = {"Origin": f"https://{client}.example", **headers}
        return self.client.call(SERVICES_BY_HOOK[request["hook"]], request, headers=sent)

    @property
    def sources(self) -> Mapping[str, str]:
        """How the data of the last call were had."""
        return self.records.kept[-1].sources


def fetching_hospital(folder: Path) -> Hospital:
    """Return a service whose clients ask any server of this machine, in several ways, or only one that is not there."""
    quick = {"deadline_ms": int(DEADLINE * 1000), "connect_ms": 1500, "read_ms": 1800, "retries": 0}
    clients: dict[str, Any] = {
        "patient": {"extends": "development"},
        "quick": {"extends": "development", "fhir": quick},
        "batch": {"extends": "development", "fhir": {"batch": True}},
        "paged": {"extends": "development", "fhir": {"pages": 2}},
        "silent": {"extends": "development", "mode": "silent"},
        "off": {"extends": "development", "mode": "off"},
        "listed": {
            "extends": "development",
            "fhir": {"bases": ["http://127.0.0.1:9/fhir"], "any_loopback": False},
        },
    }
    for name, profile in clients.items():
        profile["origins"] = [f"https://{name}.example"]
    return Hospital(clients_file(folder, clients))


def offering(stub: FhirStub, values: Mapping[str, Any] | None = None, **authorization: Any) -> dict[str, Any]:
    """Return a request that names a server and a token for it, and sends no prefetch unless given."""
    given = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 300, "subject": "cds", **authorization}
    given = {name: value for name, value in given.items() if value is not None}
    sent = {"fhirServer": stub.base, "fhirAuthorization": given}
    return hook_request(SIGN, prefetch=None if values is None else dict(values), **sent)


def without(*keys: str, **values: Any) -> dict[str, Any]:
    """Return a prefetch that lacks some keys."""
    return {key: value for key, value in prefetch(**values).items() if key not in keys}
