"""Retrievals for tests: a real executor, a clock that stands, a server in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from fhir_mappings.chart.chart import Chart, read_chart
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.prefetch import sent_sources
from fhir_mappings.fhir.searches import USUAL, SearchForm
from fhir_mappings.fhir_client.client import FhirClient
from fhir_mappings.fhir_client.retrieval import FetchLimits, FhirServer, Retrieval
from fhir_mappings.fhir_client.scopes import Scopes
from tests.unit.fhir_mappings.fhir_client.server import BASE, TOKEN, FakeClock, FakeServer, Json
from tests.unit.fhir_mappings.records import PATIENT, encoded, index

KEYS = [need.key for need in DATA_NEEDS]
NOTHING: dict[str, Json] = dict.fromkeys(KEYS)


@dataclass
class Asking:
    """A client whose clock stands at `clock.now`; every retrieval has `seconds` from there."""

    executor: Executor
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        """Make the client."""
        self.client = FhirClient(self.executor, self.clock)

    def retrieve(
        self,
        server: FakeServer,
        prefetch: Mapping[str, Json] | None = None,
        *,
        patient_id: str = PATIENT,
        scope: str | None = None,
        references: Iterable[str] = (),
        seconds: float = 20,
        base: str = BASE,
        form: SearchForm = USUAL,
        offered: Collection[str] | None = None,
        **limits: Any,
    ) -> Retrieval:
        """Return a retrieval on top of a prefetch; what servers have shown is remembered."""
        found = FetchLimits(self.clock.now + seconds, **limits)
        asked = FhirServer(base, server, found, TOKEN, Scopes.parse(scope), form=form)
        values = {key: encoded(value) for key, value in (prefetch or {}).items()}
        return self.client.retrieve(asked, patient_id, sent_sources(values, offered, form), references)

    def chart(self, retrieval: Retrieval) -> Chart:
        """Return the chart of what was retrieved."""
        return read_chart(PATIENT, retrieval.readings, index())


def all_but(*keys: str, **values: Json) -> dict[str, Json]:
    """Return a prefetch that says "no data" for every key but some, and holds some values."""
    return {key: value for key, value in (NOTHING | values).items() if key not in keys}
