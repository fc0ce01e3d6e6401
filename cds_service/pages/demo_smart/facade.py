"""The demo's FHIR server: the chart that was on the screen when the form was launched, and what the form writes."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from fhir.resources.R4B.questionnaireresponse import QuestionnaireResponse
from flask import Blueprint, Response, request
from pydantic import ValidationError

from cds_service.protocol.errors import BadRequestError, ServiceError
from cds_service.protocol.serialization import decode, encode
from cds_service.smart.apps import DEMO_BASE
from fhir_mappings.fhir.needs import DATA_NEEDS

if TYPE_CHECKING:
    from cds_service.pages.demo_smart.store import DemoStore

_KEYS: Final = {need.resource_type: need.key for need in DATA_NEEDS}
_WRITTEN: Final = "QuestionnaireResponse"
_ORDERS: Final = ("ServiceRequest", "ProcedureRequest")
_LARGEST: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class DemoFhirServer:
    """The reads and searches that the form makes, and the one create."""

    store: DemoStore

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("demo_fhir", __name__)
        routes.get(f"{DEMO_BASE}/<resource_type>")(self.search)
        routes.get(f"{DEMO_BASE}/<resource_type>/<resource_id>")(self.read)
        routes.post(f"{DEMO_BASE}/{_WRITTEN}")(self.create)
        return routes

    def search(self, resource_type: str) -> Response:
        """Answer with all resources of a type: the chart is one patient's."""
        launch, chart = self._chart()
        if request.args.get("patient", chart["patientId"]) != chart["patientId"]:
            raise ServiceError(HTTPStatus.FORBIDDEN, "forbidden", "This login is for another patient.")
        found = self._held(chart, resource_type)
        if isinstance(found, dict) and found.get("resourceType") == "OperationOutcome":
            return _fhir(found, HTTPStatus.INTERNAL_SERVER_ERROR)
        entries = list((found or {}).get("entry") or [])
        if resource_type == _WRITTEN:
            entries += [{"resource": resource | {"id": key}} for key, resource in self.store.of(launch)]
        return _fhir({"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries})

    def read(self, resource_type: str, resource_id: str) -> Response:
        """Answer with one resource: the patient, or a draft order."""
        _, chart = self._chart()
        held = self._held(chart, resource_type) if resource_type == "Patient" else None
        drafts = chart["orders"] if resource_type in _ORDERS else ()
        for resource in (held, *(drafts or ())):
            if isinstance(resource, dict) and (resource.get("resourceType"), resource.get("id")) == (
                resource_type,
                resource_id,
            ):
                return _fhir(resource)
        raise ServiceError(HTTPStatus.NOT_FOUND, "not-found", "The demo EHR has no such resource.")

    def create(self) -> Response:
        """Take the answers of a form into the chart."""
        launch, chart = self._chart()
        resource = decode(request.get_data(cache=False)[:_LARGEST])
        try:
            QuestionnaireResponse.model_validate(resource)
        except ValidationError:
            raise BadRequestError("invalid", "The resource is no QuestionnaireResponse of FHIR R4.") from None
        if resource.get("subject", {}).get("reference") != f"Patient/{chart['patientId']}":
            raise ServiceError(HTTPStatus.FORBIDDEN, "forbidden", "This login is for another patient.")
        key = self.store.put("written", resource, owner=launch)
        response = _fhir(resource | {"id": key}, HTTPStatus.CREATED)
        response.headers["Location"] = f"{DEMO_BASE}/{_WRITTEN}/{key}"
        return response

    def _chart(self) -> tuple[str, dict[str, Any]]:
        """Return the launch of the token at hand, and its chart."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        login = self.store.get("token", token) if scheme == "Bearer" else None
        chart = self.store.get("launch", login["launch"]) if login else None
        if login is None or chart is None:
            raise ServiceError(HTTPStatus.UNAUTHORIZED, "login", "The token is none of this server's.")
        return login["launch"], chart

    def _held(self, chart: dict[str, Any], resource_type: str) -> Any:
        key, prefetch = _KEYS.get(resource_type), chart["prefetch"] or {}
        if key is None or key not in prefetch:
            raise ServiceError(HTTPStatus.NOT_FOUND, "not-supported", "The demo EHR keeps no such resources.")
        return prefetch[key]


def _fhir(resource: Any, status: int = HTTPStatus.OK) -> Response:
    response = Response(encode(resource), status=status, mimetype="application/fhir+json")
    response.cache_control.no_store = True
    return response
