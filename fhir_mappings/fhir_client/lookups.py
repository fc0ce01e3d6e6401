"""Looking up the drugs that prescriptions name by reference only, once the prescriptions are there."""

from __future__ import annotations

from collections.abc import Mapping

from fhir_mappings.chart.chart import belongs_to
from fhir_mappings.chart.medications import medications_by_id, unresolved_medications
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.readings import with_resources
from fhir_mappings.fhir.resources import Medication
from fhir_mappings.fhir.sources import SourceReading
from fhir_mappings.fhir_client.exchange import Exchange
from fhir_mappings.fhir_client.queries import Target, medications_url, resource_url, target_of
from fhir_mappings.fhir_client.retrieval import Result
from fhir_mappings.fhir_client.scopes import Access
from fhir_mappings.fhir_client.walk import Walk

_DRUG_RECORDS = ("MedicationRequest", "MedicationStatement")
MEDICATION_KEYS = tuple(need.key for need in DATA_NEEDS if need.resource_type in _DRUG_RECORDS)

# Ids in one search, whose address must stay short, and how many drugs are looked up at all and read one by one.
_CHUNK, _MOST, _MOST_READS = 40, 200, 20
# After these a server is not asked for the same drugs one by one.
_HOPELESS = frozenset(
    {Result.TIMEOUT, Result.UNAUTHORIZED, Result.FORBIDDEN, Result.REFUSED, Result.OPEN, Result.CONNECTION}
)


class MedicationLookup:
    """The Medications that some readings lack: searched for by their ids, then read where the search found none."""

    def __init__(self, exchange: Exchange, readings: Mapping[str, SourceReading], patient_id: str) -> None:
        """Find out what is lacking for a patient."""
        self._exchange = exchange
        self._patient_id = patient_id
        lacking = {found for key in MEDICATION_KEYS for found in self._lacking(readings, key)}
        self._ids = sorted(lacking)[:_MOST]
        self._searches: dict[Walk, list[str]] = {}
        self._reads: list[Walk] = []

    def searches(self) -> list[Walk]:
        """Return the searches, as far as the token covers them."""
        server = self._exchange.server
        if server.scopes.search("Medication") is not Access.NONE:
            for start in range(0, len(self._ids), _CHUNK):
                chunk = self._ids[start : start + _CHUNK]
                walk = Walk(self._exchange, "Medication", medications_url(server.base, chunk))
                self._searches[walk] = chunk
        return list(self._searches)

    def reads(self) -> list[Walk]:
        """Return the reads of what the searches, once they are done, have not found."""
        server = self._exchange.server
        if server.scopes.read("Medication") is not Access.NONE:
            found = self._found()
            given_up = {
                name for walk, chunk in self._searches.items() if walk.outcome()[1] in _HOPELESS for name in chunk
            }
            wanted = [name for name in self._ids if name not in found and name not in given_up][:_MOST_READS]
            targets = [Target("Medication", name) for name in wanted]
            urls = [resource_url(server.base, target) for target in targets]
            self._reads = [Walk(self._exchange, "Medication", url) for url in urls]
        return self._reads

    def added_to(self, readings: Mapping[str, SourceReading]) -> dict[str, SourceReading]:
        """Return readings with the Medications that they lacked and that were found."""
        found = self._found()
        more = {
            key: with_resources(readings[key], [found[name] for name in lacking if name in found])
            for key in MEDICATION_KEYS
            if (lacking := self._lacking(readings, key))
        }
        return {**readings, **more}

    def _lacking(self, readings: Mapping[str, SourceReading], key: str) -> list[str]:
        """Return the ids of the Medications on this server that a source's drug records name and nothing holds."""
        held = medications_by_id(resource for reading in readings.values() for resource in reading.resources)
        own = [resource for resource in readings[key].resources if belongs_to(resource, self._patient_id)]
        targets = (target_of(name, self._exchange.server.base) for name in unresolved_medications(own, held))
        return sorted({target.id for target in targets if target and target.resource_type == "Medication"})

    def _found(self) -> dict[str, Medication]:
        walks = [*self._searches, *self._reads]
        return medications_by_id(resource for walk in walks for resource in walk.outcome()[0].resources)
