"""Suggestions as a client can take them: in place, one action each, none, and which exclude each other."""

from __future__ import annotations

import itertools
import json
from decimal import Decimal
from typing import Any

import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest

from cards.response.client_shape import ClientShape
from cards.response.response import respond
from cards.response.shaping import allowed_links, selection
from cards.suggestions.actions import Action, Suggestion
from cards.suggestions.drafts import plain, pruned
from cds_service.protocol import schemas
from tests.unit.cards.advice import SITUATIONS, english, shape, situation
from tests.unit.fhir_mappings.records import FOOT_DROP, PAIN, Resource, coded, mri

# What a client without suggestions is told beside the advice: the words to type in the place of answers to press.
TYPED = ClientShape("replace", answers="none")
REPLACE, UPDATE, SINGLE, INFO = (ClientShape(style) for style in ("replace", "update", "single", "info"))
STYLES = ("replace", "update", "single", "catalogue", "info")
BEHAVIORS = (None, "any", "at-most-one")
RICH: Resource = {
    "priority": "asap",
    "category": [coded("sct:363679005")],
    "encounter": {"reference": "Encounter/e-1"},
    "requester": {"reference": "Practitioner/p-1"},
    "reasonCode": [coded(PAIN)],
    "note": [{"text": "please call"}],
    "extension": [{"url": "https://ehr.example/x", "valueDecimal": 1.10}],
    "elementOfAnotherVersion": {"deep": [1, {"x": "y"}]},
}


def cards(name: str, client: ClientShape, **how: Any) -> list[dict[str, Any]]:
    """Return the cards of a situation for a client, obeying the schema."""
    found = respond([situation(name, **how)], shape(client=client)).document
    assert schemas.HOOK_RESPONSE.errors(json.loads(json.dumps(found, default=float))) == []
    made: list[dict[str, Any]] = found["cards"]
    return made


def suggestions(name: str, client: ClientShape, **how: Any) -> list[dict[str, Any]]:
    """Return the suggestions of a situation for a client."""
    return [item for card in cards(name, client, **how) for item in card.get("suggestions", ())]


def without_by_hand(detail: str) -> str:
    """Return a detail without the line on what has no button."""
    return "\n\n".join(part for part in detail.split("\n\n") if not part.startswith("**By hand:**"))


def kinds(suggestion: dict[str, Any]) -> list[str]:
    """Return the types of the actions of a suggestion."""
    return [action["type"] for action in suggestion["actions"]]


def codes(suggestion: dict[str, Any]) -> list[str]:
    """Return the first code of each order of a suggestion."""
    return [action["resource"]["code"]["coding"][0]["code"] for action in suggestion["actions"]]


@pytest.mark.parametrize("name", SITUATIONS)
def test_every_shape_is_a_valid_response(name: str) -> None:
    """Whatever a client takes, it gets valid JSON with its kinds of actions and its number of choices."""
    for style, behavior in itertools.product(STYLES, BEHAVIORS):
        usual = cards(name, TYPED if style in ("catalogue", "info") else REPLACE)
        found = cards(name, ClientShape(style, behavior))  # type: ignore[arg-type]  # drawn from lists of its values
        texts = [(card["uuid"], without_by_hand(card["detail"])) for card in found]
        assert texts == [(card["uuid"], card["detail"]) for card in usual]
        for card in found:
            offered = card.get("suggestions", [])
            assert bool(offered) == ("selectionBehavior" in card)
            assert behavior is None or card.get("selectionBehavior", behavior) == behavior
            assert sum(item.get("isRecommended", False) for item in offered) <= 1
            assert len({item["label"] for item in offered}) == len(offered)
            assert all(len(item["label"]) < 100 for item in offered)
            if style in ("single", "catalogue"):
                assert all(len(item["actions"]) == 1 for item in offered)
            if style in ("update", "single", "catalogue"):
                assert not [item for item in offered if {"create", "delete"} <= set(kinds(item))]


