"""`check-config` refuses what the start refuses, and touches nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from cds_service.app import create_app
from cds_service.cli import main as cli
from cds_service.cli.configuration.preflight import preflight
from cds_service.config.settings import load_settings
from cds_service.protocol.errors import SettingsError
from tests.unit.cds_service.clients.file.bad_clients import one_client

pytestmark = pytest.mark.usefixtures("untouched_logging")

# A setting that cannot be used, and how the one problem with it begins.
SETTINGS: dict[str, tuple[dict[str, str], str]] = {
    "no authorities": ({"CA_BUNDLE": "/nope"}, "LUMBAR_CDS_CA_BUNDLE: cannot be used (FileNotFoundError)"),
    "authorities that are none": ({"CA_BUNDLE": __file__}, "LUMBAR_CDS_CA_BUNDLE: cannot be used (SSLError)"),
    "another database": ({"DATABASE_URL": "mysql://u:hush@h/d"}, "LUMBAR_CDS_DATABASE_URL: must be postgresql://"),
    "a database in memory": ({"DATABASE_URL": "sqlite://"}, "LUMBAR_CDS_DATABASE_URL: must be postgresql://"),
    "no address of Redis": ({"REDIS_URL": "foo"}, "LUMBAR_CDS_REDIS_URL: this is no address"),
    "an unknown option of Redis": ({"REDIS_URL": "redis://:hush@h/0?colour=1"}, "LUMBAR_CDS_REDIS_URL: this is no"),
    "a short key": ({"HASH_KEY": "hush"}, "LUMBAR_CDS_HASH_KEY: must have at least 32 characters"),
}
BASES = ("https://10.0.0.5/fhir", "https://ehr.example/fhir/../x", "https://2130706433/fhir", "https://ehr..example")


def environment(folder: Path, settings: dict[str, str]) -> dict[str, str]:
    """Return the variables of a process whose data would be in a folder."""
    named = {f"LUMBAR_CDS_{name}": value for name, value in settings.items()}
    return {"LUMBAR_CDS_DATA_DIR": str(folder / "data"), "LUMBAR_CDS_CA_BUNDLE": ""} | named


@pytest.mark.parametrize(("settings", "begins"), SETTINGS.values(), ids=SETTINGS)
def test_setting_is_refused_by_start_and_check_alike(tmp_path: Path, settings: dict[str, str], begins: str) -> None:
    """Each setting that stops the start is refused beforehand, with the same sentence and without its value."""
    variables = environment(tmp_path, settings)
    refusals = []
    for attempt in (preflight, create_app):
        with pytest.raises(SettingsError) as refusal:
            attempt(load_settings(variables))
        refusals.append(refusal.value.problems)
    assert refusals[0] == refusals[1]
    (problem,) = refusals[0]
    assert problem.startswith(begins)
    assert "hush" not in problem
    result = CliRunner().invoke(cli.main, ["check-config"], env=variables)
    assert (result.exit_code, begins in result.stderr) == (1, True)


@pytest.mark.parametrize("base", BASES)
def test_base_is_refused_by_start_and_check_alike(tmp_path: Path, base: str) -> None:
    """A FHIR base that could never be asked is refused beforehand, by client and path."""
    file = tmp_path / "clients.toml"
    file.write_text(one_client(f'fhir.bases = ["{base}"]'), encoding="utf-8")
    variables = environment(tmp_path, {"CLIENTS_FILE": str(file), "PUBLIC_URL": "https://cds.example"})
    for attempt in (preflight, create_app):
        with pytest.raises(SettingsError, match=r"clients\.a\.fhir\.bases\[0\]: "):
            attempt(load_settings(variables))


def test_everything_is_said_at_once(tmp_path: Path) -> None:
    """Settings, clients and what their tokens need are mended in one go."""
    file = tmp_path / "clients.toml"
    file.write_text(one_client(""), encoding="utf-8")
    variables = environment(
        tmp_path, {"REDIS_URL": "foo", "HASH_KEY": "x", "DATABASE_URL": "x", "CLIENTS_FILE": str(file)}
    )
    with pytest.raises(SettingsError) as refusal:
        preflight(load_settings(variables))
    assert len(refusal.value.problems) == 4
    assert "LUMBAR_CDS_PUBLIC_URL" in refusal.value.problems[-1]


def test_nothing_is_touched(tmp_path: Path) -> None:
    """A check on a machine that is not the service's leaves no folder, no key and no database behind."""
    file = tmp_path / "clients.toml"
    file.write_text(one_client(""), encoding="utf-8")
    settings = {
        "CLIENTS_FILE": str(file),
        "PUBLIC_URL": "https://cds.example",
        "DATABASE_URL": "postgresql://u:p@nowhere.invalid/d",
        "REDIS_URL": "rediss://:p@nowhere.invalid/0",
        "HASH_KEY": "k" * 32,
    }
    found = preflight(load_settings(environment(tmp_path, settings)))
    assert [client.name for client in found.clients] == list(found.advisers) == ["a"]
    assert list(tmp_path.iterdir()) == [file]
