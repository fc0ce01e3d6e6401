"""Answers as a QuestionnaireResponse to the published Questionnaire, the one way in which buttons and the form write.

What is written here is read back by linkId, so that the next call and the radiologist find what was answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse

from cards.guideline.guideline import GUIDELINE_VERSION
from fhir_mappings.questionnaire.fixed_words import plain_name
from fhir_mappings.questionnaire.implant import IMPLANT_ITEMS, IMPLANT_LINK, Implant
from fhir_mappings.questionnaire.table import ANSWER_SYSTEM, QUESTIONNAIRE_URL, Question

AnswerCode = Literal["yes", "no", "unknown"]
# Who can be named as the author, of the references that a hook or a login may bear.
AUTHORS = ("Practitioner/", "Patient/", "RelatedPerson/", "PractitionerRole/")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answered question, with the names of the records that it is about."""

    question: Question
    code: AnswerCode
    names: tuple[str, ...] = ()


def answered_form(  # noqa: PLR0913 - what makes a form
    patient_id: str,
    day: date,
    answers: Sequence[Answer],
    *,
    user: str = "",
    implant: Implant | None = None,
    order: str = "",
    displays: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the answers as a completed form; `order` where the EHR holds the order that they are about."""
    items = [_item(answer, displays or {}) for answer in answers]
    response: dict[str, Any] = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"{QUESTIONNAIRE_URL}|{GUIDELINE_VERSION}",
        "status": "completed",
        "subject": {"reference": f"Patient/{patient_id}"},
        "authored": day.isoformat(),
        "item": [*items, *_screening(implant)],
    }
    if order:
        response["basedOn"] = [{"reference": order}]
    if user.startswith(AUTHORS):
        response["author"] = {"reference": user}
    QuestionnaireResponse.model_validate(response)
    return response


def _item(answer: Answer, displays: Mapping[str, str]) -> dict[str, Any]:
    question = answer.question
    names = ", ".join(f"“{plain_name(name)}”" for name in answer.names)
    coding = {"system": ANSWER_SYSTEM, "code": answer.code}
    if answer.code in displays:
        coding["display"] = displays[answer.code]
    text = f"{names}: {question.text}" if names else question.item_text
    return {"linkId": question.link_id, "text": text, "answer": [{"valueCoding": coding}]}


def _screening(implant: Implant | None) -> Iterable[dict[str, Any]]:
    """Yield what was answered of an implant, as one group."""
    if implant is None:
        return
    said = [
        {"linkId": item.link_id, "text": item.text, "answer": [{"valueString": value}]}
        for item in IMPLANT_ITEMS
        if (value := getattr(implant, item.name))
    ]
    if said:
        yield {"linkId": IMPLANT_LINK, "text": "MRI safety: the implant", "item": said}
