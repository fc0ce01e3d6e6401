"""What a form sends: a hook request of the same shape as an EHR's, and beside it the context and the answers.

The order and the record are read as those of any hook call; only the answers are the form's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, get_args

from cards.suggestions.forms import AnswerCode
from cds_service.protocol.envelope import HookRequest, read_hook_request
from cds_service.protocol.errors import BadRequestError
from cds_service.protocol.serialization import decode, decode_body, decode_members, encode
from fhir_mappings.questionnaire.implant import IMPLANT_ITEMS, Implant
from fhir_mappings.questionnaire.table import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cds_service.smart.contexts import FormContext, FormContexts

_HOOK: Final = "order-sign"
_CODES: Final = get_args(AnswerCode)
_LONGEST: Final = 500  # characters of what is typed of an implant


@dataclass(frozen=True, slots=True)
class FormRequest:
    """A form as it stands. `order_is_read` tells that the order is the EHR's own, not made from the context."""

    context: FormContext
    hook: HookRequest
    answers: Mapping[str, AnswerCode]
    implant: Implant | None
    order_is_read: bool


def read_form(body: bytes, contexts: FormContexts) -> FormRequest:
    """Return what a form sent; ContextError without a context of ours, BadRequestError for anything else amiss."""
    members = decode_body(body)
    form = decode_members(members.get("form", b"{}"), "form")
    context = contexts.read(decode(form.get("context", b"null"), "form.context"))
    hook = read_hook_request(body, _HOOK, strict_hook=False)
    is_read = bool(hook.draft_orders.get("entry"))
    if not is_read:
        if not context.study:
            message = "There is no order, and the card does not say by a code which study it was about."
            raise BadRequestError("required", message, "context.draftOrders")
        hook = read_hook_request(_with_order(members, context, hook.patient_id), _HOOK, strict_hook=False)
    return FormRequest(
        context,
        hook,
        _answers(decode(form.get("answers", b"{}"), "form.answers")),
        _implant(decode(form.get("implant", b"null"), "form.implant")),
        is_read,
    )


def _with_order(members: Mapping[str, Any], context: FormContext, patient_id: str) -> bytes:
    """Return the request with the order that the card was about, as far as the context tells it."""
    order = {
        "resourceType": "ServiceRequest",
        "id": context.order.rpartition("/")[2],
        "status": "draft",
        "intent": "order",
        "code": {"coding": [{"system": system, "code": code} for system, code in context.study]},
        "subject": {"reference": f"Patient/{patient_id}"},
    }
    drafts = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]}
    return encode({**members, "context": {**decode(members["context"], "context"), "draftOrders": drafts}})


def _answers(said: object) -> dict[str, AnswerCode]:
    if not isinstance(said, dict) or len(said) > len(QUESTIONS):
        raise BadRequestError("structure", "form.answers is not an object of answers by question.", "form.answers")
    for question, code in said.items():
        known = QUESTIONS.get(question)
        if known is None or not known.label or code not in _CODES:
            message = "form.answers holds a question or an answer that is none of ours."
            raise BadRequestError("value", message, "form.answers")
    return said


def _implant(said: object) -> Implant | None:
    if said is None:
        return None
    names = {item.name for item in IMPLANT_ITEMS}
    if (
        not isinstance(said, dict)
        or not said.keys() <= names
        or not all(isinstance(value, str) and len(value) <= _LONGEST for value in said.values())
    ):
        raise BadRequestError("structure", "form.implant is not an object of the screening's texts.", "form.implant")
    implant = Implant(**{name: " ".join(value.split()) for name, value in said.items()})
    return implant if any(said.values()) else None
