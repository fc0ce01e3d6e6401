"""The criteria page: the guideline for people, as it is in force here, with every card as it looks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from flask import Blueprint, Response, request

from cards.wording import Wording
from cds_service.guideline.document import Guideline
from cds_service.pages.gallery import Answerer, exhibits
from cds_service.pages.renderer import Renderer, html_response


@dataclass(frozen=True)
class CriteriaPage:
    """The page at `/criteria`; the same until the service starts anew, so it is made once, when first asked for."""

    renderer: Renderer
    guideline: Guideline
    wording: Wording
    answer: Answerer

    def blueprint(self) -> Blueprint:
        """Return the route."""
        routes = Blueprint("criteria", __name__)
        routes.get("/criteria")(self.show)
        return routes

    def show(self) -> Response:
        """Show the page, or say that the browser still has the same one."""
        response = html_response(self._html)
        response.add_etag()
        response.make_conditional(request)
        return response

    @cached_property
    def _html(self) -> str:
        return self.renderer.html("criteria.html", **self._values())

    def _values(self) -> Mapping[str, Any]:
        guideline = self.guideline
        return {
            "guideline": guideline,
            "prose": self.wording.get("criteria-page"),
            "levels": {message.id: message.level.value for message in guideline.messages},
            "changed": [number for number in guideline.numbers if number.changed],
            "off": [message for message in guideline.messages if message.off],
            "exhibits": exhibits(guideline.messages, self.answer),
        }
