"""The command line."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import requests
from click.testing import CliRunner, Result

from cds_service.app import create_app
from cds_service.cli import main as cli
from cds_service.demo.requests import find_demo, load_demos
from cds_service.protocol.errors import SettingsError
from tests.protocol.builders import NOW, SIGN, hook_request, lumbar_mri

if TYPE_CHECKING:
    from flask import Flask

    from tests.protocol.builders import HookClient


pytestmark = pytest.mark.usefixtures("untouched_logging")


def run(*arguments: str, stdin: str | bytes | None = None, **environment: str) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(cli.main, arguments, input=stdin, env=environment)


def test_help_shows_how_to_begin() -> None:
    """A stranger reads what this is, the three commands to begin with, and that it is not for patients."""
    text = run("--help").output
    for part in ("demos", "serve", "try acute-low-back-pain", "assess", "do not use it for the care of real patients"):
        assert part in " ".join(text.split())


@pytest.mark.parametrize(
    "command", ["serve", "demo", "assess", "try", "demos", "check-connection", "test-key", "orders", "terminology"]
)
def test_each_command_has_help(command: str) -> None:
    """Each command explains itself and each of its options."""
    result = run(command, "--help")
    assert result.exit_code == 0
    for line in result.output.splitlines():
        assert not line.strip().startswith("--") or len(line.split("  ")) > 1


def test_version_is_shown() -> None:
    """The version can be asked for."""
    assert run("--version").output.startswith("lumbar-cds, version ")


def test_demos_are_listed() -> None:
    """Each demo stands with what to expect."""
    text = run("demos").output
    for demo in load_demos():
        assert demo.name in text
        assert demo.expect in text


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    """A request in a file."""
    file = tmp_path / "request.json"
    file.write_text(json.dumps(hook_request(SIGN)))
    return file


def test_request_file_is_assessed(request_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cards for a file are printed for people; nothing is stored."""
    monkeypatch.chdir(request_file.parent)
    result = run("assess", str(request_file))
    assert result.exit_code == 0
    assert "WARNING" in result.output
    assert "Source:" in result.output
    assert list(request_file.parent.iterdir()) == [request_file]


def test_request_is_read_from_standard_input() -> None:
    """`-` reads the request from a pipe; the service is the one for its hook."""
    demo = find_demo("unrelated-order")
    assert demo
    result = run("assess", "-", stdin=demo.body())
    assert (result.exit_code, "No cards" in result.output) == (0, True)


def test_json_is_the_response_itself(client: HookClient, request_file: Path) -> None:
    """With --json the response is printed as a client would get it that day, digits and order kept."""
    result = run("assess", str(request_file), "--json", "--today", NOW.date().isoformat())
    assert json.loads(result.output) == client.call(SIGN, hook_request(SIGN)).json


@pytest.mark.parametrize(("today", "outcome"), [("2026-05-30", "NOT_APPROPRIATE"), ("2026-12-01", "CANNOT_DETERMINE")])
def test_today_can_be_chosen(today: str, outcome: str) -> None:
    """An order that states no day is judged as of the day given."""
    body = json.dumps(hook_request(SIGN, lumbar_mri(authoredOn=None)))
    result = run("assess", "-", "--json", "--today", today, stdin=body)
    (found,) = json.loads(result.output)["extension"]["org.lumbar-mri-cds.assessments"]
    assert found["outcome"] == outcome


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "no JSON": ("{", "not valid JSON"),
    "no UTF-8": (b'{"hook": "\xff"}', "UTF-8"),
    "nested": ('{"a":' * 100_000, "nested too deeply"),
    "no hook": ("{}", "hook is missing"),
    "another hook": (json.dumps(hook_request(SIGN) | {"hook": "patient-view"}), "order-select only"),
    "no data": (json.dumps(hook_request(SIGN, prefetch=None)), "prefetch.conditions"),
}


