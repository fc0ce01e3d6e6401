"""The production server: gunicorn, configured here so that there is one way to run the service.

The application is loaded once in the parent and frozen before the workers fork: they share its memory, and the garbage
collector does not walk it again for each large request. Every other setting has its reason beside it.
"""

from __future__ import annotations

import gc
import os
import resource
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gunicorn import glogging
from gunicorn.app.base import BaseApplication

from cards.guideline.guideline import GUIDELINE_VERSION
from cds_service.app import create_app
from cds_service.clients.cors_origins import client_of_origin
from cds_service.clients.switch_witnesses import announce, withdraw
from cds_service.hooks.standing import told
from cds_service.observability.logs import get_logger
from cds_service.observability.metrics import forget_process
from cds_service.protocol.trace import ARRIVED
from cds_service.server.background import PeriodicTask
from cds_service.server.claims import clients_by_issuer
from cds_service.server.memory import collect_rarely, keep_returned_memory
from cds_service.server.worker import PatientWorker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from cds_service.config.settings import Settings
    from cds_service.demo.requests import Demo

_LOG: Final = get_logger(__name__)

_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - only heartbeat files of gunicorn's own making go there
_TRY_PATIENCE: Final = 30  # seconds for the first worker to answer
_REFRESH_SECONDS: Final = 5.0  # shorter than any usual interval of scraping

_WITNESS_SECONDS: Final = 1.0  # a switch is in force within two seconds, whether anybody calls or not

# Threads that compute give way to those that read and answer within a millisecond, instead of five.
_SWITCH_SECONDS: Final = 0.001

_MOST_CONNECTIONS: Final = 4000  # of one worker; an idle one takes about 10 kB


def _telling_deaths(write: Callable[..., None], level: str) -> Callable[..., None]:
    """Return what writes gunicorn's lines, and says in our own words, which may hold numbers, that a worker died."""

    def log(message: str, *arguments: Any, **more: Any) -> None:
        if message.startswith("Worker (pid:%s) was sent %s!"):
            getattr(_LOG, level)("a worker was ended by a signal", pid=arguments[0], signal=arguments[1])
        elif message.startswith("Worker (pid:%s) exited with code %s"):
            getattr(_LOG, level)("a worker ended with an error", pid=arguments[0], exit_status=arguments[1])
        else:
            write(message, *arguments, **{"stacklevel": 2, **more})

    return log


class _Logger(glogging.Logger):
    """Sends gunicorn's lines through the handlers of the process, which know what must not be written."""

    def setup(self, cfg: Any) -> None:
        """Add no handlers."""
        super().setup(cfg)
        for handler in list(self.error_log.handlers):
            self.error_log.removeHandler(handler)
        self.error_log.propagate = True
        for level in "debug", "info", "warning", "error", "critical", "exception":
            # So that a line names its place, not gunicorn's wrapper.
            setattr(self, level, _telling_deaths(getattr(self.error_log, level), level))


