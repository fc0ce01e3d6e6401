"""The API page: the OpenAPI description, readable in a browser without the internet.

It is rendered here rather than by Swagger UI, which sets styles from its script, so that the content policy of these
pages would block it, and whose pages fail accessibility checks. What the page shows is the description that is served
at `/openapi.json`, and nothing else.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

import msgspec
from flask import Blueprint, Response, request

from cds_service.demo.requests import Demo, find_demo, load_demos
from cds_service.openapi.document import openapi_document
from cds_service.pages.api.schema_view import component_of, members, type_of
from cds_service.pages.criteria.editions import Edition
from cds_service.pages.rendering.renderer import Renderer
from cds_service.protocol.discovery import SERVICES
from cds_service.protocol.envelope import read_hook_request
from cds_service.protocol.errors import ServiceError
from cds_service.protocol.published import Published
from cds_service.protocol.serialization import encode

_JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation as the page shows it."""

    method: str
    path: str
    document: Mapping[str, Any]

    @property
    def anchor(self) -> str:
        """The id of its heading."""
        return str(self.document["operationId"])


@dataclass(frozen=True, slots=True)
class Example:
    """A bundled request with the answer to it, both as JSON for people."""

    demo: Demo
    service: str
    request: str
    answer: str


@dataclass(frozen=True)
class ApiPages:
    """The page at `/docs`, the description behind it, and the example requests; answers are those of an edition."""

    renderer: Renderer
    edition: Edition
    clock: Callable[[], datetime]

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        self.renderer.add_filters(members=members, component=component_of, type=type_of, schema_json=schema_json)
        routes = Blueprint("api", __name__)
        routes.get("/docs")(self.show)
        routes.get("/openapi.json")(self.describe)
        routes.get("/examples/<name>.json")(self.example)
        return routes

    def describe(self) -> Response:
        """Answer with the description."""
        return self._published.response()

    def example(self, name: str) -> Response:
        """Answer with an example request."""
        demo = find_demo(name)
        if demo is None:
            raise ServiceError(HTTPStatus.NOT_FOUND, "not-found", "No example has this name; /docs lists them.")
        return Published(demo.body(), _JSON).response()

    def show(self) -> Response:
        """Show the page, or say that the browser still has the same one."""
        base = self.renderer.base_url()
        response = self.renderer.page(
            "api.html",
            base_url=base,
            document=self._document,
            operations=self._operations,
            examples=self._examples,
            curl=lambda example: _curl(base, example),
        )
        response.add_etag()
        response.make_conditional(request)
        return response

    @cached_property
    def _document(self) -> Mapping[str, Any]:
        return openapi_document(self.renderer.facts.public_url)

    @cached_property
    def _published(self) -> Published:
        return Published(encode(self._document), _JSON)

    @cached_property
    def _operations(self) -> Mapping[str, list[Operation]]:
        """Return the operations by tag."""
        found: dict[str, list[Operation]] = {tag["name"]: [] for tag in self._document["tags"]}
        for path, methods in self._document["paths"].items():
            for method, document in methods.items():
                found[document["tags"][0]].append(Operation(method.upper(), path, document))
        return found

    @cached_property
    def _examples(self) -> tuple[Example, ...]:
        return tuple(self._answered())

    def _answered(self) -> Iterator[Example]:
        services = {service.hook: service.id for service in SERVICES}
        for demo in load_demos():
            call = read_hook_request(demo.body(), demo.hook)
            answer = self.edition.answer(call, self.clock().date())
            yield Example(demo, services[demo.hook], pretty(demo.body()), pretty(encode(answer)))


def pretty(text: bytes) -> str:
    """Return JSON text with a line for each member."""
    return msgspec.json.format(text, indent=2).decode()


def schema_json(schema: Mapping[str, Any]) -> str:
    """Return a schema as JSON for people."""
    return pretty(encode(schema))


def _curl(base: str, example: Example) -> str:
    """Return the command that sends an example to the service."""
    fetch = shlex.join(["curl", "-s", f"{base}/examples/{example.demo.name}.json"])
    address = f"{base}/cds-services/{example.service}"
    send = shlex.join(["curl", "-s", address, "-H", f"Content-Type: {_JSON}", "-d", "@-"])
    return f"{fetch} | {send}"