@pytest.mark.parametrize(("body", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_refusal_goes_to_standard_error(body: str | bytes, reason: str) -> None:
    """A request that is refused ends with status 1 and the reason, without a traceback."""
    result = run("assess", "-", stdin=body)
    assert (result.exit_code, result.stdout) == (1, "")
    assert reason in result.stderr


def test_crash_is_no_traceback_of_patient_data(request_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug ends with status 1 and the place of the failure; the exception's text stays away from the terminal."""

    def broken_app(*arguments: Any, **named: Any) -> Flask:
        app = create_app(*arguments, **named)
        monkeypatch.setattr(
            "cds_service.hooks.adviser.assess", crash
        )  # not before: an application tries itself at start
        return app

    def crash(*_arguments: object) -> None:
        raise KeyError("Zebulon")

    monkeypatch.setattr("cds_service.app.create_app", broken_app)
    result = run("assess", str(request_file))
    assert result.exit_code == 1
    assert "HTTP 500" in result.stderr
    assert "builtins.KeyError" in result.stderr
    assert "Zebulon" not in result.output


def test_missing_file_is_named() -> None:
    """A file that is not there is a usage error."""
    result = run("assess", "nothing.json")
    assert result.exit_code == 2
    assert "nothing.json" in result.stderr


@pytest.mark.parametrize("command", [["serve"], ["assess", "-"]])
def test_bad_setting_is_named(command: list[str]) -> None:
    """A setting that cannot be used stops every command that reads settings."""
    result = run(*command, stdin="{}", LUMBAR_CDS_PROT="80")
    assert result.exit_code == 1
    assert "LUMBAR_CDS_PROT: there is no such setting" in result.stderr


def test_language_without_wording_is_named() -> None:
    """A language that the cards do not speak is refused like any other setting."""
    result = run("assess", "-", stdin="{}", LUMBAR_CDS_LANGUAGE="tlh")
    assert result.exit_code == 1
    assert "LUMBAR_CDS_LANGUAGE" in result.stderr


@pytest.mark.parametrize("command", [["try", "nothing"], ["serve", "--try", "nothing"]])
def test_unknown_demo_is_answered_with_the_known_ones(command: list[str]) -> None:
    """A wrong name shows the right ones."""
    result = run(*command)
    assert result.exit_code == 1
    assert "acute-low-back-pain" in result.stderr


class FakeSession(requests.Session):
    """Answers from an application in this process instead of a network."""

    def __init__(self, client: HookClient | None, body: bytes | None = None) -> None:
        """Take the client of the application; without one nothing answers."""
        super().__init__()
        self._client, self._body = client, body
        self.posted: list[str] = []

    def request(self, method: Any, url: Any, *_arguments: Any, **options: Any) -> requests.Response:
        """Send a request to the application."""
        if self._client is None:
            raise requests.ConnectionError
        self.posted.append(url)
        path = url.removeprefix("http://127.0.0.1:8080")
        reply = self._client.flask.open(path, method=method, data=options.get("data"), headers=options.get("headers"))
        response = requests.Response()
        response.status_code = reply.status_code
        response._content = self._body if self._body is not None else reply.data
        return response


def test_demo_is_tried(client: HookClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo is posted to the service for its hook; card and curl command are shown, and the command is right."""
    session = FakeSession(client)
    monkeypatch.setattr("requests.Session", lambda: session)
    result = run("try", "acute-low-back-pain", "--url", "http://127.0.0.1:8080/", "--wait", "5")
    assert result.exit_code == 0, result.output
    address = "http://127.0.0.1:8080/cds-services/lumbar-mri-order-select"
    assert session.posted == ["http://127.0.0.1:8080/readyz", address]
    assert "WARNING" in result.output
    command = shlex.split(next(line for line in result.output.splitlines() if "curl" in line and "@" in line))
    assert command[-1] == address
    demo = find_demo("acute-low-back-pain")
    assert demo
    assert Path(command[-2].removeprefix("@")).read_bytes() == demo.body()


def test_silence_is_explained(client: HookClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no card comes, the service of the settings is asked, and it is said what keeps silent."""
    session = FakeSession(client)
    monkeypatch.setattr("requests.Session", lambda: session)
    result = run("try", "unrelated-order", LUMBAR_CDS_PORT="8080", LUMBAR_CDS_HOST="0.0.0.0", LUMBAR_CDS_INSECURE="1")
    assert "No cards: the guideline: it has nothing to say about these orders." in " ".join(result.output.split())
    assert session.posted[0] == "http://127.0.0.1:8080/cds-services/lumbar-mri-order-select"


def test_silent_network_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """When no service answers, the next step is named; waiting ends."""
    monkeypatch.setattr("requests.Session", lambda: FakeSession(None))
    result = run("try", "acute-low-back-pain", "--wait", "0.2")
    assert result.exit_code == 1
    assert "lumbar-cds serve" in result.stderr


@pytest.mark.parametrize("body", [b"<html>", b"[]"])
def test_stranger_on_the_port_is_explained(client: HookClient, monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    """An answer that is no JSON object comes from something else."""
    monkeypatch.setattr("requests.Session", lambda: FakeSession(client, body))
    result = run("try", "acute-low-back-pain")
    assert (result.exit_code, "right address" in result.stderr) == (1, True)


def test_windows_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where gunicorn cannot be imported, the reason and the ways out are named."""
    monkeypatch.setitem(sys.modules, "cds_service.server.gunicorn", None)
    result = run("serve")
    assert result.exit_code == 1
    assert "Docker" in result.stderr


def test_server_is_run_with_the_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """`serve` hands settings and demo to the server; a start that fails for a setting is a plain message."""
    started: list[Any] = []

    class FakeServer:
        def __init__(self, *arguments: Any, open_browser: bool) -> None:
            started.extend([*arguments, open_browser])

        def run(self) -> None:
            raise SettingsError(["LUMBAR_CDS_DATA_DIR: no"])

    monkeypatch.setattr("cds_service.server.gunicorn.Server", FakeServer)
    monkeypatch.setattr("cds_service.server.gunicorn.port_problem", lambda _settings: None)
    monkeypatch.setattr("cds_service.observability.logs.configure_logging", lambda _settings: None)
    result = run("serve", "--port", "9001", "--profile", "production", "--workers", "3", "--try", "foot-drop")
    settings, demo, open_browser = started
    assert not open_browser
    assert (settings.port, settings.profile, settings.workers, demo.name) == (9001, "production", 3, "foot-drop")
    assert (result.exit_code, "LUMBAR_CDS_DATA_DIR: no" in result.stderr) == (1, True)
