"""The start page: what runs here, how an EHR connects to it, and where to look next."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from cds_service.protocol.discovery import SERVICES
from cds_service.protocol.serialization import encode

if TYPE_CHECKING:
    from cds_service.pages.rendering.renderer import Renderer

SANDBOX_ORIGIN: Final = "https://sandbox.cds-hooks.org"
# Left to the shell, so that nobody pastes a token into a command.
_PROOF: Final = '-H "Authorization: Bearer $TOKEN"'
_EXAMPLE: Final = "cauda-equina"


@dataclass(frozen=True, slots=True)
class HomePage:
    """The page at `/`, as HTML for people and as JSON for whoever asks for that."""

    renderer: Renderer

    def blueprint(self) -> Blueprint:
        """Return the route."""
        routes = Blueprint("home", __name__)
        routes.get("/")(self.show)
        return routes

    def show(self) -> Response:
        """Tell what runs here; as JSON only where a caller prefers it to HTML."""
        base = self.renderer.base_url()
        accepted = request.accept_mimetypes
        if accepted["application/json"] > accepted["text/html"]:
            response = Response(encode(self._document(base)), mimetype="application/json")
        else:
            response = self.renderer.page(
                "home.html",
                discovery_url=f"{base}/cds-services",
                services=SERVICES,
                sandbox_url=sandbox_url(base),
                curl=curl_lines(base, with_token=self.renderer.facts.token_needed),
            )
        response.vary.add("Accept")
        return response

    def _document(self, base: str) -> dict[str, Any]:
        """Return the facts of the page as plain values."""
        facts = self.renderer.facts
        switched = facts.switched()
        pages = {"start": "/", "criteria": "/criteria", "codes": "/criteria/codes", "scenarios": "/scenarios"}
        pages |= {"review": "/review"}
        pages |= {"docs": "/docs", "openapi": "/openapi.json"}
        pages |= {"demo": "/demo"} if facts.demo_enabled else {}
        pages |= {"insights": "/insights"} if facts.insights_enabled else {}
        pages |= {"calls": "/calls"} if facts.calls_enabled else {}
        return {
            "version": facts.version,
            "guidelineVersion": facts.guideline_version,
            "approved": facts.approved,
            "profile": facts.profile,
            "authentication": facts.authentication,
            "insecure": facts.insecure,
            "clients": [
                {"name": name, "mode": mode, "switched": name in switched} for name, mode in facts.modes().items()
            ],
            "discovery": f"{base}/cds-services",
            "services": [{"id": service.id, "hook": service.hook, "title": service.title} for service in SERVICES],
            "pages": {name: f"{base}{path}" for name, path in pages.items()},
        } | ({"sandbox": sandbox_url(base)} if facts.sandbox_may_call else {})


def sandbox_url(base: str) -> str:
    """Return the link that opens the public sandbox with this service, on the screen that orders imaging."""
    query = {"hook": "order-select", "screen": "pama", "serviceDiscoveryURL": f"{base}/cds-services"}
    return f"{SANDBOX_ORIGIN}/?{urlencode(query)}"


def curl_lines(base: str, *, with_token: bool = False) -> tuple[str, str]:
    """Return two commands for a terminal: list the services, and send a bundled request to one of them.

    With a token, the second one takes it from the variable TOKEN.
    """
    demo, service = f"{base}/examples/{_EXAMPLE}.json", f"{base}/cds-services/lumbar-mri-order-sign"
    post = shlex.join(["curl", "-s", service, "-H", "Content-Type: application/json", "-d", "@-"])
    post = f"{post} {_PROOF}" if with_token else post
    return shlex.join(["curl", "-s", f"{base}/cds-services"]), f"{shlex.join(['curl', '-s', demo])} | {post}"
