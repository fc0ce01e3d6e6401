"""An insights page on a database of its own, for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Flask

from cds_service.pages.insights.access import InsightsAccess
from cds_service.pages.insights.labels import insights_words
from cds_service.pages.insights.page import InsightsPage
from cds_service.pages.rendering.assets import load_assets
from cds_service.pages.rendering.renderer import Renderer
from cds_service.pages.rendering.service_facts import PageFacts
from cds_service.protocol.errors import register_error_handlers

if TYPE_CHECKING:
    from cds_service.records.database import Database

NOW = datetime(2026, 6, 2, 12, tzinfo=UTC)
FACTS = PageFacts("0", "1.0.0", "development", "none", public_url="https://cds.example.org", insights_enabled=True)
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
TOKEN = "a-long-administrator-token"


class Clocks:
    """The time of day and the seconds, moved by the test."""

    def __init__(self) -> None:
        """Begin at noon."""
        self.now = NOW
        self.seconds = 100.0


def insights_app(database: Database, access: InsightsAccess, clocks: Clocks | None = None) -> Flask:
    """Return an application with the insights and nothing else."""
    clocks = clocks or Clocks()
    app = Flask("insights-test", static_folder=None)
    page = InsightsPage(
        renderer=Renderer(FACTS),
        database=database,
        access=access,
        words=insights_words(),
        clock=lambda: clocks.now,
        monotonic=lambda: clocks.seconds,
    )
    app.register_blueprint(page.blueprint())
    app.register_blueprint(load_assets().blueprint())
    register_error_handlers(app)
    return app
