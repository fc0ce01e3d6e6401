"""The exports of the insights: described only where the service has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cds_service.openapi.operations import JSON, Operation

# Named here for the description; a test compares them with what is exported.
TABLES: Final = (
    *("volume", "outcomes", "cards", "messages", "reasons", "suggestions", "latencies", "sources", "trend"),
)
_TEXT: Final = {"type": "string"}
_DAY: Final = {"type": "string", "format": "date"}
_SECURITY: Final[Sequence[Mapping[str, Any]]] = ({}, {"adminToken": []})
_REFUSALS: Final = ("BadRequest", "Unauthorized", "TooManyCalls", "StoreUnavailable", "Crash")
_FILTERS: Final[Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "period": ("The last days, up to today; 30 unless days are given.", {"enum": ["7", "30", "90", "all"]}),
    "from": ("The first day, in UTC.", _DAY),
    "to": ("The last day, in UTC.", _DAY),
    "client": ("One client only.", _TEXT),
    "guideline": ("One version of the guideline only.", _TEXT),
    "records": (
        "Real records, those of the demo's invented patients, or those of `demo-data`; they are never mixed.",
        {"enum": ["real", "demo", "synthetic"]},
    ),
    "by": ("The unit of the trend.", {"enum": ["day", "week"]}),
}


def export_paths() -> dict[str, Any]:
    """Return the addresses of the exports with their operations."""
    rows = {"type": "array", "items": {"type": "object"}}
    return {
        "/insights/export.json": {"get": _export("export-all", "Every table", {JSON: {"type": "object"}})},
        "/insights/export/{name}.csv": {"get": _export("export-csv", "One table as CSV", {"text/csv": _TEXT}, "name")},
        "/insights/export/{name}.json": {"get": _export("export-json", "One table as JSON", {JSON: rows}, "name")},
    }


def _export(ident: str, summary: str, content: Mapping[str, Mapping[str, Any]], *in_path: str) -> dict[str, Any]:
    names = [_parameter(name, "path", "The table.", {"enum": list(TABLES)}) for name in in_path]
    filters = [_parameter(name, "query", text, schema) for name, (text, schema) in _FILTERS.items()]
    bodies = {media_type: {"schema": schema} for media_type, schema in content.items()}
    return Operation(
        id=ident,
        tag="Insights",
        summary=summary,
        description="The numbers of the page at `/insights`, with its filters.",
        answers={"200": {"description": "The numbers", "content": bodies}},
        refusals=(*_REFUSALS, "NotFound") if in_path else _REFUSALS,
        security=_SECURITY,
        more={"parameters": [*names, *filters]},
    ).document()


def _parameter(name: str, place: str, description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": place == "path",
        "description": description,
        "schema": {"type": "string", **schema},
    }