@pytest.mark.parametrize("name", SITUATIONS)
def test_advice_is_the_same_in_every_shape(name: str) -> None:
    """A client that changes orders in place is offered the same studies, and the same one is recommended."""
    usual, changed = suggestions(name, REPLACE), suggestions(name, UPDATE)
    assert [(item["label"], item["uuid"]) for item in usual] == [(item["label"], item["uuid"]) for item in changed]
    assert [item.get("isRecommended") for item in usual] == [item.get("isRecommended") for item in changed]
    for one, other in zip(usual, changed, strict=True):
        if kinds(one) == ["delete", "create"]:
            assert kinds(other) == ["update"]
            assert codes(other)[0] in {coding["code"] for coding in one["actions"][1]["resource"]["code"]["coding"]}
        else:
            assert one == other


@pytest.mark.parametrize("name", SITUATIONS)
def test_client_without_actions_gets_the_text(name: str) -> None:
    """Where suggestions cannot be taken the card says everything, and in its text what they would have done."""
    assert suggestions(name, INFO) == []
    for card, usual in zip(cards(name, INFO), cards(name, TYPED), strict=True):
        labels = [item["label"] for item in usual.get("suggestions", ())]
        assert ("**By hand:** " + "; ".join(labels) + "." in card["detail"]) == bool(labels)
        dropped = {"suggestions", "selectionBehavior"}
        plain = card | {"detail": without_by_hand(card["detail"])}
        assert plain == {key: value for key, value in usual.items() if key not in dropped}


@pytest.mark.parametrize(
    ("name", "code", "priority"),
    [
        ("acute pain", "444831000124102", "urgent"),
        ("fracture", "72131", "asap"),
        ("unsafe implant, cauda equina", "24965-6", "stat"),
    ],
)
def test_change_in_place_keeps_the_order(name: str, code: str, priority: str) -> None:
    """Only the study, a higher priority and a further note change; whom it is for, by whom and why never do."""
    # Who is in a hurry is not told to wait.
    order = mri() | RICH | ({"priority": "urgent"} if name == "acute pain" else {})
    (first, *_) = [item for item in suggestions(name, SINGLE, order=order) if codes(item) == [code]]
    (action,) = first["actions"]
    resource = action["resource"]
    changed = {key for key in order.keys() | resource.keys() if order.get(key) != resource.get(key)}
    assert changed - {"extension"} <= {"code", "priority", "note"}
    assert resource["priority"] == priority
    assert resource["note"][0] == {"text": "please call"}
    assert str(resource["extension"][0]["valueDecimal"]) == "1.1"
    assert isinstance(resource["extension"][0]["valueDecimal"], Decimal)
    ServiceRequest.model_validate(plain({k: v for k, v in resource.items() if k != "elementOfAnotherVersion"}))


def test_change_in_place_brings_the_note_once() -> None:
    """The day of reassessment is noted beside the order's own notes, and not again on the next call."""
    first, *_ = suggestions("acute pain", UPDATE, order=mri(note=[{"text": "please call"}]))
    notes = first["actions"][0]["resource"]["note"]
    assert len(notes) == 2
    second, *_ = suggestions("acute pain", UPDATE, order=mri(note=notes))
    assert second["actions"][0]["resource"]["note"] == notes


@pytest.mark.parametrize("note", [None, [], "call", {"text": "call"}])
def test_odd_notes_are_no_obstacle(note: Any) -> None:
    """A note that is no list is left as it came."""
    found, *_ = suggestions("acute pain", UPDATE, order=mri(note=note))
    resource = found["actions"][0]["resource"]
    assert resource["note"] == note if note else len(resource["note"]) == 1


def test_changed_study_is_coded_as_the_order_was() -> None:
    """An order by CPT becomes one by CPT where there is such a code."""
    (ct, *_) = [item for item in suggestions("fracture", UPDATE) if kinds(item) == ["update"]]
    assert {coding["system"] for coding in ct["actions"][0]["resource"]["code"]["coding"]} == {
        "http://www.ama-assn.org/go/cpt"
    }


