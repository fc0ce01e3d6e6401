"""One synthetic chart: records in Synthea's form, each with an identifier that follows from the patient's number."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

from cds_service.replay.synthetic.situations import coding

# The last day that the data know of, and when the server wrote all of it.
UNTIL: Final = date(2026, 6, 30)
_WRITTEN: Final = "2026-07-01T02:00:00.000Z"
CLINICS: Final = 24
CLINICIANS: Final = 120
_HL7: Final = "http://terminology.hl7.org/CodeSystem/"
_UCUM: Final = "http://unitsofmeasure.org"

Resource = dict[str, Any]


def identifier(number: int, sequence: int) -> str:
    """Return an id as Synthea writes them."""
    return f"{number:08x}-0000-4000-8000-{sequence:012x}"


def concept(code: str, text: str) -> Resource:
    """Return a CodeableConcept for a code behind the short name of its system."""
    return {"coding": [coding(code, text)], "text": text}


def _meta(profile: str) -> Resource:
    return {
        "versionId": "1",
        "lastUpdated": _WRITTEN,
        "profile": [f"http://hl7.org/fhir/us/core/StructureDefinition/us-core-{profile}"],
    }


def _term(system: str, code: str) -> Resource:
    return {"coding": [{"system": _HL7 + system, "code": code}]}


# Types that name their patient so; for others it is the subject.
_OF_A_PATIENT: Final = frozenset({"AllergyIntolerance", "Device"})
# What every record of a type has; made once, because there are millions of them.
_ACTIVE: Final = _term("condition-clinical", "active")
_CONFIRMED: Final = _term("condition-ver-status", "confirmed")
_DIAGNOSIS: Final = [_term("condition-category", "encounter-diagnosis")]
_VITAL: Final = [_term("observation-category", "vital-signs")]
_METAS: Final = {
    "Condition": _meta("condition-encounter-diagnosis"),
    "Device": _meta("implantable-device"),
    "DiagnosticReport": _meta("diagnosticreport-note"),
    "Observation": _meta("observation-lab"),
}
_CLASSES: Final = {
    code: {"system": f"{_HL7}v3-ActCode", "code": code} for code in ("AMB", "EMER", "IMP")
}  # as `class` of a visit


@dataclass(slots=True)
class Chart:
    """The records of one patient, by type, in the order in which they were made."""

    number: int
    records: dict[str, list[Resource]] = field(default_factory=lambda: defaultdict(list))
    _made: int = 0

    @property
    def id(self) -> str:
        """The patient's id."""
        return identifier(self.number, 0)

    @property
    def clinic(self) -> str:
        """Where the patient goes."""
        return f"clinic-{self.number % CLINICS + 1}"

    @property
    def clinician(self) -> str:
        """Whom the patient sees."""
        return f"clinician-{self.number % CLINICIANS + 1}"

    @property
    def count(self) -> int:
        """How many records there are."""
        return sum(map(len, self.records.values()))

    def add(self, kind: str, **elements: Any) -> str:
        """Add a record and return its reference."""
        self._made += 1
        name = identifier(self.number, self._made)
        patient = "patient" if kind in _OF_A_PATIENT else "subject"
        meta = _METAS.get(kind) or _METAS.setdefault(kind, _meta(kind.lower()))
        record = {"resourceType": kind, "id": name, "meta": meta, patient: {"reference": f"Patient/{self.id}"}}
        record.update(elements)
        self.records[kind].append(record)
        return f"{kind}/{name}"

    def patient(self, born: date, sex: str) -> None:
        """Add who it is."""
        self.records["Patient"].append(
            {
                "resourceType": "Patient",
                "id": self.id,
                "meta": _METAS.setdefault("Patient", _meta("patient")),
                "identifier": [{"system": "https://github.com/synthetichealth/synthea", "value": self.id}],
                "name": [{"use": "official", "family": f"Invented{self.number}", "given": ["Sam"]}],
                "gender": sex,
                "birthDate": born.isoformat(),
            }
        )

    def visit(self, day: date, kind: str = "AMB", reason: Resource | None = None) -> str:
        """Add a visit of a morning, or a stay of three days."""
        end = day if kind != "IMP" else day + timedelta(days=3)
        reasons = {"reasonCode": [reason]} if reason else {}
        return self.add(
            "Encounter",
            status="finished",
            period={"start": f"{day}T09:00:00-05:00", "end": f"{end}T09:30:00-05:00"},
            participant=[{"individual": {"reference": f"Practitioner/{self.clinician}"}}],
            serviceProvider={"reference": f"Organization/{self.clinic}"},
            **{"class": _CLASSES[kind]},
            **reasons,
        )

    def condition(self, code: Resource, day: date, visit: str) -> str:
        """Add an active problem that was written down at a visit, on the day it began."""
        return self.add(
            "Condition",
            clinicalStatus=_ACTIVE,
            verificationStatus=_CONFIRMED,
            category=_DIAGNOSIS,
            code=code,
            encounter={"reference": visit},
            onsetDateTime=day.isoformat(),
            recordedDate=f"{day}T09:20:00-05:00",
        )

    def observation(self, code: Resource, day: date, visit: str, value: float, unit: str) -> str:
        """Add a measurement of a visit."""
        return self.add(
            "Observation",
            status="final",
            category=_VITAL,
            code=code,
            encounter={"reference": visit},
            effectiveDateTime=f"{day}T09:10:00-05:00",
            issued=f"{day}T09:10:00.000-05:00",
            valueQuantity={"value": value, "unit": unit, "system": _UCUM, "code": unit},
        )

    def medication(self, code: Resource, day: date, visit: str, status: str) -> str:
        """Add a prescription of a visit."""
        return self.add(
            "MedicationRequest",
            status=status,
            intent="order",
            medicationCodeableConcept=code,
            encounter={"reference": visit},
            authoredOn=f"{day}T09:20:00-05:00",
            requester={"reference": f"Practitioner/{self.clinician}"},
        )

    def procedure(self, code: Resource, day: date, visit: str, status: str = "completed") -> str:
        """Add something that was done at a visit, or was not."""
        return self.add(
            "Procedure",
            status=status,
            code=code,
            encounter={"reference": visit},
            performedPeriod={"start": f"{day}T09:20:00-05:00", "end": f"{day}T09:40:00-05:00"},
        )
