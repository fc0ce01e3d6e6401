"""The bundled value sets as FHIR, for whoever wants to see or reuse the codes behind the advice.

What a site adds to a concept is not published here: it is the site's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from cds_service.protocol.errors import ServiceError
from cds_service.protocol.published import Published
from cds_service.protocol.serialization import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fhir_mappings.terminology.index import TerminologyIndex

    _Resource = Mapping[str, Any]

_MEDIA_TYPE: Final = "application/fhir+json"
_BASE: Final = "https://lumbar-mri-cds.org/fhir"

# The search parameters that are understood, as FHIR matches them; all others are ignored.
_FILTERS: Final[Mapping[str, Callable[[_Resource, str], bool]]] = {
    "_id": lambda value_set, wanted: value_set["id"] == wanted,
    "name": lambda value_set, wanted: str(value_set["name"]).casefold().startswith(wanted.casefold()),
    "url": lambda value_set, wanted: value_set["url"] == wanted,
}


@dataclass(frozen=True, slots=True)
class ValueSetViews:
    """The addresses under `/fhir/ValueSet`."""

    resources: Mapping[str, _Resource]

    @classmethod
    def of(cls, index: TerminologyIndex) -> ValueSetViews:
        """Publish the value sets of an index by their ids."""
        found = [index.value_set(concept) for concept in sorted(index.concept_ids)]
        return cls({str(value_set["id"]): value_set for value_set in found})

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("value_sets", __name__)
        routes.get("/fhir/ValueSet")(self.search)
        routes.get("/fhir/ValueSet/<value_set_id>")(self.read)
        return routes

    def search(self) -> Response:
        """Answer with a searchset: every value set, or those that fit all the filters of the query."""
        return _published(searchset(self.resources.values(), _filters()))

    def read(self, value_set_id: str) -> Response:
        """Answer with one value set."""
        if value_set_id not in self.resources:
            message = "No value set has this id; GET /fhir/ValueSet lists them."
            raise ServiceError(HTTPStatus.NOT_FOUND, "not-found", message)
        return _published(self.resources[value_set_id])


def searchset(resources: Iterable[_Resource], filters: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    """Return a Bundle of the resources that fit every filter; commas within a filter mean "or", as in any search."""
    found = [
        resource
        for resource in resources
        if all(any(_FILTERS[name](resource, wanted) for wanted in value.split(",")) for name, value in filters)
    ]
    query = f"?{urlencode(filters)}" if filters else ""
    entries = [
        {"fullUrl": f"{_BASE}/ValueSet/{resource['id']}", "resource": resource, "search": {"mode": "match"}}
        for resource in found
    ]
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(found),
        "link": [{"relation": "self", "url": f"{_BASE}/ValueSet{query}"}],
    }
    return bundle | ({"entry": entries} if entries else {})


def _filters() -> list[tuple[str, str]]:
    """Return the filters of the query; one without a value says nothing."""
    return [(name, value) for name in _FILTERS for value in request.args.getlist(name) if value]


def _published(resource: _Resource) -> Response:
    return Published(encode(resource), _MEDIA_TYPE).response()