@pytest.mark.parametrize("name", ["unsafe implant", "unsafe implant, cauda equina"])
def test_myelography_in_place_names_its_risks(name: str) -> None:
    """Whoever changes the order to CT myelography has read what it needs."""
    found = [item for item in suggestions(name, SINGLE) if "myelography" in item["label"]]
    assert found
    assert all("lumbar puncture" in item["actions"][0]["description"] for item in found)
    assert all("anticoagulation" in item["actions"][0]["description"] for item in found)


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("cancer history", ["labs/esr", "labs/crp", "add-contrast"]),
        (
            "discitis",
            [
                "raise-priority",
                "add-contrast",
                "labs-and-cultures/esr",
                "labs-and-cultures/crp",
                "labs-and-cultures/blood_culture",
            ],
        ),
        ("unsafe implant", ["myelography-instead", "ct-instead"]),
        ("acute pain", ["therapy-instead", "answer-therapy-yes", "answer-red_flags-yes"]),
    ],
)
def test_several_orders_become_several_suggestions(name: str, keys: list[str]) -> None:
    """One test a suggestion, each with a key, a label and an id of its own that stay the same."""
    response = respond([situation(name)], shape(client=SINGLE))
    offered = [item for card in response.sent[0].cards for item in card.suggestions]
    assert [key for _, key in offered] == keys
    assert len({identifier for identifier, _ in offered}) == len(keys)
    assert offered == [
        item for card in respond([situation(name)], shape(client=SINGLE)).sent[0].cards for item in card.suggestions
    ]


def test_label_of_a_part_names_its_test() -> None:
    """A clinician sees which test a button orders."""
    labels = [item["label"] for item in suggestions("cancer history", SINGLE)]
    assert labels[:2] == [
        "Add a laboratory test: Erythrocyte sedimentation rate",
        "Add a laboratory test: C-reactive protein",
    ]


EXCLUSIVE = ("unsafe implant", "discitis", "metastasis with weakness")


@pytest.mark.parametrize("style", ["replace", "update", "single"])
@pytest.mark.parametrize("name", EXCLUSIVE)
def test_client_that_takes_any_is_told_what_excludes(name: str, style: Any) -> None:
    """Two changes of one order say that only one may be chosen, wherever it is read; what stands beside does not."""
    for card in cards(name, ClientShape(style, "any")):
        offered = card.get("suggestions", [])
        touching = [item for item in offered if {"delete", "update"} & set(kinds(item))]
        marked = [item for item in offered if item["label"].startswith("Choose only one: ")]
        assert marked == (touching if len(touching) > 1 else [])
        described = [item for item in offered if item["actions"][0]["description"].startswith("Choose only one: ")]
        assert described == marked
    assert not [item for item in suggestions(name, ClientShape(style)) if item["label"].startswith("Choose")]


@pytest.mark.parametrize("name", ["discitis", "metastasis with weakness"])
def test_changes_taken_one_after_the_other_lose_nothing(name: str) -> None:
    """Pressing everything in the order of the card leaves both the raised priority and the contrast."""
    changes = [item for item in suggestions(name, ClientShape("single", "any")) if kinds(item) == ["update"]]
    raised, last = changes[0]["actions"][0]["resource"], changes[-1]["actions"][0]["resource"]
    assert changes[0]["isRecommended"]
    assert last["priority"] == raised["priority"] != "routine"
    assert last["code"] != raised["code"]


def suggestion(key: str, *, touching: bool = True, recommended: bool = True) -> Suggestion:
    """Return a suggestion with one action."""
    return Suggestion(key, key, (Action("delete" if touching else "create", "x"),), recommended)


