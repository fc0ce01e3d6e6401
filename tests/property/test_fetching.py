"""However a chart is split between prefetch and server, the advice is the same."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.prefetch import sent_sources
from fhir_mappings.fhir_client.client import FhirClient
from fhir_mappings.fhir_client.queries import order_references
from fhir_mappings.fhir_client.retrieval import FetchLimits, FhirServer
from fhir_mappings.fhir_client.transport import TransportError
from fhir_mappings.orders.orders import read_lumbar_mri_orders
from tests.property.advice import (
    PATIENT,
    Answer,
    Case,
    Json,
    Resource,
    advise,
    answers_from,
    bundle,
    encoded,
    index,
)
from tests.property.charts import Draw
from tests.property.profile import law
from tests.property.stories import cases, of_another
from tests.spec.wording_rules import reassurances
from tests.unit.fhir_mappings.fhir_client.server import BASE, FakeClock, FakeServer

TYPES = {need.key: need.resource_type for need in DATA_NEEDS}
QUERIES = {need.key: need.query(PATIENT) for need in DATA_NEEDS}
DRUG_RECORDS = ("MedicationRequest", "MedicationStatement")


@dataclass(frozen=True)
class Split:
    """A case, with drugs by reference, and how it reaches us: what is sent, what the server holds."""

    case: Case
    prefetch: dict[str, Json]
    server: FakeServer
    batch: bool


@pytest.fixture(scope="module")
def executor() -> Iterator[ThreadPoolExecutor]:
    """Return workers for all examples."""
    with ThreadPoolExecutor(16) as workers:
        yield workers


def by_reference(case: Case) -> Case:
    """Return a case whose drug records name their drugs by reference, the Medications included beside them."""
    changed = case
    for key, resource_type in TYPES.items():
        if resource_type not in DRUG_RECORDS:
            continue
        records: list[Resource] = []
        for record in case.records.get(key, ()):
            code = record.get("medicationCodeableConcept")
            drug = {"resourceType": "Medication", "id": f"drug-{record['id']}", "code": code}
            others = {name: value for name, value in record.items() if name != "medicationCodeableConcept"}
            records += [{**others, "medicationReference": {"reference": f"Medication/{drug['id']}"}}, drug]
        changed = changed.holding(key, *records)
    return changed


@st.composite
def splits(draw: Draw[Any]) -> Split:
    """A case of which each source is sent, sent in part with a link to the rest, or not sent."""
    case: Case = draw(cases())
    if draw(st.booleans()):
        case = by_reference(case)
    held = [
        resource for found in case.records.values() for resource in found if resource["resourceType"] != "Immunization"
    ]
    if draw(st.booleans()):
        held += [{**of_another(resource), "id": f"other-{number}"} for number, resource in enumerate(held[1:3])]
    sizes = {name: draw(st.integers(1, 3)) for name in {resource["resourceType"] for resource in held}}
    server = FakeServer(tuple(held), page_size=sizes, totals=draw(st.booleans()), batches=draw(st.booleans()))
    whole, prefetch = case.prefetch(), {}
    for key, resource_type in TYPES.items():
        own = [found for found in case.records.get(key, ()) if found["resourceType"] == resource_type]
        match draw(st.sampled_from(("sent", "first page", "not sent"))):
            case "sent":
                prefetch[key] = whole[key]
            case "first page" if len(own) > 1:
                link = [{"relation": "next", "url": f"{BASE}/{QUERIES[key]}&_start=1"}]
                prefetch[key] = bundle(resource_type, own[:1], total=len(own), link=link)
    return Split(case, prefetch, server, draw(st.booleans()))


def fetched(split: Split, executor: ThreadPoolExecutor) -> Answer:
    """Return the answer to a case whose missing part is fetched."""
    clock = FakeClock()
    server = FhirServer(BASE, split.server, FetchLimits(clock.now + 60, pages=50, batch=split.batch))
    drafts = {"entry": [{"resource": split.case.order}]}
    orders = read_lumbar_mri_orders(drafts, None, index())
    sent = sent_sources({key: encoded(value) for key, value in split.prefetch.items()})
    found = FhirClient(executor, clock).retrieve(server, PATIENT, sent, order_references(orders))
    assessments, response = answers_from(drafts, found.readings, split.case.today)
    return Answer(assessments[0], response)


@law(80)
@given(split=splits())
def test_fetched_and_prefetched_charts_are_advised_alike(executor: ThreadPoolExecutor, split: Split) -> None:
    """The same chart gives the same outcome, messages, findings and cards, whichever way each part of it came."""
    sent, asked = advise(split.case), fetched(split, executor)
    assert (asked.outcome, asked.messages) == (sent.outcome, sent.messages)
    assert asked.assessment.findings == sent.assessment.findings
    assert asked.assessment.chart.sources == sent.assessment.chart.sources
    assert asked.response == sent.response


@law(50)
@given(split=splits(), data=st.data())
def test_what_a_server_fails_to_answer_never_discourages(
    executor: ThreadPoolExecutor, split: Split, data: st.DataObject
) -> None:
    """A search, a page or a drug that cannot be fetched makes no answer firmer, and nothing is said to be absent."""
    names = [*{resource["resourceType"] for resource in split.server.resources}, "Medication"]
    failing = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
    reason = data.draw(st.sampled_from(("timeout", "connection", "open")))
    special = {f"{name}{data.draw(st.sampled_from(('?', '/')))}": [TransportError(reason)] * 50 for name in failing}
    server = replace(split.server, special=special, batches=False, requests=[])
    after = fetched(replace(split, server=server), executor)
    assert after.discourages <= advise(split.case).discourages
    assert [phrase for card in after.cards for phrase in reassurances(card)] == []
