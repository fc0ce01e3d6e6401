"""The page that stands where something is missing or failed, so that nobody who came to read meets a line of JSON."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask import Response

    from cds_service.pages.rendering.renderer import Renderer

# What people are told, by status; of others the phrase of HTTP, and that the service did not do it.
_TOLD: Final[Mapping[int, tuple[str, str]]] = {
    HTTPStatus.NOT_FOUND: (
        "There is no such page",
        "The address may be mistyped or of another version, or the page is switched off here.",
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: (
        "This address takes another kind of request",
        "It is there for a form or a program, not to be opened in this way.",
    ),
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        "The service failed",
        "Something went wrong on our side. No advice was given; that does not mean approval.",
    ),
}
_OTHERWISE: Final = "The service did not answer this request."


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """The page of a failure."""

    renderer: Renderer

    def show(self, status: int, sentence: str, request_id: str) -> Response:
        """Show what failed, in the sentence of the failure where it has one, and how support finds it again."""
        title, usual = _TOLD.get(status, (HTTPStatus(status).phrase, _OTHERWISE))
        response = self.renderer.page(
            "problem.html",
            status=status,
            title=title,
            code=status,
            sentence=sentence or usual,
            request_id=request_id,
        )
        response.cache_control.no_store = True
        return response
