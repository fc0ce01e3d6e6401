"""An insights page on a database of its own, for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import Flask

from cds_service.auth.counts import Counts
from cds_service.auth.replay.store import MemoryReplayStore
from cds_service.pages.insights.access import Attempts, InsightsAccess
from cds_service.pages.insights.labels import insights_words
from cds_service.pages.insights.login import InsightsLogin
from cds_service.pages.insights.page import InsightsPage
from cds_service.pages.insights.visits import Visits
from cds_service.pages.rendering.assets import load_assets
from cds_service.pages.rendering.renderer import Renderer
from cds_service.pages.rendering.service_facts import PageFacts
from cds_service.protocol.errors import register_error_handlers

if TYPE_CHECKING:
    from cds_service.auth.replay.store import UsedTokens
    from cds_service.records.database import Database

NOW = datetime(2026, 6, 2, 12, tzinfo=UTC)
FACTS = PageFacts("0", "1.0.0", "development", "none", public_url="https://cds.example.org", insights_enabled=True)
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
TOKEN = "a-long-administrator-token"


class NoonClock:
    """The time of day, moved by the test."""

    def __init__(self) -> None:
        """Begin at noon."""
        self.now = NOW

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


def insights_app(
    database: Database, access: InsightsAccess, clock: NoonClock | None = None, ended: UsedTokens | None = None
) -> Flask:
    """Return an application with the insights and nothing else."""
    app = Flask("insights-test", static_folder=None)
    clock = clock or NoonClock()
    visits = Visits(MemoryReplayStore(clock) if ended is None else ended, clock)
    page = InsightsPage(
        renderer=Renderer(FACTS),
        database=database,
        login=InsightsLogin(Renderer(FACTS), access, visits, Attempts(Counts())),
        words=insights_words(),
        clock=clock,
    )
    app.register_blueprint(page.blueprint())
    app.register_blueprint(load_assets().blueprint())
    register_error_handlers(app)
    return app
