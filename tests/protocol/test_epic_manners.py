"""A FHIR server with Epic's manners: the advice is the one that a prefetch of the same data gets."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from cds_service.clients.file.ready_made import ready_made
from cds_service.demo.requests import load_demos
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.searches import OBSERVATION_CATEGORIES
from tests.ehr import clients_file
from tests.protocol.builders import (
    PATIENT,
    SIGN,
    back_pain_since,
    bundle,
    concept,
    hook_request,
    lumbar_mri,
    prefetch,
)
from tests.protocol.epic_stub import ABSENT, FORBIDDEN, epic_stub
from tests.protocol.fetching import TOKEN, Hospital

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.protocol.builders import Reply
    from tests.protocol.fhir_stub import FhirStub

KEYS: Final = {need.resource_type: need.key for need in DATA_NEEDS}
OFFERED: Final = [name for name in (*KEYS, "Medication") if name not in (*ABSENT, *FORBIDDEN)]
LACKING: Final = [KEYS[name] for name in (*ABSENT, *FORBIDDEN)]

STYLES: Final[Mapping[str, str | None]] = {
    "none": None,
    "empty": "",
    "unreadable": "launch openid fhirUser offline_access",
    "SMART 1": " ".join(f"user/{name}.read" for name in OFFERED),
    "SMART 2": "launch " + " ".join(f"patient/{name}.rs" for name in OFFERED),
    "Epic 2021": " ".join(f"user/{name}.Read" for name in OFFERED),
    "Epic tutorial": " ".join(f"{name.upper()}.READ {name}.Search (R4)" for name in OFFERED),
    "upper case": " ".join(f"USER/{name.upper()}.READ" for name in OFFERED),
    "both": " ".join(f"user/{name}.Read patient/{name.lower()}.RS" for name in OFFERED),
}
# How an authorization may lack its token, and whether the user is named.
WAYS: Final[Mapping[str, Any]] = {
    "with a token": ({"access_token": TOKEN}, True),
    "empty token": ({"access_token": ""}, True),
    "null token": ({"access_token": None}, True),
    "no token": ({}, True),
    "without a user": ({"access_token": TOKEN}, False),
    "without both": ({"access_token": ""}, False),
}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    """A service with a client whose searches are known to be those of Epic, and one of whom nothing is known."""
    folder = tmp_path_factory.mktemp("epic")
    known = {key: ready_made()["epic-like"]["fhir"][key] for key in ("observation_categories", "sort", "include")}
    clients: dict[str, Any] = {
        "known": {"extends": "development", "fhir": known},
        "learned": {"extends": "development"},
    }
    for name, profile in clients.items():
        profile["origins"] = [f"https://{name}.example"]
    return Hospital(clients_file(folder, clients))


def demo(name: str) -> dict[str, Any]:
    """Return the request of a demo."""
    (found,) = [found for found in load_demos() if found.name == name]
    request: dict[str, Any] = json.loads(found.body())
    return request


def fetching(
    request: Mapping[str, Any], stub: FhirStub, scope: str | None, way: str = "with a token"
) -> dict[str, Any]:
    """Return a request that offers a server in place of its prefetch."""
    given, with_user = WAYS[way]
    authorization = {"token_type": "Bearer", "expires_in": 300, "subject": "cds", **given}
    if scope is not None:
        authorization["scope"] = scope
    context = {key: value for key, value in request["context"].items() if with_user or key != "userId"}
    sent = {key: value for key, value in request.items() if key != "prefetch"}
    return {**sent, "context": context, "fhirServer": stub.base, "fhirAuthorization": authorization}


def outcome(reply: Reply) -> str:
    """Return the outcome of the only order."""
    (found,) = reply.assessments
    told: str = found["outcome"]
    return told


@pytest.mark.parametrize("client", ["known", "learned"])
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    ("name", "expected"), [("acute-low-back-pain", "NOT_APPROPRIATE"), ("pacemaker", "SAFETY_HOLD")]
)
def test_whole_chart_is_judged_alike(hospital: Hospital, name: str, expected: str, style: str, client: str) -> None:
    """Where every type is offered, the demos get their outcome under every style of scopes, token and user."""
    request = demo(name)
    scope = STYLES[style]
    if scope and "launch openid" not in scope:
        scope += "".join(f" user/{missing}.Read" for missing in (*ABSENT, *FORBIDDEN))
    with epic_stub(request["prefetch"], absent=(), forbidden=()) as stub:
        for way in WAYS:
            assert outcome(hospital.call(fetching(request, stub, scope, way), client)) == expected


@pytest.mark.parametrize("client", ["known", "learned"])
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", ["acute-low-back-pain", "pacemaker", "cauda-equina", "failed-six-weeks"])
def test_types_that_are_not_offered_are_like_keys_that_are_not_sent(
    hospital: Hospital, name: str, style: str, client: str
) -> None:
    """A server without some types gets the cards that a prefetch without their keys gets, and is no failing server."""
    request = demo(name)
    values = {key: value for key, value in request["prefetch"].items() if key not in LACKING}
    with epic_stub(request["prefetch"]) as stub:
        for way in ("with a token", "without both"):
            asked = fetching(request, stub, STYLES[style], way)
            # Who answers is named in the answers that a card offers.
            by_prefetch = hospital.call({**request, "context": asked["context"], "prefetch": values}, client)
            fetched = hospital.call(asked, client)
            assert fetched.json == by_prefetch.json
            states = hospital.sources
            assert {states[key] for key in LACKING} == {"fetched:not-offered"}
            assert {state for key, state in states.items() if key not in LACKING} == {"fetched:complete"}


def test_observations_of_a_known_server_are_asked_by_category(hospital: Hospital) -> None:
    """Where the profile says how searches must be, no search is refused."""
    request = demo("acute-low-back-pain")
    with epic_stub(request["prefetch"], absent=(), forbidden=()) as stub:
        hospital.call(fetching(request, stub, None), "known")
        assert stub.asked.count("Observation") == len(OBSERVATION_CATEGORIES)
        assert stub.asked.count("Procedure") == 1


def test_finding_in_one_category_counts(hospital: Hospital) -> None:
    """Saddle numbness among the examinations is found, its category an object, whichever way the server is asked."""
    exam = {
        "resourceType": "Observation",
        "id": "numb",
        "status": "final",
        "category": [concept("http://terminology.hl7.org/CodeSystem/observation-category", "exam")],
        "code": concept("http://hl7.org/fhir/sid/icd-10-cm", "G83.4", "Cauda equina syndrome"),
        "subject": {"reference": f"Patient/{PATIENT}"},
        "effectiveDateTime": "2026-06-01",
        "valueBoolean": True,
    }
    request = hook_request(SIGN, prefetch=prefetch(observations=bundle(exam)))
    expected = outcome(hospital.call(request, "known"))
    with epic_stub(request["prefetch"]) as stub:
        for client in ("known", "learned"):
            assert outcome(hospital.call(fetching(request, stub, None), client)) == expected
            assert hospital.sources["observations"] == "fetched:complete"


def test_drug_beside_its_prescription_is_read(hospital: Hospital) -> None:
    """A Medication that comes as a further entry, without being marked as included, names the drug."""
    drug = {"resourceType": "Medication", "id": "drug", "code": concept("http://snomed.info/sct", "1")}
    order = {
        "resourceType": "MedicationRequest",
        "id": "m-1",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{PATIENT}"},
        "medicationReference": {"reference": "Medication/drug"},
    }
    request = hook_request(SIGN, prefetch=prefetch(medications=bundle(order)))
    with epic_stub({**request["prefetch"], "drug": drug}) as stub:
        hospital.call(fetching(request, stub, None), "known")
        assert hospital.sources["medications"] == "fetched:complete"
        assert "Medication" not in stub.asked


def test_prefetch_by_category_is_read(hospital: Hospital) -> None:
    """The templates that the sheet prints for such a client bring what one template brings elsewhere."""
    values = prefetch(conditions=bundle(back_pain_since("2026-05-23")))
    whole = hospital.call(hook_request(SIGN, prefetch=values), "known")
    parts = {key: value for key, value in values.items() if key != "observations"}
    names = ("Laboratory", "VitalSigns", "Survey", "Exam", "SocialHistory")
    parts |= {f"observations{name}": bundle() for name in names}
    assert hospital.call(hook_request(SIGN, prefetch=parts), "known").json == whole.json
    assert hospital.sources["observations"] == "prefetch:complete"
    del parts["observationsExam"]
    assert outcome(hospital.call(hook_request(SIGN, prefetch=parts), "known")) == "CANNOT_DETERMINE"
    assert hospital.sources["observations"] == "prefetch:partial"


def test_long_order_id_is_taken(hospital: Hospital) -> None:
    """Ids of such a server's drafts exceed FHIR's length."""
    order = lumbar_mri(id="e" * 190)
    assert hospital.call(hook_request(SIGN, order), "known").cards
