"""Ratings as FHIR extensions: where they go, what they replace, and that nothing else of an order changes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest

from cards.decision.assessment import AssessmentProfile
from cards.guideline.guideline import GUIDELINE_VERSION
from cards.response.client_shape import ClientShape
from cards.response.rating_extensions import ABSENT_SYSTEM, CONSULTATION, CRITERIA, MECHANISM, RATING, RATING_SYSTEM
from cards.response.response import respond
from cards.suggestions.drafts import plain
from cds_service.protocol import schemas
from tests.unit.cards.advice import UNSAFE, advise, shape, situation
from tests.unit.fhir_mappings.records import CAUDA_EQUINA, PAIN, SUBJECT, Resource, coded, condition, mri

OURS = (RATING, MECHANISM, CONSULTATION, CRITERIA)
ROOT, BOTH = ClientShape(rating_place="root"), ClientShape("single", "any", "both")
OTHER = {"url": "http://hl7.org/fhir/us/davinci-crd/StructureDefinition/ext-coverage-information", "valueCode": "x"}


def document(name: str, client: ClientShape = ROOT, scope: str = "", hook: str = "order-sign", **how: Any) -> Any:
    """Return the response for a situation."""
    found = respond([situation(name, **how)], shape(client=client, consultation_scope=scope, hook=hook)).document
    assert schemas.HOOK_RESPONSE.errors(json.loads(json.dumps(found, default=float))) == []
    return found


def rated(name: str, client: ClientShape = ROOT, **how: Any) -> Resource:
    """Return the order that the system action of a situation writes."""
    (action,) = document(name, client, **how)["systemActions"]
    assert (action["type"], bool(action["description"])) == ("update", True)
    resource: Resource = action["resource"]
    return resource


def values(resource: Resource) -> dict[str, Any]:
    """Return the values of our extensions by address; each is there once at most."""
    found = [item for item in resource.get("extension", ()) if item["url"] in OURS]
    assert len({item["url"] for item in found}) == len(found)
    return {item["url"]: next(value for key, value in item.items() if key != "url") for item in found}


def code_of(resource: Resource) -> str:
    """Return the code of a rating."""
    (coding,) = values(resource)[RATING]["coding"]
    code: str = coding["code"]
    assert coding["system"] == (ABSENT_SYSTEM if code == "unknown" else RATING_SYSTEM)
    return code


def offered(found: Any, kind: str = "update") -> Iterator[Resource]:
    """Yield the orders in the suggestions of a response."""
    for card in found["cards"]:
        for suggestion in card.get("suggestions", ()):
            yield from (action["resource"] for action in suggestion["actions"] if action["type"] == kind)


@pytest.mark.parametrize(
    ("name", "code"),
    [("acute pain", "not-appropriate"), ("cauda equina", "appropriate"), ("something else", "no-criteria-apply")],
)
def test_rating_is_recorded_on_the_order(name: str, code: str) -> None:
    """The order comes back as received, with the rating, the mechanism and the consultation."""
    resource = rated(name)
    assert code_of(resource) == code
    assert {key: value for key, value in resource.items() if key != "extension"} == situation(name).order.resource
    assert set(values(resource)) == set(OURS) - ({CRITERIA} if code == "no-criteria-apply" else set())
    assert values(resource)[CONSULTATION].startswith("urn:uuid:")
    ServiceRequest.model_validate(plain(resource))


def test_order_that_fits_is_rated_without_a_card() -> None:
    """Silence to the clinician still leaves the rating on the order."""
    found = respond([situation("failed care")], shape(client=ROOT, verbosity="action")).document
    assert found["cards"] == []
    assert code_of(found["systemActions"][0]["resource"]) == "appropriate"
    assert document("something else")["cards"] == []


@pytest.mark.parametrize("place", ["none", "root", "extension", "both"])
def test_rating_goes_where_the_client_reads_it(place: Any) -> None:
    """At the root, in the extension, in both with the same content, or nowhere."""
    found = document("acute pain", ClientShape(rating_place=place))
    root, legacy = found.get("systemActions"), found.get("extension", {}).get("systemActions")
    assert (bool(root), bool(legacy)) == (place in ("root", "both"), place in ("extension", "both"))
    assert place != "both" or root == legacy
    assert place != "none" or "argonaut" not in json.dumps(found, default=float)


@pytest.mark.parametrize("name", ["nothing known", "unsafe implant", "after surgery", "child"])
def test_no_rating_leaves_no_trace(name: str) -> None:
    """Where there is no rating there is no empty list of actions either."""
    assert not {"systemActions", "extension"} & set(document(name, BOTH))


def test_explanation_stands_beside_the_rating() -> None:
    """What a response explains of itself and its ratings share the extension."""
    found = respond([situation("acute pain")], shape(client=BOTH, explain=True)).document
    assert len(found["extension"]) == 2


def test_each_order_has_a_rating_of_its_own() -> None:
    """Two orders are two consultations, and an order without a rating has no action."""
    second = advise(condition(CAUDA_EQUINA), order=mri(id="mri-2"))
    response = respond([situation("acute pain"), situation("nothing known"), second], shape(client=ROOT))
    resources = [action["resource"] for action in response.document["systemActions"]]
    assert [(item["id"], code_of(item)) for item in resources] == [
        ("mri-1", "not-appropriate"),
        ("mri-2", "appropriate"),
    ]
    assert len({values(item)[CONSULTATION] for item in resources}) == 2
    assert [item.rating for item in response.sent] == ["not-appropriate", None, "appropriate"]


def test_mechanism_is_named_by_the_client_or_not_qualified() -> None:
    """No G-code is made up: without one the rating says that no qualified mechanism was consulted."""
    assert "Not a qualified CDSM" in values(rated("acute pain"))[MECHANISM]
    named = ClientShape(rating_place="root", rating_mechanism="G1011")
    assert values(rated("acute pain", named))[MECHANISM] == "G1011"


def test_criteria_are_named_with_their_version() -> None:
    """The criteria are an address with a version and without the tab that the guide's own address ends in."""
    uri = values(rated("acute pain"))[CRITERIA]
    assert uri.endswith(f"/lumbar-spine-mri|{GUIDELINE_VERSION}")
    assert uri.split() == [uri]
    assert all(address.strip() == address for address in OURS)


