"""Drugs that prescriptions name by reference: looked up, or known to be unknown."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.fhir.sources import SourceState
from fhir_mappings.fhir_client.transport import TransportError
from tests.unit.fhir_mappings.fhir_client.asking import Asking, all_but
from tests.unit.fhir_mappings.fhir_client.server import BASE, FAILURE, FakeServer, Resource, answer
from tests.unit.fhir_mappings.records import bundle, coded, prescription, record

COMPLETE, PARTIAL = SourceState.COMPLETE, SourceState.PARTIAL
IBUPROFEN = "rx:5640"
DRUG: Resource = {"resourceType": "Medication", "id": "med-1", "code": coded(IBUPROFEN)}


def naming(reference: str, name: str = "m-1", **elements: Any) -> Resource:
    """Return a prescription of a drug by reference."""
    target = {"reference": reference}
    return prescription(
        IBUPROFEN, resource_id=name, medicationCodeableConcept=None, medicationReference=target, **elements
    )


def taking(reference: str) -> Resource:
    """Return a statement that a drug is taken, by reference."""
    return record("MedicationStatement", "s-1", status="active", medicationReference={"reference": reference})


@pytest.mark.parametrize("reference", ["Medication/med-1", f"{BASE}/Medication/med-1", "Medication/med-1/_history/3"])
@pytest.mark.parametrize("fetched", [True, False])
def test_drugs_are_looked_up(asking: Asking, reference: str, fetched: bool) -> None:
    """A drug by reference is looked up once, wherever its prescriptions came from, and its source is complete."""
    orders = (naming(reference), naming(reference, "m-2"))
    server = FakeServer((*orders, taking(reference), DRUG))
    sent = all_but("medications", "medicationStatements")
    if not fetched:
        sent |= {"medications": bundle(*orders), "medicationStatements": bundle(taking(reference))}
    chart = asking.chart(asking.retrieve(server, sent))
    assert [path for path in server.paths if path.startswith("Medication?")] == ["Medication?_id=med-1&_count=1"]
    assert len(chart.entries["nsaid_drug"]) == 3
    assert {chart.state("MedicationRequest"), chart.state("MedicationStatement")} == {COMPLETE}


def test_a_drug_that_was_included_is_not_looked_up(asking: Asking) -> None:
    """A Medication beside the prescriptions, or inside one, needs no call."""
    inside = naming("#inside", "m-2", contained=[DRUG | {"id": "inside"}])
    included = {"resource": DRUG, "search": {"mode": "include"}}
    sent = {
        "resourceType": "Bundle",
        "entry": [{"resource": naming("Medication/med-1")}, included, {"resource": inside}],
    }
    server = FakeServer()
    chart = asking.chart(asking.retrieve(server, all_but(medications=sent)))
    assert server.requests == []
    assert len(chart.entries["nsaid_drug"]) == 2


@pytest.mark.parametrize(
    "elements", [{"status": "cancelled"}, {"doNotPerform": True}, {"subject": {"reference": "Patient/pat-2"}}]
)
def test_drugs_that_do_not_matter_are_not_looked_up(asking: Asking, elements: Resource) -> None:
    """What was never prescribed, or to somebody else, costs no call and no completeness."""
    server = FakeServer((DRUG,))
    own = prescription(IBUPROFEN)
    sent = all_but(medications=bundle(naming("Medication/med-1", **elements), own))
    chart = asking.chart(asking.retrieve(server, sent))
    assert server.requests == []
    assert chart.state("MedicationRequest") is COMPLETE


@pytest.mark.parametrize(
    "reference",
    ["https://other.example/fhir/Medication/med-1", "urn:uuid:1", "#inside", "Medication/a&b", "Substance/1"],
)
def test_a_drug_elsewhere_leaves_its_source_incomplete(asking: Asking, reference: str) -> None:
    """A reference that leads out of the server is not followed, and nobody knows which drug it is."""
    server = FakeServer((DRUG,))
    chart = asking.chart(asking.retrieve(server, all_but(medications=bundle(naming(reference)))))
    assert server.requests == []
    assert chart.state("MedicationRequest") is PARTIAL


def test_many_drugs_are_searched_in_chunks(asking: Asking) -> None:
    """An address holds only so many ids, and all chunks and pages count."""
    names = [f"med-{number:03}" for number in range(95)]
    drugs = [DRUG | {"id": name} for name in names]
    orders = [naming(f"Medication/{name}", f"m-{name}") for name in names]
    server = FakeServer((*drugs,), page_size={"Medication": 25})
    chart = asking.chart(asking.retrieve(server, all_but(medications=bundle(*orders))))
    assert server.count("Medication?") == 3 + 2
    assert len(chart.entries["nsaid_drug"]) == 95
    assert chart.state("MedicationRequest") is COMPLETE


@pytest.mark.parametrize(
    "special", [answer(FAILURE, 400), answer(FAILURE, 404), answer(b"<html>"), answer(bundle()), answer(FAILURE)]
)
def test_drugs_are_read_where_they_cannot_be_searched(asking: Asking, special: Any) -> None:
    """A server that does not search by id may still read by it."""
    server = FakeServer((DRUG,), special={"Medication?": [special]})
    sent = all_but(medications=bundle(naming("Medication/med-1"), naming("Medication/gone", "m-2")))
    chart = asking.chart(asking.retrieve(server, sent))
    assert server.paths[:2] == ["Medication/gone", "Medication/med-1"]
    assert len(chart.entries["nsaid_drug"]) == 1
    assert chart.state("MedicationRequest") is PARTIAL


@pytest.mark.parametrize("special", [answer(FAILURE, 401), TransportError("timeout"), TransportError("open")])
def test_drugs_are_not_read_one_by_one_where_that_is_hopeless(asking: Asking, special: Any) -> None:
    """A server that refuses the search or does not answer is not asked again for each drug."""
    server = FakeServer((DRUG,), special={"Medication?": [special]})
    chart = asking.chart(asking.retrieve(server, all_but(medications=bundle(naming("Medication/med-1")))))
    assert len(server.requests) == 1
    assert chart.state("MedicationRequest") is PARTIAL


@pytest.mark.parametrize(
    ("scope", "paths", "state"),
    [
        ("patient/Medication.read", ["Medication?_id=med-1&_count=1"], COMPLETE),
        ("patient/Medication.s", ["Medication?_id=med-1&_count=1"], COMPLETE),
        ("patient/Medication.r", ["Medication/med-1"], COMPLETE),
        ("patient/MedicationRequest.read", [], PARTIAL),
    ],
)
def test_drugs_out_of_scope(asking: Asking, scope: str, paths: list[str], state: SourceState) -> None:
    """Medications are looked up as the token allows; without them the source is incomplete."""
    server = FakeServer((DRUG,))
    sent = all_but(medications=bundle(naming("Medication/med-1")))
    chart = asking.chart(asking.retrieve(server, sent, scope=scope))
    assert (server.paths, chart.state("MedicationRequest")) == (paths, state)


def test_one_source_is_not_made_up_for_by_the_other(asking: Asking) -> None:
    """Of two sources with drugs by reference, only the one whose drug was found is complete."""
    server = FakeServer((DRUG,))
    sent = all_but(medications=bundle(naming("Medication/med-1")), medicationStatements=bundle(taking("Medication/x")))
    chart = asking.chart(asking.retrieve(server, sent))
    assert (chart.state("MedicationRequest"), chart.state("MedicationStatement")) == (COMPLETE, PARTIAL)
