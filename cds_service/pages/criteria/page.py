"""The criteria page: the guideline for people, as it is in force here, with every card as it looks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request

from cds_service.guideline.as_json import guideline_json
from cds_service.pages.criteria.editions import Edition
from cds_service.pages.criteria.gallery import exhibits
from cds_service.pages.rendering.renderer import Renderer, html_response
from cds_service.protocol.published import Published


@dataclass(frozen=True, slots=True)
class CriteriaPage:
    """The page at `/criteria`, and all of it as JSON: the edition for the client in the query, else the first.

    An edition stays the same until the service starts anew, so its page is made once, when it is first asked for.
    """

    renderer: Renderer
    editions: Sequence[Edition]
    clock: Callable[[], datetime]
    _pages: dict[tuple[str, ...], str] = field(default_factory=dict)

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("criteria", __name__)
        routes.get("/criteria")(self.show)
        routes.get("/criteria.json")(self.download)
        return routes

    def download(self) -> Response:
        """Answer with the guideline as in force, with everything that the pages show of it but the cards."""
        return Published(guideline_json(self._edition().guideline), "application/json").response()

    def show(self) -> Response:
        """Show the page, or say that the browser still has the same one."""
        edition = self._edition()
        if edition.clients not in self._pages:
            self._pages[edition.clients] = self.renderer.html("criteria.html", **self._values(edition))
        response = html_response(self._pages[edition.clients])
        response.add_etag()
        response.make_conditional(request)
        return response

    def _edition(self) -> Edition:
        client = request.args.get("client", "")
        return next((item for item in self.editions if client in item.clients), self.editions[0])

    def _values(self, edition: Edition) -> Mapping[str, Any]:
        guideline, today, site = edition.guideline, self.clock().date(), edition.adviser.site
        return {
            "guideline": guideline,
            "standing": edition.adviser.standing,
            "clients": edition.clients,
            "others": [item.clients for item in self.editions if item.clients != edition.clients],
            "prose": edition.wording.get("criteria-page"),
            "levels": {message.id: message.level.value for message in guideline.messages},
            "changed": [number for number in guideline.numbers if number.changed],
            "off": [message for message in guideline.messages if message.off],
            "holds_conditional": edition.adviser.profile.treat_conditional_as == "hold",
            "asks_at": site.ask_questions_at,
            "codes_added": site.terminology.added(),
            "local_codes": len(site.terminology.local_codes),
            "exhibits": exhibits(guideline.messages, lambda call: edition.answer(call, today)),
        }