def test_changed_criteria_are_not_named() -> None:
    """A site that has changed numbers has not applied the published criteria."""
    assert CRITERIA not in values(rated("acute pain", profile=AssessmentProfile(site="Somewhere")))


def test_consultation_is_the_same_on_select_and_sign() -> None:
    """A consultation belongs to an order, a patient and a client, not to a call."""
    first, second = (
        document("acute pain", scope="a", hook=hook)["systemActions"] for hook in ("order-select", "order-sign")
    )
    assert first == second
    other = document("acute pain", scope="b")["systemActions"]
    assert values(first[0]["resource"])[CONSULTATION] != values(other[0]["resource"])[CONSULTATION]
    assert values(rated("acute pain", order=mri(id="mri-2")))[CONSULTATION] != values(rated("acute pain"))[CONSULTATION]


def earlier(code: str = "appropriate") -> list[Resource]:
    """Return the extensions that an earlier consultation left, with others between them."""
    return [
        {"url": f"{CRITERIA}\t", "valueUri": "https://cds.example.org/old"},
        OTHER,
        {"url": RATING, "valueCodeableConcept": {"coding": [{"system": RATING_SYSTEM, "code": code}]}},
        {"url": CONSULTATION, "valueUri": "urn:uuid:11111111-2222-4333-8444-555555555555"},
        {"url": RATING, "valueCodeableConcept": {"text": "again"}},
    ]


def test_earlier_rating_is_replaced_and_its_consultation_kept() -> None:
    """A second consultation never duplicates what the first left, and other extensions stay where they are."""
    resource = rated("acute pain", order=mri(extension=earlier()))
    assert [item["url"] for item in resource["extension"]] == [CRITERIA, OTHER["url"], RATING, CONSULTATION, MECHANISM]
    assert resource["extension"][1] == OTHER
    assert code_of(resource) == "not-appropriate"
    assert values(resource)[CONSULTATION] == "urn:uuid:11111111-2222-4333-8444-555555555555"
    assert values(resource)[CRITERIA].endswith(GUIDELINE_VERSION)


@pytest.mark.parametrize("odd", [[], None, OTHER, [None, OTHER], "text", [7, {"url": 7}]])
def test_odd_extensions_do_not_stop_the_rating(odd: Any) -> None:
    """Whatever a client sends as extensions, the rating is added."""
    assert (
        code_of(
            {
                "extension": [
                    item
                    for item in rated("acute pain", order=mri(extension=odd))["extension"]
                    if isinstance(item, dict) and item["url"] in OURS
                ]
            }
        )
        == "not-appropriate"
    )


