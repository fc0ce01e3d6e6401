"""The scenarios page: every case that the service is tested with, in words, and the same as JSON."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, request

from cds_service.pages.rendering.search import MOST_OPENED, words_of
from cds_service.pages.scenarios.collection import ScenarioCollection, collection_text, load_collection
from cds_service.protocol.published import Published

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cds_service.pages.rendering.renderer import Renderer

_JSON: Final = "application/json"


@dataclass(frozen=True)
class ScenariosPage:
    """The page at `/scenarios`, narrowed by what the query asks for, and the file at `/scenarios.json`."""

    renderer: Renderer

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("scenarios", __name__)
        routes.get("/scenarios")(self.show)
        routes.get("/scenarios.json")(self.download)
        return routes

    def download(self) -> Response:
        """Answer with all scenarios."""
        return Published(collection_text(), _JSON).response()

    def show(self) -> Response:
        """Show the scenarios that fit the query, or say that the browser still has the same page."""
        asked = {name: request.args.get(name, "").strip() for name in ("outcome", "shows", "q")}
        found = self._collection.fitting(asked["outcome"], asked["shows"], words_of(asked["q"]))
        response = self.renderer.page(
            "scenarios.html",
            version=self._collection.version,
            outcomes=self._collection.outcomes,
            scenarios=found,
            total=len(self._collection.scenarios),
            counts=Counter(item.outcome for item in self._collection.scenarios),
            names=self._names,
            asked=asked,
            opened=any(asked.values()) and len(found) <= MOST_OPENED,
        )
        response.add_etag()
        response.make_conditional(request)
        return response

    @property
    def _collection(self) -> ScenarioCollection:
        return load_collection()

    @cached_property
    def _names(self) -> Mapping[str, int]:
        """Return every statement and rule that scenarios show, statements first, with their number."""
        counts = Counter(name for item in self._collection.scenarios for name in item.shows)
        return dict(sorted(counts.items(), key=lambda item: (item[0].startswith("R-"), item[0])))
