"""Advice on a form as it stands: by the same chart and the same rules as a hook call, with the answers in the chart.

The answers are put into the chart as the QuestionnaireResponse that would be saved, so that what the form shows live is
what the next hook call answers once it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cards.guideline.guideline import Indicator
from cards.response.explanation import name_of_answer
from cards.suggestions.answers import names_for
from cards.suggestions.forms import Answer, answered_form
from cds_service.form.labels import said_of_udi
from cds_service.form.questions import asked_of, question_of, screens_implant
from cds_service.pages.rendering.markdown import block_html
from cds_service.protocol.errors import BadRequestError, DataMissingError
from cds_service.protocol.serialization import encode
from fhir_mappings.fhir.prefetch import read_prefetch
from fhir_mappings.fhir.readings import with_resources
from fhir_mappings.fhir.sources import read_source
from fhir_mappings.questionnaire.fixed_words import written
from fhir_mappings.questionnaire.table import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from cards.decision.assessment import Assessment
    from cds_service.form.request import FormRequest
    from cds_service.hooks.adviser import Adviser
    from cds_service.protocol.trace import Trace
    from fhir_mappings.fhir.sources import SourceReading
    from fhir_mappings.orders.orders import ImagingOrder

_KEY: Final = "questionnaireResponses"
_TYPE: Final = "QuestionnaireResponse"
_ID: Final = "this-form"


@dataclass(frozen=True, slots=True)
class FormAdvice:
    """What a form is answered with; `before` is the assessment without its answers."""

    request: FormRequest
    before: Assessment
    now: Assessment
    response: Mapping[str, Any] | None
    answers: Sequence[Answer]


def advise(request: FormRequest, adviser: Adviser, today: date, trace: Trace) -> FormAdvice:
    """Return the advice on a form; ServiceError where there can be none."""
    hook = request.hook
    with trace.phase("read"):
        order = _one(adviser.orders(hook))
        readings = read_prefetch(hook.prefetch, adviser.client.sources, adviser.client.fhir.form)
    trace.orders = 1
    trace.sources = {key: f"prefetch:{reading.state.value}" for key, reading in readings.items()}
    before = _assessed(order, readings, request, adviser, today, trace)
    answers = [
        Answer(QUESTIONS[name], code, names_for(before, QUESTIONS[name])) for name, code in request.answers.items()
    ]
    if not answers and request.implant is None:
        return FormAdvice(request, before, before, None, ())
    response = answered_form(
        hook.patient_id,
        before.answered_on,
        answers,
        user=hook.user_id,
        implant=request.implant,
        order=order.reference if request.order_is_read and order.id else "",
        displays=adviser.wording.get("questionnaire", "answers"),
    )
    given = read_source(encode({**response, "id": _ID}), _TYPE)
    with_answers = {**readings, _KEY: with_resources(readings[_KEY], given.resources)}
    now = _assessed(order, with_answers, request, adviser, today, trace)
    trace.outcomes = (now.outcome.value,)
    trace.messages = tuple(message.id for message in now.messages)
    return FormAdvice(request, before, now, response, answers)


def _one(orders: Sequence[ImagingOrder]) -> ImagingOrder:
    """Return the order that a form is about: of several the one written last."""
    if not orders:
        message = "None of the orders is one for an MRI of the lumbar spine."
        raise BadRequestError("not-found", message, "context.draftOrders")
    return max(orders, key=lambda order: str(order.resource.get("authoredOn") or ""))


def _assessed(  # noqa: PLR0913, PLR0917 - what is assessed, by what, and when
    order: ImagingOrder,
    readings: Mapping[str, SourceReading],
    request: FormRequest,
    adviser: Adviser,
    today: date,
    trace: Trace,
) -> Assessment:
    with trace.phase("chart"):
        chart = adviser.chart(request.hook.patient_id, readings)
    if chart.missing_required:
        raise DataMissingError(chart.missing_required)
    with trace.phase("assess"):
        return adviser.assess([order], chart, today)[0]


def document_of(advice: FormAdvice, adviser: Adviser) -> dict[str, Any]:
    """Return the advice as the form reads it: what it comes to, the cards, what is open, and what would be saved."""
    wording, now = adviser.wording, advice.now
    answered = [answer.question.id for answer in advice.answers]
    asked = [name for name in asked_of(now, advice.request.context.questions) if name not in answered]
    told = adviser.respond([now], advice.request.hook)
    implant = advice.request.implant
    cards = zip(told.document["cards"], told.sent[0].cards, strict=True)
    return {
        "order": wording.text("orders", now.order.contrast.value),
        "orderIsRead": advice.request.order_is_read,
        "outcome": now.outcome.value,
        "answer": _answer(now, adviser),
        "cards": [_card(card, sent.messages) for card, sent in cards],
        "answered": [question_of(name, advice.before, wording).document() for name in answered],
        "open": [question_of(name, _asking(name, advice), wording).document() for name in asked],
        "implant": screens_implant(now) or screens_implant(advice.before) or implant is not None,
        "udi": said_of_udi(implant.udi if implant else "", adviser.labels, wording),
        "response": advice.response,
        "words": _words(advice),
    }


def _asking(question: str, advice: FormAdvice) -> Assessment:
    """Return the assessment that asks a question: the first one, unless only an answer has led to it."""
    return advice.before if question in asked_of(advice.before, ()) else advice.now


def _answer(assessment: Assessment, adviser: Adviser) -> str:
    warned = any(message.indicator is not Indicator.INFO for message in assessment.messages)
    name = name_of_answer(assessment.outcome, warned=warned, held=assessment.unscannable)
    return adviser.wording.text("explanation", "answers", name)


def _card(card: Mapping[str, Any], messages: Sequence[str]) -> dict[str, Any]:
    # A card that does nothing but ask would ask once more what stands below it.
    html = "" if set(messages) == {"C-INFO-NEED"} else str(block_html(card.get("detail", "")))
    return {"indicator": card["indicator"], "summary": card["summary"], "html": html}


def _words(advice: FormAdvice) -> str:
    """Return the fixed words of the answers, for an order that must hold them because the EHR takes no form."""
    day = advice.now.answered_on
    said = [
        written(answer.question, day, yes=answer.code == "yes", named=answer.names)
        for answer in advice.answers
        if answer.code != "unknown"
    ]
    return " ".join(f"{words}." for words in said)
