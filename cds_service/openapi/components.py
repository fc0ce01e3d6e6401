"""The reusable parts of the description: schemas, refusals, and ways to prove who calls.

OpenAPI 3.1 is JSON Schema 2020-12, so the files of `cds_service/schemas` are taken over word for word. Only their
definitions move: `#/$defs/card` of the hook response becomes the component `HookResponse.card`, because few tools
follow a `$ref` into a schema that is a document of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from cds_service.protocol import schemas
from cds_service.protocol.errors import (
    OVERLOADED,
    MediaTypeError,
    StoreUnavailableError,
    TooManyCallsError,
    UnauthorizedError,
)

_OWN: Final = {
    "HookRequest": schemas.HOOK_REQUEST,
    "HookResponse": schemas.HOOK_RESPONSE,
    "FeedbackRequest": schemas.FEEDBACK_REQUEST,
    "DiscoveryResponse": schemas.DISCOVERY_RESPONSE,
}
_DEFINITIONS: Final = "#/$defs/"
# What makes a schema a document of its own.
_DOCUMENT_KEYWORDS: Final = ("$schema", "$id", "$defs")

_TEXT: Final = {"type": "string"}
_COUNTS: Final = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}

_OUTCOME: Final[Mapping[str, Any]] = {
    "title": "FHIR R4 OperationOutcome",
    "description": "Every refusal looks so. `details.text` is a fixed sentence; it repeats nothing of a request.",
    "type": "object",
    "required": ["resourceType", "issue"],
    "properties": {
        "resourceType": {"const": "OperationOutcome"},
        "issue": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["severity", "code", "details", "diagnostics"],
                "properties": {
                    "severity": {"enum": ["fatal", "error"]},
                    "code": {**_TEXT, "description": "A code of FHIR's issue types."},
                    "details": {"type": "object", "required": ["text"], "properties": {"text": _TEXT}},
                    "diagnostics": {**_TEXT, "description": "The request id, as in the header X-Request-ID."},
                    "expression": {"type": "array", "items": _TEXT, "description": "The fields at fault."},
                },
            },
        },
    },
}

_LIVENESS: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["status", "version"],
    "properties": {"status": {"const": "ok"}, "version": _TEXT},
}

_READINESS: Final[Mapping[str, Any]] = {
    "description": "What works besides answering. Other stores may be named here too.",
    "type": "object",
    "required": ["status", "feedback"],
    "properties": {
        "status": {"enum": ["starting", "ready", "stopping"]},
        "feedback": {"enum": ["ok", "unavailable"]},
        "keys": {
            "enum": ["ok", "unavailable"],
            "description": "Whether all keys of token issuers are there, where any are fetched.",
        },
        "switches": {
            "enum": ["ok", "unavailable"],
            "description": "Whether the file of the kill switch is in force as it stands.",
        },
        "circuits": {**_COUNTS, "description": "How many FHIR servers are asked, by state of their circuit breaker."},
        "modes": {**_COUNTS, "description": "How many clients are in which mode."},
        "switched": {**_COUNTS, "description": "How many clients the kill switch lowers to which mode."},
    },
}

_VALUE_SET: Final[Mapping[str, Any]] = {
    "title": "FHIR R4 ValueSet",
    "type": "object",
    "required": ["resourceType", "id", "url", "name", "title", "compose"],
    "properties": {
        "resourceType": {"const": "ValueSet"},
        "id": _TEXT,
        "url": _TEXT,
        "name": _TEXT,
        "title": _TEXT,
        "compose": {"type": "object"},
    },
}

_SEARCHSET: Final[Mapping[str, Any]] = {
    "title": "FHIR R4 Bundle of ValueSets",
    "type": "object",
    "required": ["resourceType", "type", "total"],
    "properties": {
        "resourceType": {"const": "Bundle"},
        "type": {"const": "searchset"},
        "total": {"type": "integer", "minimum": 0},
        "entry": {
            "type": "array",
            "items": {"type": "object", "properties": {"resource": {"$ref": "#/components/schemas/ValueSet"}}},
        },
    },
}

_QUESTIONNAIRE: Final[Mapping[str, Any]] = {
    "title": "FHIR R4 Questionnaire",
    "type": "object",
    "required": ["resourceType", "id", "url", "version", "title", "item"],
    "properties": {
        "resourceType": {"const": "Questionnaire"},
        "id": _TEXT,
        "url": _TEXT,
        "version": _TEXT,
        "title": _TEXT,
        "item": {"type": "array", "items": {"type": "object", "required": ["linkId", "text", "type"]}},
    },
}

_QUESTIONNAIRE_SEARCHSET: Final[Mapping[str, Any]] = {
    "title": "FHIR R4 Bundle of Questionnaires",
    "type": "object",
    "required": ["resourceType", "type", "total"],
    "properties": {
        "resourceType": {"const": "Bundle"},
        "type": {"const": "searchset"},
        "total": {"type": "integer", "minimum": 0},
        "entry": {
            "type": "array",
            "items": {"type": "object", "properties": {"resource": {"$ref": "#/components/schemas/Questionnaire"}}},
        },
    },
}

_SERVICE_FACTS: Final[Mapping[str, Any]] = {
    "description": "What the start page tells people, for programs.",
    "type": "object",
    "required": ["version", "guidelineVersion", "profile", "authentication", "discovery", "services", "pages"],
    "properties": {
        "version": _TEXT,
        "guidelineVersion": _TEXT,
        "profile": _TEXT,
        "authentication": _TEXT,
        "insecure": {"type": "boolean"},
        "clients": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["name", "mode", "switched"],
                "properties": {
                    "name": _TEXT,
                    "mode": _TEXT,
                    "switched": {"type": "boolean", "description": "Whether the kill switch lowers it."},
                },
            },
        },
        "discovery": _TEXT,
        "services": {"type": "array", "items": {"type": "object"}},
        "pages": {"type": "object", "additionalProperties": _TEXT},
        "sandbox": _TEXT,
    },
}

# The refusals by name: status, and what it means for the caller.
_REFUSALS: Final[Mapping[str, tuple[int, str]]] = {
    "BadRequest": (
        HTTPStatus.BAD_REQUEST,
        "The body breaks the contract, or mixes two patients; `expression` names the fields. Nothing was assessed.",
    ),
    "Unauthorized": (
        HTTPStatus.UNAUTHORIZED,
        UnauthorizedError().message + " The reason is in the service's log only.",
    ),
    "NotFound": (HTTPStatus.NOT_FOUND, "Nothing has this address or id."),
    "DataMissing": (
        HTTPStatus.PRECONDITION_FAILED,
        "A lumbar spine MRI is ordered, and required data were not to be had; `expression` names the prefetch keys.",
    ),
    "TooLarge": (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The request body is larger than this service accepts."),
    "MediaType": (
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        MediaTypeError("The request body must be JSON, and not be compressed.").message,
    ),
    "TooManyCalls": (HTTPStatus.TOO_MANY_REQUESTS, TooManyCallsError(1).message + " `Retry-After` says when to call."),
    "Crash": (
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "The service failed while working on this request. No advice was given; that does not mean approval.",
    ),
    "Overloaded": (HTTPStatus.SERVICE_UNAVAILABLE, OVERLOADED + " `Retry-After` says when to call."),
    "StoreUnavailable": (HTTPStatus.SERVICE_UNAVAILABLE, StoreUnavailableError().message),
}
REFUSED_WITH: Final[Mapping[str, int]] = {name: int(status) for name, (status, _) in _REFUSALS.items()}

SECURITY_SCHEMES: Final[Mapping[str, Any]] = {
    "cdsHooksJwt": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The JSON Web Token of CDS Hooks: asymmetric, short-lived, used once, its `aud` the address "
        "called, its `iss` and `jku` agreed with this service beforehand.",
    },
    "oauthBearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "An OAuth 2.0 access token in the form of a JWT, as of SMART Backend Services.",
    },
    "mutualTls": {
        "type": "mutualTLS",
        "description": "A client certificate, checked by the proxy before this service.",
    },
    "metricsToken": {"type": "http", "scheme": "bearer", "description": "The token of LUMBAR_CDS_METRICS_TOKEN."},
    "adminToken": {"type": "http", "scheme": "bearer", "description": "The token of LUMBAR_CDS_ADMIN_TOKEN."},
}


def components() -> dict[str, Any]:
    """Return the reusable parts of the description."""
    found: dict[str, Any] = {}
    for name, schema in _OWN.items():
        found |= _taken_over(name, schema.document)
    found |= {
        "OperationOutcome": _OUTCOME,
        "Liveness": _LIVENESS,
        "Readiness": _READINESS,
        "ValueSet": _VALUE_SET,
        "ValueSetSearchset": _SEARCHSET,
        "Questionnaire": _QUESTIONNAIRE,
        "QuestionnaireSearchset": _QUESTIONNAIRE_SEARCHSET,
        "ServiceFacts": _SERVICE_FACTS,
    }
    return {
        "schemas": found,
        "responses": {name: _refusal(text) for name, (_, text) in _REFUSALS.items()},
        "headers": {
            "X-Request-ID": {
                "description": "Names the request in both sides' logs; a caller's own is kept if it is a plain token.",
                "schema": _TEXT,
            }
        },
        "securitySchemes": SECURITY_SCHEMES,
    }


def _refusal(text: str) -> dict[str, Any]:
    return {
        "description": text,
        "headers": {"X-Request-ID": {"$ref": "#/components/headers/X-Request-ID"}},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OperationOutcome"}}},
    }


def _taken_over(name: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema file as components: the schema itself, and each of its definitions."""
    own = {key: value for key, value in document.items() if key not in _DOCUMENT_KEYWORDS}
    parts = {name: own} | {f"{name}.{key}": value for key, value in document.get("$defs", {}).items()}
    return {key: _redirected(value, name) for key, value in parts.items()}


def _redirected(value: Any, name: str) -> Any:
    """Return a schema whose references to definitions lead to the components made of them."""
    if isinstance(value, Mapping):
        return {
            key: f"#/components/schemas/{name}.{item.removeprefix(_DEFINITIONS)}"
            if key == "$ref" and isinstance(item, str) and item.startswith(_DEFINITIONS)
            else _redirected(item, name)
            for key, item in value.items()
        }
    return [_redirected(item, name) for item in value] if isinstance(value, list) else value
