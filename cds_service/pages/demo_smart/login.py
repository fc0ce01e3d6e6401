"""The demo's authorization server: it asks nobody who they are, and checks everything else as a real one would.

For development only: whoever reaches it can log in. Its patients are invented.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

import jwt
from flask import Blueprint, Response, redirect, request
from werkzeug.exceptions import RequestEntityTooLarge

from cds_service.protocol.errors import BadRequestError, MediaTypeError, ServiceError
from cds_service.protocol.serialization import decode, encode
from cds_service.smart.apps import DEMO_BASE

if TYPE_CHECKING:
    from collections.abc import Callable

    from cds_service.pages.demo_smart.store import DemoStore
    from cds_service.smart.apps import SmartApp

_SECONDS: Final = 900
_MEMBERS: Final = ("patientId", "userId", "prefetch", "orders", "appContext")


@dataclass(frozen=True, slots=True)
class DemoLogin:
    """The launch and the login; `base_url` tells the address of this service as the browser knows it."""

    store: DemoStore
    app: SmartApp
    base_url: Callable[[], str]
    max_body_bytes: int = 5 * 1024 * 1024
    key: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("demo_login", __name__)
        routes.get(f"{DEMO_BASE}/.well-known/smart-configuration")(self.configuration)
        routes.post("/demo/smart/launch")(self.launch)
        routes.get("/demo/smart/launch/<launch>/written")(self.written)
        routes.get("/demo/smart/authorize")(self.authorize)
        routes.post("/demo/smart/token")(self.token)
        return routes

    def configuration(self) -> Response:
        """Tell where to log in, and what this server can do."""
        base = self.base_url()
        return _json(
            {
                "issuer": f"{base}{DEMO_BASE}",
                "authorization_endpoint": f"{base}/demo/smart/authorize",
                "token_endpoint": f"{base}/demo/smart/token",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code"],
                "code_challenge_methods_supported": ["S256"],
                "capabilities": ["launch-ehr", "client-public", "context-ehr-patient", "permission-v2"],
            }
        )

    def launch(self) -> Response:
        """Keep the chart as it is on the screen, for the form that is about to be launched."""
        if request.mimetype != "application/json":
            raise MediaTypeError("The request body must be JSON (Content-Type: application/json).")
        request.max_content_length = self.max_body_bytes + 1
        body = request.get_data(cache=False)
        if len(body) > self.max_body_bytes:
            raise RequestEntityTooLarge
        chart = decode(body)
        if not isinstance(chart, dict) or not isinstance(chart.get("patientId"), str):
            raise BadRequestError("required", "patientId is missing.", "patientId")
        return _json({"launch": self.store.put("launch", {name: chart.get(name) for name in _MEMBERS})})

    def written(self, launch: str) -> Response:
        """Answer with what forms have written since a launch."""
        return _json({"written": [resource | {"id": key} for key, resource in self.store.of(launch)]})

    def authorize(self) -> Response:
        """Let a form in that was launched here, and send it back with a code."""
        asked = request.args
        redirect_uri = asked.get("redirect_uri", "")
        if asked.get("client_id") != self.app.client_id or redirect_uri != self._redirect:
            raise ServiceError(HTTPStatus.BAD_REQUEST, "forbidden", "This app is not registered at the demo EHR.")
        sound = (
            asked.get("response_type") == "code"
            and asked.get("aud") == f"{self.base_url()}{DEMO_BASE}"
            and asked.get("code_challenge_method") == "S256"
            and asked.get("code_challenge")
            and asked.get("state")
        )
        answer = {"state": asked.get("state", "")}
        if not sound or self.store.get("launch", asked.get("launch", "")) is None:
            answer["error"] = "invalid_request"
        else:
            login = {name: asked[name] for name in ("launch", "scope", "code_challenge", "redirect_uri")}
            answer["code"] = self.store.put("code", login)
        response = redirect(f"{redirect_uri}?{urlencode(answer)}")
        response.cache_control.no_store = True
        return response  # type: ignore[return-value] # Flask makes its own Response

    def token(self) -> Response:
        """Trade a code for a token, once, for whoever can prove to have begun the login."""
        form = request.form
        login = self.store.take("code", form.get("code", ""))
        proof = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(proof).rstrip(b"=").decode()
        if (
            login is None
            or form.get("grant_type") != "authorization_code"
            or form.get("redirect_uri") != login["redirect_uri"]
            or not hmac.compare_digest(challenge, login["code_challenge"])
        ):
            return _json({"error": "invalid_grant"}, HTTPStatus.BAD_REQUEST)
        chart = self.store.get("launch", login["launch"])
        token = self.store.put("token", {"launch": login["launch"], "scope": login["scope"]})
        user = f"{self.base_url()}{DEMO_BASE}/{chart['userId'] or 'Practitioner/demo-clinician'}"
        answer: dict[str, Any] = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": _SECONDS,
            "scope": login["scope"],
            "patient": chart["patientId"],
            "id_token": jwt.encode({"aud": self.app.client_id, "fhirUser": user}, self.key, "HS256"),
        }
        return _json(answer | ({"appContext": chart["appContext"]} if chart["appContext"] else {}))

    @property
    def _redirect(self) -> str:
        return f"{self.base_url()}/form/{self.app.client.name}"


def _json(document: Any, status: int = HTTPStatus.OK) -> Response:
    response = Response(encode(document), status=status, mimetype="application/json")
    response.cache_control.no_store = True
    return response
