"""Clients file, start and fetching agree on every address: none is taken that could never be fetched from."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from cds_service.auth.configuration import configuration_problems
from cds_service.clients.file.reading import load_clients
from cds_service.clients.profile import Authentication, ClientProfile, Issuer
from cds_service.egress.addresses import EgressError, read_address
from cds_service.egress.destinations import read_base
from cds_service.egress.network import Network
from cds_service.protocol.errors import SettingsError
from tests.unit.cds_service.clients.file.bad_clients import ISSUER, one_client

STRICT = ("strict", "", Network())
PRIVATE = ("strict", 'network.private = ["10.0.0.0/8"]', Network((ip_network("10.0.0.0/8"),)))
HERE = ("development", 'authentication = "cds-hooks-jwt"', Network(loopback=True))
KINDS = {"strict": STRICT, "private": PRIVATE, "here": HERE}

ADDRESSES = [
    "https://ehr.example",
    "https://ehr.example/r4",
    "https://ehr.example/r4/",
    "https://ehr.example:8443/r4",
    "https://8.8.8.8/r4",
    "https://ehr.example/r4?x=1",
    "https://ehr.example/r4?",
    "https://ehr.example/r4#x",
    "https://ehr.example/a/../b",
    "https://ehr.example/a/..;x=1/b",
    "https://ehr.example/%2e/r4",
    "https://ehr.example/a%2fb",
    "https://ehr.example/a|b",
    "https://ehr.example//r4",
    "https://ehr..example/r4",
    "https://ehr.example./r4",
    "https://user:secret@ehr.example/r4",
    "https://ehr.example:0/r4",
    "https://ehr.example:99999/r4",
    "https://2130706433/r4",
    "https://127.1/r4",
    "https://0x7f.0.0.1/r4",
    "https://10.0.0.5/fhir",
    "https://10.1.1.1/keys",
    "https://192.168.0.1/r4",
    "https://[::ffff:10.0.0.5]/r4",
    "https://169.254.169.254/latest",
    "https://100.100.100.200/latest",
    "http://ehr.example/r4",
    "http://10.0.0.5/fhir",
    "http://127.0.0.1:8090/r4",
    "https://localhost/r4",
    "http://a.localhost/r4",
    "http://[::1]:80",
]


def taken(kind: str, text: str, read: object) -> bool:
    """Return whether the fetching takes an address, as a base or as the place of keys."""
    network = KINDS[kind][2]
    try:
        read_base(text, network) if read is read_base else read_address(text, network)
    except EgressError:
        return False
    return True


def problems(folder: Path, kind: str, base: str, jku: str) -> list[str]:
    """Return what the clients file says about a base and a place of keys."""
    extends, more, _ = KINDS[kind]
    issuers = f'[{{ iss = "https://ehr.example", jku = "{jku}" }}]' if jku else f"[{ISSUER}]"
    bases = f'fhir.bases = ["{base}"]' if base else ""
    file = folder / "clients.toml"
    file.write_text(one_client(f"{more}\n{bases}", extends, issuers), encoding="utf-8")
    try:
        load_clients(file)
    except SettingsError as error:
        return [problem.removeprefix(f"{file}: ") for problem in error.problems]
    return []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ADDRESSES)
def test_base_is_read_as_it_is_fetched_from(tmp_path: Path, kind: str, text: str) -> None:
    """A FHIR base that the file takes can be fetched from, and what cannot is named by client and path."""
    found = problems(tmp_path, kind, text, "")
    assert (not found) is taken(kind, text, read_base)
    assert all(problem.startswith("clients.a.fhir.bases[0]: ") for problem in found)
    assert not any(text in problem for problem in found)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ADDRESSES)
def test_place_of_keys_is_read_as_it_is_fetched_from(tmp_path: Path, kind: str, text: str) -> None:
    """A `jku` that the file takes can be fetched from, and the check of who may call says the same."""
    found = problems(tmp_path, kind, "", text)
    assert (not found) is taken(kind, text, read_address)
    assert all(problem.startswith("clients.a.issuers[0].jku: ") for problem in found)
    client = ClientProfile(
        "a",
        authentication=Authentication.CDS_HOOKS_JWT,
        issuers=(Issuer("https://ehr.example", text),),
        network=KINDS[kind][2],
    )
    at_start = list(configuration_problems([client], "https://cds.example"))
    assert bool(at_start) is bool(found)
    assert [problem.partition(": jku ")[2] for problem in at_start] == [problem.partition(": ")[2] for problem in found]
