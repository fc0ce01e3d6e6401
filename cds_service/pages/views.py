"""The pages together: what the application registers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.pages.assets import load_assets
from cds_service.pages.home import HomePage
from cds_service.pages.renderer import Renderer

if TYPE_CHECKING:
    from flask import Blueprint

    from cds_service.pages.facts import PageFacts


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages for people, and what they are made from."""

    facts: PageFacts

    def blueprints(self) -> tuple[Blueprint, ...]:
        """Return the routes of the pages and of their static files."""
        renderer = Renderer(self.facts)
        return load_assets().blueprint(), HomePage(renderer).blueprint()
