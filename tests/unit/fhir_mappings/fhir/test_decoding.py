"""Resources that do not fit: what can be read of them counts, and they say that they were not read whole."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fhir_mappings.fhir.datatypes import Annotation, CodeableConcept, Coding, Quantity, Reference, id_in, reference_id
from fhir_mappings.fhir.decoding import convert_resource, decode_resource, resource_type_of, salvage
from fhir_mappings.fhir.resources import Condition, Observation, Patient, Procedure, Resource
from tests.unit.fhir_mappings.records import encoded

CODE = CodeableConcept(coding=[Coding(system="http://snomed.info/sct", code="6077001")])
PLAIN_CODE = {"coding": [{"system": "http://snomed.info/sct", "code": "6077001"}]}


def condition(**elements: Any) -> dict[str, Any]:
    """Return a Condition in plain JSON."""
    return {"resourceType": "Condition", "id": "c-1", "code": PLAIN_CODE, **elements}


def both_ways(plain: Any, expected: str = "Condition") -> Resource | None:
    """Return what is read from text; from decoded JSON the same must be read, if perhaps with less fuss."""
    found, converted = decode_resource(encoded(plain), expected), convert_resource(plain)
    if found is not None and converted is not None:
        assert msgspec.structs.replace(converted, read_whole=found.read_whole) == found
    else:
        assert found is converted
    return found


def test_sound_resource_is_read_whole() -> None:
    """Nothing is reported about a resource that fits, whatever unknown elements it has."""
    found = both_ways(condition(onsetDateTime="2026-05-01", extension=[{"url": "x", "valueDecimal": 1.5}]))
    assert isinstance(found, Condition)
    assert (found.code, found.onset_date_time, found.read_whole) == (CODE, "2026-05-01", True)


@pytest.mark.parametrize(
    ("code", "expected", "whole"),
    [
        ("6077001", CodeableConcept(coding=[Coding(code="6077001")], text="6077001"), True),
        ({"coding": PLAIN_CODE["coding"][0]}, CODE, True),
        ([PLAIN_CODE], CODE, True),
        ([PLAIN_CODE, {"text": "another"}], CODE, False),
        ({"coding": [{"system": "http://snomed.info/sct", "code": 6077001}]}, CODE, True),
        ({"coding": [7, "x", *PLAIN_CODE["coding"]]}, CODE, False),
        ({"coding": PLAIN_CODE["coding"], "text": ["x"]}, CODE, False),
        ({"coding": "6077001"}, CodeableConcept(), False),
        ({"coding": [["x"]], "text": "foot drop"}, CodeableConcept(text="foot drop"), False),
        (
            {"coding": [{"code": {"v": 1}, "display": "Foot drop"}]},
            CodeableConcept([Coding(display="Foot drop")]),
            False,
        ),
    ],
    ids=str,
)
def test_code_in_another_form_still_counts(code: Any, expected: CodeableConcept, whole: bool) -> None:
    """A code that came as a string, a number, an object or a list of one is a code; what was lost is told."""
    found = both_ways(condition(code=code))
    assert isinstance(found, Condition)
    assert (found.code, found.read_whole) == (expected, whole)


@pytest.mark.parametrize("code", [7.5, True, [], [[]], 0])
def test_code_of_which_nothing_can_be_read_is_missing(code: Any) -> None:
    """A code in an impossible form costs the code, not the resource."""
    found = both_ways(condition(code=code, recordedDate="2026-05-01"))
    assert isinstance(found, Condition)
    assert found.code is None
    assert (found.recorded_date, found.read_whole) == ("2026-05-01", False)


@pytest.mark.parametrize(
    ("element", "value", "name", "expected", "whole"),
    [
        ("onsetDateTime", 2026, "onset_date_time", "2026", True),
        ("onsetDateTime", ["2026"], "onset_date_time", None, False),
        ("onsetAge", {"value": "38", "code": "a"}, "onset_age", Quantity(value=38, code="a"), True),
        ("onsetAge", {"value": {"x": 1}, "unit": "a"}, "onset_age", Quantity(unit="a"), False),
        ("onsetAge", "38", "onset_age", None, False),
        ("subject", "Patient/pat-1", "subject", Reference(reference="Patient/pat-1"), True),
        ("subject", [{"reference": "Patient/pat-1"}], "subject", Reference(reference="Patient/pat-1"), True),
        ("note", "text", "note", [Annotation(text="text")], True),
        ("note", [{"text": 7}, 7, {"text": "weak"}], "note", [Annotation(text="7"), Annotation(text="weak")], False),
        ("bodySite", PLAIN_CODE, "body_site", [CODE], True),
        ("id", 17, "id", "17", True),
        ("contained", [7, {"resourceType": "X"}], "contained", [{"resourceType": "X"}], False),
    ],
)
def test_each_element_is_salvaged_by_itself(element: str, value: Any, name: str, expected: Any, whole: bool) -> None:
    """One element in a wrong form is read as far as possible, and never costs the code beside it."""
    found = both_ways(condition(**{element: value}))
    assert isinstance(found, Condition)
    assert (found.code, getattr(found, name), found.read_whole) == (CODE, expected, whole)


def test_broken_member_of_a_list_is_dropped_alone() -> None:
    """One broken component costs itself, not the panel."""
    part = {"code": PLAIN_CODE, "valueBoolean": True}
    found = both_ways({"resourceType": "Observation", "id": "o", "component": [7, part, None]}, "Observation")
    assert isinstance(found, Observation)
    assert [item.code for item in found.component] == [CODE]
    assert not found.read_whole


def test_null_elements_are_missing_elements() -> None:
    """A client that writes null for what it does not know is understood."""
    found = both_ways(condition(onsetDateTime=None, note=None))
    assert isinstance(found, Condition)
    assert (found.onset_date_time, found.note) == (None, [])


def test_type_is_told_by_the_resource_not_by_its_place() -> None:
    """A Patient that stands among procedures is a Patient, also when it is broken."""
    assert isinstance(decode_resource(b'{"resourceType": "Patient", "id": "p"}', "Procedure"), Patient)
    assert isinstance(decode_resource(b'{"resourceType": "Procedure", "status": 7}', "Patient"), Procedure)


@pytest.mark.parametrize(
    "plain", [{"resourceType": "Immunization"}, {"resourceType": 7}, {"resourceType": None}, {"id": "x"}, {}]
)
def test_resource_that_no_rule_reads_is_none(plain: Any) -> None:
    """Other types, and what names no type, are let go."""
    assert both_ways(plain) is None


@pytest.mark.parametrize("plain", [None, 7, "Condition", [condition()]])
def test_what_is_no_object_is_no_resource(plain: Any) -> None:
    """A contained list, text or number is no resource."""
    assert convert_resource(plain) is None


@pytest.mark.parametrize("text", [b"7", b"[]", b'"x"', b"null", b"{"])
def test_type_of_what_is_no_object_is_empty(text: bytes) -> None:
    """Looking for a type never fails."""
    assert resource_type_of(text) == ""


def test_salvaging_what_is_no_object_gives_an_empty_resource() -> None:
    """A list in the place of a nested object holds nothing that can be read."""
    assert salvage(CodeableConcept, ["x"]) == CodeableConcept()


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("Patient/pat-1", "pat-1"),
        ("https://ehr.example/fhir/Patient/pat-1", "pat-1"),
        (" Patient/pat-1/_history/3 ", "pat-1"),
        ("Patient/pat-1|2", "pat-1"),
        ("Group/pat-1", None),
        ("Patient/", None),
        ("pat-1", None),
        ("#pat-1", None),
        ("urn:uuid:7f3f5d2e-0000-4000-8000-000000000001", None),
        ("", None),
        (None, None),
    ],
)
def test_id_is_taken_from_a_reference_only_when_certain(reference: str | None, expected: str | None) -> None:
    """Relative, absolute and versioned references give the same id; temporary and contained ones give none."""
    assert id_in(reference, "Patient") == expected
    assert reference_id(Reference(reference=reference), "Patient") == expected
    assert reference_id(None, "Patient") is None
