"""The schemas: what the strict one refuses in our own responses, and how a problem is worded."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cds_service.protocol import schemas
from tests.protocol.builders import FULL_CARD


def errors(change: Any = None) -> list[str]:
    """Return what is wrong with a response of one card after a change to it."""
    card = deepcopy(FULL_CARD)
    if change:
        change(card)
    return schemas.HOOK_RESPONSE.errors({"cards": [card]})


def test_full_card_fits() -> None:
    """A card with everything a card may have is accepted, and so is no card at all."""
    assert errors() == []
    assert schemas.HOOK_RESPONSE.errors({"cards": []}) == []


def test_unusual_but_legal_fhir_fits() -> None:
    """A null that pads an array of primitives is legal inside a resource."""
    resource = {"resourceType": "ServiceRequest", "id": "1", "note": [None, {"text": "x"}], "value": 1.5}
    assert errors(lambda card: card["suggestions"][0]["actions"][2].update(resource=resource)) == []


BREAKS: dict[str, Any] = {
    "summary of 140": lambda card: card.update(summary="x" * 140),
    "blank summary": lambda card: card.update(summary=" "),
    "unknown indicator": lambda card: card.update(indicator="hard-stop"),
    "no uuid": lambda card: card.pop("uuid"),
    "uuid that is none": lambda card: card.update(uuid="1"),
    "no topic": lambda card: card["source"].pop("topic"),
    "relative url": lambda card: card["source"].update(url="/about"),
    "unknown member": lambda card: card.update(colour="red"),
    "null": lambda card: card.update(detail=None),
    "empty detail": lambda card: card.update(detail=""),
    "no suggestions left": lambda card: card.update(suggestions=[]),
    "no behaviour": lambda card: card.pop("selectionBehavior"),
    "unknown behaviour": lambda card: card.update(selectionBehavior="all"),
    "two recommended": lambda card: card["suggestions"].append(card["suggestions"][0]),
    "no actions": lambda card: card["suggestions"][0].update(actions=[]),
    "actions left out": lambda card: card["suggestions"][0].pop("actions"),
    "unknown action": lambda card: card["suggestions"][0]["actions"][0].update(type="remove"),
    "action without description": lambda card: card["suggestions"][0]["actions"][0].pop("description"),
    "delete without id": lambda card: card["suggestions"][0]["actions"][0].pop("resourceId"),
    "delete with resource": lambda card: card["suggestions"][0]["actions"][0].update(resource={"resourceType": "X"}),
    "delete of a bare id": lambda card: card["suggestions"][0]["actions"][0].update(resourceId="1"),
    "create without resource": lambda card: card["suggestions"][0]["actions"][1].pop("resource"),
    "create of no resource": lambda card: card["suggestions"][0]["actions"][1]["resource"].pop("resourceType"),
    "create with an empty list": lambda card: card["suggestions"][0]["actions"][1]["resource"].update(note=[]),
    "create with a null": lambda card: card["suggestions"][0]["actions"][1]["resource"].update(code={"text": None}),
    "update without id": lambda card: card["suggestions"][0]["actions"][2]["resource"].pop("id"),
    "override without display": lambda card: card["overrideReasons"][0].pop("display"),
    "override without system": lambda card: card["overrideReasons"][0].pop("system"),
    "link without type": lambda card: card["links"][0].pop("type"),
    "context on an absolute link": lambda card: card["links"][0].update(appContext="x"),
    "extension that is a list": lambda card: card.update(extension=[{"url": "x"}]),
}


@pytest.mark.parametrize("change", BREAKS.values(), ids=BREAKS.keys())
def test_defect_is_found(change: Any) -> None:
    """Each defect that some client trips over is refused by the schema of responses."""
    assert errors(change)


@pytest.mark.parametrize("response", [{}, {"cards": None}, {"cards": [], "systemActions": []}, {"cards": [], "x": 1}])
def test_defect_around_the_cards_is_found(response: dict[str, Any]) -> None:
    """So is one beside the cards."""
    assert schemas.HOOK_RESPONSE.errors(response)


def test_problem_is_worded_without_its_value() -> None:
    """What is wrong is named with its place and issue code, and nothing of it is repeated."""
    problems = schemas.HOOK_REQUEST.problems({"hook": "order-sign", "hookInstance": "x", "context": "secret"})
    sentence = "context is not of the JSON type that the contract asks for."
    assert problems == [schemas.Problem("context", "structure", sentence)]


@pytest.mark.parametrize(
    "timestamp",
    ["2026-06-02T20:06:12Z", "2026-06-02t20:06:12.123456789z", "2026-06-02T20:06:12+05:30", "2024-02-29T00:00:00Z"],
)
def test_timestamp_is_accepted(timestamp: str) -> None:
    """RFC 3339 with a zone, whatever the precision."""
    entry = {"card": "1", "outcome": "overridden", "outcomeTimestamp": timestamp}
    assert schemas.FEEDBACK_REQUEST.problems({"feedback": [entry]}) == []


def test_schemas_stand_alone() -> None:
    """Each file can be handed to an integrator: a schema of a draft, an id, and no reference to another file."""
    folder = Path(schemas.__file__).parent
    for file in folder.glob("*.schema.json"):
        document = json.loads(file.read_text())
        Draft202012Validator.check_schema(document)
        assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert document["$id"] == f"urn:lumbar-mri-cds:schema:{file.name.removesuffix('.schema.json')}"
        assert '"$ref": "#/' in file.read_text()
