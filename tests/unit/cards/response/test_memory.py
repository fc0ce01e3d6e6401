"""What was answered is not asked again, and what must not be silent is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cards.response.client_shape import ClientShape, SiteCode
from cards.response.memory import Memory, is_never_silent
from cards.response.response import ASSESSMENTS, respond
from tests.unit.cards.advice import LONG, SITUATIONS, WITH_BOTH, advise, messages, shape, situation
from tests.unit.cards.response.answering import (
    AT,
    EMPTY,
    REASON,
    accepted,
    overridden,
    remembering,
    sent_cards,
    updated,
)
from tests.unit.fhir_mappings.records import (
    PAIN,
    allergy,
    coded,
    condition,
    device,
    encounter,
    mri,
    observation,
    procedure,
    quantity,
)

if TYPE_CHECKING:
    from cards.decision.assessment import Assessment
    from cards.response.response import Response

CAUDA_EQUINA = "icd:G83.4"
ALLERGY = (LONG, procedure("cpt:63030", 900), allergy("rx:1310171"))


def first(assessment: Assessment, **changes: Any) -> Response:
    """Return the response before anything was answered."""
    return respond([assessment], shape(**changes), EMPTY)


def again(assessment: Assessment, *before: Response, **changes: Any) -> Response:
    """Return the response once every card of earlier ones was overridden with a reason."""
    answers = [overridden(card) for response in before for card in sent_cards(response)]
    return respond([assessment], shape(**changes), remembering(*answers))


def told(response: Response) -> list[str]:
    """Return the messages that stand on cards."""
    return [message for card in sent_cards(response) for message in card.messages]


@pytest.mark.parametrize("verbosity", ["all", "action"])
@pytest.mark.parametrize("name", SITUATIONS)
def test_overridden_card_is_not_repeated(name: str, verbosity: str) -> None:
    """The same order and evidence bring no card again, but a line of whatever must not be silent, with no button."""
    found = situation(name)
    response = again(found, first(found, verbosity=verbosity), verbosity=verbosity)
    said = {message for card in sent_cards(first(found, verbosity=verbosity)) for message in card.messages}
    kept = [message.id for message in found.messages if is_never_silent(message) and message.id in said]
    assert sorted(told(response)) == sorted(kept)
    for card in response.document["cards"]:
        assert not {"suggestions", "overrideReasons"} & set(card)
        assert "\n" not in card["detail"]


@pytest.mark.parametrize("name", ["cauda equina", "unsafe implant"])
def test_line_says_what_is_to_be_done_and_what_was_answered(name: str) -> None:
    """An emergency and an implant keep their level and their summary."""
    found = situation(name)
    before = first(found)
    (card,) = again(found, before).document["cards"]
    assert card["indicator"] == "critical"
    assert card["summary"] == before.document["cards"][0]["summary"]
    assert "overridden: The finding has a known other cause" in card["detail"]
    assert card["uuid"] != before.document["cards"][0]["uuid"]


def test_line_names_everything_that_must_not_be_silent() -> None:
    """An implant on the card of an emergency is not lost when the card shrinks."""
    found = advise(condition(CAUDA_EQUINA, 3), device("sct:14106009", "ncit:C106047"))
    response = again(found, first(found))
    (card,) = response.document["cards"]
    assert {"C-EMERG-CES", "C-MR-UNSAFE"} <= set(told(response))
    assert "**Also:**" in card["detail"]


def test_reason_of_the_client_is_not_repeated() -> None:
    """A reason that is none of ours was written by somebody else, and is only said to have been given."""
    found = situation("cauda equina")
    (sent,) = sent_cards(first(found))
    response = respond([found], shape(), remembering(overridden(sent, "<b>their own</b>")))
    (card,) = response.document["cards"]
    assert "overridden with a reason" in card["detail"]
    assert "their own" not in card["detail"]


NEWS: dict[str, Any] = {
    "a code": {"order": mri("loinc:30679-5", reasons=[PAIN])},
    "a contrast class": {"order": mri(WITH_BOTH, reasons=[PAIN])},
    "a priority": {"order": mri(reasons=[PAIN], priority="urgent")},
}


@pytest.mark.parametrize("change", NEWS)
def test_another_order_is_another_question(change: str) -> None:
    """What was answered for one study is not taken as an answer for another."""
    acute = condition(PAIN, 10)
    before = first(advise(acute, order=mri(reasons=[PAIN])))
    assert told(before)
    assert told(again(advise(acute, **NEWS[change]), before))


def test_one_more_coding_is_the_same_order() -> None:
    """An EHR that adds a code of its own to the study has not chosen another."""
    acute, order = condition(PAIN, 10), mri(reasons=[PAIN])
    before = first(advise(acute, order=order))
    local = {"system": "urn:local", "code": "IMG77"}
    assert (
        told(again(advise(acute, order={**order, "code": {"coding": [local, *order["code"]["coding"]]}}), before)) == []
    )


def test_draft_made_anew_is_the_same_order() -> None:
    """Deleting the draft and choosing the same study again does not bring the card back."""
    acute = condition(PAIN, 10)
    before = first(advise(acute, order=mri(reasons=[PAIN])))
    assert told(again(advise(acute, order=mri(id="another", reasons=[PAIN])), before)) == []


def test_new_evidence_brings_the_card_back() -> None:
    """One more sign of the same kind is told in full."""
    before = first(advise(condition(CAUDA_EQUINA, 3)))
    after = again(advise(condition(CAUDA_EQUINA, 3), condition("icd:R33.9", 0)), before)
    assert after.document["cards"][0]["suggestions"]


@pytest.mark.parametrize(
    "more",
    [
        condition("icd:R20.0", 0, resource_id="numb"),
        condition("icd:R53.1", 0, resource_id="weak"),
        encounter(PAIN, 0, "e-note", reasonCode=[{"text": "back pain, saddle numbness?"}]),
    ],
    ids=["numbness", "weakness", "words"],
)
def test_what_would_ask_is_news_in_an_emergency(more: dict[str, Any]) -> None:
    """An emergency that was overridden comes back in full with a record that would raise a question by itself."""
    retention = condition("icd:R33.9", 3)
    before = first(advise(retention))
    (line,) = again(advise(retention), before).document["cards"]
    assert "suggestions" not in line
    (card,) = again(advise(retention, more), before).document["cards"]
    assert card["suggestions"]


def test_record_that_raises_the_same_question_is_new() -> None:
    """A second record that nobody could read asks again, although the question is the same."""
    one = condition({"text": "Extradural abscess of spine"}, 5, id="one")
    other = condition({"text": "Extradural abscess of spine"}, 4, id="other")
    before = first(advise(condition(PAIN, 10), one))
    assert again(advise(condition(PAIN, 10), one), before).document["cards"] == []
    assert "C-INFO-NEED" in told(again(advise(condition(PAIN, 10), one, other), before))


def test_card_that_told_some_of_the_questions_is_answered_too() -> None:
    """Missing history that `action` leaves out of a card does not make the card another one the next time."""
    found = advise(condition(PAIN, 10), condition("icd:R39.14", 5), absent=["Observation"])
    before = first(found, verbosity="action")
    (asked,) = (message for message in found.messages if message.id == "C-INFO-NEED")
    assert len(asked.questions) > 1
    assert "C-INFO-NEED" in told(before)
    assert told(again(found, before, verbosity="action")) == []


def test_only_what_is_new_is_told_beside_what_was_answered() -> None:
    """A warning that was overridden stays away when another one joins it."""
    surgery = (LONG, procedure("cpt:63030", 900))
    before = first(advise(*surgery, order=mri(reasons=[PAIN])))
    assert "C-CONTRAST-ADD" in told(before)
    kidneys = observation("loinc:33914-3", 5, valueQuantity=quantity(20))
    after = told(again(advise(*surgery, kidneys, order=mri(reasons=[PAIN])), before))
    assert "C-CONTRAST-SAFETY" in after
    assert "C-CONTRAST-ADD" not in after


def test_contrast_allergy_is_never_silent() -> None:
    """A line is left while the order asks for contrast."""
    found = advise(*ALLERGY, order=mri(WITH_BOTH, reasons=[PAIN]))
    before = first(found)
    assert "C-CONTRAST-SAFETY" in told(before)
    (card,) = again(found, before).document["cards"]
    assert "allergy" in card["summary"]
    assert again(found, before, verbosity="action").document["cards"]


def test_accepted_change_counts_when_the_order_carries_it() -> None:
    """With stat set the emergency is one line; without, the full card is back."""
    evidence = condition(CAUDA_EQUINA, 3)
    before = first(advise(evidence))
    (card,) = sent_cards(before)
    memory = remembering(accepted(card, "raise-priority"))
    (line,) = respond([advise(evidence, order=updated(before, "raise-priority"))], shape(), memory).document["cards"]
    assert line["summary"].startswith("Stat is set. Call spine surgery")
    assert line["summary"].endswith(" on record.")
    assert "suggestions" not in line
    (full,) = respond([advise(evidence)], shape(), memory).document["cards"]
    assert full["suggestions"]


def test_accepted_date_counts_when_the_order_carries_it() -> None:
    """Any element that a suggestion changes is looked for, not only the priority."""
    nearly = condition(PAIN, 39)
    before = first(advise(nearly, order=mri(reasons=[PAIN])))
    (card,) = sent_cards(before)
    memory = remembering(accepted(card, "redate"))
    assert told(respond([advise(nearly, order=updated(before, "redate"))], shape(), memory)) == []
    assert told(respond([advise(nearly, order=mri(reasons=[PAIN]))], shape(), memory))


def test_accepted_tests_count_when_they_are_drafted() -> None:
    """Orders that were to be added must be among the drafts."""
    risk = (LONG, condition("icd:Z85.3", 900))
    before = first(advise(*risk, order=mri(reasons=[PAIN])))
    card = next(card for card in sent_cards(before) if "labs" in {key for _, key in card.suggestions})
    memory = remembering(accepted(card, "labs"))
    drafted = [mri(code, id=code[-5:]) for code in ("loinc:30341-2", "loinc:1988-5")]
    carried = advise(*risk, order=mri(reasons=[PAIN]), others=drafted)
    assert "C-V7-RISK" not in told(respond([carried], shape(), memory))
    assert "C-V7-RISK" in told(respond([advise(*risk, order=mri(reasons=[PAIN]))], shape(), memory))


def test_other_order_alone_does_not_silence_what_it_was_to_replace() -> None:
    """Where a client adds the other order and removes the MRI by two presses, one of them is not the whole advice."""
    client = ClientShape("catalogue", orderables={"pt_referral": SiteCode("urn:example:orders", "PT")})
    acute = condition(PAIN, 10)
    before = first(advise(acute), client=client)
    (card,) = sent_cards(before)
    memory = remembering(accepted(card, "therapy-instead"))
    (created,) = (
        action["resource"]
        for suggestion in before.document["cards"][0]["suggestions"]
        for action in suggestion["actions"]
        if action["type"] == "create"
    )
    therapy = {**created, "id": "pt", "code": coded("sct:306170007")}
    still_there = advise(acute, others=[therapy])
    assert "pt_referral" in still_there.order.sibling_concepts
    assert "C-NOTAPP-6W" in told(respond([still_there], shape(client=client), memory))


def test_removal_that_was_not_carried_out_counts_for_nothing() -> None:
    """An order that was to be removed and is there all the same brings its card."""
    found = situation("acute pain")
    before = first(found)
    (card, *_) = sent_cards(before)
    assert told(respond([found], shape(), remembering(accepted(card, "therapy-instead")))) == told(before)


def test_nothing_is_kept_without_a_memory() -> None:
    """Without a user there is nothing to recognise anything by."""
    (card,) = sent_cards(respond([situation("cauda equina")], shape(), Memory()))
    assert (card.message_keys, card.marks, set(card.suggestion_marks)) == ((), (), {()})


def test_what_is_kept_says_nothing_of_the_patient() -> None:
    """Keys and marks are hashes, names of elements and our own names of tests."""
    kept = [
        part
        for name in SITUATIONS
        for card in sent_cards(first(situation(name)))
        for part in (*card.message_keys, *card.marks, *(mark for marks in card.suggestion_marks for mark in marks))
    ]
    names = {"code", "contrast", "priority", "occurrenceDateTime", "note"}
    for part in kept:
        elements, _, held = part.rpartition("=")
        assert part.startswith("+") or (len(held) == 32 and set(elements.split(",")) - {""} <= names)


def test_explanation_tells_what_was_not_repeated() -> None:
    """When it was shown, what was answered, and whether a line is left."""
    found = situation("acute pain")
    response = again(found, first(found), explain=True)
    (explained,) = response.document["extension"][ASSESSMENTS]
    (entry, *_) = explained["notRepeated"]
    assert entry["message"] == "C-NOTAPP-6W"
    assert (entry["shownAt"], entry["outcome"], entry["now"]) == (AT.isoformat(), "overridden", "silent")
    assert {item.message for item in response.sent[0].not_repeated} <= set(messages(found))
    assert REASON not in str(explained["notRepeated"])


@pytest.mark.parametrize("style", ["replace", "update", "single", "catalogue", "info"])
def test_each_style_is_remembered(style: Any) -> None:
    """What is kept does not depend on how a client takes suggestions."""
    found, client = situation("unsafe implant"), ClientShape(style)
    (card,) = again(found, first(found, client=client), client=client).document["cards"]
    assert "Told in full earlier" in card["detail"]


def test_reason_by_a_code_of_the_site_is_told_in_our_words() -> None:
    """What a client's own code stands for is said, as if our code had come back."""
    client = ClientShape(override_reasons={"device-cleared": SiteCode("urn:site", "77")})
    found = situation("unsafe implant")
    (card,) = sent_cards(first(found, client=client))
    (line,) = respond([found], shape(client=client), remembering(overridden(card, "77"))).document["cards"]
    assert "has cleared the implant" in line["detail"]


def test_device_of_another_kind_is_new() -> None:
    """A second implant is told in full."""
    one, two = device("sct:14106009", id="one"), device("sct:72506001", id="two")
    before = first(advise(LONG, one, order=mri(reasons=[PAIN])))
    after = again(advise(LONG, one, two, order=mri(reasons=[PAIN])), before)
    assert any(card.get("overrideReasons") for card in after.document["cards"])


@pytest.mark.parametrize(("style", "kept"), [("order-note", True), ("questionnaire-response", False)])
def test_pressed_answer_counts_by_what_the_next_call_carries(style: Any, kept: bool) -> None:
    """An answer on the order is looked for there; one on a form is not remembered: without it the question is back."""
    client = ClientShape(answers=style)
    asked = situation("acute pain, a hint")
    before = first(asked, client=client)
    (card,) = sent_cards(before)
    assert bool(accepted(card, "answer-hint_ces-no").marks) is kept
    after = respond([asked], shape(client=client), remembering(accepted(card, "answer-hint_ces-no")))
    assert told(after) == told(before)
