"""`lumbar-cds check-connection`: a client's keys and FHIR server are tried, and told without a patient or a token."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cds_service.cli import main as cli
from cds_service.demo.requests import find_demo
from fhir_mappings.fhir.needs import DATA_NEEDS
from tests.ehr import clients_file
from tests.loopback_server import Received, Reply, serving
from tests.protocol.epic_stub import epic_stub
from tests.protocol.fhir_stub import fhir_stub, reply
from tests.service import free_port
from tests.unit.cds_service.auth.builders import public_jwk

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("untouched_logging")

_DEMO = find_demo("acute-low-back-pain")
assert _DEMO
BODY: dict[str, Any] = json.loads(_DEMO.body())
PATIENT: str = BODY["context"]["patientId"]
TOKEN = "zebulon-token"
STATEMENT = {
    "resourceType": "CapabilityStatement",
    "fhirVersion": "4.0.1",
    "software": {"name": "Stub"},
    "rest": [
        {
            "mode": "server",
            "resource": [{"type": name} for name in ("Patient", "Condition")],
            "security": {"service": [{"coding": [{"code": "SMART-on-FHIR"}]}]},
        }
    ],
}


def check(folder: Path, profile: dict[str, Any], *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Return exit status, the checks by id (the last of each), and all that was printed."""
    file = clients_file(folder, {"general": {"extends": "development", **profile}})
    token = folder / "token"
    token.write_text(TOKEN)
    environment = {"LUMBAR_CDS_CLIENTS_FILE": str(file), "LUMBAR_CDS_DATA_DIR": str(folder)}
    environment |= {"LUMBAR_CDS_PORT": str(free_port()), "LUMBAR_CDS_PUBLIC_URL": ""}
    if profile.get("authentication"):
        environment["LUMBAR_CDS_PUBLIC_URL"] = f"http://127.0.0.1:{free_port()}"
    given = [*arguments, "--token-file", str(token), "--json"]
    result = CliRunner().invoke(cli.main, ["check-connection", "general", *given], env=environment)
    report = json.loads(result.stdout)
    return result.exit_code, {one["id"]: one for one in report["checks"]}, result.output


def test_good_server_passes(tmp_path: Path) -> None:
    """Version, types, protection, token and every search pass, with time and count; the exit status is 0."""
    with fhir_stub(BODY["prefetch"], {"metadata": reply(STATEMENT)}) as stub:
        profile = {"fhir": {"bases": [stub.base], "deadline_ms": 20_000}}
        status, found, printed = check(tmp_path, profile, "--patient", f"Patient/{PATIENT}")
        tokens = {request.headers.get("authorization") for request in stub.http.received}
    assert status == 0, printed
    assert found["fhir.metadata"]["says"] == "FHIR 4.0.1, Stub"
    assert "sources" in found["fhir.types"]["remedy"]
    assert found["fhir.security"]["services"] == ["SMART-on-FHIR"]
    assert found["fhir.token"]["status"] == "pass"
    assert {f"fhir.search.{need.key}" for need in DATA_NEEDS} <= found.keys()
    conditions = found["fhir.search.conditions"]
    assert (conditions["entries"], conditions["deadline_ms"]) == (1, 20_000)
    assert conditions["ms"] >= 0
    assert found["fhir.deadline"]["late"] == []
    assert tokens == {None, f"Bearer {TOKEN}"}  # discovery of the server needs none


def test_report_holds_neither_patient_nor_token(tmp_path: Path) -> None:
    """What is printed can go into a ticket."""
    with epic_stub(BODY["prefetch"]) as stub:
        profile = {"fhir": {"bases": [stub.base]}}
        _, _, printed = check(tmp_path, profile, "--patient", PATIENT, "--fhir", stub.base)
    assert PATIENT not in printed
    assert TOKEN not in printed


