"""How gunicorn is configured, without starting it."""

from __future__ import annotations

import gc
import logging
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest

from cds_service.config.settings import load_settings
from cds_service.demo.requests import find_demo
from cds_service.server import gunicorn as server
from cds_service.server.gunicorn import Server, port_problem
from cds_service.server.worker import PatientWorker

if TYPE_CHECKING:
    from collections.abc import Iterator


def made(demo: str | None = None, **settings: Any) -> Server:
    """Return a server that is not running."""
    return Server(load_settings({}, **settings), find_demo(demo) if demo else None)


@pytest.fixture
def usual_collector() -> Iterator[None]:
    """The garbage collector as it was, afterwards."""
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


@pytest.fixture(autouse=True)
def unannounced(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """A server that does not run tells nobody on this machine that it does."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


def test_settings_reach_gunicorn() -> None:
    """Address, workers, threads and patience are those of the settings."""
    config = made(host="::1", port=9001, workers=3, threads=20, wait_ms=250, max_body_bytes=4096).cfg
    assert (config.address, config.workers, config.threads) == ([("::1", 9001)], 3, 20 + 20 + 3 * 5)
    assert issubclass(config.worker_class, PatientWorker)
    assert (config.worker_class.reading, config.worker_class.patience) == (5, 0.25)
    assert config.worker_class.longest_body == 4096


def test_gunicorn_opens_nothing_else() -> None:
    """There is no control socket and no access log beside our own."""
    config = made().cfg
    assert config.control_socket_disable
    assert config.accesslog is None


@pytest.mark.skipif(sys.platform != "linux", reason="spreads connections on Linux only")
def test_workers_share_the_load() -> None:
    """Each worker listens for itself; heartbeats do not touch the disk."""
    config = made().cfg
    assert config.reuse_port
    assert str(config.worker_tmp_dir) in (str(server._SHARED_MEMORY), "None")


@pytest.mark.usefixtures("usual_collector")
def test_application_is_frozen_before_the_fork(tmp_path: Any) -> None:
    """The parent loads the application and takes it out of the collector's sight."""
    app = made(data_dir=str(tmp_path)).load()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == (100_000, 50, 1_000)
    assert app.test_client().get("/readyz").json["feedback"] == "ok"


@pytest.mark.parametrize(
    ("settings", "level"),
    [({}, "warning"), ({"log_level": "debug"}, "debug"), ({"profile": "production"}, "info")],
)
def test_console_is_not_drowned(settings: dict[str, Any], level: str) -> None:
    """At a console gunicorn is heard from warnings on, unless more was asked for."""
    assert made(**settings).cfg.loglevel == level


def test_gunicorn_logs_through_our_handlers(caplog: pytest.LogCaptureFixture) -> None:
    """Its lines take the way that leaves the text of exceptions out, and name the place that wrote them."""
    config = made().cfg
    wrapper = config.logger_class(config)
    logger = logging.getLogger("gunicorn.error")
    assert logger.propagate
    assert logger.handlers == []
    with caplog.at_level(logging.WARNING):
        wrapper.warning("something")
    assert [record.module for record in caplog.records] == ["test_gunicorn"]


def test_death_of_a_worker_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """Which process died of what is said in fields, since gunicorn's own sentence is put together at run time."""
    config = made().cfg
    wrapper = config.logger_class(config)
    with caplog.at_level(logging.WARNING):
        wrapper.error("Worker (pid:%s) was sent %s! Perhaps out of memory?", 12, "SIGKILL")
        wrapper.error("Worker (pid:%s) exited with code %s.", 13, 3)
    told = [
        (record.getMessage(), {name: getattr(record, name, None) for name in ("pid", "signal", "exit_status")})
        for record in caplog.records
    ]
    assert told == [
        ("a worker was ended by a signal", {"pid": 12, "signal": "SIGKILL", "exit_status": None}),
        ("a worker ended with an error", {"pid": 13, "signal": None, "exit_status": 3}),
    ]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::", "http://[::1]:8080"),
        ("::1", "http://[::1]:8080"),
        ("example.org", "http://example.org:8080"),
    ],
)
def test_banner_shows_an_address_to_open(capsys: pytest.CaptureFixture[str], host: str, url: str) -> None:
    """Listening everywhere is shown as an address that a browser can open."""
    made(host=host)._when_ready(None)
    text = capsys.readouterr().out
    assert f"{url}/cds-services" in text
    assert "development" in text


def test_log_for_machines_has_no_banner(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    """Where log lines are JSON, the address stands in one of them as it is bound, and nothing else is printed."""
    with caplog.at_level(logging.INFO):
        made(profile="production")._when_ready(None)
        made(profile="production", host="0.0.0.0", insecure=True)._when_ready(None)
        made(profile="production", host="::")._when_ready(None)
    assert capsys.readouterr().out == ""
    assert [(record.message, record.__dict__["listening"]) for record in caplog.records] == [
        ("serving", "http://127.0.0.1:8080"),
        ("serving INSECURELY", "http://0.0.0.0:8080"),
        ("serving", "http://[::]:8080"),
    ]


def test_demo_is_tried_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo is sent by a command of its own, which waits for the first worker."""
    commands: list[list[str]] = []
    monkeypatch.setattr("cds_service.server.gunicorn.subprocess.Popen", commands.append)
    made("foot-drop", port=9001)._when_ready(None)
    assert [command[2:6] for command in commands] == [["cds_service", "try", "foot-drop", "--url"]]
    assert "http://127.0.0.1:9001" in commands[0]


def test_port_in_use_is_noticed() -> None:
    """SO_REUSEPORT would let a second service start unnoticed, so the address is tried first."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port}" in str(port_problem(load_settings({}, port=port)))
    assert port_problem(load_settings({}, port=port)) is None


def test_address_of_another_machine_is_noticed() -> None:
    """An address that is not ours cannot be listened on."""
    assert "192.0.2.1" in str(port_problem(load_settings({}, host="192.0.2.1")))
