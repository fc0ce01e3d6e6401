"""The API page: the OpenAPI description in Swagger UI, with requests to try, without the internet.

Swagger UI is vendored and runs under the content policy of every page: it sets styles on elements only, which the
policy allows. What it shows is the description that is served at `/openapi.json`, and nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

from flask import Blueprint, Response

from cds_service.demo.requests import find_demo
from cds_service.openapi.document import openapi_document
from cds_service.pages.rendering.renderer import Renderer
from cds_service.protocol.errors import ServiceError
from cds_service.protocol.published import Published
from cds_service.protocol.serialization import encode

_JSON: Final = "application/json"


@dataclass(frozen=True)
class ApiPages:
    """The page at `/docs`, the description behind it, and the example requests."""

    renderer: Renderer

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("api", __name__)
        routes.get("/docs")(self.show)
        routes.get("/openapi.json")(self.describe)
        routes.get("/examples/<name>.json")(self.example)
        return routes

    def show(self) -> Response:
        """Show the page."""
        return self.renderer.page("api.html", document=self._document)

    def describe(self) -> Response:
        """Answer with the description."""
        return self._published.response()

    def example(self, name: str) -> Response:
        """Answer with an example request."""
        demo = find_demo(name)
        if demo is None:
            raise ServiceError(HTTPStatus.NOT_FOUND, "not-found", "No example has this name; /docs lists them.")
        return Published(demo.body(), _JSON).response()

    @cached_property
    def _document(self) -> Mapping[str, Any]:
        facts = self.renderer.facts
        return openapi_document(facts.public_url, insights=facts.insights_enabled, approved=facts.approved)

    @cached_property
    def _published(self) -> Published:
        return Published(encode(self._document), _JSON)
