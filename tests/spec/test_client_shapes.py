"""Every scenario in every shape a client can have: the answer differs in form only, and each form keeps its word."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from itertools import product
from typing import Any, get_args

import msgspec
import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest

from cards.decision.assessment import Assessment, AssessmentProfile, assess
from cards.guideline.guideline import Outcome
from cards.guideline.wording import Wording, load_wording
from cards.response.client_shape import (
    ActionStyle,
    ClientShape,
    RatingPlace,
    ResponseShape,
    SelectionBehavior,
    SiteCode,
)
from cards.response.rating_extensions import ABSENT_SYSTEM, CONSULTATION, CRITERIA, MECHANISM, RATING, RATING_SYSTEM
from cards.response.response import respond
from cds_service.protocol import schemas
from fhir_mappings.chart.chart import read_chart
from fhir_mappings.fhir.prefetch import read_prefetch
from fhir_mappings.orders.orders import read_lumbar_mri_orders
from tests.spec.scenarios import PATIENT, Scenario, load
from tests.terminology import bundled_index as index

Json = Any
CATALOGUE = "urn:com.epic.cdshooks.action.code.system.preference-list-item"
# Of some orders only: what has no code is said in words.
BUILT = {name: SiteCode(CATALOGUE, name.upper()) for name in ("order_ct_lumbar_wo", "order_mri_lumbar_wo_w", "esr")}
SHAPES = [
    ClientShape(style, behavior, place, orderables=BUILT if style == "catalogue" else {})
    for style, behavior, place in product(
        get_args(ActionStyle), (None, *get_args(SelectionBehavior)), get_args(RatingPlace)
    )
]
OURS = {RATING, MECHANISM, CONSULTATION, CRITERIA}
OTHER = {"url": "https://ehr.example/priority-list", "valueDecimal": Decimal("1.50")}
TODAY = date(2026, 1, 15)
THOROUGH = os.environ.get("PROPERTY_EXAMPLES", "1") != "1"
_ORDERS = msgspec.json.Decoder(float_hook=Decimal)
DUE = (Outcome.EMERGENCY, Outcome.URGENT, Outcome.APPROPRIATE)


@cache
def wording() -> Wording:
    """Return the English catalogue, read once."""
    return load_wording()


def assessments(scenario: Scenario) -> list[Assessment]:
    """Return the assessments of a scenario's orders, each with an extension of somebody else."""
    request = scenario.request("order-sign")
    for entry in request["context"]["draftOrders"]["entry"]:
        entry["resource"]["extension"] = [{**OTHER, "valueDecimal": 1.50}]
    orders = read_lumbar_mri_orders(_ORDERS.decode(json.dumps(request["context"]["draftOrders"])), None, index())
    prefetch = {key: json.dumps(value).encode() for key, value in request["prefetch"].items()}
    chart = read_chart(PATIENT, read_prefetch(prefetch), index())
    return [assess(order, chart, order.as_of(TODAY), AssessmentProfile()) for order in orders]


def suggestions_of(document: Json) -> Iterator[tuple[Json, Json]]:
    """Yield every suggestion with its card."""
    for card in document["cards"]:
        for suggestion in card.get("suggestions", ()):
            yield card, suggestion


def actions_of(document: Json) -> Iterator[Json]:
    """Yield every action of every suggestion."""
    for _, suggestion in suggestions_of(document):
        yield from suggestion["actions"]


def codes_of(resource: Json) -> list[tuple[str, str]]:
    """Return system and code of a rating; each of our extensions is there once at most."""
    urls = [item["url"] for item in resource.get("extension", ()) if item["url"] in OURS]
    assert len(urls) == len(set(urls))
    ratings = [item["valueCodeableConcept"] for item in resource.get("extension", ()) if item["url"] == RATING]
    return [(coding["system"], coding["code"]) for rating in ratings for coding in rating["coding"]]


def check_cards(document: Json, client: ClientShape) -> None:
    """Check that suggestions have the form a client takes."""
    for card in document["cards"]:
        offered = card.get("suggestions", [])
        assert client.action_style != "info" or not offered
        assert bool(offered) == ("selectionBehavior" in card)
        assert client.selection_behavior in (None, card.get("selectionBehavior", client.selection_behavior))
        assert sum(item.get("isRecommended", False) for item in offered) <= 1
        labels = [item["label"] for item in offered]
        assert len(labels) == len(set(labels))
        assert all(len(label) < 100 for label in labels)
        kinds = [[action["type"] for action in item["actions"]] for item in offered]
        if client.action_style in ("single", "catalogue"):
            assert all(len(kind) == 1 for kind in kinds)
        if client.action_style == "catalogue":
            check_catalogue(card)
            continue
        if client.action_style in ("update", "single"):
            assert not [kind for kind in kinds if {"create", "delete"} <= set(kind)]
        touching = [label for label, kind in zip(labels, kinds, strict=True) if {"delete", "update"} & set(kind)]
        if len(touching) > 1:
            marked = card["selectionBehavior"] == "any"
            assert all(label.startswith("Choose only one: ") == marked for label in touching)
            # A lone removal beside a change of the same order would fail clients that check for pairs.
            assert ["delete"] not in kinds


