"""The clients file: what it may say, and how it is refused."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from cards.response.client_shape import SiteCode
from cds_service.clients.file.reading import load_clients
from cds_service.clients.file.ready_made import default_clients, ready_made
from cds_service.clients.profile import CLIENT_NAME, Authentication, ClientProfile, FhirAccess, Issuer, Mode
from cds_service.protocol import schemas
from cds_service.protocol.errors import SettingsError
from tests.unit.cds_service.clients.file.bad_clients import BAD, EC_JWK, EC_KEY, ISSUER, JKU, one_client, with_key


def load(folder: Path, text: str, name: str = "clients.toml") -> tuple[ClientProfile, ...]:
    """Load a clients file of this content."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return load_clients(file)


def refused(folder: Path, text: str, name: str = "clients.toml") -> list[str]:
    """Return the reasons for which a file is refused, without the file's name before them."""
    with pytest.raises(SettingsError) as refusal:
        load(folder, text, name)
    assert all(problem.startswith(f"{folder / name}: ") for problem in refusal.value.problems)
    return [problem.removeprefix(f"{folder / name}: ") for problem in refusal.value.problems]


def test_least_client_is_strict(tmp_path: Path) -> None:
    """A client that names an issuer and nothing else gets the strict profile and the usual values."""
    (client,) = load(tmp_path, one_client(""))
    assert (client.name, client.extends, client.mode) == ("a", "strict", Mode.ON)
    assert client.authentication is Authentication.CDS_HOOKS_JWT
    assert client.issuers == (Issuer("https://ehr.example", JKU),)
    assert client.fhir == FhirAccess()
    assert (client.shape.action_style, client.shape.rating_place, client.shape.link_hosts) == (
        "replace",
        "none",
        frozenset(),
    )
    assert not client.network.loopback
    assert not client.network.private


def test_own_table_is_laid_over_the_ready_made_one(tmp_path: Path) -> None:
    """Tables are merged key by key, and a list takes the place of the whole list."""
    (client,) = load(
        tmp_path,
        one_client(
            'origins = ["https://ehr.example:443"]\nshape.link_hosts = ["a.example"]\nfhir.pages = 3', "epic-like"
        ),
    )
    assert client.origins == ("https://ehr.example",)
    assert client.shape.link_hosts == frozenset({"a.example"})
    assert (client.shape.action_style, client.shape.selection_behavior) == ("catalogue", "any")
    assert (client.fhir.pages, client.fhir.deadline_ms) == (3, 450)
    assert (client.mode, client.issuers[0].algorithms) == (Mode.SILENT, ("RS384",))


def test_algorithms_of_an_issuer_outweigh_those_of_the_client(tmp_path: Path) -> None:
    """The client's algorithms are for issuers that name none."""
    issuers = f'[{ISSUER}, {{ iss = "https://b.example", jku = "{JKU}", algorithms = ["PS256"] }}]'
    (client,) = load(tmp_path, one_client('algorithms = ["ES256"]', issuers=issuers))
    assert [issuer.algorithms for issuer in client.issuers] == [("ES256",), ("PS256",)]


def test_everything_can_be_said(tmp_path: Path) -> None:
    """Each key of the file arrives in the profile, in the form in which it is compared."""
    (tmp_path / "site.toml").write_text('name = "A"', encoding="utf-8")
    (client,) = load(
        tmp_path,
        """
[clients.a]
title = " A "
contact = "a@ehr.example"
authentication = "mutual-tls"
mode = "pilot"
strict_hook = false
verbosity = "action"
explain = true
language = "en"
site_file = "site.toml"
certificates.proxies = ["10.0.0.1", "::1"]
certificates.subjects = ["CN=a"]
certificates.fingerprints = ["FINGERPRINT"]
certificates.verified_header = "X-V"
network = { private = ["10.0.0.0/8", "fd00::/8"] }
pilot = { users = ["Practitioner/1"], percent = 5 }
shape = { selection_behavior = "at-most-one", rating_place = "both", rating_mechanism = "G1004", link_hosts = ["*"] }
orderables.esr = { system = "urn:a", code = "LAB1", display = "SED RATE" }
override_reasons.already-imaged = { system = "urn:a", code = "45" }
limits = { max_body_bytes = 2048, max_orders = 3.0, calls_per_minute = 60 }
[clients.a.fhir]
bases = ["https://fhir.example/r4/", "https://fhir.example/r4"]
deadline_ms = 300
retries = 0
max_bytes = 4096
batch = true
""".replace("FINGERPRINT", ":".join(["AB"] * 32)),
    )
    assert (client.title, client.contact, client.mode, client.strict_hook) == ("A", "a@ehr.example", Mode.PILOT, False)
    assert (client.verbosity, client.explain, client.language) == ("action", True, "en")
    assert client.site_file == tmp_path / "site.toml"
    assert client.certificates
    assert client.certificates.fingerprints == ("ab" * 32,)
    assert (client.certificates.verified_header, client.certificates.proxies) == ("X-V", ("10.0.0.1", "::1"))
    assert client.network.private == (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))
    assert (client.pilot.users, client.pilot.percent) == (frozenset({"Practitioner/1"}), 5)
    assert client.shape.link_hosts is None
    assert client.shape.orderables == {"esr": SiteCode("urn:a", "LAB1", "SED RATE")}
    assert client.shape.override_reasons == {"already-imaged": SiteCode("urn:a", "45")}
    assert client.fhir.bases == ("https://fhir.example/r4",)
    assert (client.max_body_bytes, client.max_orders, client.calls_per_minute) == (2048, 3, 60)
    assert type(client.max_orders) is int


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (EC_JWK, "ES384"),
        (
            {**RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048).public_key(), as_dict=True), "kid": "r"},
            "PS256",
        ),
        ({**OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate().public_key(), as_dict=True), "kid": "o"}, "EdDSA"),
    ],
    ids=["EC", "RSA", "OKP"],
)
def test_inline_key_is_taken(tmp_path: Path, key: dict[str, Any], algorithm: str) -> None:
    """A public key of each kind may stand in the file, with the members that key sets give it."""
    key.pop("key_ops", None)
    (client,) = load(tmp_path, with_key(key | {"use": "sig", "alg": algorithm}, f', algorithms = ["{algorithm}"]'))
    assert client.issuers[0].keys[0]["kid"] == key["kid"]


