"""Two equal orders in one call: one card that names both and acts on both."""

from __future__ import annotations

from typing import Any

import pytest

from cards.response.client_shape import ClientShape
from cards.response.response import ASSESSMENTS, respond
from tests.unit.cards.advice import SITUATIONS, WITH_BOTH, advise, shape
from tests.unit.cards.response.answering import EMPTY, overridden, remembering
from tests.unit.fhir_mappings.records import CAUDA_EQUINA, PAIN, condition, device, mri

ACUTE = condition(PAIN, 10)
ROOT = ClientShape(rating_place="root")
Actions = list[tuple[str, str]]


def twice(*resources: Any, first: Any = None, second: Any = None, **how: Any) -> list[Any]:
    """Return the assessments of two orders on the same chart, equal unless one is given."""
    drafts = (first or mri(reasons=[PAIN]), {"id": "mri-2", **(second or mri(reasons=[PAIN]))} | {"id": "mri-2"})
    return [advise(*resources, order=draft, others=[other], **how) for draft, other in (drafts, drafts[::-1])]


def acted_on(suggestion: dict[str, Any]) -> Actions:
    """Return the actions of a suggestion as type and id, or the study where it is new."""
    found = []
    for action in suggestion["actions"]:
        resource = action.get("resource", {})
        target = action.get("resourceId", "").removeprefix("ServiceRequest/") or resource.get("id", "new")
        found.append((action["type"], target))
    return found


def offered(orders: list[Any], style: str) -> dict[str, Actions]:
    """Return what the suggestions of the only card do, by their labels."""
    (card, *others) = respond(orders, shape(client=ClientShape(style))).document["cards"]  # type: ignore[arg-type]
    assert others == []
    return {item["label"]: acted_on(item) for item in card["suggestions"]}


@pytest.mark.parametrize("name", SITUATIONS)
def test_equal_orders_share_their_cards(name: str) -> None:
    """Whatever is said, it is said once, and names the orders."""
    resources, how = SITUATIONS[name]
    how = {**how}
    order = how.pop("order", None) or mri()
    orders = twice(*resources, first=order, second=order, **how)
    alone = respond(orders[:1], shape()).document["cards"]
    both = respond(orders, shape()).document["cards"]
    assert [card["summary"] for card in both] == [card["summary"] for card in alone]
    assert all("**2 equal orders:**" in card["detail"] for card in both)


STYLES: dict[str, dict[str, Actions]] = {
    "replace": {
        "Raise the MRI to stat (2 orders)": [("update", "mri-1"), ("update", "mri-2")],
    },
    "single": {
        "Raise the MRI to stat (order 1 of 2)": [("update", "mri-1")],
        "Raise the MRI to stat (order 2 of 2)": [("update", "mri-2")],
    },
}


@pytest.mark.parametrize("style", STYLES)
def test_change_is_made_to_each(style: str) -> None:
    """Both orders become stat: by one press, or by one each where a suggestion has one action."""
    assert offered(twice(condition(CAUDA_EQUINA, 3)), style) == STYLES[style]


REPLACED: dict[str, list[Actions]] = {
    "replace": [[("delete", "mri-1"), ("delete", "mri-2"), ("create", "new")]],
    "update": [[("update", "mri-1"), ("delete", "mri-2")]],
    "single": [[("update", "mri-1")], [("delete", "mri-2")]],
    "catalogue": [[("delete", "mri-1")], [("delete", "mri-2")]],
}


@pytest.mark.parametrize("style", REPLACED)
def test_another_study_takes_the_place_of_both_once(style: str) -> None:
    """Nobody gets two CTs, or two courses of physical therapy, for two drafts of one MRI."""
    found = offered(twice(ACUTE), style)
    answers = ("Six weeks of treatment", "A red flag")
    assert [actions for label, actions in found.items() if not label.startswith(answers)] == REPLACED[style]
    told = [actions for label, actions in found.items() if label.startswith(answers)]
    assert {order for actions in told for _, order in actions} == (
        set() if style == "catalogue" else {"mri-1", "mri-2"}
    )


def test_what_is_added_is_added_once() -> None:
    """A suggestion that leaves the orders alone is the same as for one of them."""
    found = offered(twice(ACUTE, device("sct:14106009"), condition("icd:C79.51", 3)), "replace")
    creations = [actions for actions in found.values() if all(kind == "create" for kind, _ in actions)]
    assert creations
    assert all(len(actions) == 1 for actions in creations)


def test_both_orders_may_be_pressed_one_after_the_other() -> None:
    """One suggestion for each order does not exclude the other."""
    (card,) = respond(twice(condition(CAUDA_EQUINA, 3)), shape(client=ClientShape("single"))).document["cards"]
    assert card["selectionBehavior"] == "any"


DIFFERENT: dict[str, Any] = {
    "contrast": mri(WITH_BOTH, reasons=[PAIN]),
    "priority": mri(reasons=[PAIN], priority="urgent"),
    "evidence": mri(reasons=[PAIN, "icd:M54.16"]),
}


@pytest.mark.parametrize("kind", DIFFERENT)
def test_orders_that_differ_have_cards_of_their_own(kind: str) -> None:
    """Another study, another priority or another reason is another decision."""
    cards = respond(twice(ACUTE, second=DIFFERENT[kind]), shape()).document["cards"]
    assert len(cards) == 2
    assert not [card for card in cards if "equal orders" in card["detail"]]


def test_equal_orders_in_two_code_systems_are_equal() -> None:
    """The study counts, not the system in which it is coded; each order keeps its own codes."""
    orders = twice(condition(CAUDA_EQUINA, 3), second=mri("loinc:30679-5", reasons=[PAIN]))
    (card,) = respond(orders, shape()).document["cards"]
    first, second = (action["resource"] for action in card["suggestions"][0]["actions"])
    assert first["code"] != second["code"]


def test_each_order_is_recorded_and_rated() -> None:
    """The one card stands with both orders, and each has its own rating and explanation."""
    response = respond(twice(ACUTE), shape(client=ROOT, explain=True), EMPTY)
    (card,) = response.document["cards"]
    assert [[sent.uuid for sent in found.cards] for found in response.sent] == [[card["uuid"]], [card["uuid"]]]
    assert [found.rating for found in response.sent] == ["not-appropriate", "not-appropriate"]
    assert [action["resource"]["id"] for action in response.document["systemActions"]] == ["mri-1", "mri-2"]
    assert len(response.document["extension"][ASSESSMENTS]) == 2


def test_answer_counts_for_each_of_the_orders() -> None:
    """Whichever of the two is left, its card was answered."""
    orders = twice(ACUTE, second=mri("loinc:30679-5", reasons=[PAIN]))
    (sent,) = respond(orders, shape(), EMPTY).sent[0].cards
    memory = remembering(overridden(sent))
    assert [respond([order], shape(), memory).document["cards"] for order in (*orders,)] == [[], []]
