"""What can be ordered in the demo EHR, and for which reasons: real codes, with displays of this project."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cards.suggestions.drafts import code_of, display_of, orderables
from fhir_mappings.terminology.code_systems import CPT, ICD_10_CM, RXNORM, SNOMED_CT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cards.guideline.wording import Wording
    from fhir_mappings.terminology.index import TerminologyIndex


@dataclass(frozen=True, slots=True)
class Orderable:
    """Something to order: its name on the page, and its code; `concept` is the value set that holds the code."""

    name: str
    system: str
    code: str
    concept: str
    resource_type: str = "ServiceRequest"

    def document(self) -> dict[str, Any]:
        """Return it as the page reads it; `name` is the display, since a CPT code comes without one."""
        concept = {"coding": [{"system": self.system, "code": self.code, "display": self.name}], "text": self.name}
        named = {"id": self.concept, "name": self.name, "listed": True}
        return {**named, "resourceType": self.resource_type, "code": concept}


@dataclass(frozen=True, slots=True)
class Reason:
    """A reason to order: the concept that its codes belong to, and the codes by system."""

    name: str
    concept: str
    codes: tuple[tuple[str, str], ...]

    def document(self, index: TerminologyIndex) -> dict[str, Any]:
        """Return it as the page reads it."""
        codings = [
            {"system": system, "code": code, "display": index.display_of(self.concept, system, code)}
            for system, code in self.codes
        ]
        return {"id": self.concept, "name": self.name, "concept": {"coding": codings, "text": self.name}}


ORDERABLES: Final = (
    Orderable("MRI lumbar spine without contrast", CPT, "72148", "order_mri_lumbar_wo"),
    Orderable("MRI lumbar spine with contrast", CPT, "72149", "order_mri_lumbar_w"),
    Orderable("MRI lumbar spine without and with contrast", CPT, "72158", "order_mri_lumbar_wo_w"),
    Orderable("CT lumbar spine without contrast", CPT, "72131", "order_ct_lumbar_wo"),
    Orderable("Ibuprofen 600 MG Oral Tablet", RXNORM, "197806", "nsaid_product", "MedicationRequest"),
)
REASONS: Final = (
    Reason("Low back pain", "lbp_nonspecific", ((ICD_10_CM, "M54.50"), (SNOMED_CT, "279039007"))),
    Reason("Lumbar radiculopathy", "radiculopathy", ((ICD_10_CM, "M54.16"), (SNOMED_CT, "128196005"))),
    Reason("Lumbar spinal stenosis", "spinal_stenosis", ((ICD_10_CM, "M48.061"), (SNOMED_CT, "18347007"))),
    Reason("Cauda equina syndrome", "cauda_equina", ((ICD_10_CM, "G83.4"), (SNOMED_CT, "192970008"))),
    Reason("Foot drop", "motor_deficit", ((SNOMED_CT, "6077001"),)),
    Reason("Infection of a vertebra", "spinal_infection", ((SNOMED_CT, "203241002"),)),
    Reason("History of cancer", "cancer_history", ((SNOMED_CT, "266987004"),)),
    Reason("Fall", "trauma_low_energy", ((SNOMED_CT, "1912002"),)),
    Reason("After lumbar surgery", "prior_lumbar_surgery", ((ICD_10_CM, "M96.1"), (SNOMED_CT, "202725007"))),
    Reason("Pacemaker in situ", "implant_pacemaker", ((ICD_10_CM, "Z95.0"), (SNOMED_CT, "441509002"))),
)
PRIORITIES: Final = ("routine", "urgent", "asap", "stat")


def all_orderables(wording: Wording) -> Iterator[dict[str, Any]]:
    """Yield what can be ordered as the page reads it, then what only suggestions order, which a link may name."""
    yield from (orderable.document() for orderable in ORDERABLES)
    for name in sorted(set(orderables()) - {orderable.concept for orderable in ORDERABLES}):
        named = {"id": name, "name": display_of(name, wording), "listed": False}
        yield {**named, "resourceType": "ServiceRequest", "code": code_of(name, wording)}