def check_catalogue(card: Json) -> None:
    """Check that only orders of the client's catalogue are added, nothing is changed, and one removal comes last."""
    actions = [item["actions"][0] for item in card.get("suggestions", ())]
    added = [action["resource"]["code"]["coding"] for action in actions if action["type"] == "create"]
    assert {(coding["system"], coding["code"]) for codings in added for coding in codings} <= {
        (code.system, code.code) for code in BUILT.values()
    }
    assert "delete" not in [action["type"] for action in actions[:-1]]
    assert "update" not in [action["type"] for action in actions]
    for item in card.get("suggestions", ()):
        said = item["actions"][0]["description"].casefold()
        assert [word for word in significant(item["label"]) if word not in said] == []


def significant(label: str) -> list[str]:
    """Return the beginnings of a label's words that carry meaning: a description may inflect and reorder them."""
    words = label.casefold().replace(":", "").replace(",", "").split()
    return [word[:6] for word in words if len(word) > 3 and word not in {"change", "test"}]


def plain_text(detail: str) -> str:
    """Return a detail without the line on what has no button."""
    return "\n\n".join(part for part in detail.split("\n\n") if not part.startswith("**By hand:**"))


def check_updates(document: Json, order: Json, client: ClientShape) -> None:
    """Check that a changed order is the order as received with the intended change, and what the sandbox needs."""
    for action in actions_of(document):
        if action["type"] != "update":
            continue
        resource = action["resource"]
        changed = {key for key in order.keys() | resource.keys() if order.get(key) != resource.get(key)}
        assert changed <= {"code", "priority", "note", "extension", "reasonCode", "occurrenceDateTime"}
        assert resource.get("note", [])[: len(order.get("note", []))] == order.get("note", [])
        assert [item for item in resource["extension"] if item["url"] not in OURS] == [OTHER]
        if client.rates_in_extension:
            ((system, _),) = codes_of(resource)
            assert system in (RATING_SYSTEM, ABSENT_SYSTEM)
            assert resource["code"]["coding"][0]
            assert all(reason["coding"][0] for reason in resource["reasonCode"])
        else:
            assert "reasonCode" not in changed
        if not client.rates:
            assert "extension" not in changed


def check_ratings(document: Json, assessment: Assessment, client: ClientShape) -> None:
    """Check that a rating is where the client reads it, only there, and never reassures."""
    root, legacy = document.get("systemActions"), document.get("extension", {}).get("systemActions")
    assert root is None or client.rating_place in ("root", "both")
    assert legacy is None or client.rates_in_extension
    assert client.rating_place != "both" or root == legacy
    for action in (root or legacy) or ():
        resource, order = action["resource"], assessment.order.resource
        assert action["type"] == "update"
        assert {key: value for key, value in resource.items() if key != "extension"} == {
            key: value for key, value in order.items() if key != "extension"
        }
        ((system, code),) = codes_of(resource)
        assert system == RATING_SYSTEM
        assert OTHER in resource["extension"]
        assert code != "appropriate" or (assessment.outcome in DUE and not assessment.unscannable)
        assert code != "not-appropriate" or "C-NOTAPP-6W" in assessment.decided
        assert code != "no-criteria-apply" or assessment.outcome is Outcome.NO_CRITERIA_APPLY
    if assessment.outcome in (Outcome.NOT_APPROPRIATE, Outcome.NO_CRITERIA_APPLY):
        assert bool(root or legacy) == client.rates


@cache
def is_valid(resource: str) -> bool:
    """Whether a resource is a FHIR R4B ServiceRequest; each is looked at once."""
    return ServiceRequest.model_validate_json(resource) is not None


@cache
def schema_errors(document: str) -> list[str]:
    """Return what is wrong with a part of a response; each is looked at once."""
    return schemas.HOOK_RESPONSE.errors(json.loads(document))


def check_schema(document: Json) -> None:
    """Check a response against its schema, card by card and then the rest: most shapes share most cards."""
    parts = [{"cards": [card]} for card in document["cards"]]
    for part in (*parts, {**document, "cards": []}):
        assert schema_errors(json.dumps(part, default=float)) == []


def shapes_for(position: int) -> list[ClientShape]:
    """Return the usual shape and a share of the others: six scenarios in a row try all; PROPERTY_EXAMPLES=2 always."""
    return SHAPES if THOROUGH else [SHAPES[0], *SHAPES[1 + position % 6 :: 6]]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("position", "scenario"), [pytest.param(*found, id=found[1].id) for found in enumerate(load())]
)
def test_scenario_in_the_shapes_of_clients(position: int, scenario: Scenario) -> None:
    """Whatever a client can take, it gets valid FHIR about this order and the same advice as everybody else."""
    for assessment in assessments(scenario):
        # Where nothing can be pressed, the cards hold the words to type.
        usual: dict[bool, list[tuple[str, str, str]]] = {}
        for client in shapes_for(position):
            shape = ResponseShape("6f8c2c3e-0000-4000-8000-000000000001", "order-sign", wording(), client=client)
            response = respond([assessment], shape)
            document = response.document
            check_schema(document)
            texts = [(card["uuid"], card["summary"], plain_text(card["detail"])) for card in document["cards"]]
            assert texts == usual.setdefault(client.answers_by == "none", texts)
            check_cards(document, client)
            check_updates(document, dict(assessment.order.resource), client)
            check_ratings(document, assessment, client)
            for action in (*actions_of(document), *document.get("systemActions", ())):
                assert action["type"] == "delete" or is_valid(json.dumps(action["resource"], default=float))


def test_shapes_are_all_there() -> None:
    """Five styles, three ways to choose, four places for a rating; a few scenarios try each of them."""
    assert len(SHAPES) == len(set(SHAPES)) == 60
    assert {shape for position in range(6) for shape in shapes_for(position)} == set(SHAPES)
