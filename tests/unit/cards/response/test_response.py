"""The response: which cards, in which order, with which identifiers, and what it explains of itself."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from cards.decision.questions import MISSING_HISTORY
from cards.guideline.guideline import GUIDELINE_ID, GUIDELINE_VERSION, MESSAGES, Indicator
from cards.response.response import ASSESSMENTS, grouped, respond
from cds_service.protocol import schemas
from tests.unit.cards.advice import ACUTE, HINT, SITUATIONS, advise, cards_of, messages, shape, situation
from tests.unit.fhir_mappings.records import CAUDA_EQUINA, PAIN, condition, device, encounter, mri, report

SAME_DECISION = {"C-NOTAPP-6W", "C-CONTRAST-ADD", "C-CONTRAST-SAFETY"}


@pytest.mark.parametrize("name", SITUATIONS)
def test_response_obeys_its_schema(name: str) -> None:
    """Every answer is a CDS Hooks response, with two cards an order at the most."""
    response = respond([situation(name)], shape(explain=True)).document
    encoded = json.loads(json.dumps(response, default=float))
    assert schemas.HOOK_RESPONSE.errors(encoded) == []
    assert len(response["cards"]) <= 2


@pytest.mark.parametrize("name", SITUATIONS)
def test_each_message_stands_on_one_card(name: str) -> None:
    """Messages are neither lost nor repeated, and each card is of one level, with what goes with it below.

    A critical card takes in the warnings that say the same decision: to wait beside an implant, contrast beside haste.
    """
    found = situation(name)
    cards = list(grouped(found.messages))
    together = [message.id for card in cards for message in card]
    assert sorted(together) == sorted(messages(found) if cards else [])
    for card in cards:
        levels = {message.indicator for message in card if message.id not in SAME_DECISION} - {Indicator.INFO}
        assert len(levels) <= 1
        assert card[0].indicator is min((item.indicator for item in card), key=list(Indicator).index)
        assert MESSAGES[card[0].id].lead


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("acute pain", ["warning"]),
        ("failed care", ["info"]),
        ("cauda equina", ["critical"]),
        ("pacemaker, acute pain", ["critical"]),
        ("discitis", ["critical"]),
        ("crash with foot drop", ["critical", "warning"]),
        ("child", ["info"]),
        ("something else", []),
    ],
)
def test_levels_of_the_cards(name: str, levels: list[str]) -> None:
    """Critical messages share a card, warnings share the next, and information never makes a card beside them."""
    assert [card["indicator"] for card in cards_of(situation(name))] == levels


def test_information_goes_with_the_card_about_timing() -> None:
    """What to tell the patient stands with the advice to wait, which an implant shares a card with."""
    (card,) = cards_of(situation("pacemaker, acute pain"))
    for said in ("For the patient", "this does not exclude one", "Reassess on 4 Jul 2026", "not due now"):
        assert said in card["detail"]


@pytest.mark.parametrize("name", SITUATIONS)
def test_an_order_is_taken_away_by_one_card_only(name: str) -> None:
    """Two cards that both remove or replace the order would have it done twice."""
    removing = [
        card
        for card in cards_of(situation(name))
        if any(action["type"] == "delete" for item in card.get("suggestions", []) for action in item["actions"])
    ]
    assert len(removing) <= 1


@pytest.mark.parametrize("name", SITUATIONS)
def test_identifiers_are_the_same_on_every_call(name: str) -> None:
    """A repeated call gives the same ids; another call, order or suggestion gives others."""
    first, second = (respond([situation(name)], shape()).document for _ in range(2))
    assert json.dumps(first, default=str) == json.dumps(second, default=str)
    ids = _ids(first["cards"])
    assert len(ids) == len(set(ids))
    assert all(str(uuid.UUID(item)) == item for item in ids)
    other = respond([situation(name)], shape(hook_instance=str(uuid.UUID(int=7)))).document
    assert not set(ids) & set(_ids(other["cards"]))


def _ids(cards: list[dict[str, Any]]) -> list[str]:
    return [item["uuid"] for card in cards for item in (card, *card.get("suggestions", []))]


def test_two_orders_have_cards_of_their_own() -> None:
    """The same advice about two orders has different ids, so that feedback can tell them apart."""
    both = [
        advise(condition(PAIN, 10), order=mri(code, id=name))
        for name, code in (("mri-1", "cpt:72148"), ("mri-2", "cpt:72158"))
    ]
    response = respond(both, shape(explain=True)).document
    ids = _ids(response["cards"])
    assert len(ids) == len(set(ids))
    assert [item["order"] for item in response["extension"][ASSESSMENTS]] == [
        "ServiceRequest/mri-1",
        "ServiceRequest/mri-2",
    ]


@pytest.mark.parametrize("name", SITUATIONS)
def test_source_and_reasons_of_a_card(name: str) -> None:
    """Every card names its source with a stable topic, an address to read on, and reasons to override it."""
    for card in cards_of(situation(name)):
        source = card["source"]
        assert source["label"]
        assert source["url"].startswith("https://")
        assert source["topic"]["code"].isalnum()
        assert source["topic"]["display"]
        assert card["links"][0]["type"] == "absolute"
        for reason in card.get("overrideReasons", []):
            assert {"code", "system", "display"} <= set(reason)
        if card["indicator"] == "warning":
            assert card["overrideReasons"]


SILENT = ("failed care", "failed care, candidate", "child", "osteoporosis", "something else", "slipped vertebra")
QUESTIONS_ONLY = ("nothing known", "chronic pain without care", "age 80", "acute pain, some data missing")


@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
@pytest.mark.parametrize("name", SITUATIONS)
def test_verbosity_action_only_leaves_out(name: str, hook: str) -> None:
    """Asking for action only brings no other card, and never hides one that is critical."""
    full = cards_of(situation(name), hook=hook)
    fewer = cards_of(situation(name), hook=hook, verbosity="action")
    assert len(fewer) <= len(full)
    assert [card["summary"] for card in full if card["indicator"] == "critical"] == [
        card["summary"] for card in fewer if card["indicator"] == "critical"
    ]


@pytest.mark.parametrize("name", SILENT)
@pytest.mark.parametrize("hook", ["order-select", "order-sign"])
def test_appropriate_order_interrupts_nobody(name: str, hook: str) -> None:
    """With verbosity `action` an order that is fine is answered with silence."""
    assert cards_of(situation(name), hook=hook, verbosity="action") == []


@pytest.mark.parametrize("name", QUESTIONS_ONLY)
def test_missing_history_interrupts_nobody(name: str) -> None:
    """With verbosity `action` nobody is asked for history that no record has raised; with `all` it is told."""
    found = situation(name)
    asked = [question for message in found.messages for question in message.questions]
    assert cards_of(found, hook="order-select", verbosity="action") == []
    assert bool(cards_of(found, hook="order-sign", verbosity="action")) is bool(set(asked) - MISSING_HISTORY)
    assert cards_of(found, hook="order-sign", verbosity="all")


def test_questions_wait_for_the_signature() -> None:
    """With verbosity `action` an order that is only selected is not asked about; before it is signed it is."""
    found = advise(ACUTE, condition("icd:R39.14", 5))
    assert cards_of(found, hook="order-select", verbosity="action") == []
    assert cards_of(found, hook="order-sign", verbosity="action")
    assert cards_of(found, hook="order-select", verbosity="all")


def test_card_links_to_its_explanation() -> None:
    """With an address of the service a card leads to the page of its message, and says nothing of the patient there."""
    (card, *_) = respond([situation("acute pain")], shape(address="https://cds.test")).document["cards"]
    assert card["source"]["url"] == card["links"][0]["url"] == "https://cds.test/why/C-NOTAPP-6W"
    (card, *_) = respond([situation("acute pain")], shape()).document["cards"]
    assert "/why/" not in card["source"]["url"]


def test_explanation_is_codes_and_references_only() -> None:
    """The explanation tells outcome, messages and findings, and repeats no text of the record."""
    secret = "Zebulon Quartermaine"
    reason = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "G83.4", "display": secret}]}
    found = advise(
        condition(CAUDA_EQUINA, 3, note=[{"text": secret}]),
        device({"text": secret}),
        order=mri(reasonCode=[reason], note=[{"text": f"{secret} saddle numbness"}]),
        failed=["Observation"],
    )
    response = respond([found], shape(explain=True)).document
    (explained,) = response["extension"][ASSESSMENTS]
    assert set(explained) == {"order", "outcome", "messages", "findings", "limits", "ledger", "guideline"}
    assert explained["outcome"] == "EMERGENCY"
    assert explained["messages"][0] == "C-EMERG-CES"
    assert explained["guideline"] == {"id": GUIDELINE_ID, "version": GUIDELINE_VERSION}
    for finding in explained["findings"]:
        assert set(finding) - {"coded"} == {"criterion", "status", "evidence", "unavailable"}
    (ces,) = [finding for finding in explained["findings"] if finding["criterion"] == "R-CES"]
    assert {code["code"] for code in ces.pop("coded")} == {"G83.4"}
    assert ces == {
        "criterion": "R-CES",
        "status": "MET",
        "evidence": ["Condition/condition-icd-G83-4", "ServiceRequest/mri-1"],
        "unavailable": ["Observation"],
    }
    assert secret not in json.dumps(explained)


def test_explanation_can_be_left_out() -> None:
    """Without it, and without an order, the answer holds cards only."""
    assert set(respond([situation("acute pain")], shape()).document) == {"cards"}
    assert respond([], shape(explain=True)).document == {"cards": []}


def test_a_card_of_two_matters_has_no_more_to_choose_than_fits() -> None:
    """What an earlier study and open questions offer together is cut to the answers and to four reasons."""
    cancer = encounter(PAIN, 3, "e-cancer", reasonCode=[{"text": "back pain, cancer?"}])
    (card,) = cards_of(advise(ACUTE, HINT, cancer, report("cpt:72148", 20)), verbosity="action")
    assert len(card["suggestions"]) == 5
    assert [reason["display"] for reason in card["overrideReasons"]] == [
        "Six weeks of treatment have failed elsewhere",
        "A red flag is present that is not on record",
        "A specialist has planned this study",
        "There is a new indication since the earlier study",
    ]
