"""The answers that a card offers: what they write, in which form, and what the next card says."""

from __future__ import annotations

from typing import Any

import pytest
from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse
from fhir.resources.R4B.servicerequest import ServiceRequest

from cards.guideline.guideline import GUIDELINE_VERSION, Outcome
from cards.response.client_shape import ClientShape
from tests.unit.cards.advice import ACUTE, HINT, PACEMAKER, WEAK_HINT, advise, cards_of, messages, situation
from tests.unit.fhir_mappings.records import PAIN, Resource, condition, encounter, mri

CANCER = encounter(PAIN, 3, "e-cancer", reasonCode=[{"text": "back pain, cancer?"}])
NOTES, FORMS, WORDS = (ClientShape(answers=style) for style in ("order-note", "questionnaire-response", "none"))
USER = "Practitioner/p-7"


def offered(*resources: Resource, client: ClientShape = NOTES, **how: Any) -> dict[str, list[Resource]]:
    """Return the actions of the suggestions that a card offers, by label."""
    cards = cards_of(advise(*resources, **how), client=client, user=USER, verbosity="action")
    return {item["label"]: item["actions"] for card in cards for item in card.get("suggestions", ())}


def test_answers_are_named_and_dated() -> None:
    """A no names what it denies and its day; a yes says what follows from it."""
    assert list(offered(ACUTE, HINT))[:2] == [
        "Bladder, bowel, saddle now: yes; raise to stat, call spine surgery",
        "Bladder, bowel, saddle now: no (asked 2 Jun)",
    ]


def test_note_says_who_answered_what_and_when() -> None:
    """The order comes back whole, with a note that a person can read, dated and signed."""
    order = mri(note=[{"text": "please call"}])
    (action,) = offered(ACUTE, HINT, order=order)["Bladder, bowel, saddle now: no (asked 2 Jun)"]
    kept, added = action["resource"].pop("note")
    assert kept == {"text": "please call"}
    assert added == {
        "text": "Bladder, bowel or saddle sign now (“back pain, possible cauda equina”): no (asked 2 Jun 2026).",
        "time": "2026-06-02",
        "authorReference": {"reference": USER},
    }
    assert action["resource"] == {key: value for key, value in order.items() if key != "note"}


def test_yes_raises_the_order_and_leads_to_the_emergency() -> None:
    """What was affirmed counts like a record of the day, stated in the order, with its actions on the next card."""
    (action,) = offered(ACUTE, HINT)["Bladder, bowel, saddle now: yes; raise to stat, call spine surgery"]
    ServiceRequest.model_validate(action["resource"])
    assert action["resource"]["priority"] == "stat"
    after = advise(ACUTE, HINT, order=action["resource"])
    (card,) = cards_of(after, verbosity="action")
    assert after.outcome is Outcome.EMERGENCY
    assert "a bladder, bowel or saddle sign" in card["summary"]
    assert "Call spine surgery" in card["summary"]


def test_no_order_is_raised_that_may_not_be_scanned() -> None:
    """While an implant holds the scan an answer is a note and nothing else."""
    for actions in offered(ACUTE, WEAK_HINT, PACEMAKER).values():
        for action in actions:
            assert action["type"] != "update" or "priority" not in action["resource"]


def test_two_questions_have_one_answer_that_denies_both() -> None:
    """Notes exclude each other, so two denials come in one, each by its name."""
    found = offered(ACUTE, HINT, CANCER)
    (action,) = found["None of these: Bladder, bowel, saddle now; Cancer, now or earlier (2 Jun)"]
    after = advise(ACUTE, HINT, CANCER, order=action["resource"])
    assert after.outcome is Outcome.CANNOT_DETERMINE
    assert cards_of(after, verbosity="action") == []
    assert len(found) == 5  # a yes and a no of each, and both denied: more are not read in five seconds


