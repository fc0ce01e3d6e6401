"""The commands of those who connect clients and keep the service running."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests
from click.testing import CliRunner, Result
from sqlalchemy import func, select

from cds_service.app import create_app
from cds_service.cli import main as cli
from cds_service.clients.switches import read_switches
from cds_service.config.settings import load_settings
from cds_service.hooks.storage import Storage
from cds_service.protocol.errors import SettingsError
from cds_service.records.opening import open_database
from cds_service.records.rows import Batch, write_batch
from cds_service.records.tables import FEEDBACK, INVOCATIONS
from fhir_mappings.fhir.searches import templates_for
from tests.ehr import PUBLIC_URL, Ehr, clients_file
from tests.protocol.builders import SERVICES
from tests.service import PATIENCE, Running, free_port
from tests.unit.cds_service.records.builders import call, count, rows

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("untouched_logging")

EHR = Ehr("https://ehr.example", "key-1")
GENERAL: dict[str, Any] = {
    "title": "General Hospital",
    "contact": "integration@general.example",
    "issuers": [{"iss": EHR.iss, "keys": [EHR.jwk], "audiences": ["https://typed.example/lumbar"]}],
    "fhir": {"bases": ["https://fhir.general.example/r4"]},
    "shape": {"link_hosts": ["acsearch.acr.org"]},
    "mode": "silent",
}
CLINIC: dict[str, Any] = {"extends": "development", "title": "Clinic"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A clients file with two clients."""
    return clients_file(tmp_path, {"general": GENERAL, "clinic": CLINIC})


def run(*arguments: str, folder: Path, file: Path | None = None, **environment: str) -> Result:
    """Run a command in this process, with a data folder of its own."""
    known = {"LUMBAR_CDS_DATA_DIR": str(folder), "LUMBAR_CDS_PUBLIC_URL": PUBLIC_URL}
    known |= {"LUMBAR_CDS_CLIENTS_FILE": str(file)} if file else {}
    return CliRunner().invoke(cli.main, arguments, env=known | environment)


@pytest.mark.parametrize(("url", "warned"), [("", True), (PUBLIC_URL, False)])
def test_service_without_an_address_is_told_what_its_cards_lack(tmp_path: Path, url: str, *, warned: bool) -> None:
    """In real use an address is what links each card to its explanation; without one the remedy is named."""
    clients = clients_file(tmp_path, {"clinic": CLINIC})
    result = run(
        "check-config", folder=tmp_path, file=clients, LUMBAR_CDS_PROFILE="production", LUMBAR_CDS_PUBLIC_URL=url
    )
    assert result.exit_code == 0, result.output
    assert ("CAUTION: without LUMBAR_CDS_PUBLIC_URL" in result.output) is warned


def test_configuration_is_explained(file: Path, tmp_path: Path) -> None:
    """Whoever answers for it reads in sentences what each client proves, gets and sees, and no secret."""
    secret = "redis://:open-sesame@cache.example/0"
    result = run("check-config", folder=tmp_path, file=file, LUMBAR_CDS_REDIS_URL=secret)
    assert result.exit_code == 0, result.output
    for part in (
        "general",
        "General Hospital",
        EHR.iss,
        "nobody sees a card",
        "clinic",
        "https://fhir.general.example",
    ):
        assert part in result.output
    assert "WARNING" in result.output
    assert "open-sesame" not in result.output
    assert list(tmp_path.iterdir()) == [file]


def test_built_in_clients_are_explained(tmp_path: Path) -> None:
    """Without a clients file it says so, and who can call."""
    result = run("check-config", folder=tmp_path)
    assert result.exit_code == 0
    for part in ("Clients file: none", "development", "cds-hooks-sandbox", "Site file: none"):
        assert part in result.output


def test_what_is_switched_is_told(file: Path, tmp_path: Path) -> None:
    """A client that is switched off does not look as if it were on."""
    run("switch", "off", "--client", "clinic", "--reason", "looks wrong", folder=tmp_path, file=file)
    assert "Switched off: clinic (looks wrong)" in run("check-config", folder=tmp_path, file=file).output


