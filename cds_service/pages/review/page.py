"""`/review`: the review sheet as a page to print, and the same as one file without anything outside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, request

from cards.guideline.guideline import GUIDELINE_VERSION
from cds_service import __version__
from cds_service.pages.criteria.editions import Edition
from cds_service.pages.rendering.assets import load_assets
from cds_service.pages.rendering.renderer import Renderer, html_response
from cds_service.pages.rendering.service_facts import PageFacts
from cds_service.pages.review.sheet import LETTERS, read_sheet


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """The page at `/review`: the edition for the client in the query, else the first; made anew once a day."""

    renderer: Renderer
    editions: Sequence[Edition]
    clock: Callable[[], datetime]
    _pages: dict[tuple[str, ...], tuple[date, str]] = field(default_factory=dict)

    def blueprint(self) -> Blueprint:
        """Return the route."""
        routes = Blueprint("review", __name__)
        routes.get("/review")(self.show)
        return routes

    def show(self) -> Response:
        """Show the sheet, or say that the browser still has the same one."""
        client, today = request.args.get("client", ""), self.clock().date()
        edition = next((item for item in self.editions if client in item.clients), self.editions[0])
        if self._pages.get(edition.clients, (None, ""))[0] != today:
            others = [item.clients for item in self.editions if item.clients != edition.clients]
            values = sheet_values(edition, today, self.renderer.facts.version, several=bool(others))
            self._pages[edition.clients] = today, self.renderer.html("review.html", others=others, **values)
        response = html_response(self._pages[edition.clients][1])
        response.add_etag()
        response.make_conditional(request)
        return response


def sheet_file(edition: Edition, today: date, *, several: bool) -> str:
    """Return the sheet as one HTML file with its style inside it, made where no service runs."""
    renderer = Renderer(PageFacts(__version__, GUIDELINE_VERSION, profile="", authentication=""))
    style = load_assets().inline_style("review.css")
    values = sheet_values(edition, today, __version__, several=several)
    return str(renderer.html("review_file.html", style=style, **values))


def sheet_values(edition: Edition, today: date, version: str, *, several: bool) -> dict[str, Any]:
    """Return what the templates of the sheet show."""
    return {
        "sheet": read_sheet(edition),
        "letters": LETTERS,
        "printed": today.isoformat(),
        "version": version,
        "several": several,
    }
