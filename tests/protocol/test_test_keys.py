"""Test keys: whoever holds one can call by hand, in development at once, elsewhere only by the clients file."""

from __future__ import annotations

import json
import stat
import tomllib
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from click.testing import CliRunner, Result

from cds_service.cli import main as cli
from cds_service.cli.trying.signing import CannotSignError, authorization
from cds_service.clients.file.cautions import cautions
from cds_service.clients.file.reading import load_clients
from cds_service.clients.profile import Mode
from tests.ehr import PUBLIC_URL, Ehr, clients_file, hook
from tests.protocol.builders import NOW, SIGN, HookClient, hook_request, make_app

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("untouched_logging")

EHR = Ehr("https://ehr.example", "key-1")
JWT: dict[str, Any] = {"issuers": [{"iss": EHR.iss, "keys": [EHR.jwk], "tenants": ["north"]}]}
BEARER: dict[str, Any] = {
    "authentication": "oauth-bearer",
    "issuers": [{"iss": "https://login.example", "keys": [EHR.jwk], "audiences": ["lumbar"], "scopes": ["cds/call"]}],
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A clients file with a client that signs, and one with access tokens."""
    return clients_file(tmp_path, {"general": JWT, "portal": BEARER})


def run(file: Path, *arguments: str) -> Result:
    """Run a command with the data folder beside the clients file."""
    environment = {"LUMBAR_CDS_CLIENTS_FILE": str(file), "LUMBAR_CDS_DATA_DIR": str(file.parent / "data")}
    return CliRunner().invoke(cli.main, arguments, env=environment | {"LUMBAR_CDS_PUBLIC_URL": PUBLIC_URL})


def status(file: Path, name: str, profile: str) -> int:
    """Return the status with which a service answers a call signed with the test key of a client."""
    (client,) = (one for one in load_clients(file) if one.name == name)
    folder = file.parent / "data"
    app = make_app(profile=profile, clients_file=file, public_url=PUBLIC_URL, data_dir=folder, workers=1)
    headers = authorization(client, f"{PUBLIC_URL}{hook(SIGN)}", folder, NOW.timestamp)
    return HookClient(app).call(SIGN, hook_request(SIGN), headers=headers).status


def test_private_key_is_its_owners_and_never_printed(file: Path) -> None:
    """The private part is a file that only its owner reads; printed is the public part, and a second call keeps it."""
    printed = run(file, "test-key", "general").output
    private = file.parent / "data" / "test-keys" / "general.pem"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert "PRIVATE" not in printed
    jwk = json.loads(run(file, "test-key", "general", "--json").output)
    assert jwk["kid"] in printed
    assert "d" not in jwk
    assert json.loads(run(file, "test-key", "general", "--new", "--json").output)["x"] != jwk["x"]


@pytest.mark.parametrize("name", ["general", "portal"])
def test_development_believes_it_and_production_does_not(file: Path, name: str) -> None:
    """A key in the data folder counts in development only."""
    run(file, "test-key", name)
    assert status(file, name, "development") == 200
    assert status(file, name, "production") == 401


@pytest.mark.parametrize("name", ["general", "portal"])
def test_printed_issuer_makes_production_believe_it(file: Path, name: str) -> None:
    """What is printed goes into a clients file as it stands, and is cautioned against there."""
    printed = run(file, "test-key", name).output
    snippet = printed[printed.index("[[") : printed.index("Then:")]
    issuer = tomllib.loads(snippet)["clients"][name]["issuers"][0]
    own = {"general": JWT, "portal": BEARER}[name]
    clients_file(file.parent, {name: {**own, "issuers": [*own["issuers"], issuer]}})
    assert status(file, name, "production") == 200
    (client,) = load_clients(file)
    assert any("test key" in sentence for sentence in cautions(client, Mode.ON))


def test_client_without_a_key_is_told_how_to_make_one(file: Path, tmp_path: Path) -> None:
    """`try --client` names the command; a client that proves nothing needs no key."""
    result = run(file, "try", "foot-drop", "--client", "general")
    assert (result.exit_code, "lumbar-cds test-key general" in result.stderr) == (1, True)
    unproved = clients_file(tmp_path, {"open": {"extends": "development"}})
    (client,) = load_clients(unproved)
    assert authorization(client, "x", tmp_path) == {}
    assert "nothing to sign" in run(unproved, "test-key", "open").stderr


def test_broken_key_is_told(file: Path) -> None:
    """A private key that cannot be read is named, without what stands in it."""
    run(file, "test-key", "general")
    (file.parent / "data" / "test-keys" / "general.pem").write_text("zebulon")
    client = next(one for one in load_clients(file) if one.name == "general")
    with pytest.raises(CannotSignError, match="no private key") as refused:
        authorization(client, "x", file.parent / "data")
    assert "zebulon" not in str(refused.value)


def test_each_call_is_signed_anew(file: Path) -> None:
    """Two calls have two ids, so that the second is no replay."""
    run(file, "test-key", "general")
    client = next(one for one in load_clients(file) if one.name == "general")
    tokens = [authorization(client, "x", file.parent / "data")["Authorization"].split()[1] for _ in range(2)]
    claims = [jwt.decode(token, options={"verify_signature": False}) for token in tokens]
    assert claims[0]["jti"] != claims[1]["jti"]
