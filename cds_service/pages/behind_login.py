"""The pages that are behind the login: the insights, and the last calls. They exist only where there is a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.auth.counts import Counts
from cds_service.auth.replay.store import MemoryReplayStore
from cds_service.hooks.setup import redis_of, shared_store
from cds_service.pages.calls.page import CallsPage
from cds_service.pages.insights.access import Attempts, InsightsAccess
from cds_service.pages.insights.labels import insights_words
from cds_service.pages.insights.login import InsightsLogin
from cds_service.pages.insights.page import InsightsPage
from cds_service.pages.insights.visits import Visits
from cds_service.pages.rendering.renderer import Renderer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from flask import Blueprint

    from cds_service.calls.journal import Journal
    from cds_service.config.settings import Settings
    from cds_service.hooks.engine import Engine
    from cds_service.pages.rendering.service_facts import PageFacts


def pages_behind_login(  # noqa: PLR0913, PLR0917 - what the pages are made of
    engine: Engine,
    access: InsightsAccess,
    settings: Settings,
    facts: PageFacts,
    clock: Callable[[], datetime],
    journal: Journal | None,
) -> Iterator[Blueprint]:
    """Yield the routes of these pages; calls are shown where a journal judges them."""
    database = engine.storage.database
    if database is None:
        return
    login = _login(access, settings, facts, clock)
    if journal is not None:
        yield CallsPage(Renderer(facts), journal, login).blueprint()
    yield InsightsPage(
        renderer=Renderer(facts),
        database=database,
        login=login,
        words=insights_words(settings.language).knowing(
            {
                (site.system, site.code): reason
                for client in engine.clients
                for reason, site in client.shape.override_reasons.items()
            }
        ),
        clock=clock,
    ).blueprint()


def _login(
    access: InsightsAccess, settings: Settings, facts: PageFacts, clock: Callable[[], datetime]
) -> InsightsLogin:
    ended = shared_store(settings, clock) if access.token else MemoryReplayStore(clock)
    return InsightsLogin(Renderer(facts), access, Visits(ended, clock), Attempts(Counts(redis_of(settings))))