def test_manners_of_a_server_become_settings(tmp_path: Path) -> None:
    """What a server refuses is told as the setting with which it is asked right at once; what it lacks is skipped."""
    with epic_stub(BODY["prefetch"]) as stub:
        _, found, _ = check(tmp_path, {"fhir": {"bases": [stub.base], "deadline_ms": 20_000}}, "--patient", PATIENT)
    observations = found["fhir.search.observations"]
    assert observations["status"] == "pass"
    assert "fhir.sort = false and fhir.observation_categories" in observations["remedy"]
    assert found["fhir.search.medicationStatements"]["status"] == "skipped"


def test_refused_token_and_lacking_source_fail(tmp_path: Path) -> None:
    """A 401 is told as one of the token, and a source that every answer needs is missed; the exit status is 1."""
    special = {"Patient": reply({}, 401), "Condition": reply({}, 403), "Device": reply({}, 404)}
    with fhir_stub(BODY["prefetch"], special) as stub:
        status, found, _ = check(tmp_path, {"fhir": {"bases": [stub.base]}}, "--patient", PATIENT)
    assert status == 1
    assert (found["fhir.token"]["status"], "401" in found["fhir.token"]["says"]) == ("fail", True)
    assert found["fhir.search.conditions"]["status"] == "fail"
    assert "scopes" in found["fhir.search.conditions"]["remedy"]
    assert found["fhir.search.devices"]["status"] == "skipped"


def test_token_that_has_ended_is_not_sent(tmp_path: Path) -> None:
    """A token that says itself that it has ended is told so, without asking."""
    ended = "eyJhbGciOiJub25lIn0.eyJleHAiOjEwMDB9.c2ln"
    (tmp_path / "ended").write_text(ended)
    with fhir_stub(BODY["prefetch"]) as stub:
        file = clients_file(tmp_path, {"general": {"extends": "development", "fhir": {"bases": [stub.base]}}})
        arguments = [
            "check-connection",
            "general",
            "--token-file",
            str(tmp_path / "ended"),
            "--clients-file",
            str(file),
        ]
        result = CliRunner().invoke(cli.main, arguments)
    assert "fail     fhir.token" in result.output
    assert "the token ended" in result.output
    assert ended not in result.output


JWK = public_jwk("RSA-2048", "k1", "x")
KEY_SETS: dict[str, tuple[Reply, str, str]] = {
    "a usable key": (Reply(body=json.dumps({"keys": [{**JWK, "use": "sig"}]}).encode()), "pass", "kid k1 (RSA"),
    "for encryption": (
        Reply(body=json.dumps({"keys": [{**JWK, "use": "enc"}]}).encode()),
        "fail",
        "no key can be used",
    ),
    "a private key": (Reply(body=json.dumps({"keys": [{**JWK, "d": "x"}]}).encode()), "fail", "private keys are"),
    "no keys": (Reply(body=b'{"keys": []}'), "fail", "there is none"),
    "a page": (Reply(body=b"<html>"), "fail", "not JSON"),
    "moved": (Reply(302, headers={"Location": "/x"}), "fail", "redirects are not followed"),
}


@pytest.mark.parametrize(("answer", "status", "says"), KEY_SETS.values(), ids=KEY_SETS.keys())
def test_keys_are_judged_one_by_one(tmp_path: Path, answer: Reply, status: str, says: str) -> None:
    """Each key is named by kid, kind, alg and use, with whether a token signed by it would be believed."""

    def keys(_: Received) -> Reply:
        return answer

    with serving(keys) as server:
        issuer = {"iss": "https://e.example", "jku": f"http://127.0.0.1:{server.port}/k", "algorithms": ["RS384"]}
        _, found, _ = check(tmp_path, {"authentication": "cds-hooks-jwt", "issuers": [issuer]})
    assert (found["keys.jwks"]["status"], says in found["keys.jwks"]["says"]) == (status, True)
    assert found["public.discovery"]["status"] == "fail"  # nothing runs there


def test_unknown_client_is_answered_with_the_known_ones() -> None:
    """A wrong name shows the right ones, and nothing is tried."""
    result = CliRunner().invoke(cli.main, ["check-connection", "nobody"])
    assert (result.exit_code, "development" in result.stderr) == (1, True)
