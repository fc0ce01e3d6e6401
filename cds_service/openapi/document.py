"""The description as a whole."""

from __future__ import annotations

from typing import Any, Final

from cds_service import __version__
from cds_service.openapi.components import components
from cds_service.openapi.exports import export_paths
from cds_service.openapi.operations import paths

_DESCRIPTION: Final = (
    "Advice on lumbar-spine MRI orders through CDS Hooks 2.0.1 (ready for 3.0), on FHIR R4. Bodies are JSON in UTF-8. "
    "Every answer carries `X-Request-ID`; every refusal is an OperationOutcome. An error is never an empty answer. Who "
    "must prove what before a hook is answered depends on the clients that are configured; the start page tells."
)
_STANDING: Final = "**Advice for clinicians, not validated by one: not for the care of real patients.**"
_APPROVED: Final = "**Advice for clinicians: their judgement decides.**"
_TAGS: Final = (
    ("CDS Hooks", "What an EHR calls."),
    ("Terminology", "The codes behind the advice."),
    ("Operation", "For whoever keeps the service running."),
    ("Insights", "What was ordered, advised, accepted and overridden, as files; no patient is in them."),
    ("Documentation", "For whoever connects to it."),
)


def openapi_document(base_url: str = "", *, insights: bool = False, approved: bool = False) -> dict[str, Any]:
    """Return the OpenAPI 3.1 description of the service at an address without a slash at its end.

    `insights` tells that their exports can be had, `approved` that the site's clinicians have approved the guideline.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lumbar MRI CDS",
            "version": __version__,
            "summary": "Decision support for lumbar-spine MRI orders",
            "description": f"{_DESCRIPTION} {_APPROVED if approved else _STANDING}",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "servers": [{"url": base_url or "/"}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS],
        "paths": paths() | (export_paths() if insights else {}),
        "components": components(),
    }
