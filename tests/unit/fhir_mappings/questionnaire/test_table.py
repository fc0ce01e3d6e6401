"""The table of our own questions: complete, unambiguous, and short enough for a button."""

from __future__ import annotations

from collections import Counter

import pytest

from fhir_mappings.questionnaire.fixed_words import asked_by
from fhir_mappings.questionnaire.table import CHOICES, QUESTIONS, Question, by_link_id, published_questions
from fhir_mappings.terminology.code_systems import SNOMED_CT
from fhir_mappings.terminology.concepts import STATED_BY_ANSWERS
from tests.terminology import bundled_index
from tests.unit.fhir_mappings.words.test_matcher import TOPICS

PUBLISHED = published_questions()


@pytest.mark.parametrize("question", PUBLISHED, ids=lambda question: question.id)
def test_question_is_found_by_link_id_and_by_text(question: Question) -> None:
    """However its item comes back, it is this question."""
    assert by_link_id(question.link_id) is question
    for text in (question.text, question.item_text, f"Note: “numb; legs.” (5 Oct 2026): {question.text}"):
        assert asked_by(text) == (question, False)
    for text in question.inverted:
        assert asked_by(text) == (question, True)


def test_no_two_questions_share_their_words() -> None:
    """What is written for one question is never read as another."""
    said = [
        words.casefold() for item in PUBLISHED for words in (item.label, item.words(yes=True), item.words(yes=False))
    ]
    asked = [
        text.casefold() for item in PUBLISHED for text in dict.fromkeys((item.text, item.item_text, *item.inverted))
    ]
    assert [words for words, times in Counter((*said, *asked)).items() if times > 1] == []


@pytest.mark.parametrize("question", PUBLISHED, ids=lambda question: question.id)
def test_button_holds_its_words(question: Question) -> None:
    """Two of them, with the day and the words that only one may be chosen, stay under a hundred signs."""
    assert len(question.button) <= 28
    assert max(len(question.yes), len(question.short_no or question.no)) <= 73


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=lambda question: question.id)
def test_what_an_answer_says_is_known(question: Question) -> None:
    """Concepts, topics, priorities and other questions that the table names exist."""
    known = bundled_index().concept_ids | {*STATED_BY_ANSWERS, "implant_other"}
    assert not question.states or question.states in known
    assert question.topic in {"", *TOPICS}
    assert question.priority in ("", "urgent", "stat")
    assert {*question.choices, *question.closes, *filter(None, [question.none])} <= set(QUESTIONS)
    if question.code:
        assert question.states in bundled_index().concepts_of(SNOMED_CT, question.code)


def test_only_missing_history_may_lead_on() -> None:
    """A no that may change the advice is one to a question that no record raised."""
    leading = {question.id for question in PUBLISHED if question.leads_on}
    assert leading == {"red_flags", "indication", "onset", "therapy", "therapy_response"}
    assert set(CHOICES.values()) == {"which_red_flag"}


@pytest.mark.parametrize("link_id", [None, "", "ces", "lumbar-mri.", "lumbar-mri.nothing", "lumbar-mri"])
def test_other_link_ids_are_not_ours(link_id: str | None) -> None:
    """A form of somebody else may use any linkId."""
    assert by_link_id(link_id) is None
