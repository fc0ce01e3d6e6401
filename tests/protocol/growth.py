"""Requests that can be made twice as large in one way: texts, orders, records and feedback."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, Final

from tests.protocol.builders import (
    PATIENT,
    SELECT,
    bundle,
    concept,
    feedback_entry,
    hook_request,
    lumbar_mri,
    prefetch,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_HOOK: Final = f"/cds-services/{SELECT}"
_FEEDBACK: Final = f"{_HOOK}/feedback"
_SUBJECT: Final = {"reference": f"Patient/{PATIENT}"}

# What a text repeats. Size is the number of characters.
TEXTS: Final = {
    "no weak": "no weak ",
    "denies": "denies x,",
    "denies weakness": "denies weakness, ",
    "family of cancer": "mother had cancer of father with tumor ",
    "denied": "saddle numbness denied ",
    "answers": "Saddle numbness, bladder or bowel change: no (asked 1 Jun 2026). ",
    "templates": "saddle numbness: no; fever: no; ",
    "boxes": "[ ] fever [x] leg weakness ",
    "signs": "fever (-) leg weakness (+) ",
    "suspicions": "r/o xyzzy, concern for mass ",
    "short questions": "infection? ",
    "questions": "r/o cancer? ",
    "advice": "weakness of leg if you notice ",
    "history": "history of fracture in 2019 ",
    "weeks": "pain for 3 weeks ",
    "letters": "x",
    "spaces": " ",
    "words": "pain ",
    "lines": "\n",
    "dots": ".",
    "commas": ",",
    "question marks": "?",
    "hyphens": "a-",
    "digits": "7",
    "dates": "2026-05-01 ",
    "links": "https://example.org/a?b ",
    "tags": "<div>",
    "open tags": "<",
    "entities": "&amp;",
    "scores": "t-score -2.5 ",
}


def _body(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document).encode()


def _note(text: str, size: int) -> str:
    return (text * (size // len(text) + 1))[:size]


def _with(key: str, found: Iterable[Mapping[str, Any]], *orders: Mapping[str, Any], **members: Any) -> bytes:
    numbered = [{**resource, "id": f"many-{number}"} for number, resource in enumerate(found)]
    return _body(hook_request(SELECT, *orders, prefetch=prefetch(**{key: bundle(*numbered)}), **members))


def _report(text: str) -> Mapping[str, Any]:
    code = {"text": "MRI pelvis"}
    shape = {"resourceType": "DiagnosticReport", "status": "final", "code": code, "subject": _SUBJECT}
    return {**shape, "effectiveDateTime": "2026-05-28", "conclusion": text}


def in_a_report(text: str) -> Callable[[int], bytes]:
    """Return requests with a report that repeats a text."""
    return lambda size: _with("diagnosticReports", [_report(_note(text, size))])


def in_an_order(text: str) -> Callable[[int], bytes]:
    """Return requests with an order whose note repeats a text."""
    return lambda size: _body(hook_request(SELECT, lumbar_mri(note=[{"text": _note(text, size)}])))


def in_a_name(text: str) -> Callable[[int], bytes]:
    """Return requests with a problem whose name repeats a text."""

    def grown(size: int) -> bytes:
        return _with(
            "conditions", [{"resourceType": "Condition", "subject": _SUBJECT, "code": {"text": _note(text, size)}}]
        )

    return grown


def _drafts(number: int) -> bytes:
    other = {**lumbar_mri(), "code": {"text": "Chest x-ray"}}
    return _body(hook_request(SELECT, lumbar_mri(), *({**other, "id": f"other-{each}"} for each in range(number))))


def _equal_drafts(number: int) -> bytes:
    other = {**lumbar_mri(2), "code": {"text": "Chest x-ray"}}
    return _body(hook_request(SELECT, lumbar_mri(), *[other] * number))


def _equal_orders(number: int) -> bytes:
    return _body(hook_request(SELECT, *[lumbar_mri()] * number))


def _selections(number: int) -> bytes:
    selections = ["ServiceRequest/mri-1"] * number
    return _body(hook_request(SELECT, lumbar_mri(), context={"selections": selections}))


def _companions(number: int) -> bytes:
    shape = {"resourceType": "Observation", "status": "final", "subject": _SUBJECT, "valueString": "Pain in the leg"}
    drafts = [{**shape, "id": f"o-{each}", "code": {"text": "Comment"}} for each in range(number)]
    referred = [{"reference": f"Observation/{draft['id']}"} for draft in drafts]
    return _body(hook_request(SELECT, lumbar_mri(supportingInfo=referred), *drafts))


def _orders_with_companions(number: int) -> bytes:
    """Return orders of which each refers to a draft of its own."""
    shape = {"resourceType": "Observation", "status": "final", "subject": _SUBJECT, "valueString": "Pain in the leg"}
    drafts = [{**shape, "id": f"o-{each}", "code": {"text": "Comment"}} for each in range(number)]
    orders = [lumbar_mri(each, supportingInfo=[{"reference": f"Observation/o-{each}"}]) for each in range(number)]
    return _body(hook_request(SELECT, *orders, *drafts))


def _denials(number: int) -> bytes:
    cancer = concept("http://hl7.org/fhir/sid/icd-10-cm", "C50.911")
    shape = {"resourceType": "Condition", "subject": _SUBJECT, "code": cancer}
    refuted = concept("http://terminology.hl7.org/CodeSystem/condition-ver-status", "refuted")
    found = (
        {**shape, "recordedDate": "2026-05-20", **({"verificationStatus": refuted} if each % 2 else {})}
        for each in range(number)
    )
    return _with("conditions", found)


def _same_ids(number: int) -> bytes:
    shape = {"resourceType": "Condition", "id": "same", "subject": _SUBJECT}
    return _body(
        hook_request(
            SELECT,
            prefetch=prefetch(
                conditions=bundle(*({**shape, "code": {"text": f"Cough {each}"}} for each in range(number)))
            ),
        )
    )


def _removals(number: int) -> bytes:
    """Return devices of which each was explanted, and procedures that name no device."""
    devices = [
        {"resourceType": "Device", "id": f"d-{each}", "patient": _SUBJECT, "type": {"text": "Cardiac pacemaker"}}
        for each in range(number)
    ]
    shape = {"resourceType": "Procedure", "status": "completed", "subject": _SUBJECT, "performedDateTime": "2026-05-01"}
    explanted = concept("http://hl7.org/fhir/device-action", "explanted")
    named = [
        {
            **shape,
            "id": f"p-{each}",
            "code": {"text": "Removal"},
            "focalDevice": [{"action": explanted, "manipulated": {"reference": f"Device/d-{each}"}}],
        }
        for each in range(number)
    ]
    unnamed = [{**shape, "id": f"q-{each}", "code": {"text": "Removal of pacemaker"}} for each in range(number)]
    return _body(hook_request(SELECT, prefetch=prefetch(devices=bundle(*devices), procedures=bundle(*named, *unnamed))))


def _scans(number: int) -> bytes:
    scan = {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": _SUBJECT}
    code = concept("http://www.ama-assn.org/go/cpt", "72148")
    return _with("serviceRequests", ({**scan, "code": code, "authoredOn": "2026-05-20"} for _ in range(number)))


def _devices(number: int) -> bytes:
    found = (
        {"resourceType": "Device", "patient": _SUBJECT, "type": {"text": f"Cardiac pacemaker {each}"}}
        for each in range(number)
    )
    return _with("devices", found)


def _equal_devices(number: int) -> bytes:
    return _with(
        "devices",
        ({"resourceType": "Device", "patient": _SUBJECT, "type": {"text": "Pacemaker"}} for _ in range(number)),
    )


def _device_uses(number: int) -> bytes:
    devices = [
        {"resourceType": "Device", "id": f"d-{each}", "patient": _SUBJECT, "type": {"text": "Stent"}}
        for each in range(number)
    ]
    uses = [
        {
            "resourceType": "DeviceUseStatement",
            "id": f"u-{each}",
            "status": "active",
            "subject": _SUBJECT,
            "device": {"reference": f"Device/d-{each}"},
        }
        for each in range(number)
    ]
    return _body(hook_request(SELECT, prefetch=prefetch(devices=bundle(*devices), deviceUseStatements=bundle(*uses))))


def _pains(number: int) -> bytes:
    pain = {
        "resourceType": "Condition",
        "subject": _SUBJECT,
        "code": concept("http://hl7.org/fhir/sid/icd-10-cm", "M54.50"),
    }
    return _with("conditions", ({**pain, "onsetDateTime": "2026-05-20"} for _ in range(number)))


def _cancers(number: int) -> bytes:
    found = (
        {"resourceType": "Condition", "subject": _SUBJECT, "code": {"text": f"Breast cancer {each}"}}
        for each in range(number)
    )
    return _with("conditions", found)


def _measures(number: int) -> bytes:
    code = concept("http://loinc.org", "2345-7", "Glucose")
    shape = {
        "resourceType": "Observation",
        "status": "final",
        "code": code,
        "subject": _SUBJECT,
        "effectiveDateTime": "2026-05-20",
    }
    return _with("observations", ({**shape, "valueQuantity": {"value": 5.4, "unit": "mmol/L"}} for _ in range(number)))


def _encounters(number: int) -> bytes:
    shape = {
        "resourceType": "Encounter",
        "status": "finished",
        "subject": _SUBJECT,
        "reasonCode": [{"text": "Low back pain"}],
    }
    return _with("encounters", ({**shape, "period": {"start": "2026-05-20"}} for _ in range(number)))


def _prescriptions(number: int) -> bytes:
    shape = {
        "resourceType": "MedicationRequest",
        "status": "active",
        "intent": "order",
        "subject": _SUBJECT,
        "authoredOn": "2026-05-01",
    }
    medicines = [
        {"resourceType": "Medication", "id": f"drug-{each}", "code": {"text": f"Prednisone {each}"}}
        for each in range(number)
    ]
    found = [
        {**shape, "id": f"p-{each}", "medicationReference": {"reference": f"Medication/drug-{each}"}}
        for each in range(number)
    ]
    return _body(hook_request(SELECT, prefetch=prefetch(medications=bundle(*found, *medicines))))


def _contained(number: int) -> bytes:
    inner = [
        {"resourceType": "Medication", "id": f"c-{each}", "code": {"text": "Prednisone"}} for each in range(number)
    ]
    return _body(hook_request(SELECT, lumbar_mri(contained=inner)))


def _contained_records(number: int) -> bytes:
    """Return a visit that holds its own diagnoses and names each of them."""
    inner = [
        {"resourceType": "Condition", "id": f"c-{each}", "subject": _SUBJECT, "code": {"text": f"Breast cancer {each}"}}
        for each in range(number)
    ]
    shape = {"resourceType": "Encounter", "status": "finished", "subject": _SUBJECT, "contained": inner}
    reasons = [{"reference": f"#c-{each}"} for each in range(number)]
    return _with("encounters", [{**shape, "period": {"start": "2026-05-20"}, "reasonReference": reasons}])


def _allergies(number: int) -> bytes:
    shape = {"resourceType": "AllergyIntolerance", "patient": _SUBJECT, "recordedDate": "2026-05-20"}
    found = (
        {**shape, "code": {"text": "Gadolinium contrast" if each % 2 else f"Pollen {each}"}} for each in range(number)
    )
    return _with("allergies", found)


def _responses(number: int) -> bytes:
    answer = {"linkId": "q", "text": "Weakness of the leg?", "answer": [{"valueBoolean": True}]}
    shape = {"resourceType": "QuestionnaireResponse", "status": "completed", "subject": _SUBJECT, "item": [answer]}
    return _with("questionnaireResponses", ({**shape, "authored": "2026-06-01"} for _ in range(number)))


def _nested_answers(number: int) -> bytes:
    """Return a response whose items stand in groups of ten, side by side."""
    item = {"linkId": "q", "text": "Fever?", "answer": [{"valueString": "no"}]}
    groups = [{"linkId": f"g-{each}", "text": "Signs", "item": [item] * 10} for each in range(number)]
    shape = {"resourceType": "QuestionnaireResponse", "status": "completed", "subject": _SUBJECT, "item": groups}
    return _with("questionnaireResponses", [{**shape, "authored": "2026-06-01"}])


def _answered_notes(number: int) -> bytes:
    note = {"text": "Saddle numbness, bladder or bowel change: no (asked 1 Jun 2026).", "time": "2026-06-01"}
    return _body(hook_request(SELECT, lumbar_mri(note=[note] * number)))


def _answers(number: int) -> bytes:
    items = [
        {"linkId": f"q-{each}", "text": "Weakness of the leg?", "answer": [{"valueBoolean": False}]}
        for each in range(number)
    ]
    shape = {
        "resourceType": "QuestionnaireResponse",
        "status": "completed",
        "subject": _SUBJECT,
        "authored": "2026-06-01",
        "item": items,
    }
    return _with("questionnaireResponses", [shape])


def _codings(number: int) -> bytes:
    codings = [
        {"system": "http://snomed.info/sct", "code": str(each), "display": f"Thing {each}"} for each in range(number)
    ]
    return _with("conditions", [{"resourceType": "Condition", "subject": _SUBJECT, "code": {"coding": codings}}])


def _reasons(number: int) -> bytes:
    return _body(hook_request(SELECT, lumbar_mri(reasonCode=[{"text": f"Pain {each}"} for each in range(number)])))


def _notes(number: int) -> bytes:
    return _body(hook_request(SELECT, lumbar_mri(note=[{"text": f"Weakness of leg {each}"} for each in range(number)])))


def _keys(number: int) -> bytes:
    return _body(hook_request(SELECT, prefetch=prefetch(**{f"k{each}": bundle() for each in range(number)})))


def _members(number: int) -> bytes:
    return _body(hook_request(SELECT, lumbar_mri(**{f"k{each}": each for each in range(number)})))


def _links(number: int) -> bytes:
    found = bundle() | {"link": [{"relation": "self", "url": f"https://example.org/{each}"} for each in range(number)]}
    return _body(hook_request(SELECT, prefetch=prefetch(conditions=found)))


def _wrapped(number: int) -> bytes:
    return _body(hook_request(SELECT, prefetch=prefetch(conditions=bundle(*[bundle()] * number))))


def _accepted(number: int) -> bytes:
    suggestions = [{"id": str(uuid.UUID(int=each))} for each in range(number)]
    return _body({"feedback": [feedback_entry(outcome="accepted", acceptedSuggestions=suggestions)]})


def _entries(number: int) -> bytes:
    return _body({"feedback": [feedback_entry(card=str(uuid.UUID(int=each))) for each in range(number)]})


_HOOK_SHAPES: Final[Mapping[str, tuple[Callable[[int], bytes], int]]] = {
    **{f"report: {name}": (in_a_report(text), 800) for name, text in TEXTS.items()},
    **{f"order: {name}": (in_an_order(text), 800) for name, text in TEXTS.items()},
    **{f"name: {name}": (in_a_name(text), 800) for name, text in TEXTS.items()},
    "drafts": (_drafts, 100),
    "equal drafts": (_equal_drafts, 100),
    "equal orders": (_equal_orders, 25),
    "selections": (_selections, 400),
    "companions": (_companions, 100),
    "orders with companions": (_orders_with_companions, 25),
    "denials": (_denials, 100),
    "same ids": (_same_ids, 100),
    "removals": (_removals, 50),
    "scans": (_scans, 100),
    "devices": (_devices, 50),
    "equal devices": (_equal_devices, 50),
    "device uses": (_device_uses, 50),
    "pains": (_pains, 100),
    "cancers": (_cancers, 100),
    "measures": (_measures, 100),
    "encounters": (_encounters, 100),
    "prescriptions": (_prescriptions, 100),
    "contained": (_contained, 50),
    "contained records": (_contained_records, 50),
    "allergies": (_allergies, 100),
    "responses": (_responses, 50),
    "nested answers": (_nested_answers, 20),
    "answered notes": (_answered_notes, 40),
    "answers": (_answers, 100),
    "codings": (_codings, 200),
    "reasons": (_reasons, 100),
    "notes": (_notes, 40),
    "keys": (_keys, 400),
    "members": (_members, 400),
    "links": (_links, 400),
    "wrapped": (_wrapped, 200),
}
SHAPES: Final[Mapping[str, tuple[str, Callable[[int], bytes], int]]] = {
    **{name: (_HOOK, grown, size) for name, (grown, size) in _HOOK_SHAPES.items()},
    "accepted suggestions": (_FEEDBACK, _accepted, 50),
    "feedback entries": (_FEEDBACK, _entries, 100),
}
