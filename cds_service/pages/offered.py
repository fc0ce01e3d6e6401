"""Which pages a process offers, as its settings and its clients allow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cards.guideline.guideline import GUIDELINE_VERSION
from cds_service import __version__
from cds_service.clients.cors_origins import allows_origin
from cds_service.clients.profile import BY_TOKEN
from cds_service.hooks.standing import standings
from cds_service.pages.demo.charts import DemoCharts
from cds_service.pages.demo.page import Demo, demo_client, demo_is_on
from cds_service.pages.demo_smart.facade import DemoFhirServer
from cds_service.pages.demo_smart.login import DemoLogin
from cds_service.pages.demo_smart.store import FILE_NAME, DemoStore
from cds_service.pages.form.page import FormPage
from cds_service.pages.home import SANDBOX_ORIGIN
from cds_service.pages.insights.access import InsightsAccess
from cds_service.pages.problem import ProblemPage
from cds_service.pages.rendering.renderer import Renderer
from cds_service.pages.rendering.service_facts import PageFacts
from cds_service.pages.views import Pages
from cds_service.smart.apps import SmartApps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from flask import Blueprint

    from cds_service.calls.journal import Journal
    from cds_service.config.settings import Settings
    from cds_service.hooks.adviser import Adviser
    from cds_service.hooks.engine import Engine


def offered_pages(
    engine: Engine, settings: Settings, clock: Callable[[], datetime], journal: Journal | None = None
) -> Iterator[Blueprint]:
    """Yield the routes of every page that is offered; calls are shown where a journal judges them."""
    access = insights_access(settings)
    facts = _facts(engine, settings, access, calls=journal is not None)
    yield from Pages(facts, engine.advisers, clock).blueprints()
    apps = smart_apps(engine, settings)
    yield FormPage(Renderer(facts), apps, engine.contexts, _adviser_of_form(engine, apps).wording).blueprint()
    if facts.demo_enabled:
        yield _demo(engine, settings, facts, clock, opens_forms=bool(apps.demo)).blueprint()
    if apps.demo:
        yield from _demo_smart(settings, facts, apps, clock)
    if engine.storage.database is not None:
        from cds_service.pages.behind_login import pages_behind_login  # noqa: PLC0415 - brings the database

        yield from pages_behind_login(engine, access, settings, facts, clock, journal)


def smart_apps(engine: Engine, settings: Settings) -> SmartApps:
    """Return who may launch the form; the demo EHR only in development, since its login asks nobody who they are."""
    client = demo_client(engine.clients)
    launches = settings.profile == "development" and not settings.insecure and bool(client.smart_client_id)
    demo = client.name if launches and demo_is_on(engine.clients, settings.demo) else ""
    return SmartApps.of(engine.clients, demo=demo)


def _adviser_of_form(engine: Engine, apps: SmartApps) -> Adviser:
    first = apps.apps[0].client.name if apps.apps else engine.clients[0].name
    return engine.advisers[first]


def _demo_smart(
    settings: Settings, facts: PageFacts, apps: SmartApps, clock: Callable[[], datetime]
) -> Iterator[Blueprint]:
    store, app = DemoStore(settings.data_dir / FILE_NAME, clock), apps.named(apps.demo)
    assert app is not None  # noqa: S101 - it is one of them
    yield DemoLogin(store, app, Renderer(facts).base_url, settings.max_body_bytes).blueprint()
    yield DemoFhirServer(store).blueprint()


def problem_page(engine: Engine, settings: Settings) -> ProblemPage:
    """Return the page that stands where something failed."""
    return ProblemPage(Renderer(_facts(engine, settings, insights_access(settings), calls=False)))


def _facts(engine: Engine, settings: Settings, access: InsightsAccess, *, calls: bool) -> PageFacts:
    held = standings(engine.standing())
    return PageFacts(
        version=__version__,
        guideline_version=GUIDELINE_VERSION,
        profile=settings.profile,
        modes=lambda: {name: mode.value for name, mode in engine.modes().items()},
        switched=lambda: tuple(engine.switched()),
        authentication=engine.authentication,
        public_url=settings.public_url or "",
        demo_enabled=demo_is_on(engine.clients, settings.demo),
        sandbox_may_call=any(allows_origin(client, SANDBOX_ORIGIN) for client in engine.clients),
        token_needed=all(client.authentication in BY_TOKEN for client in engine.clients),
        insights_enabled=engine.storage.database is not None and not access.is_closed,
        standings=tuple((clients, standing.sentence) for clients, standing in held),
        approved=all(standing.approved for _, standing in held),
        calls_enabled=calls,
        insecure=settings.insecure,
    )


def insights_access(settings: Settings) -> InsightsAccess:
    """Return who may see the insights: without a token, only a developer on this machine."""
    token = settings.admin_token
    alone = settings.profile == "development" and not settings.insecure
    return InsightsAccess(token.get_secret_value() if token else None, open_without=alone)


def _demo(
    engine: Engine, settings: Settings, facts: PageFacts, clock: Callable[[], datetime], *, opens_forms: bool
) -> Demo:
    client = demo_client(engine.clients)
    return Demo(
        renderer=Renderer(facts),
        adviser=engine.advisers[client.name],
        charts=DemoCharts(settings.charts_dir),
        clock=clock,
        mode=lambda: engine.switches.mode(client).value,
        max_body_bytes=settings.max_body_bytes,
        opens_forms=opens_forms,
    )