@pytest.mark.parametrize("behavior", BEHAVIORS)
def test_one_suggestion_is_recommended(behavior: Any) -> None:
    """Where only one may be chosen, two recommendations would be an error at the client."""
    client = ClientShape(selection_behavior=behavior)
    _, found = selection([suggestion("a"), suggestion("b", touching=False)], client, english())
    assert [item.recommended for item in found] == [True, False]


@pytest.mark.parametrize(("touching", "behavior"), [(0, "any"), (1, "any"), (2, "at-most-one")])
def test_card_decides_where_the_client_leaves_it(touching: int, behavior: str) -> None:
    """Two changes of one order exclude each other; anything beside one change does not."""
    offered = [suggestion(str(number), touching=number < touching) for number in range(3)]
    assert selection(offered, ClientShape(), english())[0] == behavior


@pytest.mark.parametrize(
    ("hosts", "kept"),
    [(None, 4), (frozenset(), 0), (frozenset({"acsearch.acr.org"}), 3), (frozenset({"evil.example"}), 1)],
)
def test_links_lead_to_allowed_hosts_only(hosts: frozenset[str] | None, kept: int) -> None:
    """The host decides, in whatever letters, with a port, and not what stands before an at-sign."""
    urls = (
        "https://acsearch.acr.org/",
        "HTTPS://ACSEARCH.acr.org:443/x",
        "https://evil.example@acsearch.acr.org?y",
        "https://acsearch.acr.org@evil.example/",
    )
    links = [{"label": "x", "url": url, "type": "absolute"} for url in urls]
    assert len(allowed_links(links, ClientShape(link_hosts=hosts))) == kept


def test_card_without_allowed_links_has_none() -> None:
    """No empty list is left behind, and the source keeps its address, which is no link to press."""
    (card,) = cards("acute pain", ClientShape(link_hosts=frozenset({"ehr.example"})))
    assert "links" not in card
    assert card["source"]["url"].startswith("https://")
    (usual,) = cards("acute pain", ClientShape(link_hosts=frozenset({"acsearch.acr.org"})))
    assert usual == cards("acute pain", REPLACE)[0]


@pytest.mark.parametrize("name", SITUATIONS)
def test_what_was_sent_is_told(name: str) -> None:
    """The record of a response names the cards and suggestions that are in it."""
    found = situation(name)
    for style in STYLES:
        response = respond([found], shape(client=ClientShape(style)))  # type: ignore[arg-type]  # one of its values
        (sent,) = response.sent
        assert (sent.outcome, sent.messages) == (found.outcome, tuple(message.id for message in found.messages))
        made = response.document["cards"]
        assert [(card.uuid, card.indicator) for card in sent.cards] == [
            (card["uuid"], card["indicator"]) for card in made
        ]
        for card, remembered in zip(made, sent.cards, strict=True):
            assert [identifier for identifier, _ in remembered.suggestions] == [
                item["uuid"] for item in card.get("suggestions", ())
            ]
            assert set(remembered.messages) <= set(sent.messages)


def test_old_client_is_shaped_like_before() -> None:
    """An STU3 order is changed or removed in every style, never given an R4 study in its place."""
    old = mri(reasons=[FOOT_DROP]) | {"resourceType": "ProcedureRequest"}
    for name in ("unsafe implant", "acute pain", "foot drop"):
        assert suggestions(name, SINGLE, order=old) == suggestions(name, REPLACE, order=old)


def test_padding_of_primitive_lists_is_kept() -> None:
    """Nulls that line values up with their extensions are no empty values."""
    order = {
        "instantiatesUri": ["urn:a", None],
        "_instantiatesUri": [None, {"extension": [{"url": "urn:x", "valueCode": "y"}]}],
        "other": [None, 1],
        "_status": None,
        "empty": [None],
        "_empty": [None],
    }
    kept = {key: order[key] for key in ("instantiatesUri", "_instantiatesUri")}
    assert pruned(order) == kept | {"other": [1]}