@pytest.mark.parametrize("change", [{"id": ""}, {"id": "a b"}, {"resourceType": "ProcedureRequest"}])
def test_order_that_cannot_be_named_is_not_rated(change: dict[str, str]) -> None:
    """Only an R4 ServiceRequest with an id can be updated."""
    found = document("acute pain", BOTH, order=mri() | change)
    assert "systemActions" not in found
    assert "argonaut" not in json.dumps(found, default=float)


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("acute pain", ["no-criteria-apply", "not-appropriate", "not-appropriate"]),
        ("cauda equina", ["appropriate"]),
        ("after surgery", ["appropriate"]),
        ("unsafe implant, cauda equina", ["appropriate", "appropriate"]),
    ],
)
def test_changes_say_what_the_order_would_be_rated(name: str, codes: list[str]) -> None:
    """An accepted suggestion brings the rating of the order that it leaves, under the same consultation."""
    found = document(name, BOTH)
    resources = list(offered(found))
    assert [code_of(item) for item in resources] == codes
    for action in found.get("systemActions", ()):
        ids = {values(item)[CONSULTATION] for item in (*resources, action["resource"])}
        assert len(ids) == 1


def test_created_alternatives_are_rated_and_other_orders_not() -> None:
    """CT in place of the MRI brings a rating; physical therapy and tests do not."""
    codes = [code_of(item) for item in offered(document("unsafe implant"), "create")]
    assert codes == ["appropriate", "appropriate"]
    for name in ("acute pain", "discitis", "cord", "failed care, plexus"):
        assert [item for item in offered(document(name), "create") if "extension" in item] == []


def undetermined(client: ClientShape, **how: Any) -> list[Resource]:
    """Return the CTs offered for an unsafe implant when nobody can tell whether imaging is due."""
    found = advise(condition(PAIN), UNSAFE, cut=["Observation"], **how)
    changed = offered(respond([found], shape(client=client)).document)
    return [resource for resource in changed if resource["code"].get("text", "").startswith("CT")]


def test_unrated_change_says_so_to_the_sandbox() -> None:
    """A client of the Argonaut guide needs a rating on every change: it is told that there is none."""
    resources = undetermined(BOTH, order=mri(extension=earlier()))
    assert resources
    for resource in resources:
        assert code_of(resource) == "unknown"
        assert set(values(resource)) == {RATING, CONSULTATION}
        assert OTHER in resource["extension"]
        ServiceRequest.model_validate(plain({**resource, "extension": [resource["extension"][1]]}))


def test_unrated_change_loses_the_earlier_rating() -> None:
    """What an earlier call said of the MRI is not carried over to the CT."""
    resources = undetermined(ClientShape("update", rating_place="root"), order=mri(extension=earlier()))
    assert resources
    for resource in resources:
        assert resource["extension"] == [OTHER, earlier()[3]]
    assert all("extension" not in item for item in undetermined(ClientShape("update", rating_place="root")))


@pytest.mark.parametrize(
    ("sent", "first"),
    [
        ({"reasonCode": [coded(CAUDA_EQUINA)]}, coded(CAUDA_EQUINA)["coding"][0]),
        ({"reasonCode": [{"text": "numb saddle"}]}, {"display": "numb saddle"}),
        ({"reasonCode": [{"extension": [OTHER]}]}, {"system": ABSENT_SYSTEM, "code": "unknown", "display": "Unknown"}),
        ({"reasonCode": []}, {"system": ABSENT_SYSTEM, "code": "unknown", "display": "Unknown"}),
        ({}, {"system": ABSENT_SYSTEM, "code": "unknown", "display": "Unknown"}),
    ],
)
def test_sandbox_finds_a_coding_in_each_reason(sent: dict[str, Any], first: dict[str, str]) -> None:
    """Accepting a change does not crash the sandbox, and no reason is made up for it."""
    order = {key: value for key, value in mri().items() if key != "reasonCode"} | sent
    (resource, *_) = offered(document("cauda equina", BOTH, order=order))
    assert [reason["coding"][0] for reason in resource["reasonCode"]] == [first]
    ServiceRequest.model_validate(plain(resource))
    (untouched, *_) = offered(document("cauda equina", ClientShape("single", rating_place="root"), order=order))
    assert untouched.get("reasonCode", []) == sent.get("reasonCode", [])


def test_reason_stated_elsewhere_is_not_called_unknown() -> None:
    """An order that refers to its reason has one."""
    order = {key: value for key, value in mri().items() if key != "reasonCode"}
    order["reasonReference"] = [{"reference": "Condition/c-1"}]
    (resource, *_) = offered(document("cauda equina", BOTH, order=order))
    assert "reasonCode" not in resource


def test_rating_action_leaves_reasons_as_they_are() -> None:
    """Recording a rating changes nothing but the extensions, for the sandbox too."""
    resource = rated("acute pain", BOTH, order=mri(reasonCode=[{"text": "back pain"}]))
    assert resource["reasonCode"] == [{"text": "back pain"}]
    assert resource["subject"] == SUBJECT