def test_private_key_is_refused_and_not_shown(tmp_path: Path) -> None:
    """Secret parts of a key are refused with what to do, and appear in no sentence."""
    secret: dict[str, Any] = ECAlgorithm.to_jwk(EC_KEY, as_dict=True)
    secret.pop("key_ops", None)
    (problem,) = refused(tmp_path, with_key({**secret, "kid": "one"}))
    assert problem.startswith("clients.a.issuers[0].keys[0].d: this is a secret part of a key")
    assert secret["d"] not in problem


@pytest.mark.parametrize(("text", "begins"), BAD.values(), ids=BAD)
def test_mistake_is_refused(tmp_path: Path, text: str, begins: str) -> None:
    """Each mistake is refused with one sentence: the path inside the file, and what is wrong there."""
    (problem,) = refused(tmp_path, text)
    assert problem.startswith(begins)


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    """What the schema finds in one client does not hide what is wrong with the others."""
    problems = refused(
        tmp_path,
        f"""
[clients.a]
mode = "trial"
title = 1
[clients.b]
issuers = [{ISSUER}]
fhir.bases = ["http://f.example"]
network.private = ["8.8.8.8"]
[clients.c]
issuers = [{ISSUER}]
[clients.d]
issuers = [{ISSUER}]
""",
    )
    assert [problem.partition(": ")[0] for problem in problems] == [
        "clients.a.title",
        "clients.a.mode",
        "clients.b.network.private[0]",
        "clients.b.fhir.bases[0]",
        "clients.d.issuers[0].iss",
    ]


@pytest.mark.parametrize("key", ["title", "mode", "fhir", "origins", "issuers", "extends", "language", "client_secret"])
@pytest.mark.parametrize(
    "value", ['"hush-hush\\n"', '["hush-hush"]', '{ x = "hush-hush" }', '[{ iss = "hush-hush\\n" }]']
)
def test_no_value_is_printed(tmp_path: Path, key: str, value: str) -> None:
    """Whatever a secret was mistaken for, the refusal does not repeat it."""
    assert "hush-hush" not in "".join(refused(tmp_path, one_client(f"{key} = {value}", issuers="")))


@pytest.mark.parametrize(
    ("first", "second", "path"),
    [
        ("", "", "clients.b.issuers[0].iss"),
        (', tenants = ["n"]', "", "clients.b.issuers[0].iss"),
        (', tenants = ["n", "s"]', ', tenants = ["s"]', "clients.b.issuers[0].iss"),
        (', tenants = ["n"]', ', tenants = ["s"]', None),
        (', subjects = ["n"]', ', subjects = ["s"]', "clients.b.issuers[0].iss"),
    ],
)
def test_shared_issuer_needs_something_that_tells_clients_apart(
    tmp_path: Path, first: str, second: str, path: str | None
) -> None:
    """Two clients may have one issuer when no token can be of both."""
    text = "\n".join(
        f'[clients.{name}]\nissuers = [{{ iss = "https://ehr.example", jku = "{JKU}"{more} }}]'
        for name, more in (("a", first), ("b", second))
    )
    if path is None:
        assert len(load(tmp_path, text)) == 2
    else:
        (problem,) = refused(tmp_path, text)
        assert problem.startswith(path)


