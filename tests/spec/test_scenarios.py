"""Every scenario through the application, for both hooks: outcome, messages, indicator, and what must not be said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest

from cards.guideline.guideline import MESSAGES, Outcome
from cards.response.measure import counted_words
from cards.response.response import ASSESSMENTS
from cds_service.app import create_app
from cds_service.config.settings import load_settings
from cds_service.hooks.storage import Storage
from cds_service.protocol import schemas
from tests.spec.scenarios import ORDER, Scenario, load
from tests.spec.wording_rules import reassurances

SCENARIOS = load()
HOOKS = {"order-select": "lumbar-mri-order-select", "order-sign": "lumbar-mri-order-sign"}
# The beginning of a forbidden phrase and the beginning of the messages it forbids.
FORBIDDEN = {
    "NOT_APPROPRIATE card": "C-NOTAPP",
    "EMERGENCY card": "C-EMERG",
    "URGENT card": "C-URG",
    "URGENT cancer card": "C-URG-CANCER",
    "URGENT trauma card": "C-URG-TRAUMA",
    "CONTRAINDICATED card": "C-MR-UNSAFE",
    "SAFETY_HOLD card": "C-MR-HOLD",
}


@pytest.fixture(scope="module")
def client() -> Any:
    """A client of the application, whose today is long after the scenarios."""
    settings = load_settings({})
    app = create_app(settings, clock=lambda: datetime(2026, 1, 15, tzinfo=UTC), storage=Storage())
    return app.test_client()


def _answer(client: Any, scenario: Scenario, hook: str) -> dict[str, Any]:
    response = client.post(f"/cds-services/{HOOKS[hook]}", json=scenario.request(hook))
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.get_json()
    assert schemas.HOOK_RESPONSE.errors(answer) == []
    return answer


def _assessment(answer: dict[str, Any]) -> tuple[str, list[str]]:
    """Return the outcome and the messages; an order that is not listed is not ours."""
    listed = answer.get("extension", {}).get(ASSESSMENTS, [])
    for item in listed:
        if item["order"] == f"ServiceRequest/{ORDER}":
            return item["outcome"], item["messages"]
    return Outcome.OUT_OF_SCOPE.value, []


def _fits(expected: dict[str, Any], outcome: str, messages: list[str], cards: list[dict[str, Any]]) -> bool:
    """Whether an answer is the one expected: its outcome, its messages with the first one first, and its level."""
    if outcome != expected["outcome"] or not set(expected["cards"]) <= set(messages):
        return False
    if not expected["cards"]:
        return cards == []
    return bool(messages[0] == expected["cards"][0] and cards[0]["indicator"] == expected["indicator"])


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_scenario(client: Any, scenario: Scenario, hook: str) -> None:
    """Outcome, messages, their order and the first indicator are as expected, and the cards keep the rules."""
    answer = _answer(client, scenario, hook)
    outcome, messages = _assessment(answer)
    expected = scenario.expected
    accepted = [expected, *expected.get("accepts", ())]
    found = [item for item in accepted if _fits(item, outcome, messages, answer["cards"])]
    assert found, f"{scenario.title}: got {outcome} {messages} {[card['indicator'] for card in answer['cards']]}"
    if hook == "order-sign":
        _check_cards(answer, scenario)
    for phrase in expected.get("must_not") or []:
        for start, prefix in FORBIDDEN.items():
            if phrase.startswith(start):
                assert not [message for message in messages if message.startswith(prefix)], phrase


def _check_cards(answer: dict[str, Any], scenario: Scenario) -> None:
    """No card reassures, there are at most three, and what they suggest is valid FHIR about this order."""
    order = scenario.request("order-sign")["context"]["draftOrders"]["entry"][0]["resource"]
    assert len(answer["cards"]) <= 3
    forbidden_to_scan = {"C-MR-UNSAFE", "C-MR-HOLD"} & set(_assessment(answer)[1])
    for card in answer["cards"]:
        assert reassurances(card) == []
        assert sum(suggestion.get("isRecommended", False) for suggestion in card.get("suggestions", [])) <= 1
        for suggestion in card.get("suggestions", []):
            for action in suggestion["actions"]:
                _check_action(action, order, scannable=not forbidden_to_scan)


def _check_action(action: dict[str, Any], order: dict[str, Any], *, scannable: bool) -> None:
    if action["type"] == "delete":
        assert action["resourceId"] == f"ServiceRequest/{ORDER}"
        return
    resource = action["resource"]
    ServiceRequest.model_validate(resource)
    assert resource["subject"] == order["subject"]
    if action["type"] == "update":
        changed = {name for name in order.keys() | resource.keys() if order.get(name) != resource.get(name)}
        answered = {"note"} if "“" in action["description"] else set()
        assert changed - answered <= {"priority", "code", "occurrenceDateTime"}
        assert scannable or changed == {"note"}, "an order that may not be scanned is changed"


@pytest.fixture(scope="module")
def brief() -> Any:
    """A client of the application that interrupts for what can be acted on only."""
    settings = load_settings({}, verbosity="action")
    app = create_app(settings, clock=lambda: datetime(2026, 1, 15, tzinfo=UTC), storage=Storage())
    return app.test_client()


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.id)
def test_card_is_read_in_five_seconds(client: Any, brief: Any, scenario: Scenario) -> None:
    """Within its words on both hooks and in both verbosities: 60, pressing or on an implant 80, both at once 110."""
    for hook in HOOKS:
        for card in (*_answer(client, scenario, hook)["cards"], *_answer(brief, scenario, hook)["cards"]):
            *told, standing = card["detail"].split("\n\n")
            assert "Not validated by clinicians" in standing
            topic, critical = card["source"]["topic"]["code"], card["indicator"] == "critical"
            meets = topic.startswith("CEMERG") and "implant" in card["detail"]
            most = 110 if meets else 80 if critical or topic.startswith("CMR") else 60
            assert counted_words(told) <= most, card["detail"]


def test_every_scenario_has_its_own_id() -> None:
    """No scenario hides another one."""
    ids = [scenario.id for scenario in SCENARIOS]
    assert len(ids) == len(set(ids))


def test_expectations_name_known_messages() -> None:
    """A scenario that expects a message that does not exist would never be noticed otherwise."""
    assert {name for scenario in SCENARIOS for name in scenario.expected["cards"]} <= set(MESSAGES)
    assert {scenario.expected["outcome"] for scenario in SCENARIOS} <= set(Outcome)
