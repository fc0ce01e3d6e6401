"""What real records say of one thing: candidate words and codes, the habits of writing them, and where they stand.

`candidates.json` holds names and codes that may be a red flag, an implant or nothing at all, with their licences.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tests.property.advice import KEYS, ORDER, PATIENT, Answer, Case, Resource
from tests.property.charts import AUTHORED, ICD, about, status

CPT = "http://www.ama-assn.org/go/cpt"
LATELY = (AUTHORED - timedelta(days=5)).isoformat()
_PAIN = {"coding": [{"system": ICD, "code": "M54.50"}]}
CURRENT: Resource = {
    "clinicalStatus": status("condition-clinical", "active"),
    "verificationStatus": status("condition-ver-status", "confirmed"),
    "recordedDate": LATELY,
}


@cache
def candidates() -> Mapping[str, Any]:
    """Return the candidate words and codes."""
    found: Mapping[str, Any] = json.loads((Path(__file__).parent / "candidates.json").read_text(encoding="utf-8"))
    return found


def deferred(**order: Any) -> Case:
    """Return two weeks of back pain and nothing else on record: the scan should wait."""
    since = (AUTHORED - timedelta(days=14)).isoformat()
    pain = about("Condition", id="pain", code=_PAIN, onsetDateTime=since, recordedDate=since)
    mri = {"coding": [{"system": CPT, "code": "72148"}]}
    draft = about("ServiceRequest", id=ORDER, status="draft", intent="order", code=mri, reasonCode=[_PAIN])
    patient = {"resourceType": "Patient", "id": PATIENT, "birthDate": "1980-01-01"}
    records = {"patient": (patient,), "conditions": (pain,)}
    return Case({**draft, "authoredOn": AUTHORED.isoformat(), **order}, AUTHORED, records)


def recorded(resource_type: str, **elements: Any) -> Case:
    """Return the deferred case with one record more, of these days."""
    return deferred().having(KEYS[resource_type], about(resource_type, id="more", **elements))


def problem(code: Resource) -> Case:
    """Return the deferred case with one problem more."""
    return recorded("Condition", code=code, **CURRENT)


def _seen(**elements: Any) -> Case:
    return recorded("Encounter", status="finished", period={"start": LATELY, "end": LATELY}, **elements)


def _done(**elements: Any) -> Case:
    code = {"code": {"text": "Dressing change"}} | elements
    return recorded("Procedure", status="completed", performedDateTime=LATELY, **code)


def _observed(**elements: Any) -> Case:
    code = {"code": {"text": "Comment"}} | elements
    return recorded("Observation", status="final", effectiveDateTime=LATELY, **code)


def _reported(**elements: Any) -> Case:
    return recorded(
        "DiagnosticReport", status="final", effectiveDateTime=LATELY, code={"text": "MRI pelvis"}, **elements
    )


def _prescribed(**elements: Any) -> Case:
    drug = {"text": "Lisinopril 10 mg"}
    return recorded("MedicationRequest", status="active", authoredOn=LATELY, medicationCodeableConcept=drug, **elements)


def _answered(text: str) -> Case:
    inner = {"linkId": "2", "text": "Other problems?", "answer": [{"valueString": text}]}
    item = [{"linkId": "1", "text": "History", "item": [inner]}]
    return recorded("QuestionnaireResponse", status="completed", authored=LATELY, item=item)


def _form(text: str) -> Resource:
    return {"contentType": "text/plain", "data": base64.b64encode(text.encode()).decode()}


def _carried(text: str) -> Case:
    inside = about("Condition", id="inside", code={"text": text}, **CURRENT)
    return deferred(contained=[inside], reasonReference=[{"reference": "#inside"}])


_ORDINARY = {"coding": [{"system": ICD, "code": "I10"}]}
# Every place where a text of a finding may stand, as a chart or an order that holds it there and nowhere else.
PLACES: Mapping[str, Callable[[str], Case]] = {
    "Condition text": lambda text: problem({"text": text}),
    "Condition display": lambda text: problem({"coding": [{"system": "urn:local", "code": "7", "display": text}]}),
    "Condition note": lambda text: recorded("Condition", code=_ORDINARY, note=[{"text": text}], **CURRENT),
    "Encounter reason": lambda text: _seen(reasonCode=[{"text": text}]),
    "Encounter diagnosis": lambda text: _seen(diagnosis=[{"condition": {"display": text}}]),
    "Procedure text": lambda text: _done(code={"text": text}),
    "Procedure note": lambda text: _done(note=[{"text": text}]),
    "Procedure reason": lambda text: _done(reasonReference=[{"display": text}]),
    "Observation value": lambda text: _observed(valueString=text),
    "Observation component": lambda text: _observed(component=[{"code": {"text": "Finding"}, "valueString": text}]),
    "Report conclusion": lambda text: _reported(conclusion=text),
    "Report form": lambda text: _reported(presentedForm=[_form(text)]),
    "Questionnaire answer": _answered,
    "Prescription reason": lambda text: _prescribed(reasonCode=[{"text": text}]),
    "Prescription note": lambda text: _prescribed(note=[{"text": text}]),
    "Order note": lambda text: deferred(note=[{"text": text}]),
    "Order detail": lambda text: deferred(orderDetail=[{"text": text}]),
    "Order reason text": lambda text: deferred(reasonCode=[_PAIN, {"text": text}]),
    "Order reason display": lambda text: deferred(reasonCode=[_PAIN, {"coding": [{"display": text}]}]),
    "Order reason reference": lambda text: deferred(reasonReference=[{"display": text}]),
    "Order contained": _carried,
}


def reassurance(answer: Answer) -> int:
    """How much an answer reassures: most where it says that the scan should wait."""
    if answer.discourages:
        return 2
    return int(answer.outcome.name in {"NO_CRITERIA_APPLY", "OUT_OF_SCOPE"})