def test_certificate_is_of_one_client(tmp_path: Path) -> None:
    """A subject or a fingerprint, however written, that two clients claim is refused."""
    ours = '{ proxies = ["::1"], subjects = ["CN=a"], fingerprints = ["%s"] }'
    prints = (":".join(["AB"] * 32), "ab" * 32)
    text = "\n".join(
        f'[clients.{name}]\nauthentication = "mutual-tls"\ncertificates = {ours % fingerprint}'
        for name, fingerprint in zip("ab", prints, strict=True)
    )
    assert [problem.partition(": ")[0] for problem in refused(tmp_path, text)] == [
        "clients.b.certificates.subjects",
        "clients.b.certificates.fingerprints",
    ]


def test_open_clients_are_told_apart_by_origin(tmp_path: Path) -> None:
    """Without authentication two clients must not share a web page, nor both take calls from none."""
    text = "\n".join(f'[clients.{name}]\nauthentication = "none"\norigins = %s' for name in "ab")
    (problem,) = refused(tmp_path, text % ('["https://a.example"]', '["https://a.example:443"]'))
    assert problem.startswith("clients.b.origins: an entry is one of a too")
    (problem,) = refused(tmp_path, text % ("[]", "[]"))
    assert problem.startswith("clients.b.authentication: a takes calls from anyone too")
    assert len(load(tmp_path, text % ("[]", '["https://a.example"]'))) == 2


def test_development_may_name_servers_of_this_machine(tmp_path: Path) -> None:
    """A FHIR server and a key set on loopback may be used over http by profiles for development."""
    text = 'authentication = "cds-hooks-jwt"\nfhir.bases = ["http://127.0.0.1:8090/fhir", "http://[::1]:80"]'
    issuers = '[{ iss = "x", jku = "http://localhost:9/keys" }]'
    (client,) = load(tmp_path, one_client(text, "development", issuers))
    assert client.fhir.bases == ("http://127.0.0.1:8090/fhir", "http://[::1]:80")


def test_sandbox_tokens_can_be_checked(tmp_path: Path) -> None:
    """The sandbox profile brings its issuer along for who turns authentication on."""
    (client,) = load(tmp_path, one_client('authentication = "cds-hooks-jwt"', "cds-hooks-sandbox", ""))
    assert client.issuers[0].jku == "https://sandbox.cds-hooks.org/.well-known/jwks.json"
    assert client.issuers[0].algorithms == ("ES384",)


def test_yaml_says_the_same(tmp_path: Path) -> None:
    """A YAML file gives the same profile as the TOML file with the same content."""
    in_yaml = f"clients:\n  a:\n    mode: on\n    issuers: [{{iss: 'https://ehr.example', jku: '{JKU}'}}]\n"
    assert load(tmp_path, in_yaml, "clients.yml") == load(tmp_path, one_client('mode = "on"'))


@pytest.mark.parametrize("mode", ["off", "on"])
def test_yaml_words_are_no_booleans(tmp_path: Path, mode: str) -> None:
    """`mode: off` switches off, as whoever writes it means."""
    text = f"clients: {{a: {{extends: development, mode: {mode}}}}}"
    assert load(tmp_path, text, "clients.yaml")[0].mode == mode


def test_ready_made_profiles_fit_the_schema() -> None:
    """The ready-made profiles are those that a client may extend, and say nothing that a file could not."""
    assert schemas.CLIENTS.errors({"clients": ready_made()}) == []
    assert set(ready_made()) == set(schemas.CLIENTS.document["$defs"]["client"]["properties"]["extends"]["enum"])
    assert all(CLIENT_NAME.fullmatch(name) for name in ready_made())


def test_every_key_is_described() -> None:
    """The schema refuses unknown keys everywhere and says what each known one is for."""
    tables = [schemas.CLIENTS.document, *schemas.CLIENTS.document["$defs"].values()]
    for table in tables:
        if "properties" in table:
            assert table["additionalProperties"] is False
            assert all(rule["description"] for rule in table["properties"].values())


def test_clients_without_a_file() -> None:
    """Development knows a local client and the sandbox; production takes prefetch from anyone, and fetches nothing."""
    development, sandbox = default_clients(development=True)
    assert (development.name, sandbox.name) == ("development", "cds-hooks-sandbox")
    assert (development.fhir.any_loopback, development.network.loopback) == (True, True)
    assert (sandbox.shape.action_style, sandbox.shape.rating_place, sandbox.strict_hook) == ("update", "both", False)
    (anyone,) = default_clients(development=False)
    assert (anyone.name, anyone.fhir.any_loopback, anyone.network.loopback) == ("anyone", False, False)
    assert (anyone.fhir.bases, anyone.origins, anyone.shape.link_hosts) == ((), (), None)
    assert {(client.authentication, client.issuers) for client in (development, sandbox, anyone)} == {
        (Authentication.NONE, ())
    }
