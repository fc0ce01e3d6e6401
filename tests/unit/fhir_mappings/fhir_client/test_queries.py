"""Ids that come from outside are one segment or one value of an address, or are not sent."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.searches import searches_of
from fhir_mappings.fhir_client.queries import (
    Target,
    is_sendable,
    medications_url,
    order_references,
    order_targets,
    search_url,
    target_of,
)
from tests.property.profile import law
from tests.unit.fhir_mappings.fhir_client.server import BASE
from tests.unit.fhir_mappings.records import condition, mri, read_order

PAIN = "icd:M54.50"


@pytest.mark.parametrize(
    ("patient_id", "sendable"),
    [
        ("pat-1", True),
        ("eM5CWtq15N0WJeuCet5bJlQ3", True),
        ("a_b~c.d", True),
        ("x" * 256, True),
        ("x" * 257, False),
        ("", False),
        (".", False),
        ("..", False),
        ("../../admin?x=", False),
        ("PID&_revinclude=*", False),
        ("a/b", False),
        ("a%2fb", False),
        ("a b", False),
        ("a\n", False),
        ("\u0661", False),
    ],
)
def test_ids_that_are_sent(patient_id: str, sendable: bool) -> None:
    """Only what can be nothing but an id goes into an address."""
    assert is_sendable(patient_id) is sendable


@law(60)
@given(st.text(max_size=30))
def test_an_id_stays_one_value(patient_id: str) -> None:
    """Even an id that would not be sent changes neither the path nor the parameters."""
    assume("." not in patient_id or patient_id.strip("."))
    for need in DATA_NEEDS:
        parts = urlsplit(search_url(BASE, searches_of(need)[0], patient_id))
        if need.parameters:
            expected = [("patient", patient_id), *need.parameters]
            assert parse_qsl(parts.query, keep_blank_values=True) == expected
            assert parts.path == f"/fhir/r4/{need.resource_type}"
        else:
            assert parts.path.count("/") == 4
            assert (parts.query, parts.fragment) == ("", "")


def test_addresses_below_a_base_with_a_slash() -> None:
    """A base that ends with a slash gets no second one."""
    assert search_url(f"{BASE}/", searches_of(DATA_NEEDS[0])[0], "a") == f"{BASE}/Patient/a"
    assert medications_url(BASE, ["a", "b"]) == f"{BASE}/Medication?_id=a,b&_count=2"


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("Condition/c", Target("Condition", "c")),
        (f"{BASE}/Condition/c", Target("Condition", "c")),
        ("Condition/c/_history/2", Target("Condition", "c")),
        ("https://other.example/fhir/Condition/c", None),
        ("#c", None),
        ("urn:uuid:0b3f4d8a-0000-4000-8000-000000000001", None),
        ("Condition?identifier=1", None),
        ("Condition/c?x=1", None),
        ("Condition/../Patient", None),
        ("Condition/c/d", None),
        ("c", None),
        ("", None),
    ],
)
def test_where_a_reference_leads(reference: str, target: Target | None) -> None:
    """Only a reference to one resource of this server leads anywhere."""
    assert target_of(reference, BASE) == target


def test_references_of_orders() -> None:
    """What an order refers to and does not bring along is listed once, contained and temporary references never."""
    names = ["Condition/c", "Condition/brought", "#inside", "urn:uuid:1", "Observation/o", "Condition/c"]
    reasons: Any = [{"reference": name} for name in names]
    order = mri(reasonReference=reasons, supportingInfo=[{"reference": "DiagnosticReport/d"}])
    read = read_order(order, condition(PAIN, resource_id="brought"))
    assert order_references([read, read]) == ("Condition/c", "Observation/o", "DiagnosticReport/d")


def test_referred_resources_that_are_read() -> None:
    """Of what an order refers to, the types that some criterion reads are worth a call, each resource once."""
    names = ["Condition/c", f"{BASE}/Condition/c", "Patient/pat-1", "Coverage/x", "https://other.example/Device/1"]
    assert order_targets(names, BASE) == (Target("Condition", "c"),)