def test_forms_do_not_exclude_each_other() -> None:
    """As forms, each question is answered by itself, on a card that lets several be chosen."""
    cards = cards_of(advise(HINT, CANCER), client=FORMS, user=USER, verbosity="action")
    assert [card["selectionBehavior"] for card in cards] == ["any"]
    labels = [item["label"] for item in cards[0]["suggestions"]]
    assert not [label for label in labels if label.startswith("None of these")]
    found = offered(ACUTE, HINT, client=FORMS)
    (action,) = found["Bladder, bowel, saddle now: no (asked 2 Jun)"]
    response = action["resource"]
    QuestionnaireResponse.model_validate(response)
    assert action["type"] == "create"
    assert response["questionnaire"].endswith(f"/Questionnaire/lumbar-mri|{GUIDELINE_VERSION}")
    assert response["item"][0]["linkId"] == "lumbar-mri.hint_ces"
    create, update = found["Bladder, bowel, saddle now: yes; raise to stat, call spine surgery"]
    assert (create["type"], update["resource"]["priority"]) == ("create", "stat")
    single = offered(ACUTE, HINT, client=ClientShape("single", answers="questionnaire-response"))
    assert all(len(actions) == 1 for actions in single.values())


@pytest.mark.parametrize("client", [WORDS, ClientShape("info")])
def test_words_to_type_stand_on_the_card(client: ClientShape) -> None:
    """Where nothing can be pressed the question says in which words it is answered; they cost no words of the limit."""
    (card,) = cards_of(advise(ACUTE, HINT), client=client, verbosity="action")
    named = "“Bladder, bowel or saddle sign now (“back pain, possible cauda equina”): yes”"
    assert f"Type into the order {named} or “no”, then" in card["detail"]
    assert "then “(asked 2 Jun 2026)”" in card["detail"]
    assert not [item for item in card.get("suggestions", ()) if "saddle" in item["label"]]


def test_order_without_an_id_is_answered_in_words() -> None:
    """What cannot be changed cannot carry a note."""
    order = {key: value for key, value in mri().items() if key != "id"}
    (card,) = cards_of(advise(ACUTE, HINT, order=order), client=NOTES, verbosity="action")
    assert "Type into the order" in card["detail"]


def test_advice_to_wait_can_be_answered() -> None:
    """Six weeks that failed elsewhere end it quietly; a red flag that is not on record is asked which."""
    found = offered(ACUTE)
    (tried,), (flagged,) = found["Six weeks of treatment have failed elsewhere"], found["A red flag is present"]
    quiet = advise(ACUTE, order=tried["resource"])
    assert "C-NOTAPP-6W" not in messages(quiet)
    assert cards_of(quiet, verbosity="action") == []
    assert not [question for message in quiet.messages for question in message.questions]
    begins_today = advise(encounter(PAIN, 0), order=tried["resource"])
    assert begins_today.outcome is Outcome.APPROPRIATE
    asked = offered(ACUTE, order=flagged["resource"])
    assert list(asked) == [
        "Saddle, bladder, bowel sign: yes; raise to stat, call spine surgery",
        "New leg weakness: yes; raise to urgent",
        "Fever now: yes; raise to urgent",
        "Cancer, now or earlier: yes",
        "Fall from height, traffic: yes; raise to urgent",
        "No saddle/bladder/bowel sign, weakness, fever, cancer, weight loss/trauma (2 Jun)",
    ]
    (named,) = asked["New leg weakness: yes; raise to urgent"]
    assert advise(ACUTE, order=named["resource"]).outcome is Outcome.URGENT


def test_records_are_answered_for_by_name() -> None:
    """A no to an unread record ends the question for that record, and for no other that comes later."""
    first, second = (condition({"text": name}, 10, resource_id=name) for name in ("Xyzzyoma", "Plughitis"))
    (label, *_), (actions, *_) = zip(*offered(ACUTE, first).items(), strict=True)
    assert label == "Behind this pain: “Xyzzyoma”"
    assert "Behind this pain: “Xyzzyoma”" in actions[0]["description"]
    (no,) = offered(ACUTE, first)["Not behind this pain: “Xyzzyoma”"]
    assert cards_of(advise(ACUTE, first, order=no["resource"]), verbosity="action") == []
    later = advise(ACUTE, first, second, order=no["resource"])
    (card,) = cards_of(later, verbosity="action")
    assert "Plughitis" in card["detail"]
    assert "Xyzzyoma" not in card["detail"]


