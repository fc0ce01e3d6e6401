"""What the service offers, as `GET /cds-services` tells it.

There are two ids rather than one id with two hooks: the public CDS Hooks Sandbox keys services by URL, so the second
hook would overwrite the first. The document is the same for every caller and holds nothing secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.searches import templates_for

# Version of CDS Hooks that is implemented, and of both hooks as their pages state it.
_CDS_HOOKS: Final = "2.0.1"
_HOOK_VERSION: Final = "1.0"

_DESCRIPTION: Final = (
    "Compares draft orders for MRI of the lumbar spine with published imaging guidance and answers with advice: "
    "emergencies that must not wait, implants that forbid the scan or hold it, the choice of contrast, and low back "
    "pain in its first six weeks, where imaging usually does not help. **Advice for a clinician, not a coverage "
    "decision.** Other orders are answered with no cards, without reading patient data."
)


@dataclass(frozen=True, slots=True)
class HookService:
    """One entry of the discovery document and the endpoint behind it."""

    id: str
    hook: str
    title: str
    note: str

    def document(self) -> dict[str, Any]:
        """Return the entry as clients read it."""
        return {
            "id": self.id,
            "hook": self.hook,
            "title": self.title,
            "description": f"{_DESCRIPTION} {self.note}",
            "usageRequirements": usage_requirements(),
            "version": _CDS_HOOKS,
            "hookVersion": _HOOK_VERSION,
            "prefetch": templates_for(),
        }


SERVICES: Final = (
    HookService(
        id="lumbar-mri-order-select",
        hook="order-select",
        title="Lumbar spine MRI: advice while ordering",
        note="This service looks at the orders being selected.",
    ),
    HookService(
        id="lumbar-mri-order-sign",
        hook="order-sign",
        title="Lumbar spine MRI: advice before signing",
        note="This service looks at every order about to be signed; its cards replace those given while ordering.",
    ),
)


def usage_requirements() -> str:
    """Return what a client must and may send, for the people who connect one."""
    required = [need.key for need in DATA_NEEDS if need.required]
    others = [need.key for need in DATA_NEEDS if not need.required]
    return (
        f"FHIR R4. The prefetch keys {' and '.join(required)} are required for lumbar spine MRI orders, in prefetch or "
        "from a fhirServer that was agreed on, otherwise the answer is 412; null or an empty Bundle says that there "
        f"are none. The others ({', '.join(others)}) improve the answer: a card names what could not be checked. "
        "Nothing that names a patient is stored. Cards of "
        "lumbar-mri-order-sign supersede those of lumbar-mri-order-select for the same order. Feedback is welcome at "
        "the service's address followed by /feedback."
    )


def discovery_document() -> dict[str, Any]:
    """Return the whole answer to `GET /cds-services`."""
    return {"services": [service.document() for service in SERVICES]}
