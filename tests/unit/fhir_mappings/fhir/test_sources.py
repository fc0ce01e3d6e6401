"""Every form in which a prefetch value arrives, and how far each can be relied on."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.fhir.sources import SourceReading, SourceState, read_source
from tests.unit.fhir_mappings.records import FAILURE, FOOT_DROP, PAIN, bundle, condition, encoded, patient

COMPLETE, PARTIAL = SourceState.COMPLETE, SourceState.PARTIAL
UNAVAILABLE, NOT_PROVIDED = SourceState.UNAVAILABLE, SourceState.NOT_PROVIDED

ONE = condition(PAIN)
TWO = condition(FOOT_DROP)
INFORMATION = {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": "informational"}]}
NEXT = [{"relation": "self", "url": "x"}, {"relation": "next", "url": "y"}]


def read(value: Any, expected: str = "Condition") -> SourceReading:
    """Return the reading of a value in JSON text."""
    return read_source(value if isinstance(value, bytes) else encoded(value), expected)


def outcome(*severities: object) -> dict[str, Any]:
    """Return an OperationOutcome with issues of these severities."""
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity} for severity in severities]}


@pytest.mark.parametrize(
    ("value", "state", "count"),
    [
        # no data
        (b"null", COMPLETE, 0),
        (b" null\n", COMPLETE, 0),
        (bundle(), COMPLETE, 0),
        ({"resourceType": "Bundle", "type": "searchset", "total": 0}, COMPLETE, 0),
        ({"resourceType": "Bundle"}, COMPLETE, 0),
        ({"resourceType": "Bundle", "entry": None, "link": None}, COMPLETE, 0),
        # data
        (bundle(ONE, TWO), COMPLETE, 2),
        (bundle(ONE, type="collection"), COMPLETE, 1),
        (bundle(ONE, type="transaction"), COMPLETE, 1),
        (ONE, COMPLETE, 1),
        (bundle(ONE, total=None), COMPLETE, 1),
        (bundle(ONE, total="9"), PARTIAL, 1),
        # more than was sent
        (bundle(ONE, link=NEXT), PARTIAL, 1),
        (bundle(ONE, link=NEXT[:1]), COMPLETE, 1),
        (bundle(ONE, total=2), PARTIAL, 1),
        # a failed query
        (FAILURE, UNAVAILABLE, 0),
        (INFORMATION, UNAVAILABLE, 0),
        # not one of the forms that are specified
        ({"response": {"status": "200 OK"}, "resource": ONE}, COMPLETE, 1),
        ({"response": {"status": "200 OK"}, "resource": bundle(ONE, TWO)}, COMPLETE, 2),
        ({"resource": {"resource": ONE}}, COMPLETE, 1),
        ({"resource": None}, NOT_PROVIDED, 0),
        ({"resource": FAILURE}, UNAVAILABLE, 0),
        ({"response": {"status": "404"}}, NOT_PROVIDED, 0),
        ([ONE, TWO], PARTIAL, 2),
        ([ONE, 7, None, "x", {"resourceType": "Immunization"}], PARTIAL, 1),
        ([], NOT_PROVIDED, 0),
        ([7], NOT_PROVIDED, 0),
        ({}, NOT_PROVIDED, 0),
        ("", NOT_PROVIDED, 0),
        ("pat-1", NOT_PROVIDED, 0),
        ("<html><body>502</body></html>", NOT_PROVIDED, 0),
        (7, NOT_PROVIDED, 0),
        (True, NOT_PROVIDED, 0),
        ({"resourceType": "Parameters"}, NOT_PROVIDED, 0),
        ({"resourceType": 7}, NOT_PROVIDED, 0),
        ({"resourceType": "Bundle", "entry": "x"}, UNAVAILABLE, 0),
        ({"resourceType": "Bundle", "entry": {"resource": ONE}}, UNAVAILABLE, 0),
    ],
)
def test_each_form_of_a_value(value: Any, state: SourceState, count: int) -> None:
    """Nothing recorded, cut short, failed and not sent are four different things, and no form is a crash."""
    reading = read(value)
    assert (reading.state, len(reading.resources)) == (state, count)


def test_missing_key_is_not_provided() -> None:
    """A key that was not sent was not answered with "no data"."""
    assert read_source(None, "Condition").state is NOT_PROVIDED


@pytest.mark.parametrize(
    ("issues", "state"),
    [
        (outcome("error"), PARTIAL),
        (outcome("fatal"), PARTIAL),
        (outcome("information", "error"), PARTIAL),
        (outcome("information"), COMPLETE),
        (outcome("warning"), COMPLETE),
        (outcome(), COMPLETE),
        ({"resourceType": "OperationOutcome"}, PARTIAL),
        ({"resourceType": "OperationOutcome", "issue": "x"}, PARTIAL),
    ],
)
def test_failure_beside_matches_leaves_them_partial(issues: dict[str, Any], state: SourceState) -> None:
    """A server that reports an error beside some matches did not read everything; advice beside them is no error."""
    value = {
        "resourceType": "Bundle",
        "entry": [{"resource": ONE}, {"resource": issues, "search": {"mode": "outcome"}}],
    }
    reading = read(value)
    assert (reading.state, len(reading.resources)) == (state, 1)


def test_failure_without_matches_is_unavailable() -> None:
    """A Bundle that holds nothing but an error says nothing about the patient."""
    assert read(bundle(FAILURE)).state is UNAVAILABLE


def test_included_resources_do_not_make_up_the_total() -> None:
    """A Bundle of two matches of which one arrived, beside an included resource, is not complete."""
    included = {"resource": TWO, "search": {"mode": "include"}}
    value = {"resourceType": "Bundle", "total": 2, "entry": [{"resource": ONE}, included]}
    assert read(value).state is PARTIAL
    assert read(value | {"total": 1}).state is COMPLETE
    assert len(read(value).resources) == 2


@pytest.mark.parametrize(
    "entry", [7, "x", None, {"resource": ONE, "search": "match"}, {"resource": ONE, "search": [1]}]
)
def test_broken_entry_costs_itself_only(entry: Any) -> None:
    """One entry that is no entry leaves the others readable, and the source is no longer complete."""
    reading = read({"resourceType": "Bundle", "entry": [{"resource": TWO}, entry]})
    assert TWO["id"] in {resource.id for resource in reading.resources}
    assert reading.state is PARTIAL


@pytest.mark.parametrize("link", ["x", {"relation": "self"}, [7]])
def test_broken_links_leave_the_end_unknown(link: Any) -> None:
    """Links that cannot be read may hide a next page."""
    reading = read(bundle(ONE, link=link))
    assert (reading.state, len(reading.resources)) == (PARTIAL, 1)


@pytest.mark.parametrize(
    ("link", "next_link"),
    [(NEXT, "y"), (NEXT[:1], ""), ([NEXT[0], {"relation": "next", "url": 7}], ""), ("x", "")],
)
def test_next_link_of_a_page(link: Any, next_link: str) -> None:
    """Where a paged Bundle goes on is kept as it was written, wrapped or not, and shown in no repr."""
    reading = read(bundle(ONE, link=link))
    assert reading.next_link == next_link
    assert read({"response": {"status": "200 OK"}, "resource": bundle(ONE, link=link)}).next_link == next_link
    assert "next_link" not in repr(reading)


@pytest.mark.parametrize("entry", [{"fullUrl": "urn:x"}, {"response": {"status": "500"}, "fullUrl": "urn:x"}])
def test_entry_without_a_resource_is_a_gap(entry: Any) -> None:
    """An entry that holds no record breaks nothing, but nobody knows what it would have held."""
    reading = read({"resourceType": "Bundle", "entry": [entry, {"resource": ONE}]})
    assert (reading.state, len(reading.resources)) == (PARTIAL, 1)


@pytest.mark.parametrize("resource", ["oops", 7, [ONE], {"id": "c", "code": ONE["code"]}, {"resourceType": 7}])
def test_resource_that_cannot_be_read_leaves_its_source_incomplete(resource: Any) -> None:
    """A record without its type, or that is no object, may have been the red flag: absence is not said."""
    value = {"resourceType": "Bundle", "entry": [{"resource": resource}, {"resource": TWO}]}
    assert read(value).state is PARTIAL


@pytest.mark.parametrize("value", [patient(), bundle(patient())])
def test_resources_of_another_type_do_not_answer_a_search(value: Any) -> None:
    """A Patient under the key of the conditions is a client's mistake, not "no conditions"."""
    assert read(value).state is not COMPLETE


