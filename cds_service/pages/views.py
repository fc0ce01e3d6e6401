"""The pages together: what the application registers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.pages.assets import load_assets
from cds_service.pages.criteria import CriteriaPage
from cds_service.pages.home import HomePage
from cds_service.pages.renderer import Renderer

if TYPE_CHECKING:
    from flask import Blueprint

    from cards.wording import Wording
    from cds_service.guideline.document import Guideline
    from cds_service.pages.facts import PageFacts
    from cds_service.pages.gallery import Answerer


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages for people, and what they are made from.

    `guideline` is as in force here. `answer` gives every message that applies, whatever an EHR is shown; it is asked
    for the cards of invented cases only.
    """

    facts: PageFacts
    guideline: Guideline
    wording: Wording
    answer: Answerer

    def blueprints(self) -> tuple[Blueprint, ...]:
        """Return the routes of the pages and of their static files."""
        renderer = Renderer(self.facts)
        return (
            load_assets().blueprint(),
            HomePage(renderer).blueprint(),
            CriteriaPage(renderer, self.guideline, self.wording, self.answer).blueprint(),
        )
