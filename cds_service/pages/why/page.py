"""Why a card says what it says: the rules, statements, sources and numbers behind one message, for whoever follows it.

The address holds the message and nothing about a patient: what was found stays in the response.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from flask import Blueprint, Response, abort, request

from cards.guideline.guideline import MESSAGES
from cds_service.pages.criteria.editions import Edition
from cds_service.pages.rendering.renderer import Renderer


@dataclass(frozen=True, slots=True)
class WhyPage:
    """The page at `/why/<message>`, open to everybody."""

    renderer: Renderer
    edition: Edition

    def blueprint(self) -> Blueprint:
        """Return the route."""
        routes = Blueprint("why", __name__)
        routes.get("/why/<name>")(self.show)
        return routes

    def show(self, name: str) -> Response:
        """Show what a message rests on, or say that the browser still has the same page."""
        guideline, wording = self.edition.guideline, self.edition.wording
        message = next((entry for entry in guideline.messages if entry.id == name), None)
        if message is None:
            abort(HTTPStatus.NOT_FOUND)
        rules = [rule for rule in guideline.rules if rule.id in message.rules]
        response = self.renderer.page(
            "why.html",
            guideline=guideline,
            message=message,
            rules=rules,
            statements=[entry for entry in guideline.statements if entry.id in message.statements],
            numbers=list(dict.fromkeys(number for rule in rules if rule.inputs for number in rule.inputs.numbers)),
            outcomes=[entry for entry in guideline.outcomes if entry.id in MESSAGES[name].outcomes],
            criteria_url=wording.text("meta", "link_url"),
            criteria_label=wording.text("meta", "link_label"),
            limits=wording.get("card", "limits"),
        )
        response.add_etag()
        response.make_conditional(request)
        return response