def test_bundle_answers_a_read() -> None:
    """A client that wraps the patient in a Bundle, or one resource of a search in nothing, is understood."""
    assert [resource.id for resource in read(bundle(patient()), "Patient").resources] == ["pat-1"]
    assert [resource.id for resource in read(patient(), "Patient").resources] == ["pat-1"]


def test_order_of_members_does_not_matter() -> None:
    """A type that stands at the end of a resource is found."""
    value = {
        "entry": [{"resource": {"code": ONE["code"], "id": "c", "resourceType": "Condition"}}],
        "type": "searchset",
    }
    assert len(read(value | {"resourceType": "Bundle"}).resources) == 1


@pytest.mark.parametrize(
    ("inner", "state", "count"),
    [
        (bundle(ONE), COMPLETE, 1),
        (bundle(), COMPLETE, 0),
        (bundle(ONE, link=NEXT), PARTIAL, 1),
        (bundle(FAILURE), UNAVAILABLE, 0),
        ({"resourceType": "Bundle", "entry": "x"}, UNAVAILABLE, 0),
    ],
)
def test_bundle_in_a_bundle(inner: dict[str, Any], state: SourceState, count: int) -> None:
    """A batch answers with Bundles inside a Bundle: they are read, and what they lack is lacking."""
    reading = read({"resourceType": "Bundle", "type": "batch-response", "entry": [{"resource": inner}]})
    assert (reading.state, len(reading.resources)) == (state, count)


@pytest.mark.parametrize(
    ("status", "state"),
    [("200 OK", COMPLETE), ("201", COMPLETE), ("403 Forbidden", UNAVAILABLE), (500, UNAVAILABLE)],
)
def test_refused_response_of_an_old_client_is_a_failure(status: Any, state: SourceState) -> None:
    """An old client that wraps what its server refused sends a failed search, whatever it wraps."""
    assert read({"response": {"status": status}, "resource": ONE}).state is state


@pytest.mark.parametrize(
    ("code", "state", "withheld"),
    [("suppressed", PARTIAL, True), ("incomplete", PARTIAL, False), ("informational", COMPLETE, False)],
)
def test_server_that_shortened_its_answer(code: str, state: SourceState, withheld: bool) -> None:
    """A server that says, even as mere information, that it left something out did not send everything."""
    issue = {"resourceType": "OperationOutcome", "issue": [{"severity": "information", "code": code}]}
    reading = read({"resourceType": "Bundle", "entry": [{"resource": ONE}, {"resource": issue}]})
    assert (reading.state, reading.withheld) == (state, withheld)
