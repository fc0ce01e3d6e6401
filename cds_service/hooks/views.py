"""The addresses of CDS Hooks. Each view reads, delegates and answers; whatever goes wrong is raised."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import RequestEntityTooLarge

from cds_service.protocol.discovery import SERVICES, HookService, discovery_document
from cds_service.protocol.errors import FeedbackError, MediaTypeError, UnknownServiceError
from cds_service.protocol.feedback import read_feedback
from cds_service.protocol.published import Published
from cds_service.protocol.serialization import encode
from cds_service.protocol.trace import DEMO_HEADER, current_trace

if TYPE_CHECKING:
    from cds_service.auth.admission import Admission
    from cds_service.auth.verifiers.callers import Caller
    from cds_service.hooks.handler import HookHandler
    from cds_service.protocol.trace import Trace
    from cds_service.records.stores import FeedbackStore

# FHIR's media types too, also under its old name, and none at all: clients send them with the same JSON.
_JSON: Final = frozenset({"", "application/json", "application/fhir+json", "application/json+fhir"})
_SERVICES: Final = {service.id: service for service in SERVICES}
_DISCOVERY: Final = Published(encode(discovery_document()), "application/json")


@dataclass(frozen=True, slots=True)
class Views:
    """The views and what they work with; `max_body_bytes` holds for clients that have no limit of their own."""

    admission: Admission
    handler: HookHandler
    feedback: FeedbackStore
    max_body_bytes: int

    def blueprint(self) -> Blueprint:
        """Return the routes of CDS Hooks."""
        hooks = Blueprint("hooks", __name__)
        hooks.get("/cds-services")(self.discover)
        hooks.post("/cds-services/<service_id>")(self.call)
        hooks.post("/cds-services/<service_id>/feedback")(self.report)
        return hooks

    def discover(self) -> Response:
        """Tell what is offered, to everybody: it is the same for all and holds no secret."""
        return _DISCOVERY.response()

    def call(self, service_id: str) -> Response:
        """Answer a hook."""
        trace = current_trace()
        service = _service(service_id, trace)
        trace.hook = service.hook
        trace.is_demo = DEMO_HEADER in request.headers
        caller = self.admission.admit_hook_call()
        return self._timed(_json(self.handler.answer(caller, service, self._body(caller), trace)), caller)

    def report(self, service_id: str) -> Response:
        """Take feedback on the cards of a service: what can be read of it is kept before the rest is refused."""
        trace = current_trace()
        service = _service(service_id, trace)
        caller = self.admission.admit()
        with trace.phase("read"):
            found = read_feedback(self._body(caller), service.id, caller.client.name)
        with trace.phase("store"):
            self.feedback.record(found.events)
        trace.feedback.update(event.outcome for event in found.events)
        if found.faults:
            raise FeedbackError(found.faults, kept=len(found.events))
        return self._timed(_json(b"{}"), caller)

    def _body(self, caller: Caller) -> bytes:
        return _body(caller.client.max_body_bytes or self.max_body_bytes)

    def _timed(self, response: Response, caller: Caller) -> Response:
        """Add what took how long, where answers explain themselves."""
        if self.handler.advisers[caller.client.name].explain:
            response.headers["Server-Timing"] = current_trace().server_timing()
        return response


def _service(service_id: str, trace: Trace) -> HookService:
    """Return the service of an address and note it for the log; an unknown id is not noted, it could be anything."""
    if service_id not in _SERVICES:
        raise UnknownServiceError
    trace.service = service_id
    return _SERVICES[service_id]


def _body(limit: int) -> bytes:
    """Return the bytes of the request, at most `limit`, which must be declared as plain JSON or not at all."""
    if request.mimetype not in _JSON:
        raise MediaTypeError("The request body must be JSON (Content-Type: application/json).")
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise MediaTypeError("The request body must not be compressed (no Content-Encoding).")
    # Werkzeug ends a chunked body at its maximum without an error, so it may read one byte more than we accept.
    request.max_content_length = limit + 1
    body = request.get_data(cache=False)
    if len(body) > limit:
        raise RequestEntityTooLarge
    g.body = body  # for whoever judges the call once it is answered
    return body


def _json(body: bytes) -> Response:
    return Response(body, status=HTTPStatus.OK, mimetype="application/json")
