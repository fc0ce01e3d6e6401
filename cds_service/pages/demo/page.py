"""`/demo`: a small EHR in a page, and the addresses that only this page asks.

Orders are selected and signed at the real CDS Hooks addresses, like any client's. What is added here is a look inside:
the same request is read once more with the same adviser, and the findings behind the answer are shown. Nothing is
stored, and nothing is fetched: a FHIR server that a pasted request names is not asked for the look.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from cds_service.clients.profile import Authentication
from cds_service.pages.demo.folder import ChartFileError
from cds_service.pages.demo.inspection import Look, look_at
from cds_service.pages.demo.orderables import PRIORITIES, REASONS, all_orderables
from cds_service.pages.rendering.markdown import block_html
from cds_service.protocol.discovery import SERVICES
from cds_service.protocol.errors import BadRequestError, MediaTypeError, ServiceError
from cds_service.protocol.serialization import decode, decode_body, encode
from fhir_mappings.fhir.dates import exact
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.questionnaire.fixed_words import day_in_words
from fhir_mappings.questionnaire.table import published_questions

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from cds_service.clients.profile import ClientProfile
    from cds_service.hooks.adviser import Adviser
    from cds_service.pages.demo.charts import DemoCharts
    from cds_service.pages.rendering.renderer import Renderer

_MOST_TEXTS: Final = 200


def demo_is_on(clients: Sequence[ClientProfile], switch: bool | None) -> bool:  # noqa: FBT001 - a setting as it is
    """Whether the demo is offered: as the setting says, else only while nobody has to prove who they are."""
    if switch is not None:
        return switch
    return all(client.authentication is Authentication.NONE for client in clients)


def demo_client(clients: Sequence[ClientProfile]) -> ClientProfile:
    """Return the client that the page calls as: the first that needs no proof, else the first."""
    return next((client for client in clients if client.authentication is Authentication.NONE), clients[0])


@dataclass(frozen=True, slots=True)
class Demo:
    """The demo EHR. `adviser` is the one of the client that the page calls as, and `mode` tells that client's mode.

    `opens_forms` tells that there is a login with which the page can launch the form of a card.
    """

    renderer: Renderer
    adviser: Adviser
    charts: DemoCharts
    clock: Callable[[], datetime]
    mode: Callable[[], str]
    max_body_bytes: int = 5 * 1024 * 1024
    opens_forms: bool = False

    def blueprint(self) -> Blueprint:
        """Return the routes; an application without them has no `/demo`."""
        routes = Blueprint("demo", __name__)
        routes.get("/demo")(self.show)
        routes.get("/demo/setup")(self.setup)
        routes.get("/demo/patients/<path:chart_id>")(self.chart)
        routes.post("/demo/look")(self.look)
        routes.post("/demo/render")(self.render)
        return routes

    def show(self) -> Response:
        """Show the page, which fills itself by script."""
        client = self.adviser.client
        return self.renderer.page(
            "demo.html",
            client=client,
            mode=self.mode(),
            asks_for_token=client.authentication is not Authentication.NONE,
            needs=DATA_NEEDS,
            priorities=PRIORITIES,
        )

    def setup(self) -> Response:
        """Answer with what the page offers: patients, orders, reasons, services."""
        day, index, wording = self.clock().date(), self.adviser.index, self.adviser.wording
        return _json(
            {
                "patients": [chart.document(day) for chart in self.charts.listed()],
                "problems": [{"file": file, "problem": problem} for file, problem in self.charts.problems],
                "orderables": list(all_orderables(wording)),
                "reasons": [reason.document(index) for reason in REASONS],
                "services": {service.hook: f"/cds-services/{service.id}" for service in SERVICES},
                "answers": _answers(),
                "opensForms": self.opens_forms,
                "today": day.isoformat(),
                "todayInWords": day_in_words(day),
                "systems": wording.get("systems"),
                "prefetchKeys": [
                    {"key": need.key, "type": need.resource_type, "search": bool(need.parameters)}
                    for need in DATA_NEEDS
                ],
            }
        )

    def chart(self, chart_id: str) -> Response:
        """Answer with one patient: context, prefetch and draft orders."""
        try:
            chart = self.charts.find(chart_id)
        except ChartFileError:
            chart = None
        if chart is None:
            raise ServiceError(HTTPStatus.NOT_FOUND, "not-found", "The demo has no such patient.")
        return _json(chart.document(self.clock().date()))

    def look(self) -> Response:
        """Answer with a hook request as the service understands it: summary, timeline and findings, as HTML."""
        seen = look_at(self._body(), self.adviser, self.clock().date())
        return _json(self._shown(seen))

    def _shown(self, seen: Look) -> dict[str, Any]:
        html, day, mode = self.renderer.html, self.adviser.wording.day, self.mode()
        return {
            "mode": mode,
            "speaks": any(order.messages for order in seen.orders),
            "patient": seen.person.banner(seen.as_of),
            "outcomes": [order.outcome for order in seen.orders],
            "titles": {message.id: message.title for order in seen.orders for message in order.messages},
            "summary": str(html("demo_summary.html", look=seen, day=day)),
            "timeline": str(
                html("demo_timeline.html", look=seen, timeline=seen.timeline, day_of=lambda found: day(exact(found)))
            ),
            "findings": str(html("demo_findings.html", look=seen, mode=mode)),
            "why": {why.card: str(html("demo_why.html", why=why)) for why in seen.whys},
        }

    def render(self) -> Response:
        """Answer with Markdown texts as harmless HTML, in their order."""
        texts = decode(decode_body(self._body()).get("texts", b"null"), "texts")
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise BadRequestError("structure", "texts is not an array of strings.", "texts")
        if len(texts) > _MOST_TEXTS:
            raise BadRequestError("too-costly", f"texts holds more than {_MOST_TEXTS} texts.", "texts")
        return _json({"html": [str(block_html(text)) for text in texts]})

    def _body(self) -> bytes:
        """Return the request's body. Only JSON: a form of another site cannot send that without being asked."""
        if request.mimetype != "application/json":
            raise MediaTypeError("The request body must be JSON (Content-Type: application/json).")
        request.max_content_length = self.max_body_bytes + 1
        body = request.get_data(cache=False)
        if len(body) > self.max_body_bytes:
            raise RequestEntityTooLarge
        return body


def _answers() -> dict[str, str]:
    """Return the fixed words of every answer that names no record, by an id that can stand in an address."""
    plain = [question for question in published_questions() if not question.named]
    return {f"{question.id}.{said}": question.words(yes=said == "yes") for question in plain for said in ("yes", "no")}


def _json(document: dict[str, Any]) -> Response:
    response = Response(encode(document), status=HTTPStatus.OK, mimetype="application/json")
    response.cache_control.no_store = True
    return response
