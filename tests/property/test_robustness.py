"""Whatever JSON a client sends, the walk ends in an answer; what cannot be read never makes the answer firmer."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.fhir.needs import DATA_NEEDS
from tests.property.advice import KEYS, Case, Json, Resource, advise, answers, bundle
from tests.property.charts import records
from tests.property.profile import law
from tests.property.stories import cases, red_flags
from tests.spec.wording_rules import reassurances

TODAY = date(2025, 6, 2)
_NAMES = (
    *("resourceType", "id", "status", "code", "coding", "system", "display", "text", "entry", "resource", "link"),
    *("relation", "total", "search", "mode", "issue", "severity", "subject", "patient", "reference", "value", "unit"),
    *("valueQuantity", "valueCodeableConcept", "component", "onsetAge", "onsetRange", "low", "high", "safety", "item"),
    *("reasonCode", "reasonReference", "supportingInfo", "contained", "note", "bodySite", "priority", "authoredOn"),
)
_WORDS = ("Bundle", "Condition", "Observation", "OperationOutcome", "Patient", "next", "error", "72148", "2025-06-02")
# NaN and infinity are no JSON, and lone surrogates no UTF-8: the envelope refuses both before any of this is reached.
_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_SCALARS: st.SearchStrategy[Json] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from((10**30, -(10**300), 2**63, -(2**63) - 1)),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(_WORDS),
    _TEXT,
)


def _containers(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(_NAMES) | _TEXT, inner, max_size=5)


JSON: st.SearchStrategy[Json] = st.recursive(_SCALARS, _containers, max_leaves=12)


def paths(value: Json, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value inside JSON."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*here, step)
        yield from paths(inner, (*here, step))


def at(value: Json, path: tuple[Any, ...]) -> Json:
    """Return the value at a path."""
    for step in path:
        value = value[step]
    return value


def replaced(value: Json, path: tuple[Any, ...], other: Json) -> Json:
    """Return JSON with another value at a path."""
    changed = copy.deepcopy(value)
    at(changed, path[:-1])[path[-1]] = other
    return changed


@law(100)
@given(st.dictionaries(st.sampled_from([need.key for need in DATA_NEEDS]), JSON, max_size=4), cases())
def test_any_json_in_the_place_of_a_source_is_answered(prefetch: dict[str, Json], case: Case) -> None:
    """Arbitrary JSON under the prefetch keys raises nothing, and none of it makes anything not appropriate."""
    found, _ = answers({"entry": [{"resource": case.order}]}, prefetch, TODAY)
    assert len(found) == 1


@law(150)
@given(records(), st.data())
def test_any_json_inside_a_record_is_answered(record: dict[str, Any], data: st.DataObject) -> None:
    """A record with arbitrary JSON in the place of any of its elements raises nothing."""
    path = data.draw(st.sampled_from(list(paths(record))))
    other = replaced(record, path, data.draw(JSON))
    order = {
        "resourceType": "ServiceRequest",
        "id": "1",
        "code": {"coding": [{"system": "http://loinc.org", "code": "30679-5"}]},
    }
    found, _ = answers({"entry": [{"resource": order}]}, {"conditions": bundle("Condition", [other])}, TODAY)
    assert len(found) == 1


@law(150)
@given(cases(), st.data())
def test_any_json_inside_an_order_is_answered(case: Case, data: st.DataObject) -> None:
    """An order with arbitrary JSON in the place of any of its elements raises nothing."""
    more = {"supportingInfo": [{"reference": "#x"}], "contained": [{"resourceType": "Condition", "id": "x"}]}
    orders = {"resourceType": "Bundle", "entry": [{"fullUrl": "urn:uuid:1", "resource": {**case.order, **more}}]}
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(paths(orders)) or [("entry",)]))
        if path != ():
            orders = replaced(orders, path, data.draw(JSON))
    answers(orders, case.prefetch(), TODAY)


@law(100)
@given(JSON, JSON)
def test_any_json_as_drafts_is_answered(drafts: Json, entry: Json) -> None:
    """Arbitrary JSON in the place of the draft orders' entries raises nothing."""
    answers({"resourceType": "Bundle", "entry": drafts}, {}, TODAY)
    answers({"resourceType": "Bundle", "entry": [entry, {"resource": entry}]}, {}, TODAY)


@law(60)
@given(cases("acute"), red_flags())
def test_an_unreadable_element_never_discourages(case: Case, flag: Resource) -> None:
    """An element of a wrong type, anywhere in a record that is a red flag, leads to no firmer answer."""
    key = KEYS[flag["resourceType"]]
    before = advise(case.having(key, {**flag, "id": "one-more"}))
    for path in paths(flag):
        # Without its type a record is another thing, and its owner says nothing of what it means.
        if path[0] not in ("resourceType", "subject"):
            # A number where a text belongs is read as its digits, so an object stands in for texts.
            damaged = replaced(flag, path, 7 if isinstance(at(flag, path), dict | list) else {"x": 1})
            after = advise(case.having(key, {**damaged, "id": "one-more"}))
            assert after.discourages <= before.discourages, path
            assert [phrase for card in after.cards for phrase in reassurances(card)] == []
