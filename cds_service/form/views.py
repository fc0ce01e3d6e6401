"""`POST /form/assess`: the one address that the form asks beside the EHR. Nothing of what it brings is kept.

Asked by our own page only: with a context that this service has signed, and from our own origin. The token for the
EHR's FHIR server stays in the browser.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from cds_service.clients.pilot import shows_cards
from cds_service.form.advice import advise, document_of
from cds_service.form.request import read_form
from cds_service.protocol.errors import BadRequestError, MediaTypeError, ServiceError
from cds_service.protocol.serialization import encode
from cds_service.protocol.trace import current_trace
from cds_service.smart.apps import origin_of
from cds_service.smart.contexts import ContextError

if TYPE_CHECKING:
    from cds_service.auth.limits import CallLimits
    from cds_service.form.request import FormRequest
    from cds_service.hooks.handler import HookHandler
    from cds_service.protocol.trace import Trace
    from cds_service.smart.apps import SmartApps
    from cds_service.smart.contexts import FormContexts

_SAME: Final = frozenset({"same-origin", "none"})


@dataclass(frozen=True, slots=True)
class FormViews:
    """The view, and what it works with; `public_url` is our own address, empty where it is the one just called."""

    handler: HookHandler
    contexts: FormContexts
    apps: SmartApps
    limits: CallLimits
    max_body_bytes: int
    public_url: str = ""

    def blueprint(self) -> Blueprint:
        """Return the route."""
        routes = Blueprint("form_advice", __name__)
        routes.post("/form/assess")(self.assess)
        return routes

    def assess(self) -> Response:
        """Answer a form as it stands."""
        self._refuse_others()
        trace = current_trace()
        try:
            return self._answered(trace)
        except RecursionError:
            raise BadRequestError("structure", "The form is nested too deeply.") from None

    def _answered(self, trace: Trace) -> Response:
        handler = self.handler
        with trace.phase("read"):
            form = read_form(self._body(), self.contexts)
        app = self.apps.named(form.context.client)
        if app is None:
            raise ContextError
        trace.client = app.client.name
        self.limits.take_form(app.client.name)
        self._refuse_another_patient(form)
        self._refuse_hidden(form)
        adviser = handler.advisers[app.client.name]
        with handler.places.place(app.client.name, trace), handler.places.work(trace, is_begun=False):
            advice = advise(form, adviser, handler.clock().date(), trace)
            response = Response(encode(document_of(advice, adviser)), mimetype="application/json")
        response.cache_control.no_store = True
        return response

    def _refuse_others(self) -> None:
        """Refuse what another site's page sends; a browser says where a request comes from, and no page can lie."""
        own = origin_of(self.public_url or request.host_url)
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        if (site is not None and site not in _SAME) or (origin is not None and origin != own):
            raise ServiceError(HTTPStatus.FORBIDDEN, "forbidden", "Only this service's own form may ask here.")
        if request.mimetype != "application/json":
            raise MediaTypeError("The request body must be JSON (Content-Type: application/json).")

    def _body(self) -> bytes:
        request.max_content_length = self.max_body_bytes + 1
        body = request.get_data(cache=False)
        if len(body) > self.max_body_bytes:
            raise RequestEntityTooLarge
        return body

    def _refuse_another_patient(self, form: FormRequest) -> None:
        """Refuse a form that a card about another patient has opened."""
        context = form.context
        if context.patient and context.patient != self.contexts.patient_mark(context.client, form.hook.patient_id):
            message = "This form was opened from a card about another patient; open it again from this patient's card."
            raise ServiceError(HTTPStatus.CONFLICT, "invariant", message, ("context.patientId",))

    def _refuse_hidden(self, form: FormRequest) -> None:
        """Refuse advice where the client's mode, or the kill switch, hides it."""
        client = self.handler.advisers[form.context.client].client
        mode = self.handler.switches.mode(client)
        if not shows_cards(client, mode, form.hook.user_id, self.handler.identities.key):
            message = "This service gives no advice here at the moment."
            raise ServiceError(HTTPStatus.FORBIDDEN, "suppressed", message)
