"""Turns the facts of a scenario into FHIR R4 resources, the way a record would hold them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

HL7 = "http://terminology.hl7.org/CodeSystem/"
UCUM = "http://unitsofmeasure.org"

Fact = Mapping[str, Any]
Resource = dict[str, Any]


def filled(**elements: Any) -> Resource:
    """Return elements without those that have no value, which FHIR does not allow."""
    return {name: value for name, value in elements.items() if value not in (None, "", [], {})}


def concept(fact: Fact | str | None) -> Resource | None:
    """Return a CodeableConcept for a coded fact, or for a plain text."""
    if fact is None or isinstance(fact, str):
        return {"text": fact} if fact else None
    coding = filled(
        system=fact.get("system"), code=str(fact["code"]) if "code" in fact else None, display=fact.get("display")
    )
    return filled(
        coding=[coding] if "code" in coding else None,
        text=fact.get("text") or (None if "code" in coding else coding.get("display")),
    )


def status(fact: Fact, key: str, system: str) -> Resource | None:
    """Return the CodeableConcept of a status word."""
    return {"coding": [{"system": HL7 + system, "code": fact[key]}]} if key in fact else None


def quantity(value: float, unit: str | None) -> Resource:
    """Return a Quantity; a unit that is no UCUM code is a word."""
    word = unit is None or " " in unit or not unit.isascii() or unit in ("MRC", "grade", "score")
    return filled(value=value, unit=unit, system=None if word else UCUM, code=None if word else unit)


class Recorder:
    """Builds resources of one patient relative to the day of the order."""

    def __init__(self, order_date: date, patient: str) -> None:
        """Fix the day and the patient."""
        self.order_date = order_date
        self.subject = {"reference": f"Patient/{patient}"}

    def day(self, fact: Fact, date_key: str = "date", day_key: str = "day") -> str | None:
        """Return a date of a fact: as it stands, or counted from the order."""
        if fact.get(date_key) is not None:
            return str(fact[date_key])
        return (self.order_date + timedelta(days=fact[day_key])).isoformat() if fact.get(day_key) is not None else None

    def timing(self, fact: Fact, name: str) -> Resource:
        """Return onset or abatement in whichever form the fact gives it."""
        for kind in ("DateTime", "Age", "Period", "Range", "String"):
            value = fact.get(f"{name}{kind}")
            if value is not None:
                return {f"{name}{kind}": quantity(value, "a") if isinstance(value, int | float) else value}
        value = self.day(fact, name, f"{name}_day")
        if value is None:
            return {}
        if value.startswith("Age "):
            _, number, unit = value.split()
            return {f"{name}Age": quantity(float(number), unit)}
        return {f"{name}DateTime" if value[:4].isdigit() else f"{name}String": value}

    def condition(self, fact: Fact) -> Resource:
        """Condition."""
        verification = status(fact, "verificationStatus", "condition-ver-status")
        wrong = fact.get("verificationStatus") == "entered-in-error"
        return filled(
            clinicalStatus=None if wrong else status(fact, "clinicalStatus", "condition-clinical"),
            verificationStatus=verification,
            code=concept(fact),
            bodySite=listed(concept(fact.get("bodySite"))),
            subject=self.subject,
            recordedDate=self.day(fact, "recordedDate", "recorded_day"),
            **self.timing(fact, "onset"),
            **self.timing(fact, "abatement"),
        )

    def observation(self, fact: Fact) -> Resource:
        """Observation."""
        value, unit = fact.get("value"), fact.get("unit")
        values = {
            "valueCodeableConcept": concept(fact.get("valueCodeableConcept")),
            "valueBoolean": fact.get("valueBoolean"),
            "valueString": fact.get("valueString"),
            "valueInteger": fact.get("valueInteger"),
        }
        if isinstance(value, bool):
            values["valueBoolean"] = value
        elif isinstance(value, str):
            values["valueString"] = value
        elif value is not None:
            values["valueQuantity"] = quantity(value, unit)
        ranges = fact.get("referenceRange")
        return filled(
            status=fact.get("status", "final"),
            code=concept(fact),
            subject=self.subject,
            effectiveDateTime=self.day(fact),
            dataAbsentReason=status(fact, "dataAbsentReason", "data-absent-reason"),
            interpretation=listed(status(fact, "interpretation", "v3-ObservationInterpretation")),
            bodySite=concept(fact.get("bodySite")),
            referenceRange=[reference_range(item, unit) for item in listed(ranges)],
        ) | {name: given for name, given in values.items() if given is not None}

    def order_question(self, fact: Fact) -> Resource:
        """An answered order question, as an Observation without a code."""
        return filled(
            status="final",
            code={"text": fact["question"]},
            subject=self.subject,
            effectiveDateTime=self.day(fact),
            valueString=str(fact["answer"]),
        )

    def questionnaire_response(self, fact: Fact) -> Resource:
        """QuestionnaireResponse."""
        answer = fact["answer"]
        value = {"valueBoolean": answer} if isinstance(answer, bool) else {"valueString": str(answer)}
        return filled(
            status=fact.get("status", "completed"),
            subject=self.subject,
            authored=self.day(fact),
            item=[{"linkId": "1", "text": fact["question"], "answer": [value]}],
        )

    def device(self, fact: Fact) -> Resource:
        """Device."""
        return filled(
            status=fact.get("status"),
            type=concept(fact),
            patient=self.subject,
            safety=listed(concept(fact.get("safety"))),
        )

    def procedure(self, fact: Fact) -> Resource:
        """Procedure."""
        return filled(
            status=fact["status"],
            code=concept(fact),
            subject=self.subject,
            performedDateTime=self.day(fact),
            bodySite=listed(concept(fact.get("bodySite"))),
        )

    def medication_request(self, fact: Fact) -> Resource:
        """MedicationRequest."""
        supply = fact.get("daysSupply")
        return filled(
            status=fact["status"],
            intent=fact["intent"],
            doNotPerform=fact.get("doNotPerform"),
            medicationCodeableConcept=concept(fact),
            subject=self.subject,
            authoredOn=self.day(fact),
            dispenseRequest={"expectedSupplyDuration": quantity(supply, "d")} if supply is not None else None,
        )

    def service_request(self, fact: Fact) -> Resource:
        """ServiceRequest of the record."""
        return filled(
            status=fact["status"],
            intent=fact["intent"],
            doNotPerform=fact.get("doNotPerform"),
            code=concept(fact),
            subject=self.subject,
            authoredOn=self.day(fact),
        )

    def encounter(self, fact: Fact) -> Resource:
        """Encounter."""
        day = self.day(fact)
        return filled(
            status=fact["status"],
            **{"class": {"system": HL7 + "v3-ActCode", "code": fact["class"]}},
            subject=self.subject,
            reasonCode=listed(concept(fact) or None),
            period=filled(start=day, end=day if fact["status"] == "finished" else None),
        )

    def diagnostic_report(self, fact: Fact) -> Resource:
        """DiagnosticReport."""
        return filled(
            status=fact["status"],
            code=concept(fact),
            subject=self.subject,
            effectiveDateTime=self.day(fact),
            conclusion=fact.get("conclusion"),
            conclusionCode=listed(concept(fact.get("conclusionCode"))),
        )

    def allergy_intolerance(self, fact: Fact) -> Resource:
        """AllergyIntolerance."""
        return filled(
            clinicalStatus=status(fact, "clinicalStatus", "allergyintolerance-clinical"),
            verificationStatus=status(fact, "verificationStatus", "allergyintolerance-verification"),
            criticality=fact.get("criticality"),
            code=concept(fact),
            patient=self.subject,
            recordedDate=self.day(fact),
        )

    def family_member_history(self, fact: Fact) -> Resource:
        """FamilyMemberHistory."""
        return filled(
            status=fact["status"],
            patient=self.subject,
            date=self.day(fact),
            relationship={"text": fact.get("relationship", "family member")},
            condition=[{"code": concept(fact) or {"text": "not stated"}}],
        )

    def appointment(self, fact: Fact) -> Resource:
        """Appointment."""
        day = self.day(fact)
        return filled(
            status=fact["status"],
            serviceType=listed(concept(fact)),
            start=f"{day}T09:00:00Z" if day else None,
            participant=[{"actor": self.subject, "status": "accepted"}],
        )

    def imaging_study(self, fact: Fact) -> Resource:
        """ImagingStudy."""
        return filled(
            status=fact["status"],
            subject=self.subject,
            started=self.day(fact),
            procedureCode=listed(concept(fact)),
        )


def listed(value: Any) -> list[Any]:
    """Return a value as a list."""
    return [] if value is None else value if isinstance(value, list) else [value]


def reference_range(item: Fact | str, unit: str | None) -> Resource:
    """Return a reference range from its bounds, or from a text."""
    if isinstance(item, str):
        return {"text": item}
    return {
        name: bound if isinstance(bound, dict) else quantity(bound, unit)
        for name, bound in item.items()
        if name in ("low", "high")
    }


BUILDERS: dict[str, tuple[str, Callable[[Recorder, Fact], Resource]]] = {
    "AllergyIntolerance": ("AllergyIntolerance", Recorder.allergy_intolerance),
    "Appointment": ("Appointment", Recorder.appointment),
    "Condition": ("Condition", Recorder.condition),
    "Device": ("Device", Recorder.device),
    "DiagnosticReport": ("DiagnosticReport", Recorder.diagnostic_report),
    "Encounter": ("Encounter", Recorder.encounter),
    "FamilyMemberHistory": ("FamilyMemberHistory", Recorder.family_member_history),
    "ImagingStudy": ("ImagingStudy", Recorder.imaging_study),
    "MedicationRequest": ("MedicationRequest", Recorder.medication_request),
    "Observation": ("Observation", Recorder.observation),
    "Procedure": ("Procedure", Recorder.procedure),
    "QuestionnaireResponse": ("QuestionnaireResponse", Recorder.questionnaire_response),
    "QuestionnaireResponse/order question": ("Observation", Recorder.order_question),
    "ServiceRequest": ("ServiceRequest", Recorder.service_request),
}
