"""Small records for unit tests: one patient, one day, one order, and whatever a test adds to them.

A code is written `system:code`, for instance `icd:M54.50`; a date is a number of days before the order, or any text.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from fhir_mappings.chart.chart import Chart, read_chart
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Finding
from fhir_mappings.criteria.registry import CRITERIA
from fhir_mappings.criteria.thresholds import Thresholds
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.prefetch import read_prefetch
from fhir_mappings.orders.orders import ImagingOrder, read_lumbar_mri_orders
from tests.terminology import bundled_index

Json = Any
Resource = dict[str, Any]

DAY = date(2026, 6, 2)
PATIENT = "pat-1"
SUBJECT = {"reference": f"Patient/{PATIENT}"}
HL7 = "http://terminology.hl7.org/CodeSystem/"
SYSTEMS = {
    "cpt": "http://www.ama-assn.org/go/cpt",
    "fda": "https://api.fda.gov/device/udi#mri_safety",
    "icd": "http://hl7.org/fhir/sid/icd-10-cm",
    "loinc": "http://loinc.org",
    "local": "https://hospital.example/codes",
    "ncit": "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
    "radlex": "http://radlex.org",
    "rx": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "sct": "http://snomed.info/sct",
}
KEYS = {need.resource_type: need.key for need in DATA_NEEDS}
FAILURE = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}

PAIN = "icd:M54.50"
FOOT_DROP = "sct:6077001"
CAUDA_EQUINA = "icd:G83.4"

_ORDERS = msgspec.json.Decoder(float_hook=Decimal)
_PATIENT_ELEMENTS = {"AllergyIntolerance": "patient", "Device": "patient"}
index = bundled_index


def encoded(value: Json) -> bytes:
    """Return JSON text, as a client sends it."""
    return json.dumps(value, allow_nan=False).encode()


def given(**elements: Json) -> Resource:
    """Return the elements that are not None."""
    return {name: value for name, value in elements.items() if value is not None}


def ago(days: int) -> str:
    """Return the day so many days before the order."""
    return (DAY - timedelta(days=days)).isoformat()


def when(value: int | str | None) -> str | None:
    """Return a date: a number counts back from the order, a text stays as it is."""
    return ago(value) if isinstance(value, int) else value


def coding(code: str) -> Resource:
    """Return the Coding of `system:code`."""
    system, _, value = code.partition(":")
    return {"system": SYSTEMS[system], "code": value}


def coded(*codes: str, text: str | None = None) -> Resource:
    """Return a CodeableConcept."""
    return given(coding=[coding(code) for code in codes] or None, text=text)


def status(code: str | None, system: str = "condition-clinical") -> Resource | None:
    """Return the CodeableConcept of a status."""
    return {"coding": [{"system": HL7 + system, "code": code}]} if code else None


def record(resource_type: str, resource_id: str | None, **elements: Json) -> Resource:
    """Return a resource of the patient; a subject of None leaves it out."""
    who = _PATIENT_ELEMENTS.get(resource_type, "subject")
    return given(**{"resourceType": resource_type, "id": resource_id, who: SUBJECT, **elements})


def condition(
    code: str | Resource,
    onset: int | str | None = 10,
    clinical: str | None = "active",
    verification: str | None = None,
    resource_id: str | None = None,
    **elements: Json,
) -> Resource:
    """Return a Condition."""
    concept = coded(code) if isinstance(code, str) else code
    return record(
        "Condition",
        resource_id or f"condition-{_name(code)}",
        **{
            "clinicalStatus": status(clinical),
            "verificationStatus": status(verification, "condition-ver-status"),
            "code": concept,
            "onsetDateTime": when(onset),
            **elements,
        },
    )


def observation(
    code: str | Resource, day: int | str | None = 1, resource_id: str | None = None, **elements: Json
) -> Resource:
    """Return an Observation."""
    concept = coded(code) if isinstance(code, str) else code
    named = resource_id or f"observation-{_name(code)}"
    return record(
        "Observation", named, **{"status": "final", "code": concept, "effectiveDateTime": when(day), **elements}
    )


def procedure(
    code: str | Resource, day: int | str | None = 100, resource_id: str | None = None, **elements: Json
) -> Resource:
    """Return a Procedure."""
    concept = coded(code) if isinstance(code, str) else code
    named = resource_id or f"procedure-{_name(code)}"
    return record(
        "Procedure", named, **{"status": "completed", "code": concept, "performedDateTime": when(day), **elements}
    )


def encounter(
    code: str | None, day: int | str | None = 10, resource_id: str | None = None, **elements: Json
) -> Resource:
    """Return an Encounter."""
    named = resource_id or f"encounter-{_name(code or str(day))}"
    start = when(day)
    return record(
        "Encounter",
        named,
        **{
            "status": "finished",
            "reasonCode": [coded(code)] if code else None,
            "period": {"start": start, "end": start} if start else None,
            **elements,
        },
    )


def prescription(code: str, day: int | str | None = 50, supply: float | None = None, **elements: Json) -> Resource:
    """Return a MedicationRequest."""
    duration = None if supply is None else {"expectedSupplyDuration": {"value": supply, "unit": "days", "code": "d"}}
    return record(
        "MedicationRequest",
        elements.pop("resource_id", f"prescription-{_name(code)}-{day}"),
        **{
            "status": "active",
            "intent": "order",
            "medicationCodeableConcept": coded(code),
            "authoredOn": when(day),
            "dispenseRequest": duration,
            **elements,
        },
    )


def device(code: str | Resource | None, safety: str | Resource | None = None, **elements: Json) -> Resource:
    """Return a Device; `safety` is the MR status it states."""
    concept = coded(code) if isinstance(code, str) else code
    stated = coded(safety) if isinstance(safety, str) else safety
    named = f"device-{_name(code or 'none')}"
    return record(
        "Device",
        elements.pop("resource_id", named),
        **{"status": "active", "type": concept, "safety": [stated] if stated else None, **elements},
    )


def report(code: str, day: int | str | None = 20, **elements: Json) -> Resource:
    """Return a DiagnosticReport."""
    return record(
        "DiagnosticReport",
        elements.pop("resource_id", f"report-{_name(code)}"),
        **{"status": "final", "code": coded(code), "effectiveDateTime": when(day), **elements},
    )


def request(code: str, day: int | str | None = 20, **elements: Json) -> Resource:
    """Return a ServiceRequest of the record."""
    return record(
        "ServiceRequest",
        elements.pop("resource_id", f"request-{_name(code)}"),
        **{"status": "active", "intent": "order", "code": coded(code), "authoredOn": when(day), **elements},
    )


def allergy(code: str, **elements: Json) -> Resource:
    """Return an AllergyIntolerance."""
    return record("AllergyIntolerance", f"allergy-{_name(code)}", **{"code": coded(code), **elements})


def quantity(value: float | str, unit: str | None = None, **elements: Json) -> Resource:
    """Return a Quantity."""
    return given(value=value, unit=unit, **elements)


def _name(code: str | Resource) -> str:
    text = code if isinstance(code, str) else str((code.get("coding") or [{}])[0].get("code", "text"))
    return "".join(sign if sign.isalnum() else "-" for sign in text)


def patient(born: str | None = "1988-04-17", **elements: Json) -> Resource:
    """Return the Patient."""
    return given(resourceType="Patient", id=PATIENT, gender="female", birthDate=born, **elements)


def mri(code: str | Resource = "cpt:72148", *, reasons: Iterable[str | Resource] = (), **elements: Json) -> Resource:
    """Return a draft order for MRI of the lumbar spine; an element of None is left out."""
    concepts = [coded(reason) if isinstance(reason, str) else reason for reason in reasons]
    order = {
        "resourceType": "ServiceRequest",
        "id": "mri-1",
        "status": "draft",
        "intent": "order",
        "code": coded(code) if isinstance(code, str) else code,
        "subject": SUBJECT,
        "authoredOn": DAY.isoformat(),
        "reasonCode": concepts or None,
    }
    return given(**(order | elements))


def bundle(*resources: Resource, **elements: Json) -> Resource:
    """Return a complete search result."""
    entries = [{"resource": resource, "search": {"mode": "match"}} for resource in resources]
    found = {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries or None}
    return given(**(found | elements))


def drafts(*resources: Resource) -> Resource:
    """Return draft orders as a hook sends them."""
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource} for resource in resources]}


@dataclass(frozen=True)
class Record:
    """The records of the patient: complete sources, but for those that failed, were cut short or were not sent."""

    resources: tuple[Resource, ...] = ()
    born: str | None = "1988-04-17"
    failed: Collection[str] = ()
    cut: Collection[str] = ()
    absent: Collection[str] = ()
    values: Mapping[str, Json] = field(default_factory=dict)

    def prefetch(self) -> dict[str, bytes]:
        """Return the prefetch values as text, by key."""
        found: dict[str, Json] = {}
        for need in DATA_NEEDS:
            own = [resource for resource in self.resources if resource["resourceType"] == need.resource_type]
            if need.resource_type in self.absent:
                continue
            if need.resource_type in self.failed:
                found[need.key] = FAILURE
            elif need.resource_type == "Patient" and not own:
                found[need.key] = patient(self.born)
            else:
                more = {"link": [{"relation": "next", "url": "https://ehr.example/2"}]}
                found[need.key] = bundle(*own, **(more if need.resource_type in self.cut else {}))
        return {key: encoded(value) for key, value in (found | dict(self.values)).items()}

    def chart(self) -> Chart:
        """Return the chart."""
        return read_chart(PATIENT, read_prefetch(self.prefetch()), index())


def read_order(order: Resource | None = None, *others: Resource) -> ImagingOrder:
    """Return the first lumbar MRI order among some drafts, read from text."""
    found = read_lumbar_mri_orders(_ORDERS.decode(encoded(drafts(order or mri(), *others))), None, index())
    return found[0]


def facts_of(
    *resources: Resource,
    order: Resource | None = None,
    others: Iterable[Resource] = (),
    treat_conditional_as: str = "warn",
    today: date = DAY,
    **chart: Any,
) -> Facts:
    """Return what the criteria know of some resources and an order."""
    draft = read_order(order, *others)
    read = Record(resources, **chart).chart()
    return Facts(draft, read, draft.as_of(today), Thresholds(), treat_conditional_as, today)


def finding(criterion: str, *resources: Resource, **how: Any) -> Finding:
    """Return the finding of one criterion about some resources."""
    (evaluate,) = [item.evaluate for item in CRITERIA if item.id == criterion]
    return evaluate(facts_of(*resources, **how))


def verdict(criterion: str, *resources: Resource, **how: Any) -> tuple[str, tuple[str, ...]]:
    """Return the status and the questions of one criterion about some resources."""
    found = finding(criterion, *resources, **how)
    return found.status.value, found.questions
