"""Which records say nothing of the patient by their status: entered in error, cancelled, never done.

One table for whoever reads a record: what is no evidence of a finding is no source of words either, and is set aside.
"""

from __future__ import annotations

from collections.abc import Collection

from fhir_mappings.chart.medications import is_disregarded as is_drug_disregarded
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import CodeableConcept

ENTERED_IN_ERROR = "entered-in-error"
VERIFICATION_STATUSES = (ENTERED_IN_ERROR, "refuted", "unconfirmed", "provisional", "differential", "confirmed")
CLINICAL_STATUSES = ("active", "recurrence", "relapse", "inactive", "remission", "resolved")

_PROBLEMS = (fhir.Condition, fhir.AllergyIntolerance)
_NO_EVIDENCE: dict[type[fhir.Resource], frozenset[str]] = {
    fhir.Appointment: frozenset({ENTERED_IN_ERROR, "cancelled", "noshow"}),
    fhir.Device: frozenset({ENTERED_IN_ERROR}),
    fhir.DeviceUseStatement: frozenset({ENTERED_IN_ERROR, "intended"}),
    fhir.DiagnosticReport: frozenset({ENTERED_IN_ERROR, "cancelled", "registered"}),
    fhir.Encounter: frozenset({ENTERED_IN_ERROR, "cancelled", "planned"}),
    fhir.ImagingStudy: frozenset({ENTERED_IN_ERROR, "cancelled", "registered"}),
    fhir.Observation: frozenset({ENTERED_IN_ERROR, "cancelled", "registered"}),
    fhir.Procedure: frozenset({ENTERED_IN_ERROR, "not-done", "preparation"}),
    fhir.QuestionnaireResponse: frozenset({ENTERED_IN_ERROR}),
    fhir.ServiceRequest: frozenset({ENTERED_IN_ERROR, "revoked", "draft", "on-hold"}),
}


def is_silent(resource: fhir.Resource) -> bool:
    """Whether the words of a record say nothing: it is disregarded, or was recorded as excluded."""
    return is_disregarded(resource) or is_refuted(resource)


def is_disregarded(resource: fhir.Resource) -> bool:
    """Whether a record says nothing of the patient, by its status."""
    statuses = _NO_EVIDENCE.get(type(resource))
    if statuses is not None:
        # `status` is an element of all types in the table.
        return getattr(resource, "status", None) in statuses or getattr(resource, "do_not_perform", None) is True
    if isinstance(resource, _PROBLEMS):
        return status_code(resource.verification_status, VERIFICATION_STATUSES) == ENTERED_IN_ERROR
    if isinstance(resource, (fhir.MedicationRequest, fhir.MedicationStatement)):
        return is_drug_disregarded(resource)
    return False


def is_refuted(resource: fhir.Resource) -> bool:
    """Whether a problem or an allergy was recorded as excluded: it denies, and its words say nothing."""
    if not isinstance(resource, _PROBLEMS):
        return False
    return status_code(resource.verification_status, VERIFICATION_STATUSES) == "refuted"


def is_over(resource: fhir.Resource) -> bool:
    """Whether a problem or an allergy is recorded as inactive, in remission or resolved, or as having ended."""
    if not isinstance(resource, _PROBLEMS):
        return False
    clinical = status_code(resource.clinical_status, CLINICAL_STATUSES)
    if clinical:
        return clinical in ("inactive", "remission", "resolved")
    return isinstance(resource, fhir.Condition) and bool(
        resource.abatement_date_time or resource.abatement_period or resource.abatement_string
    )


def status_code(concept: CodeableConcept | None, known: Collection[str]) -> str:
    """Return the one of the known codes that a status has, by its codes or else by its words; empty for none.

    A site's own codes may stand beside the standard one, and some senders write the status as a text only.
    """
    if concept is None:
        return ""
    if len(concept.coding) == 1 and (code := concept.coding[0].code) in known:
        return code or ""
    codes = {coding.code.strip().lower() for coding in concept.coding if coding.code}
    words = {(text or "").strip().lower() for text in (concept.text, *(coding.display for coding in concept.coding))}
    return next((code for given in (codes, words) for code in known if code in given), "")
