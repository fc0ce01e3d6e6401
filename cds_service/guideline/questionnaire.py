"""The questions of the cards as a FHIR Questionnaire, for whoever lets an EHR ask them before the order is signed.

Every item has a linkId of its own, by which its answer is read back from any QuestionnaireResponse of the day.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response, request

from cards.guideline.guideline import GUIDELINE_VERSION
from cds_service.protocol.errors import ServiceError
from cds_service.protocol.published import Published
from cds_service.protocol.serialization import encode
from fhir_mappings.questionnaire.table import ANSWER_SYSTEM, QUESTIONNAIRE_URL, Question, published_questions
from fhir_mappings.terminology.code_systems import SNOMED_CT

if TYPE_CHECKING:
    from cards.guideline.wording import Wording
    from fhir_mappings.terminology.index import TerminologyIndex

_ID: Final = QUESTIONNAIRE_URL.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class QuestionnaireView:
    """The addresses of the one Questionnaire: by its id, and by its canonical address."""

    published: Published
    found: Published
    not_found: Published

    @classmethod
    def of(cls, index: TerminologyIndex, wording: Wording) -> QuestionnaireView:
        """Publish the Questionnaire of this version of the guideline."""
        resource = questionnaire(index, wording)
        bodies = (resource, _searchset([resource]), _searchset([]))
        return cls(*(Published(encode(body), "application/fhir+json") for body in bodies))

    def blueprint(self) -> Blueprint:
        """Return the route."""
        routes = Blueprint("questionnaire", __name__)
        routes.get("/fhir/Questionnaire")(self.search)
        routes.get("/fhir/Questionnaire/<questionnaire_id>")(self.read)
        return routes

    def search(self) -> Response:
        """Answer a search by `url`, as a QuestionnaireResponse names it: with the version or without."""
        url, _, version = request.args.get("url", QUESTIONNAIRE_URL).partition("|")
        version = version or request.args.get("version", "")
        is_it = url == QUESTIONNAIRE_URL and version in ("", GUIDELINE_VERSION)
        return (self.found if is_it else self.not_found).response()

    def read(self, questionnaire_id: str) -> Response:
        """Answer with the Questionnaire."""
        if questionnaire_id != _ID:
            message = f"No questionnaire has this id; there is one, /fhir/Questionnaire/{_ID}."
            raise ServiceError(HTTPStatus.NOT_FOUND, "not-found", message)
        return self.published.response()


def _searchset(resources: list[dict[str, Any]]) -> dict[str, Any]:
    entries = [{"fullUrl": item["url"], "resource": item, "search": {"mode": "match"}} for item in resources]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
    return {**bundle, "entry": entries} if entries else bundle


def questionnaire(index: TerminologyIndex, wording: Wording) -> dict[str, Any]:
    """Return the Questionnaire: one item a question, each answered by yes, no or unknown."""
    options = [
        {"valueCoding": {"system": ANSWER_SYSTEM, "code": code, "display": display}}
        for code, display in wording.get("questionnaire", "answers").items()
    ]
    return {
        "resourceType": "Questionnaire",
        "id": _ID,
        "url": QUESTIONNAIRE_URL,
        "version": GUIDELINE_VERSION,
        "name": "LumbarMriQuestions",
        "title": wording.text("questionnaire", "title"),
        "status": "active",
        "experimental": True,
        "subjectType": ["Patient"],
        "description": wording.text("questionnaire", "description"),
        "item": [_item(question, index, options) for question in published_questions()],
    }


def _item(question: Question, index: TerminologyIndex, options: list[dict[str, Any]]) -> dict[str, Any]:
    item: dict[str, Any] = {"linkId": question.link_id}
    if question.code:
        display = index.display_of(question.states, SNOMED_CT, question.code)
        item["code"] = [{"system": SNOMED_CT, "code": question.code, "display": display}]
    return item | {"text": question.item_text, "type": "choice", "answerOption": options}
