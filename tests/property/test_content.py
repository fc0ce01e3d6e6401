"""What was read of one record may be taken for another that says the same, and for no other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.chart import chart
from fhir_mappings.chart.chart import Chart, read_chart
from fhir_mappings.fhir.prefetch import read_prefetch
from fhir_mappings.fhir.resources import RESOURCE_TYPES
from fhir_mappings.terminology.index import TerminologyIndex
from tests.property.advice import KEYS, PATIENT, Resource, bundle, encoded, index
from tests.property.charts import ICD, LOINC, SNOMED, TEXTS, about, records, status, unrelated
from tests.property.profile import law

T = TypeVar("T")
Draw = Callable[[st.SearchStrategy[T]], T]

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_OF_OTHERS = ("subject", "patient", "participant")
_SAID = st.sampled_from(
    (*TEXTS, "chronic pain", "physiotherapy", "ibuprofen 400 mg", "positive", "see letter", "XQ 17", " ")
)
_CONCEPTS = st.builds(
    lambda system, code, text: {"coding": [{"system": system, "code": code}], "text": text},
    st.sampled_from((ICD, SNOMED, LOINC, "urn:local")),
    st.sampled_from(("I10", "G83.4", "G89.4", "R99", "718-7", "38341003", "")),
    _SAID,
)
_SHOWN = st.builds(lambda text: {"reference": "Condition/elsewhere", "display": text}, _SAID)
# Elements in which a record of some type says something; a type that has no such element leaves it unread.
_ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "abatementString": _SAID,
    "bodySite": st.lists(_CONCEPTS, max_size=1),
    "category": st.lists(_CONCEPTS, max_size=1),
    "clinicalStatus": st.sampled_from(("active", "inactive", "resolved")).map(
        lambda code: status("condition-clinical", code)
    ),
    "code": _CONCEPTS,
    "component": st.lists(
        st.fixed_dictionaries(
            {"code": _CONCEPTS}, optional={"valueString": _SAID, "valueQuantity": st.just({"value": 3, "unit": "mL"})}
        ),
        max_size=2,
    ),
    "conclusion": _SAID,
    "conclusionCode": st.lists(_CONCEPTS, max_size=1),
    "contained": st.just([{"resourceType": "Condition", "id": "c", "code": {"text": "foot drop"}}]),
    "dataAbsentReason": st.just({"text": "not asked"}),
    "diagnosis": st.builds(lambda shown: [{"condition": shown}], _SHOWN),
    "doNotPerform": st.booleans(),
    "focalDevice": st.builds(lambda text: [{"manipulated": {"display": text}}], _SAID),
    "interpretation": st.sampled_from(("POS", "N")).map(lambda code: [{"coding": [{"code": code}]}]),
    "medicationCodeableConcept": _CONCEPTS,
    "medicationReference": st.just({"reference": "Medication/elsewhere", "display": "prednisone"}),
    "note": st.builds(lambda text: [{"text": text}], _SAID),
    "presentedForm": st.just([{"contentType": "application/pdf", "data": "JVBERi0="}]),
    "reaction": st.builds(lambda concept: [{"substance": concept}], _CONCEPTS),
    "reasonCode": st.lists(_CONCEPTS, max_size=2),
    "reasonReference": st.lists(_SHOWN, max_size=1),
    "serviceType": st.lists(_CONCEPTS, max_size=1),
    "status": st.sampled_from(("final", "active", "completed", "entered-in-error", "cancelled", "not-done", "draft")),
    "type": st.lists(_CONCEPTS, max_size=1),
    "usedCode": st.lists(_CONCEPTS, max_size=1),
    "usedReference": st.lists(_SHOWN, max_size=1),
    "valueCodeableConcept": _CONCEPTS,
    "valueQuantity": st.sampled_from(("mL", "mg/dL", None)).map(lambda unit: {"value": 7, "unit": unit}),
    "valueString": _SAID,
    "verificationStatus": st.sampled_from(("refuted", "entered-in-error")).map(
        lambda code: status("condition-ver-status", code)
    ),
}


_WORDED = [{"text": "foot drop"}, {"coding": [{"system": ICD, "code": "G83.4"}]}]
_EXAMPLES: dict[str, list[Any]] = {
    "abatementString": ["in May"],
    "bodySite": [[{"text": "left leg"}]],
    "category": [[{"text": "Radiology"}]],
    "clinicalStatus": [{"text": "resolved"}],
    "code": _WORDED,
    "component": [[{"code": {"text": "leg"}, "valueString": text}] for text in ("positive", "foot drop")]
    + [[{"code": {"text": "leg"}, "valueQuantity": {"value": 3, "unit": unit}}] for unit in ("mL", "mg")],
    "conclusion": ["Cauda equina is compressed."],
    "conclusionCode": [[concept] for concept in _WORDED],
    "contained": [[{"resourceType": "Condition", "id": "c", "code": {"text": "foot drop"}}]],
    "dataAbsentReason": [{"text": "not asked"}],
    "diagnosis": [[{"condition": {"display": "foot drop"}}]],
    "doNotPerform": [True],
    "focalDevice": [[{"manipulated": {"display": "cardiac pacemaker"}}]],
    "interpretation": [[{"coding": [{"code": "POS"}]}]],
    "medicationCodeableConcept": [{"text": "ibuprofen 400 mg"}],
    "medicationReference": [{"display": "ibuprofen 400 mg"}],
    "note": [[{"text": "foot drop"}]],
    "presentedForm": [[{"contentType": "text/plain", "data": "Zm9vdCBkcm9w"}]],
    "reaction": [[{"substance": {"text": "gadolinium"}}]],
    "reasonCode": [[concept] for concept in _WORDED],
    "reasonReference": [[{"display": "foot drop"}]],
    "serviceType": [[{"text": "physiotherapy"}]],
    "status": ["entered-in-error", "cancelled", "not-done"],
    "type": [[concept] for concept in _WORDED],
    "usedCode": [[{"text": "cardiac pacemaker"}]],
    "usedReference": [[{"display": "cardiac pacemaker"}]],
    "valueCodeableConcept": [{"text": "yes"}, *_WORDED],
    "valueQuantity": [{"value": 7, "unit": "mL"}, {"value": 7, "unit": "mg"}],
    "valueString": ["positive", "foot drop"],
    "verificationStatus": [{"text": "refuted"}, {"text": "entered-in-error"}],
}
_OF_KIND = {
    kind: sorted(_ELEMENTS.keys() & set(RESOURCE_TYPES[kind].__struct_encode_fields__))
    for kind in KEYS
    if kind != "Patient"
}


@st.composite
def dressed(draw: Draw[Any]) -> Resource:
    """A record that says a few things, of any type."""
    kind = draw(st.sampled_from(sorted(_OF_KIND)))
    record: Resource = draw(records() | unrelated() | st.just(about(kind)))
    elements = _OF_KIND.get(record["resourceType"], [])
    more = draw(st.lists(st.sampled_from(elements), max_size=3, unique=True)) if elements else []
    return {**record, **{name: draw(_ELEMENTS[name]) for name in more}}


@st.composite
def with_near_ones(draw: Draw[Any]) -> tuple[Resource, list[Resource]]:
    """A record, and others that say something else in one element: it is missing, or another."""
    record = draw(dressed())
    near = [{key: value for key, value in record.items() if key != name} for name in record if name in _ELEMENTS]
    near += [{**record, name: draw(_ELEMENTS[name])} for name in _OF_KIND.get(record["resourceType"], [])]
    return record, near


def another(value: Any) -> Any:
    """Return what says the same of another day, in another number."""
    match value:
        case dict():
            return {name: found if name in _OF_OTHERS else another(found) for name, found in value.items()}
        case list():
            return [another(item) for item in value]
        case str() if _DAY.match(value):
            return f"2019-07-16{value[10:]}"
        case int() | float() if not isinstance(value, bool):
            return value + 1
        case _:
            return value


def read(found: Iterable[Resource], terms: TerminologyIndex) -> Chart:
    """Return the chart of some records, numbered as they come."""
    by_type: dict[str, list[Resource]] = {}
    for number, record in enumerate(found):
        by_type.setdefault(record["resourceType"], []).append({**record, "id": f"r{number}"})
    values = {KEYS[name]: bundle(name, group) for name, group in by_type.items() if name in KEYS}
    prefetch = read_prefetch({key: encoded(value) for key, value in values.items()})
    return read_chart(PATIENT, prefetch, terms)


@law(200)
@given(with_near_ones())
def test_a_record_is_read_the_same_whatever_was_read_before(found: tuple[Resource, list[Resource]]) -> None:
    """Entries, remarks and ledger do not depend on whether the like, or the nearly like, came earlier."""
    record, near = found
    terms = index().extended()  # of which nothing is known yet
    with patch.object(chart, "content_of", return_value=None):
        expected = read([record], terms)
    read([*near, another(record)], terms)
    assert read([record], terms) == expected


@pytest.mark.parametrize("kind", sorted(_OF_KIND))
def test_what_one_element_says_is_not_taken_from_another_record(kind: str) -> None:
    """A record that differs in one element only is read for itself, whichever of the two came first."""
    dull = about(kind, status="final", code={"text": "XQ 17"})
    for name in _OF_KIND[kind]:
        told = [{**dull, name: value} for value in _EXAMPLES[name]]
        without = {key: value for key, value in dull.items() if key != name}
        for order in ([without, *told], [*told, without]):
            terms = index().extended()
            for record in order:
                with patch.object(chart, "content_of", return_value=None):
                    expected = read([record], terms)
                assert read([record], terms) == expected, record
