"""Suggestions for an EHR that builds orders from its own catalogue: one action each, its codes, the rest in words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest

from cards.guideline.guideline import MESSAGE_TYPES
from cards.response.client_shape import ClientShape, SiteCode
from cards.response.response import respond
from cards.suggestions.drafts import orderables
from cds_service.protocol import schemas
from tests.unit.cards.advice import SITUATIONS, english, shape, situation
from tests.unit.fhir_mappings.records import FOOT_DROP, mri

SYSTEM = "urn:com.epic.cdshooks.action.code.system.preference-list-item"
BOTH = "MRI lumbar spine without and with contrast"
ALL = {name: SiteCode(SYSTEM, name.upper()) for name in orderables()}


def epic(*names: str, **changes: Any) -> ClientShape:
    """Return a shape with codes of some orderables, of all where none is named."""
    built = {name: ALL[name] for name in names} if names else ALL
    return ClientShape(**({"action_style": "catalogue", "selection_behavior": "any", "orderables": built} | changes))


def cards(name: str, client: ClientShape, **how: Any) -> list[dict[str, Any]]:
    """Return the cards of a situation for a client, obeying the schema."""
    found = respond([situation(name, **how)], shape(client=client)).document
    assert schemas.HOOK_RESPONSE.errors(json.loads(json.dumps(found, default=float))) == []
    made: list[dict[str, Any]] = found["cards"]
    return made


def offered(name: str, client: ClientShape, **how: Any) -> list[tuple[str, str]]:
    """Return type and description of the one action of each suggestion."""
    actions = [item["actions"] for card in cards(name, client, **how) for item in card.get("suggestions", ())]
    assert all(len(action) == 1 for action in actions)
    return [(action["type"], action["description"]) for (action,) in actions]


def by_hand(name: str, client: ClientShape, **how: Any) -> list[str]:
    """Return the lines of the cards on what has no button."""
    lines = [line for card in cards(name, client, **how) for line in card["detail"].splitlines()]
    return [line for line in lines if line.startswith("**By hand:**")]


def test_exchange_is_a_new_order_and_a_removal_for_whoever_took_it() -> None:
    """Both are there to press; the removal comes last and says that something must take the order's place."""
    assert offered("fracture", epic("order_ct_lumbar_wo")) == [
        (
            "create",
            "Add a draft order: CT lumbar spine without IV contrast (facets, foramina, bone), instead of the MRI order",
        ),
        ("delete", "Remove the draft MRI order, if a new order from above takes its place"),
    ]
    assert by_hand("fracture", epic("order_ct_lumbar_wo")) == ["**By hand:** Add lumbar radiographs."]


def test_created_order_has_the_code_of_the_client_alone() -> None:
    """Its catalogue makes the order; the resource is valid, and named as the client names it."""
    client = epic(orderables={"pt_referral": SiteCode(SYSTEM, "PT_AMB", "AMB REF TO PT")})
    (action,) = [
        item["actions"][0]
        for card in cards("acute pain", client)
        for item in card["suggestions"]
        if item["actions"][0]["type"] == "create"
    ]
    resource = action["resource"]
    assert resource["code"] == {
        "coding": [{"system": SYSTEM, "code": "PT_AMB", "display": "AMB REF TO PT"}],
        "text": "AMB REF TO PT",
    }
    assert resource["intent"] == "proposal"
    ServiceRequest.model_validate(resource)


def test_change_of_the_study_is_an_exchange_and_of_its_priority_is_said() -> None:
    """Nothing is updated: contrast takes a new order, urgency the clinician's hand."""
    assert offered("metastasis", epic()) == [
        (
            "create",
            f"Add a draft order, to be set to urgent by hand: {BOTH}, instead of the MRI order",
        ),
        ("delete", "Remove the draft MRI order, if a new order from above takes its place"),
    ]
    assert by_hand("metastasis", epic()) == ["**By hand:** Raise the MRI to urgent."]
    assert ("update", "Set the priority of the MRI order to stat") in offered("cauda equina", epic(updates=True))
    assert by_hand("cauda equina", epic(updates=True)) == []


