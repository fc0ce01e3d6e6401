"""`/form`: the SMART app that asks what a card asks, in the clinician's own window.

The server knows nothing of the login: the browser is sent to the EHR and comes back with a code that it trades for a
token itself, and the token stays in that window. What is decided here is who may launch the form at all, and which
addresses its page may then ask, which the browser enforces.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response, abort, request

from cds_service.pages.rendering.security import CONTENT_SECURITY_POLICY
from cds_service.protocol.errors import ServiceError
from cds_service.protocol.serialization import encode
from cds_service.smart.contexts import FormContext
from fhir_mappings.fhir.needs import PATIENT
from fhir_mappings.fhir.searches import templates_for

if TYPE_CHECKING:
    from cards.guideline.wording import Wording
    from cds_service.pages.rendering.renderer import Renderer
    from cds_service.smart.apps import SmartApp, SmartApps
    from cds_service.smart.contexts import FormContexts

_SAVED_AS: Final = "QuestionnaireResponse"


@dataclass(frozen=True, slots=True)
class FormPage:
    """The pages of the form."""

    renderer: Renderer
    apps: SmartApps
    contexts: FormContexts
    wording: Wording

    def blueprint(self) -> Blueprint:
        """Return the routes; the second is what an EHR knows as the app's redirect address."""
        routes = Blueprint("form", __name__)
        routes.get("/form")(self.launch)
        routes.get("/form/launch", endpoint="launch_from_ehr")(self.launch)
        routes.get("/form/<client>")(self.open)
        return routes

    def launch(self) -> Response:
        """Begin the login at the EHR that launches; one that no client lists is refused before anything is asked."""
        issuer = request.args.get("iss", "")
        if not issuer:
            return self.renderer.page("form_closed.html", text=self.wording.text("form", "from_ehr"))
        found = self.apps.launched_by(issuer, self.renderer.base_url())
        if found is None:
            message = "The address in iss is none of the FHIR servers that may launch this form."
            raise ServiceError(HTTPStatus.FORBIDDEN, "forbidden", message, ("iss",))
        app, base = found
        config = {
            "step": "launch",
            "issuer": base,
            "launch": request.args.get("launch", ""),
            "clientId": app.client_id,
            "redirect": self._address(app),
            "reads": list(dict.fromkeys(need.resource_type for need in app.client.needs)),
            "writes": _SAVED_AS,
        }
        return self._page(app, config)

    def open(self, client: str) -> Response:
        """Show the form of a client, to whoever comes back from its login."""
        app = self.apps.named(client)
        if app is None:
            abort(HTTPStatus.NOT_FOUND)
        config = {
            "step": "open",
            "issuers": list(self.apps.bases_of(app, self.renderer.base_url())),
            "templates": dict(templates_for(app.client.fhir.form, app.client.needs)),
            "patientToken": PATIENT,
            # For an EHR that opens the form from its own menu: about no card, and so about no patient.
            "context": self.contexts.sign(FormContext(app.client.name)),
            "writes": _SAVED_AS,
        }
        return self._page(app, config)

    def _address(self, app: SmartApp) -> str:
        return f"{self.renderer.base_url()}/form/{app.client.name}"

    def _page(self, app: SmartApp, config: dict[str, Any]) -> Response:
        texts = self.wording.get("form")
        response = self.renderer.page(
            "form.html", config=encode(config).decode(), texts=texts, texts_json=encode(texts).decode()
        )
        response.headers["Content-Security-Policy"] = content_policy(app)
        if app.framed_by:
            del response.headers["X-Frame-Options"]  # it knows no list, and the policy has one
        response.cache_control.no_cache = None
        response.cache_control.no_store = True
        return response


def content_policy(app: SmartApp) -> str:
    """Return the content policy of a client's form: its scripts are ours, and it asks us and that client's servers."""
    reached = " ".join(("'self'", *app.reached))
    framed_by = " ".join(app.framed_by) or "'none'"
    policy = CONTENT_SECURITY_POLICY.replace("connect-src 'self'", f"connect-src {reached}")
    return policy.replace("frame-ancestors 'none'", f"frame-ancestors {framed_by}")
