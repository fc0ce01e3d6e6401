"""The application factory: everything that can be prepared is prepared here, before the first request.

Reading value sets, building validators and importing FHIR models takes a second; doing it during a clinician's first
click would look like an outage. The bundled demo requests are answered once at start: that warms every code path, and
a service that cannot answer its own demos refuses to start.
"""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Flask

from cards.guideline import GUIDELINE_VERSION
from cds_service import __version__
from cds_service.demos import load_demos
from cds_service.envelope import read_hook_request
from cds_service.errors import outcome_response, register_error_handlers
<<<<<<< HEAD
from cds_service.hooks import Adviser
from cds_service.logs import log_requests
from cds_service.pages.facts import PageFacts
from cds_service.pages.security import refuse_sniffing
from cds_service.pages.views import Pages
=======
from cds_service.feedback_store import SqliteFeedbackStore
from cds_service.health import Health, Lifecycle
from cds_service.hooks import Adviser
from cds_service.logs import log_requests
from cds_service.metrics import Metrics
from cds_service.metrics_endpoint import MetricsEndpoint, count_requests
>>>>>>> wip-ops
from cds_service.paths import TidyPaths
from cds_service.records.feedback import DatabaseFeedbackStore
from cds_service.records.opening import open_database
from cds_service.serialization import MsgspecProvider, encode
from cds_service.value_sets import ValueSetViews
from cds_service.views import Views

if TYPE_CHECKING:
    from collections.abc import Callable

    from cds_service.records.feedback import FeedbackStore
    from cds_service.settings import Settings


_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def utc_now() -> datetime:
    """Return the time of day; what the service runs on unless it is handed another clock."""
    return datetime.now(UTC)


def create_app(
    settings: Settings, *, clock: Callable[[], datetime] = utc_now, feedback: FeedbackStore | None = None
) -> Flask:
    """Return a ready application; SettingsError when the settings cannot be put to work."""
    adviser = Adviser.from_settings(settings)
    app = Flask("cds_service", static_folder=None)
    app.json = MsgspecProvider(app)
    app.url_map.merge_slashes = False  # TidyPaths does it, without a redirect
<<<<<<< HEAD
    store = feedback or DatabaseFeedbackStore(open_database(None, settings.data_dir))
    for blueprint in Views(adviser, store, clock, settings.max_body_bytes).blueprints():
        app.register_blueprint(blueprint)
    app.register_blueprint(ValueSetViews.of(adviser.index).blueprint())
    for blueprint in Pages(_facts(settings)).blueprints():
        app.register_blueprint(blueprint)
=======
    store = feedback or SqliteFeedbackStore(settings.feedback_file)
    metrics, lifecycle = Metrics(), Lifecycle()
    app.extensions |= {"metrics": metrics, "lifecycle": lifecycle}
    app.register_blueprint(Views(adviser, store, clock, settings.max_body_bytes).blueprint())
    app.register_blueprint(ValueSetViews.of(adviser.index).blueprint())
    app.register_blueprint(Health(lifecycle, store).blueprint())
    app.register_blueprint(MetricsEndpoint(metrics).blueprint())
>>>>>>> wip-ops
    register_error_handlers(app)
    refuse_sniffing(app)
    log_requests(app)
    count_requests(app, metrics)
    app.wsgi_app = TidyPaths(app.wsgi_app)  # type: ignore[method-assign] # how Flask documents adding middleware
    _rehearse(app, adviser)
    lifecycle.started = True
    return app


def _facts(settings: Settings) -> PageFacts:
    """Return what the pages tell of this process."""
    return PageFacts(
        version=__version__,
        guideline_version=GUIDELINE_VERSION,
        profile=settings.profile,
        mode="on: cards are shown to everybody",
        authentication="none: whoever reaches this address is answered",
        insecure=settings.host not in _LOOPBACK,
    )


def _rehearse(app: Flask, adviser: Adviser) -> None:
    """Answer the bundled demos, and refuse one request."""
    for demo in load_demos():
        request = read_hook_request(demo.body(), demo.hook)
        encode(adviser.answer(request, utc_now().date()).response)
    with app.test_request_context():
        outcome_response(HTTPStatus.BAD_REQUEST, "invalid", "Rehearsal.")