@pytest.mark.parametrize(
    ("name", "alone"),
    [("acute pain", True), ("unsafe implant", True), ("fracture", False), ("both legs", False)],
)
def test_order_goes_without_another_only_where_it_is_needless_or_unsafe(name: str, alone: bool) -> None:
    """Where no code takes its place, an order that is due stays: nobody presses away an urgent scan."""
    found = offered(name, epic(orderables={}))
    assert found == ([("delete", "Remove the draft MRI order")] if alone else [])
    assert "instead of" in by_hand(name, epic(orderables={}))[0]


def test_orders_that_exclude_each_other_say_so_where_it_is_read() -> None:
    """The label is not shown, so the description says it."""
    found = [text for kind, text in offered("unsafe implant", epic()) if kind == "create"]
    assert len(found) == 2
    assert all(text.startswith("Choose only one: ") for text in found)
    assert "instead" in by_hand("unsafe implant", epic("order_ct_lumbar_wo"))[0]


def test_condition_of_a_suggestion_is_in_its_description() -> None:
    """What holds only if no warning sign is present says so on the button."""
    (added, _) = offered("acute pain, a hint", epic())
    assert added[1].startswith("If none of these is present, ")


@pytest.mark.parametrize("name", SITUATIONS)
def test_nothing_is_pressed_already_and_nothing_is_lost(name: str) -> None:
    """No suggestion is recommended where that presses it; all that others are offered is a button or a word here."""
    found = cards(name, epic(recommends=False))
    assert not [item for card in found for item in card.get("suggestions", ()) if "isRecommended" in item]
    for card, usual in zip(found, cards(name, ClientShape(answers="none")), strict=True):
        labels = [item["label"] for item in usual.get("suggestions", ())]
        here = "\n".join([card["detail"], *(item["label"] for item in card.get("suggestions", ()))])
        whole = [label for label in labels if not label.startswith("Add ESR")]
        assert [label for label in whole if label not in here] == []


def test_old_client_gets_no_new_orders() -> None:
    """An STU3 order is removed or left; an R4 order never takes its place."""
    old = mri(reasons=[FOOT_DROP]) | {"resourceType": "ProcedureRequest"}
    for name in ("unsafe implant", "acute pain", "metastasis"):
        assert {kind for kind, _ in offered(name, epic(), order=old)} <= {"delete"}


def test_override_reasons_are_the_clients_codes() -> None:
    """A mapped reason is sent by its code, under our words unless the client has its own; the others stay."""
    mapped = {
        "already-imaged": SiteCode("urn:site", "1042"),
        "clinical-change": SiteCode("urn:site", "1043", "New signs"),
    }
    (card,) = cards("recent study", ClientShape(override_reasons=mapped))
    usual = {reason["code"]: reason for reason in cards("recent study", ClientShape())[0]["overrideReasons"]}
    found = {reason["code"]: reason for reason in card["overrideReasons"]}
    assert found["1042"] == {"system": "urn:site", "code": "1042", "display": "Already imaged"}
    assert found["1043"]["display"] == "New signs"
    assert len(found) == len(usual)


def test_names_that_a_file_may_use_are_ours() -> None:
    """The clients file takes every orderable and every reason, and nothing else."""
    properties = schemas.CLIENTS.document["$defs"]["client"]["properties"]
    assert set(properties["orderables"]["propertyNames"]["enum"]) == set(orderables())
    assert set(properties["override_reasons"]["propertyNames"]["enum"]) == set(english().get("overrides"))
    assert {key for message in MESSAGE_TYPES for key in message.overrides} <= set(english().get("overrides"))


@pytest.mark.parametrize("name", SITUATIONS)
def test_short_detail_is_shorter_and_keeps_what_is_dangerous(name: str) -> None:
    """A narrow panel gets the first message in full and the others by title, but never less about an implant."""
    for short, usual in zip(cards(name, ClientShape(detail="short")), cards(name, ClientShape()), strict=True):
        assert len(short["detail"].split()) <= len(usual["detail"].split())
        assert short["summary"] == usual["summary"]
        assert ("must not enter the scanner" in short["detail"]) == ("must not enter the scanner" in usual["detail"])
        assert short["detail"].count("\n- ") == usual["detail"].count("\n- ")
