"""What must hold once a clinician has answered every card: never silent about a danger, never for new evidence."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from hypothesis import assume, given
from hypothesis import strategies as st

from cards.guideline.guideline import Indicator
from cards.response.client_shape import ClientShape, ResponseShape
from cards.response.memory import Answer, Memory
from cards.response.response import Response, respond
from tests.property.advice import Answer as Advice
from tests.property.advice import Case, Resource, advise, wording
from tests.property.charts import devices
from tests.property.profile import law
from tests.property.stories import cases, red_flags
from tests.property.test_laws import with_record

AT = datetime(2026, 6, 2, 10, 5, tzinfo=UTC)
ALLERGIES = {"allergy_gadolinium", "allergy_unclear"}
ONE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"


def seal(text: str) -> str:
    """Hash a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def told(advice: Advice, *answers: Answer, verbosity: str = "all") -> Response:
    """Return the response about an order, given what was answered."""
    shape = ResponseShape(ONE, "order-sign", wording(), verbosity=verbosity, client=ClientShape())  # type: ignore[arg-type]
    return respond([advice.assessment], shape, Memory(seal, answers))


def answers_to(response: Response, outcome: str) -> list[Answer]:
    """Return the answers of somebody who overrode every card, or took every suggestion."""
    (sent,) = response.sent
    if outcome == "overridden":
        return [Answer(AT, "overridden", "x", frozenset(card.message_keys), card.marks) for card in sent.cards]
    return [
        Answer(AT, "accepted", "", frozenset(card.message_keys), marks)
        for card in sent.cards
        for marks in card.suggestion_marks
    ]


def dangers(advice: Advice) -> set[str]:
    """Return the messages that must never be silent: critical, implants, allergy to contrast."""
    return {
        message.id
        for message in advice.assessment.messages
        if message.indicator is Indicator.CRITICAL
        or (message.id in ("C-MR-COND", "C-MR-UNKNOWN") and message.indicator is not Indicator.INFO)
        or (message.id == "C-CONTRAST-SAFETY" and ALLERGIES & set(message.variants))
    }


def said(response: Response) -> set[str]:
    """Return the messages that stand on cards."""
    return {message for card in response.sent[0].cards for message in card.messages}


VERBOSITIES = st.sampled_from(("all", "action"))


@law(150)
@given(cases(), st.one_of(red_flags(), devices()), st.sampled_from(("accepted", "overridden")), VERBOSITIES)
def test_an_answer_never_silences_a_danger(case: Case, more: Resource, outcome: str, verbosity: str) -> None:
    """Whatever was answered, an emergency, an implant and an allergy to contrast are told while they hold."""
    advice = advise(with_record(case, more))
    before = told(advice, verbosity=verbosity)
    after = told(advice, *answers_to(before, outcome), verbosity=verbosity)
    assert dangers(advice) <= said(after) <= said(before)


@law(100)
@given(cases(), red_flags(), VERBOSITIES)
def test_new_evidence_is_told_in_full(case: Case, flag: Resource, verbosity: str) -> None:
    """A message with evidence that was not shown before is told as if nothing had been answered."""
    first, second = advise(case), advise(with_record(case, flag))
    answers = answers_to(told(first, verbosity=verbosity), "overridden")
    known = {(message.id, frozenset(message.evidence), message.variants) for message in first.assessment.messages}
    news = {
        message.id
        for message in second.assessment.messages
        if (message.id, frozenset(message.evidence), message.variants) not in known
    }
    usual, after = told(second, verbosity=verbosity), told(second, *answers, verbosity=verbosity)
    assume(news & said(usual))
    full = {message for card in after.sent[0].cards for message in card.messages} - {
        item.message for item in after.sent[0].not_repeated
    }
    pressing = {m.id for m in second.assessment.messages if m.indicator is not Indicator.INFO}
    assert news & said(usual) & pressing <= full


@law(80)
@given(cases(), VERBOSITIES)
def test_nothing_is_asked_twice(case: Case, verbosity: str) -> None:
    """The same call after an override brings lines only, with nothing to press."""
    advice = advise(case)
    before = told(advice, verbosity=verbosity)
    after = told(advice, *answers_to(before, "overridden"), verbosity=verbosity)
    assert not [card for card in after.document["cards"] if {"suggestions", "overrideReasons"} & set(card)]
    assert said(after) <= dangers(advice)
