"""The compose file holds together: what it names is there, secrets have no defaults, the service knows its settings."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml

from cds_service.config.settings import load_settings
from tests.deploy.compose import DEPLOY, SERVICE, compose, pairs, settings, variables

if TYPE_CHECKING:
    from pathlib import Path

COMPOSE: Final = compose()
SERVICES: Final[dict[str, dict[str, Any]]] = COMPOSE["services"]
SECRETS: Final = {name: f"{number}" * 48 for number, name in enumerate(pairs(".env.example"))}
# What a site brings along.
THEIRS: Final = {"./clients.toml", "./tls"}


def test_service_takes_the_settings() -> None:
    """Every variable is a setting that there is, in the profile for real use, and the image's own port stays."""
    own = load_settings(settings(SECRETS))
    assert (own.profile, own.port, own.host) == ("production", 8080, "0.0.0.0")
    assert own.database_url is not None
    assert own.redis_url is not None
    assert own.hash_key is not None


def test_secrets_have_no_defaults() -> None:
    """A secret that was not made stops the start; the example holds names and no values."""
    asked = variables(json.dumps(COMPOSE))
    assert set(asked) | {secret["environment"] for secret in COMPOSE["secrets"].values()} == set(SECRETS)
    assert set(asked.values()) == {":?see .env.example"}
    assert set(pairs(".env.example").values()) == {""}
    assert not [name for name in pairs("service.env") if name.endswith(("TOKEN", "KEY", "PASSWORD", "URL_SECRET"))]


def test_secrets_are_made_as_written(tmp_path: Path) -> None:
    """The line in deploy/README.md gives every secret a value of its own, long enough to be one."""
    (line,) = [line for line in (DEPLOY / "README.md").read_text().splitlines() if line.endswith(">.env")]
    shutil.copy(DEPLOY / ".env.example", tmp_path)
    shell = shutil.which("sh")
    if shell is None or shutil.which("openssl") is None:
        pytest.skip("no openssl")
    subprocess.run([shell, "-ec", line], check=True, cwd=tmp_path)
    made = dict(one.split("=") for one in (tmp_path / ".env").read_text().split())
    assert set(made) == set(SECRETS)
    assert len({value for value in made.values() if len(value) == 48}) == len(SECRETS)
    load_settings(settings(made))


def test_what_is_mounted_is_there() -> None:
    """Each file that a container is given lies beside the compose file, or is one that a site must bring."""
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert source in THEIRS or (DEPLOY / source).exists(), source
            else:
                assert source in COMPOSE["volumes"], source
        assert set(service.get("networks", [])) <= set(COMPOSE["networks"])
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])


def test_only_the_proxy_is_reached_from_outside() -> None:
    """EHRs reach nginx and nothing else; what is for operators is published on this machine alone."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"nginx": ["443:443"], "grafana": ["127.0.0.1:3000:3000"]}
    assert COMPOSE["networks"]["back"] == {"internal": True}
    for store in "postgres", "redis":
        assert SERVICES[store]["networks"] == ["back"]


def test_containers_come_back_and_may_do_little() -> None:
    """Each container starts again after a fault and gains no rights; the service cannot write but to its data."""
    for service in SERVICES.values():
        assert service["restart"] == "unless-stopped"
        assert "no-new-privileges:true" in service["security_opt"]
        assert ":latest" not in service["image"]
    own = SERVICES[SERVICE]
    assert (own["read_only"], own["cap_drop"]) == (True, ["ALL"])


def test_service_waits_for_no_store() -> None:
    """Advice needs no database: neither of the stores holds up the start of the service."""
    assert SERVICES[SERVICE]["depends_on"] == ["postgres", "redis"]


def test_prometheus_finds_the_service() -> None:
    """The service is scraped with its token, under the name that the alerts ask for, and the alerts are loaded."""
    found = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (job,) = found["scrape_configs"]
    assert job["job_name"] == "lumbar-cds"
    assert job["static_configs"] == [{"targets": [f"{SERVICE}:8080"]}]
    (secret,) = SERVICES["prometheus"]["secrets"]
    assert job["authorization"] == {"credentials_file": f"/run/secrets/{secret}"}
    assert COMPOSE["secrets"][secret] == {"environment": "LUMBAR_CDS_METRICS_TOKEN"}
    assert all((DEPLOY / "prometheus" / file).exists() for file in found["rule_files"])


@pytest.mark.parametrize("kind", ["datasources", "dashboards"])
def test_grafana_is_set_up(kind: str) -> None:
    """Grafana starts with the data source and the dashboard."""
    (file,) = (DEPLOY / "grafana" / "provisioning" / kind).iterdir()
    found = yaml.safe_load(file.read_text())
    if kind == "datasources":
        assert found["datasources"][0]["url"] == "http://prometheus:9090"
    else:
        folder = found["providers"][0]["options"]["path"]
        assert f"./grafana/lumbar-cds.json:{folder}/lumbar-cds.json:ro" in SERVICES["grafana"]["volumes"]


def test_proxy_differs_only_in_where_the_service_is() -> None:
    """The containers use the configuration that is tested without them."""
    assert "127.0.0.1:8080" in (DEPLOY / "nginx.conf").read_text()
    assert "sed s/127.0.0.1:8080/lumbar-cds:8080/ /etc/lumbar-cds/nginx.conf" in SERVICES["nginx"]["command"][2]