def _visit(text: str, name: str) -> Resource:
    return encounter(PAIN, 3, name, reasonCode=[{"text": text}])


@pytest.mark.parametrize("client", [NOTES, FORMS])
def test_a_hint_is_answered_for_by_name(client: ClientShape) -> None:
    """A no to what one note says ends the question for that note: another one of the same day asks."""
    first, second = _visit("foot drop?", "e-1"), _visit("weak legs since noon?", "e-2")
    no = next(actions for label, actions in offered(ACUTE, first, client=client).items() if "now: no" in label)[0]
    order = no["resource"] if client is NOTES else mri()
    given = () if client is NOTES else ({**no["resource"], "id": "answer"},)
    assert cards_of(advise(ACUTE, first, *given, order=order), verbosity="action") == []
    (card,) = cards_of(advise(ACUTE, first, second, *given, order=order), verbosity="action")
    assert "weak legs since noon" in card["detail"]
    assert "foot drop" not in card["detail"]


def test_a_risk_in_a_note_is_answered_by_its_name_alone() -> None:
    """That a risk applies says of no record which risk: without its name nothing is answered."""
    risk = _visit("back pain, on long-term prednisone, AIDS?", "e-risk")
    labels = [label for label in offered(ACUTE, risk) if "risk" in label]
    assert all("“" in label for label in labels)
    assert len(labels) == 2
    (no,) = offered(ACUTE, risk)[labels[1]]
    assert cards_of(advise(ACUTE, risk, order=no["resource"]), verbosity="action") == []
    nameless = mri(note=[{"text": "This risk applies now: no (asked 2 Jun 2026)."}])
    assert len(cards_of(advise(ACUTE, risk, order=nameless), verbosity="action")) == 1


def test_a_quoted_record_is_not_asked_about_twice() -> None:
    """What an answer quotes of a record is that record's, not another note."""
    both = _visit("foot drop? cancer?", "e-both")
    (no,) = offered(ACUTE, both)["Leg weakness now: no (asked 2 Jun)"]
    (card,) = cards_of(advise(ACUTE, both, order=no["resource"]), verbosity="action")
    assert card["detail"].count("cancer?") == 2  # the record, and the question


def test_mimic_that_was_affirmed_is_told_first() -> None:
    """Who answers that the aorta may be the pain is told to exclude it, and is not asked again."""
    aneurysm = condition("icd:I71.4", 10, resource_id="aorta")
    (yes,) = offered(ACUTE, aneurysm)["Aorta, kidney, bowel: yes"]
    (card,) = cards_of(advise(ACUTE, aneurysm, order=yes["resource"]), verbosity="action")
    assert card["summary"].startswith("Exclude aorta or kidney first")
    assert "Please answer" not in card["detail"]
    (no,) = offered(ACUTE, aneurysm)["Aorta, kidney, bowel: no (asked 2 Jun)"]
    assert cards_of(advise(ACUTE, aneurysm, order=no["resource"]), verbosity="action") == []


def test_an_answered_card_says_so_where_everything_is_shown() -> None:
    """With every message shown, the call says that the answers are noted and that nothing follows."""
    (no,) = offered(ACUTE, HINT)["Bladder, bowel, saddle now: no (asked 2 Jun)"]
    (card,) = cards_of(advise(ACUTE, HINT, order=no["resource"]))
    assert (card["indicator"], "today's answers are noted" in card["summary"]) == ("info", True)


def test_a_scan_that_is_held_is_not_argued_for() -> None:
    """Advice to remove an order that is held, and not due, is not crowded by ways to keep it."""
    offered_kinds = {
        action["type"]
        for card in cards_of(situation("pacemaker, acute pain"))
        for item in card["suggestions"]
        for action in item["actions"]
    }
    assert "update" not in offered_kinds
