"""The application factory: everything that can be prepared is prepared here, before the first request.

Reading value sets, building validators and importing FHIR models takes a second; doing it during a clinician's first
click would look like an outage. The bundled demo requests are answered once at start: that warms every code path, and
a service that cannot answer its own demos refuses to start.
"""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Flask, Response, request
from flask_cors import CORS

from cds_service.auth.verifiers.callers import Caller, Reason
from cds_service.calls.journal import Journal
from cds_service.calls.observed import Expected
from cds_service.calls.store import FILE_NAME, CallStore
from cds_service.calls.watching import watch_calls
from cds_service.clients.cors_origins import cors_origins
from cds_service.clients.profile import Mode
from cds_service.clients.switch_witnesses import SwitchWitness
from cds_service.clients.switches import Switches
from cds_service.demo.requests import load_demos
from cds_service.gudid.table import label_state
from cds_service.guideline.questionnaire import QuestionnaireView
from cds_service.guideline.value_sets import ValueSetViews
from cds_service.hooks.engine import build_engine
from cds_service.hooks.views import Views
from cds_service.observability.access_log import log_requests
from cds_service.observability.health import Health, Lifecycle
from cds_service.observability.metrics import Metrics, RecorderNumbers
from cds_service.observability.metrics_endpoint import MetricsEndpoint, count_requests
from cds_service.pages.offered import insights_access, offered_pages, problem_page
from cds_service.pages.rendering.security import refuse_sniffing
from cds_service.protocol.discovery import SERVICES
from cds_service.protocol.errors import outcome_response, register_error_handlers
from cds_service.protocol.paths import TidyPaths
from cds_service.protocol.serialization import MsgspecProvider
from cds_service.protocol.trace import Trace
from cds_service.records.invocations import NullRecorder
from cds_service.records.stores import NoAnsweredCards
from fhir_mappings.fhir_client.retrieval import Result

if TYPE_CHECKING:
    from collections.abc import Callable

    from cds_service.config.settings import Settings
    from cds_service.hooks.engine import Engine
    from cds_service.hooks.storage import Storage

# What pages of other origins may call: hooks, discovery and feedback, nothing else.
_CORS_PATHS: Final = re.compile("^/cds-services(/.*)?$")


def utc_now() -> datetime:
    """Return the time of day; what the service runs on unless it is handed another clock."""
    return datetime.now(UTC)


def create_app(settings: Settings, *, clock: Callable[[], datetime] = utc_now, storage: Storage | None = None) -> Flask:
    """Return a ready application; SettingsError when the settings cannot be put to work.

    `storage` takes the place of the stores that the settings name.
    """
    engine = build_engine(settings, clock, storage)
    metrics, lifecycle = _metrics(engine), Lifecycle()
    app = Flask("cds_service", static_folder=None)
    app.json = MsgspecProvider(app)
    app.url_map.merge_slashes = False  # TidyPaths does it, without a redirect
    witness = SwitchWitness(engine.switches, count=metrics.refresh)
    app.extensions |= {"engine": engine, "metrics": metrics, "lifecycle": lifecycle, "witness": witness}
    _allow_origins(app, engine)
    _register(app, engine, settings, clock)
    journal = None if storage else _journal(engine, settings)
    for blueprint in offered_pages(engine, settings, clock, journal):
        app.register_blueprint(blueprint)
    register_error_handlers(app, problem_page(engine, settings).show)
    refuse_sniffing(app)
    log_requests(app)
    count_requests(app, metrics)
    if journal is not None:
        watch_calls(app, journal)
    app.wsgi_app = TidyPaths(app.wsgi_app)  # type: ignore[method-assign] # how Flask documents adding middleware
    _rehearse(app, engine)
    lifecycle.started = True
    return app


def _journal(engine: Engine, settings: Settings) -> Journal | None:
    """Return what judges calls; None where nobody may see it."""
    if insights_access(settings).is_closed:
        return None
    store = CallStore(settings.data_dir / FILE_NAME)
    return Journal(store, Expected.of(engine.clients, settings.public_url or ""))


def _metrics(engine: Engine) -> Metrics:
    metrics = Metrics([client.name for client in engine.clients], refusals=Reason, fhir_results=Result)
    metrics.watch_circuits(engine.breakers.states)
    metrics.watch_modes(engine.modes)
    metrics.watch_tokens(lambda: engine.replay.is_available)
    metrics.watch_switches(engine.switched, lambda: engine.switches.is_current)
    if isinstance(engine.storage.recorder, RecorderNumbers):
        metrics.watch_recorder(engine.storage.recorder)
    return metrics


def _register(app: Flask, engine: Engine, settings: Settings, clock: Callable[[], datetime]) -> None:
    """Register the addresses for machines: CDS Hooks, value sets, health and metrics."""
    feedback, token = engine.storage.feedback, settings.metrics_token
    adviser = engine.advisers[engine.clients[0].name]
    index = adviser.index
    gate = engine.gate
    health = Health(
        app.extensions["lifecycle"],
        feedback,
        parts={"switches": lambda: engine.switches.is_current, "tokens": lambda: engine.replay.is_available}
        | ({"keys": lambda: gate.has_all_keys} if gate.fetches_keys else {}),
        circuits=lambda: engine.breakers.states().values(),
        modes=lambda: [mode.value for mode in engine.modes().values()],
        switched=lambda: [mode.value for mode in engine.switched().values()],
        labels=lambda: label_state(adviser.labels, clock().date()),
    )
    app.register_blueprint(Views(engine.admission, engine.handler, feedback, settings.max_body_bytes).blueprint())
    app.register_blueprint(ValueSetViews.of(index).blueprint())
    app.register_blueprint(QuestionnaireView.of(index, adviser.wording).blueprint())
    app.register_blueprint(health.blueprint())
    scrape = MetricsEndpoint(app.extensions["metrics"], token.get_secret_value() if token else None)
    app.register_blueprint(scrape.blueprint())


def _allow_origins(app: Flask, engine: Engine) -> None:
    """Let the pages that clients list call from a browser; their preflights come before any authentication."""
    if origins := cors_origins(engine.clients):
        app.after_request(_vary_by_origin)
        CORS(
            app,
            resources={_CORS_PATHS: {"origins": origins}},
            methods=["GET", "POST", "OPTIONS"],
            allow_headers=["Authorization", "Content-Type"],
            always_send=False,
            expose_headers=["X-Request-ID", "Server-Timing"],
            max_age=600,
        )


def _vary_by_origin(response: Response) -> Response:
    """Have caches keep the answers to different origins apart.

    flask-cors says so only where it allows an origin: a cache would hand what no page had asked for to one that may
    not read it without the headers.
    """
    if _CORS_PATHS.match(request.path):
        response.vary.add("Origin")
    return response


def _rehearse(app: Flask, engine: Engine) -> None:
    """Answer the bundled demos as the first client, whatever its mode, record nothing, and refuse one request."""
    caller = Caller(replace(engine.clients[0], mode=Mode.ON))
    services = {service.hook: service for service in SERVICES}
    # No database is asked: it may not be there, and nothing was answered.
    remembrance = replace(engine.handler.remembrance, answered=NoAnsweredCards())
    switches = Switches(None, time.monotonic)
    handler = replace(engine.handler, switches=switches, recorder=NullRecorder(), remembrance=remembrance)
    for demo in load_demos():
        handler.answer(caller, services[demo.hook], demo.body(), Trace("rehearsal"))
    with app.test_request_context():
        outcome_response(HTTPStatus.BAD_REQUEST, "invalid", "Rehearsal.")
