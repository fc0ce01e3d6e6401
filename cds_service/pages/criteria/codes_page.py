"""The codes behind the criteria, on a page of their own: thousands of cells, which few readers of the rules need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flask import Blueprint, Response, request

from cds_service.guideline.document import CodeEntry, ConceptEntry
from cds_service.pages.criteria.editions import Edition
from cds_service.pages.rendering.renderer import Renderer
from cds_service.pages.rendering.search import MOST_OPENED, folded, words_of


@dataclass(frozen=True, slots=True)
class CodesPage:
    """The page at `/criteria/codes`; the bundled codes are the same in every edition."""

    renderer: Renderer
    edition: Edition

    def blueprint(self) -> Blueprint:
        """Return the route."""
        routes = Blueprint("codes", __name__)
        routes.get("/criteria/codes")(self.show)
        return routes

    def show(self) -> Response:
        """Show the concepts that fit the query, or say that the browser still has the same page."""
        query, concepts = request.args.get("q", "").strip(), self.edition.guideline.concepts
        found = concepts_with(words_of(query), concepts)
        response = self.renderer.page(
            "codes.html",
            prose=self.edition.wording.get("criteria-page"),
            concepts=found,
            total=len(concepts),
            query=query,
            opened=bool(query) and len(found) <= MOST_OPENED,
        )
        response.add_etag()
        response.make_conditional(request)
        return response


def concepts_with(words: Sequence[str], concepts: Sequence[ConceptEntry]) -> tuple[ConceptEntry, ...]:
    """Return the concepts whose head holds every word whole, and of others the rows that do, as filter.js does."""
    narrowed = (_narrowed(words, concept) for concept in concepts)
    return tuple(concept for concept in narrowed if concept is not None)


def _narrowed(words: Sequence[str], concept: ConceptEntry) -> ConceptEntry | None:
    head = folded(f"{concept.title} {concept.id} {concept.description}")
    if all(word in head for word in words):
        return concept
    rows = tuple(entry for entry in concept.codes if _fits(words, head, entry))
    return replace(concept, codes=rows) if rows else None


def _fits(words: Sequence[str], head: str, entry: CodeEntry) -> bool:
    """Whether a row holds a word, and row and head together hold all: "pacemaker snomed" is spread over both."""
    row = folded(f"{'not ' if entry.excluded else ''}{entry.system} {' '.join(entry.codes)} {entry.display}")
    return any(word in row for word in words) and all(word in row or word in head for word in words)
