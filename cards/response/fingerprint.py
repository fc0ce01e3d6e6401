"""What a message rests on, and what of an order has to stay the same, as texts that are equal while nothing changes.

Such a text holds data of the patient and never leaves the process: whoever keeps something keeps a keyed hash of it.
What it leaves out is on purpose: the id of the draft order, since an order that is drafted anew is not another, and
the date of what the order itself says, since that is always the day of the call.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from cards.decision.assessment import Assessment
from cards.decision.decision import ASKING_CRITERIA, Message
from fhir_mappings.criteria.findings import Evidence, Finding
from fhir_mappings.orders.orders import ImagingOrder

# What makes an order another order, whatever was answered about it.
IDENTITY = ("code", "contrast", "priority")
_ENCODER = json.JSONEncoder(sort_keys=True, default=str)


def message_text(assessment: Assessment, message: Message) -> str:
    """Return what a message says of which records, and which records raised its questions."""
    order = assessment.order.reference
    evidence = [*message.evidence]
    # What decided may be the same while something new was weighed beside it.
    evidence += [item for name in message.criteria for item in assessment.findings[name].weighed]
    unread: list[str] = []
    questions = {*message.questions}
    for finding in _behind_questions(assessment, message):
        evidence += [*finding.evidence, *finding.asked, *finding.weighed]
        unread += finding.unread
        questions |= {*finding.questions} if message.id.startswith("C-EMERG-") else set()
    return _text(
        {
            "message": message.id,
            "indicator": message.indicator.value,
            "variants": sorted(message.variants),
            "questions": sorted(questions),
            "sources": sorted(message.sources),
            "evidence": sorted({_text(_told(item, order)) for item in evidence}),
            "unread": sorted(set(unread)),
        }
    )


def order_texts(resource: Mapping[str, Any], contrast: str, elements: Iterable[str] = IDENTITY) -> tuple[str, ...]:
    """Return some elements of an order, by name, once for each coding: a client that adds one has not changed the code.

    `contrast` is its contrast class, which is no element of FHIR.
    """
    fixed = {"contrast": contrast, "priority": resource.get("priority") or "routine"}
    named = tuple(elements)
    return tuple(
        _text({name: {**fixed, "code": code}.get(name, resource.get(name)) for name in named})
        for code in _codes(resource)
    )


def changed_elements(order: ImagingOrder, resource: Mapping[str, Any]) -> tuple[str, ...]:
    """Return which elements of an order an update changes; a rating is no change of the order."""
    names = {*order.resource, *resource} - {"extension", "code", "priority"}
    return tuple(sorted(name for name in names if _text(order.resource.get(name)) != _text(resource.get(name))))


def _behind_questions(assessment: Assessment, message: Message) -> list[Finding]:
    """Return the findings behind the questions of a message: whatever they rest on may have raised one.

    An emergency puts no questions, and what raises one is news to whoever overrode it.
    """
    is_asking = bool(message.questions) or message.id.startswith("C-EMERG-")
    return [
        finding
        for name, finding in assessment.findings.items()
        if (is_asking and name in ASKING_CRITERIA) or not set(finding.questions).isdisjoint(message.questions)
    ]


def _told(item: Evidence, order: str) -> list[Any]:
    own = item.reference == order
    return [
        "order" if own else item.reference,
        item.concept,
        sorted(f"{code.system}|{code.code}" for code in item.codes),
        "" if own else [str(item.when.earliest), str(item.when.latest)],
        item.amount,
        sorted(item.notes),
        item.quote,
        item.place,
    ]


def _codes(resource: Mapping[str, Any]) -> list[Any]:
    """Return the codings of an order's code, or its text where it has none; R5 puts them one level lower."""
    code = resource.get("code")
    concept = code.get("concept", code) if isinstance(code, dict) else code
    if not isinstance(concept, dict):
        return [concept]
    codings = concept.get("coding")
    given = [item for item in codings if isinstance(item, dict)] if isinstance(codings, list) else []
    coded = sorted(f"{item.get('system')}|{item['code']}" for item in given if item.get("code"))
    return coded or [concept.get("text")]


def _text(value: Any) -> str:
    return _ENCODER.encode(value)