BROKEN: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    "a misspelt key": ({"a": {**CLINIC, "mod": "on"}}, {}, "clients.a"),
    "no issuer": ({"a": {}}, {}, "clients.a.issuers"),
    "no public address": ({"a": GENERAL}, {"PUBLIC_URL": ""}, "LUMBAR_CDS_PUBLIC_URL"),
    "an open client on every address": ({"a": CLINIC}, {"HOST": "0.0.0.0"}, "LUMBAR_CDS_INSECURE"),
    "a private FHIR server": (
        {"a": {**GENERAL, "fhir": {"bases": ["https://10.1.2.3/fhir"]}}},
        {},
        "clients.a.fhir.bases[0]",
    ),
    "no such authorities": ({"a": CLINIC}, {"CA_BUNDLE": "/nothing.pem"}, "LUMBAR_CDS_CA_BUNDLE"),
    "no such site file": ({"a": {**CLINIC, "site_file": "none.toml"}}, {}, "clients.a.site_file"),
    "an unknown setting": ({"a": CLINIC}, {"HSOT": "::1"}, "LUMBAR_CDS_HSOT"),
}


@pytest.mark.parametrize(("clients", "environment", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_what_would_not_start_is_refused(
    tmp_path: Path, clients: dict[str, Any], environment: dict[str, str], reason: str
) -> None:
    """The check fails with the reason wherever the service would not start, and the two agree."""
    file = clients_file(tmp_path, clients)
    given = {f"LUMBAR_CDS_{name}": value for name, value in environment.items()}
    result = run("check-config", folder=tmp_path, file=file, **given)
    assert result.exit_code == 1
    assert reason in result.stderr
    usual = {"LUMBAR_CDS_DATA_DIR": str(tmp_path), "LUMBAR_CDS_PUBLIC_URL": PUBLIC_URL}
    with pytest.raises(SettingsError) as refused:
        create_app(load_settings(usual | {"LUMBAR_CDS_CLIENTS_FILE": str(file)} | given), storage=Storage())
    assert reason in str(refused.value)


def test_broken_switch_file_is_found(file: Path, tmp_path: Path) -> None:
    """A switch file that would stop the start is found before."""
    (tmp_path / "switches.toml").write_text("[of]\n", encoding="utf-8")
    result = run("check-config", folder=tmp_path, file=file)
    assert (result.exit_code, "switches.toml" in result.stderr) == (1, True)


def test_sheet_has_what_a_registration_asks(file: Path, tmp_path: Path) -> None:
    """Addresses, audiences, prefetch, scopes and links stand ready to be copied."""
    result = run("client-sheet", "general", folder=tmp_path, file=file)
    assert result.exit_code == 0
    base = f"{PUBLIC_URL}/cds-services"
    wanted = [base, *(f"{base}/{service}" for service in SERVICES), *(f"{base}/{name}/feedback" for name in SERVICES)]
    wanted += [f"{key}: {template}" for key, template in templates_for().items()]
    wanted += [EHR.iss, "https://typed.example/lumbar", "https://fhir.general.example/r4", "acsearch.acr.org"]
    wanted += ["patient/Condition.rs", "patient/Condition.read", "General Hospital", "integration@general.example"]
    assert [part for part in wanted if part not in result.output] == []


def test_sheet_of_a_stranger_names_the_known(file: Path, tmp_path: Path) -> None:
    """A misspelt name shows the right ones."""
    result = run("client-sheet", "genral", folder=tmp_path, file=file)
    assert (result.exit_code, "general, clinic" in result.stderr) == (1, True)


def test_sheet_is_printed_where_the_service_could_not_listen(tmp_path: Path) -> None:
    """The sheet does not depend on the address that this machine would listen on."""
    result = run("client-sheet", "development", folder=tmp_path, LUMBAR_CDS_HOST="0.0.0.0")
    assert result.exit_code == 0, result.output


def switched(folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Return who is off and who is silent."""
    state = read_switches(folder / "switches.toml")
    return dict(state.off), dict(state.silent)


def test_clients_are_switched(file: Path, tmp_path: Path) -> None:
    """One client or all are lowered, with a reason, and that is taken back."""
    off = run("switch", "off", "--client", "general", "--reason", "why", "--no-wait", folder=tmp_path, file=file)
    assert off.exit_code == 0
    assert run("switch", "silent", "--no-wait", folder=tmp_path, file=file).exit_code == 0
    assert switched(tmp_path) == ({"general": "why"}, {"*": ""})
    run("switch", "clear", "--client", "general", "--no-wait", folder=tmp_path, file=file)
    run("switch", "clear", "--no-wait", folder=tmp_path, file=file)
    assert switched(tmp_path) == ({}, {})


def test_stranger_is_not_switched(file: Path, tmp_path: Path) -> None:
    """A misspelt client would go on showing cards while everybody believes it is off."""
    result = run("switch", "off", "--client", "genral", folder=tmp_path, file=file)
    assert (result.exit_code, "general, clinic" in result.stderr) == (1, True)
    assert not (tmp_path / "switches.toml").exists()
    by_option = run("switch", "off", "--client", "general", "--no-wait", "--clients-file", str(file), folder=tmp_path)
    assert by_option.exit_code == 0


def test_stranger_is_cleared(file: Path, tmp_path: Path) -> None:
    """The name of a client that exists no more can be taken out of the file."""
    (tmp_path / "switches.toml").write_text('[off]\nformer = ""\n', encoding="utf-8")
    assert run("switch", "clear", "--client", "former", "--no-wait", folder=tmp_path, file=file).exit_code == 0
    assert switched(tmp_path) == ({}, {})


@pytest.mark.parametrize("name", ["*", "general"])
def test_broken_clients_file_does_not_stop_the_switch(tmp_path: Path, name: str) -> None:
    """In an emergency the switch works, whatever somebody has just done to another file."""
    file = tmp_path / "clients.yaml"
    file.write_text("clients: [", encoding="utf-8")
    result = run("switch", "off", "--client", name, "--no-wait", folder=tmp_path, file=file)
    assert result.exit_code == 0
    assert switched(tmp_path) == ({name: ""}, {})
    assert ("not checked" in result.stderr) is (name != "*")


def test_open_service_can_be_switched_off(tmp_path: Path) -> None:
    """The switch works with the settings of a service that insists on being open."""
    result = run("switch", "off", "--client", "development", "--no-wait", folder=tmp_path, LUMBAR_CDS_HOST="0.0.0.0")
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [("on",), ("off", "--client", "NO NAME"), ("off", "--reason", "a\nb")])
def test_nonsense_is_not_switched(file: Path, tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """A mode that shows more, a name that cannot be and a reason of two lines are refused."""
    assert run("switch", *arguments, folder=tmp_path, file=file).exit_code != 0
    assert not (tmp_path / "switches.toml").exists()


def test_switch_that_nobody_heard_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is made, the switch is there for the next start, and nobody is told that cards are off now."""
    monkeypatch.setattr("cds_service.cli.switch_confirmation._PATIENCE_WITH_NOBODY", 0.0)
    result = run("switch", "off", folder=tmp_path / "new" / "folder")
    assert (result.exit_code, "no running service answered" in result.stderr) == (1, True)
    assert switched(tmp_path / "new" / "folder") == ({"*": ""}, {})


def test_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    """A wrong data folder is named: nothing was switched."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = run("switch", "off", folder=tmp_path / "file" / "folder")
    assert result.exit_code == 1
    assert str(tmp_path / "file") in result.stderr


def test_switch_waits_for_every_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One worker that goes by something else is enough for cards to be shown, and so for the command to fail."""
    monkeypatch.setattr("cds_service.cli.switch_confirmation._PATIENCE", 0.0)
    workers = tmp_path / ".switches.toml.workers"
    workers.mkdir()
    for name in ("1", "2"):
        (workers / f"{name}.worker").write_text("something else", encoding="utf-8")
    result = run("switch", "off", folder=tmp_path)
    assert (result.exit_code, "in force in 0 of 2 workers only" in result.stderr) == (1, True)


@pytest.mark.slow
def test_switch_reaches_every_worker_from_any_folder(tmp_path: Path) -> None:
    """A service and the command need not be started in the same folder, even where its settings are relative."""
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
    running = Running(here, settings={"DATA_DIR": "var"}, cwd=here)
    try:
        for mode, told in (("off", {"off": 2}), ("silent", {"silent": 2}), ("clear", None)):
            arguments = ["switch", mode]
            environment = os.environ | {"LUMBAR_CDS_PORT": str(running.port)}
            command = [sys.executable, "-m", "cds_service", *arguments]
            done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=there, check=False)
            assert (done.returncode, "2 of 2 workers" in done.stdout) == (0, True), done
            for _ in range(8):
                ready = requests.get(f"{running.url}/readyz", timeout=PATIENCE, headers={"Connection": "close"}).json()
                assert ready.get("switched") == told
    finally:
        assert running.stop() == 0
    assert (here / "var" / "switches.toml").exists()
    assert not list(there.iterdir())
    assert not list((here / "var").glob(".switches.toml.workers/*"))


def stored(folder: Path) -> tuple[int, int]:
    """Return how many calls and reports are stored."""
    database = open_database(None, folder)
    with database.read() as connection:
        found = [
            connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in (INVOCATIONS, FEEDBACK)
        ]
    database.close()
    return found[0], found[1]


def test_demo_data_come_and_go(tmp_path: Path) -> None:
    """Synthetic records are written, replaced and removed."""
    first = run("demo-data", "--weeks", "1", folder=tmp_path)
    assert first.exit_code == 0, first.output
    told = re.match(r"(\d+) synthetic calls and (\d+) synthetic reports written", first.output)
    assert told
    assert stored(tmp_path) == (int(told[1]), int(told[2]))
    address = first.output.split("See them at ")[1].strip()
    assert_shown(tmp_path, address, calls=int(told[1]))
    again = run("demo-data", "--weeks", "1", folder=tmp_path)
    assert again.exit_code == 0
    assert stored(tmp_path)[0] <= 2 * int(told[1])
    assert run("demo-data", "--remove", folder=tmp_path).exit_code == 0
    assert stored(tmp_path) == (0, 0)


def assert_shown(folder: Path, address: str, *, calls: int) -> None:
    """Fail unless the insights at an address count these calls with orders, and more."""
    settings = load_settings({}, data_dir=folder)
    client = create_app(settings).test_client()
    parts = urlsplit(address)
    assert parts.path.endswith("/insights")
    exported = client.get("/insights/export.json", query_string=parts.query).get_json()
    assert exported["volume"][0]["lumbar_calls"] == calls


def with_old_calls(folder: Path) -> None:
    """Store calls of today, and of 40 and 400 days ago."""
    database = open_database(None, folder)
    batch = Batch()
    for days in 0, 40, 400:
        batch.add(call(at=datetime.now(UTC) - timedelta(days=days), status=412))
    with database.write() as connection:
        write_batch(connection, batch)
    database.close()


@pytest.mark.parametrize(
    ("arguments", "setting", "left"), [(["--days", "30"], "", 1), ([], "90", 2), (["--days", "30"], "90", 1)]
)
def test_old_records_are_deleted(tmp_path: Path, arguments: list[str], setting: str, left: int) -> None:
    """As many days are kept as the option says, else the setting."""
    with_old_calls(tmp_path)
    result = run("prune", *arguments, folder=tmp_path, LUMBAR_CDS_RETENTION_DAYS=setting)
    assert result.exit_code == 0, result.output
    assert f"{3 - left} calls" in result.output
    assert stored(tmp_path)[0] == left


def test_nothing_is_deleted_without_a_number(tmp_path: Path) -> None:
    """Nobody has said how long records are kept, so none is deleted."""
    with_old_calls(tmp_path)
    result = run("prune", folder=tmp_path)
    assert (result.exit_code, "--days" in result.stderr) == (1, True)
    assert stored(tmp_path)[0] == 3


def test_retention_is_applied_at_start(tmp_path: Path) -> None:
    """A service that is restarted keeps what its settings say, and no more."""
    with_old_calls(tmp_path)
    app = create_app(load_settings({}, data_dir=tmp_path, retention_days=90))
    database = app.extensions["engine"].storage.database
    assert count(database, INVOCATIONS) == len(rows(database, INVOCATIONS, "id")) == 2
    database.close()


@pytest.mark.slow
@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_open_service_does_not_listen_for_others(tmp_path: Path, host: str) -> None:
    """Without authentication every address but this machine's own is refused, and what would allow it is named."""
    command = [sys.executable, "-m", "cds_service", "serve", "--host", host, "--port", str(free_port())]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert result.returncode == 1
    assert "--insecure" in result.stderr
    assert "LUMBAR_CDS_INSECURE" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
@pytest.mark.parametrize("log_format", ["console", "json"])
def test_insecure_service_says_so(tmp_path: Path, log_format: str) -> None:
    """Whoever insists is told in the first lines and on every page."""
    service = Running(tmp_path, "--host", "0.0.0.0", "--insecure", workers=1, settings={"LOG_FORMAT": log_format})
    try:
        page = service.session.get(service.url, timeout=30)
        facts = service.session.get(service.url, timeout=30, headers={"Accept": "application/json"}).json()
        criteria = service.session.get(f"{service.url}/criteria", timeout=30)
    finally:
        assert service.stop() == 0
    assert "INSECURE" in page.text
    assert "Not secured." in page.text
    assert "Not secured." in criteria.text
    assert facts["insecure"] is True
    assert facts["authentication"].startswith("INSECURE")
    output = service.output.read_text()
    if log_format == "json":
        (line,) = [found for found in map(json.loads, output.splitlines()) if "serving" in found["message"]]
        assert "INSECURE" in line["message"] + line["authentication"]
        assert line["level"] == "warning"
    else:
        assert "INSECURE" in output