class Server(BaseApplication):
    """The service under gunicorn."""

    def __init__(self, settings: Settings, demo: Demo | None = None, *, open_browser: bool = False) -> None:
        """Take the settings and, optionally, a demo to send once the service is up, and to show in a browser then."""
        self._settings = settings
        self._demo = demo
        self._open_browser = open_browser
        self._authentication = ""
        self._approval = ""
        super().__init__(prog="lumbar-cds")

    def load_config(self) -> None:
        """Set what differs from gunicorn's defaults."""
        for name, value in self._configuration().items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        """Build the application, in the parent process."""
        keep_returned_memory()
        app = create_app(self._settings)
        app.wsgi_app = _telling_arrival(app.wsgi_app)  # type: ignore[method-assign, assignment] # as Flask documents middleware
        engine = app.extensions["engine"]
        self._authentication, self._approval = engine.authentication, told(engine.standing())
        gc.collect()
        gc.freeze()
        collect_rarely()
        return app

    @property
    def url(self) -> str:
        """The address a browser on this machine would use."""
        return self._settings.local_url

    @property
    def _bound(self) -> str:
        """The address that is listened on, as the log must say it: every address is not this machine's alone."""
        return f"http://{_netloc(self._settings.host, self._settings.port)}"

    def _configuration(self) -> dict[str, Any]:
        settings = self._settings
        return {
            "bind": _netloc(settings.host, settings.port),
            "worker_class": type(
                "Worker",
                (PatientWorker,),
                {
                    "longest_body": settings.max_body_bytes,
                    "patience": settings.wait_ms / 1000,
                    "reading": _reading(settings.threads),
                },
            ),
            "worker_connections": _most_connections(),
            "workers": settings.workers,
            # As many may wait for a place as have one, and each lane has some to read with.
            "threads": 2 * settings.threads + 3 * _reading(settings.threads),
            "preload_app": True,
            # Without it one worker of several takes nearly all keep-alive connections. Elsewhere than on Linux the
            # option does not spread connections.
            "reuse_port": sys.platform == "linux",
            "timeout": 30,
            "graceful_timeout": 20,
            "keepalive": 75,  # longer than the usual 60 s of load balancers, which would race with our closing
            # Heartbeats must not wait for a disk.
            "worker_tmp_dir": str(_SHARED_MEMORY) if os.access(_SHARED_MEMORY, os.W_OK) else None,
            # Nothing of a request's head is believed to be the server's own, whoever sends it.
            "forwarder_headers": "",
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "control_socket_disable": True,  # nobody manages a worker through a socket in the home directory
            "accesslog": None,  # the application writes its own line, from an allow-list
            "logger_class": _Logger,
            "loglevel": self._log_level(),
            "proc_name": "lumbar-cds",
            "when_ready": self._when_ready,
            "pre_fork": _before_fork,
            "post_worker_init": _begin_worker,
            "worker_exit": _end_worker,
            "child_exit": _forget,
            "on_exit": self._on_exit,
        }

    def _log_level(self) -> str:
        """Return the level for gunicorn's own lines: at a console the banner says what matters."""
        settings = self._settings
        return "warning" if settings.log_format == "console" and settings.log_level == "info" else settings.log_level

    def _on_exit(self, _arbiter: object) -> None:
        withdraw(self._settings.port, self._settings.switches)

    def _when_ready(self, _arbiter: object) -> None:
        announce(self._settings.port, self._settings.switches)
        if self._settings.log_format == "console":
            print(self._banner(), flush=True)  # noqa: T201 - for a person
        else:
            facts = {"listening": self._bound, "authentication": self._authentication, "approval": self._approval}
            if self._settings.insecure:
                _LOG.warning("serving INSECURELY", **facts)
            else:
                _LOG.info("serving", **facts)
        if self._demo:
            arguments = ["try", self._demo.name, "--url", self.url, "--wait", str(_TRY_PATIENCE)]
            arguments += ["--open"] if self._open_browser else []
            subprocess.Popen([sys.executable, "-m", "cds_service", *arguments])  # noqa: S603 - our own command line

    def _banner(self) -> str:
        return (
            f"Lumbar spine MRI decision support, {self._settings.profile} profile\n"
            f"  pages      {self.url}\n"
            f"  discovery  {self.url}/cds-services\n"
            f"  callers    {self._authentication}\n"
            f"  guideline  {GUIDELINE_VERSION}. {self._approval}\n"
            "  stop       Ctrl-C\n"
        )


def _most_connections() -> int:
    """Return how many connections a worker keeps open: most of its descriptors, which are raised to what is allowed."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(64, min(_MOST_CONNECTIONS, hard // 2))


def _reading(places: int) -> int:
    """Return how many requests of a lane are read at once: few, because they take turns on one processor."""
    return max(4, places // 4)


def _telling_arrival(application: WSGIApplication) -> WSGIApplication:
    """Return what lets an application know when a request had arrived: it may have waited for a thread."""

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if (connection := environ.get("gunicorn.socket")) is not None:
            environ[ARRIVED] = connection.arrived_at
        return application(environ, start_response)

    return answer


def _before_fork(arbiter: Any, _worker: object) -> None:
    """Look at the switch file in the parent: should it break, a worker begun later knows what was in force before."""
    _ = arbiter.app.wsgi().extensions["engine"].switches.state


def _begin_worker(worker: Any) -> None:
    """Let the application know when its worker is told to stop, and keep what it tells of itself current."""
    extensions = worker.wsgi.extensions
    extensions["lifecycle"].stopping = lambda: not worker.alive
    engine = extensions["engine"]
    sys.setswitchinterval(_SWITCH_SECONDS)
    engine.gate.warm()
    worker.clients = clients_by_issuer(
        (issuer.iss, client.name) for client in engine.clients for issuer in client.issuers
    )
    worker.allows_origin = lambda origin: client_of_origin(engine.clients, origin) is not None
    worker.count_sent_away = extensions["metrics"].shed
    PeriodicTask(extensions["metrics"].refresh, _REFRESH_SECONDS).start()
    PeriodicTask(extensions["witness"].speak, _WITNESS_SECONDS).start()


def _end_worker(_arbiter: object, worker: Any) -> None:
    """Write the records that wait; a worker that never got as far as its application has none."""
    if worker.wsgi is not None:
        worker.wsgi.extensions["witness"].leave()
        worker.wsgi.extensions["engine"].storage.recorder.close()


def _forget(_arbiter: object, worker: Any) -> None:
    forget_process(worker.pid)


def _netloc(host: str, port: int) -> str:
    """Return host and port as one, with the brackets that an IPv6 address needs."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def port_problem(settings: Settings) -> str | None:
    """Return why the address cannot be listened on, or None.

    With SO_REUSEPORT a second service on the same port starts without an error and takes half of the requests.
    """
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        where = f"{settings.host} port {settings.port}"
        return f"cannot listen on {where} ({error.strerror}); --host and --port choose others"
    return None
