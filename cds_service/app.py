"""The application factory: everything that can be prepared is prepared here, before the first request.

Reading value sets, building validators and importing FHIR models takes a second; doing it during a clinician's first
click would look like an outage. The bundled demo requests are answered once at start: that warms every code path, and
a service that cannot answer its own demos refuses to start.
"""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Flask, Response, request
from flask_cors import CORS

from cards.guideline import GUIDELINE_VERSION
from cds_service import __version__
from cds_service.auth.callers import Caller, Reason
from cds_service.clientele import advisers_of, check_destinations, clients_of, gate_of, http_client_of
from cds_service.clients.exposure import authentication_state
from cds_service.clients.origins import cors_origins
from cds_service.clients.profile import Mode
from cds_service.clients.report import modes_in_force
from cds_service.clients.switches import Switches
from cds_service.demos import load_demos
from cds_service.desk import Desk
from cds_service.discovery import SERVICES
from cds_service.door import Door
from cds_service.egress.breaker import Breakers
from cds_service.egress.key_fetcher import HttpKeyFetcher
from cds_service.errors import outcome_response, register_error_handlers
from cds_service.gathering import Gatherer
from cds_service.health import Health, Lifecycle
from cds_service.limits import CallLimits
from cds_service.logs import log_requests
from cds_service.metrics import Metrics
from cds_service.metrics_endpoint import MetricsEndpoint, count_requests
from cds_service.pages.facts import PageFacts
from cds_service.pages.security import refuse_sniffing
from cds_service.pages.views import Pages
from cds_service.paths import TidyPaths
from cds_service.records.invocations import NullRecorder
from cds_service.records.recorder import QueueRecorder
from cds_service.serialization import MsgspecProvider
from cds_service.storage import Storage, open_storage
from cds_service.trace import Trace
from cds_service.value_sets import ValueSetViews
from cds_service.views import Views
from fhir_mappings.fhir_client.retrieval import Result
from fhir_mappings.needs import DATA_NEEDS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cds_service.clients.profile import ClientProfile
    from cds_service.settings import Settings

# What pages of other origins may call: hooks, discovery and feedback, nothing else.
_CORS_PATHS: Final = re.compile("^/cds-services(/.*)?$")

# In a row, before a FHIR server is given a rest: one slow hook call alone, with all its searches, must not be enough.
_FAILURES: Final = 2 * len(DATA_NEEDS)


def utc_now() -> datetime:
    """Return the time of day; what the service runs on unless it is handed another clock."""
    return datetime.now(UTC)


def create_app(settings: Settings, *, clock: Callable[[], datetime] = utc_now, storage: Storage | None = None) -> Flask:
    """Return a ready application; SettingsError when the settings cannot be put to work.

    `storage` takes the place of the stores that the settings name.
    """
    clients = clients_of(settings)
    advisers = advisers_of(clients, settings)
    check_destinations(clients)
    http, breakers = http_client_of(settings), Breakers(_FAILURES)
    gate = gate_of(clients, settings, HttpKeyFetcher(http), clock)
    switches = Switches(settings.switches, time.monotonic, [client.name for client in clients])
    stores = storage or open_storage(settings)
    desk = Desk(
        advisers=advisers,
        gatherer=Gatherer(clients, http, breakers, _executor(settings)),
        switches=switches,
        identities=stores.identities,
        recorder=stores.recorder,
        clock=clock,
    )
    door = Door(gate, CallLimits(time.monotonic, settings.workers))
    metrics = Metrics([client.name for client in clients], refusals=Reason, fhir_results=Result)
    lifecycle = Lifecycle()

    app = Flask("cds_service", static_folder=None)
    app.json = MsgspecProvider(app)
    app.url_map.merge_slashes = False  # TidyPaths does it, without a redirect
    app.extensions |= {
        "metrics": metrics,
        "lifecycle": lifecycle,
        "storage": stores,
        "gate": gate,
        "authentication": authentication_state(clients, insecure=settings.insecure),
    }
    _allow_origins(app, clients)
    app.register_blueprint(Views(door, desk, stores.feedback, settings.max_body_bytes).blueprint())
    app.register_blueprint(ValueSetViews.of(advisers[clients[0].name].index).blueprint())
    app.register_blueprint(
        Health(
            lifecycle,
            stores.feedback,
            circuits=lambda: breakers.states().values(),
            modes=lambda: [switches.mode(client).value for client in clients],
        ).blueprint()
    )
    token = settings.metrics_token
    app.register_blueprint(MetricsEndpoint(metrics, token.get_secret_value() if token else None).blueprint())
    for blueprint in Pages(_facts(settings, clients, switches), advisers, clock).blueprints():
        app.register_blueprint(blueprint)
    register_error_handlers(app)
    refuse_sniffing(app)
    log_requests(app)
    count_requests(app, metrics)
    metrics.watch_circuits(breakers.states)
    metrics.watch_modes(lambda: {client.name: switches.mode(client) for client in clients})
    if isinstance(stores.recorder, QueueRecorder):
        metrics.watch_recorder(stores.recorder)
    app.wsgi_app = TidyPaths(app.wsgi_app)  # type: ignore[method-assign] # how Flask documents adding middleware
    _rehearse(app, desk, clients)
    lifecycle.started = True
    return app


def _executor(settings: Settings) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(settings.fetch_threads, thread_name_prefix="fetch")


def _allow_origins(app: Flask, clients: Sequence[ClientProfile]) -> None:
    """Let the pages that clients list call from a browser; their preflights come before any authentication."""
    if origins := cors_origins(clients):
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


def _facts(settings: Settings, clients: Sequence[ClientProfile], switches: Switches) -> PageFacts:
    """Return what the pages tell of this process."""
    return PageFacts(
        version=__version__,
        guideline_version=GUIDELINE_VERSION,
        profile=settings.profile,
        mode=lambda: modes_in_force(clients, switches.state),
        authentication=authentication_state(clients, insecure=settings.insecure),
        public_url=settings.public_url or "",
        clients=tuple(client.name for client in clients),
        insecure=settings.insecure,
    )


def _rehearse(app: Flask, desk: Desk, clients: Sequence[ClientProfile]) -> None:
    """Answer the bundled demos, and refuse one request."""
    caller = Caller(replace(clients[0], mode=Mode.ON))
    services = {service.hook: service for service in SERVICES}
    rehearsal = Desk(
        desk.advisers, desk.gatherer, Switches(None, time.monotonic), desk.identities, NullRecorder(), desk.clock
    )
    for demo in load_demos():
        rehearsal.answer(caller, services[demo.hook], demo.body(), Trace("rehearsal"))
    with app.test_request_context():
        outcome_response(HTTPStatus.BAD_REQUEST, "invalid", "Rehearsal.")
