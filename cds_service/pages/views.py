"""The pages together: what the application registers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.pages.api.page import ApiPages
from cds_service.pages.criteria.codes_page import CodesPage
from cds_service.pages.criteria.editions import editions_of
from cds_service.pages.criteria.page import CriteriaPage
from cds_service.pages.home import HomePage
from cds_service.pages.rendering.assets import load_assets
from cds_service.pages.rendering.renderer import Renderer
from cds_service.pages.review.page import ReviewPage
from cds_service.pages.scenarios.page import ScenariosPage
from cds_service.pages.why.page import WhyPage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from flask import Blueprint

    from cds_service.hooks.adviser import Adviser
    from cds_service.pages.rendering.service_facts import PageFacts


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages for people, and what they are made from: facts of the process, and the advisers of its clients."""

    facts: PageFacts
    advisers: Mapping[str, Adviser]
    clock: Callable[[], datetime]

    def blueprints(self) -> tuple[Blueprint, ...]:
        """Return the routes of the pages and of their static files."""
        renderer, editions = Renderer(self.facts), editions_of(self.advisers)
        return (
            load_assets().blueprint(),
            HomePage(renderer).blueprint(),
            CriteriaPage(renderer, editions, self.clock).blueprint(),
            CodesPage(renderer, editions[0]).blueprint(),
            ReviewPage(renderer, editions, self.clock).blueprint(),
            WhyPage(renderer, editions[0]).blueprint(),
            ScenariosPage(renderer).blueprint(),
            ApiPages(renderer).blueprint(),
        )
