"""Mistakes in clients files, each with how the one sentence about it begins, and the files they are made from."""

from __future__ import annotations

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

JKU = "https://ehr.example/keys"
ISSUER = f'{{ iss = "https://ehr.example", jku = "{JKU}" }}'


def one_client(text: str, base: str = "", issuers: str = f"[{ISSUER}]") -> str:
    """Return a file with the client `a`: keys of its own in TOML, and one good issuer unless told otherwise."""
    extends = f'extends = "{base}"\n' if base else ""
    return f"[clients.a]\n{extends}{f'issuers = {issuers}' if issuers else ''}\n{text}"


def in_toml(key: dict[str, Any]) -> str:
    """Return a JWK as an inline table."""
    return "{ " + ", ".join(f"{json.dumps(name)} = {json.dumps(value)}" for name, value in key.items()) + " }"


def with_key(key: dict[str, Any], rest: str = "") -> str:
    """Return a file with an issuer that has one inline key."""
    return one_client("", issuers=f'[{{ iss = "https://ehr.example", keys = [{in_toml(key)}]{rest} }}]')


EC_KEY = ec.generate_private_key(ec.SECP384R1())
EC_JWK: dict[str, Any] = {**ECAlgorithm.to_jwk(EC_KEY.public_key(), as_dict=True), "kid": "one"}
SHORT_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505 - to see it refused

# What is wrong with a file, and how its one problem begins.
BAD: dict[str, tuple[str, str]] = {
    "nothing": ("", "clients: is missing"),
    "no client": ("[clients]", "clients: must not be empty"),
    "client is no table": ("clients.a = 1", "clients.a: must be a table"),
    "unknown top key": (one_client("") + "\n[client.b]", "client: there is no such key; did you mean clients?"),
    "name with a capital": (one_client("").replace(".a]", ".A]"), "clients: the name of a client must be"),
    "name with a newline": (one_client("").replace("[clients.a]", '[clients."a\\n"]'), "clients: the name of a client"),
    "long name": (one_client("").replace(".a]", f".{'a' * 64}]"), "clients: the name of a client must be"),
    "unknown key": (one_client('tittle = "A"'), "clients.a.tittle: there is no such key; did you mean title?"),
    "unknown base": (one_client("", "lenient"), "clients.a.extends: must be one of development"),
    "unknown mode": (one_client('mode = "trial"'), "clients.a.mode: must be one of off, silent, pilot, on"),
    "title of two lines": (one_client('title = "a\\nb"'), "clients.a.title: must be one line of text"),
    "number for text": (one_client("title = 1"), "clients.a.title: must be text"),
    "text for a table": (one_client('fhir = "x"'), "clients.a.fhir: must be a table"),
    "text for a list": (one_client('origins = "x"'), "clients.a.origins: must be a list"),
    "text for a truth": (one_client('explain = "yes"'), "clients.a.explain: must be true or false"),
    "date for text": (one_client("title = 2026-01-01"), "clients.a.title: must be text"),
    "unknown orderable": (
        one_client('orderables.order_ct = { system = "urn:a", code = "1" }'),
        "clients.a.orderables: holds a name that is none of order_mri_lumbar_wo,",
    ),
    "code without a system": (
        one_client('override_reasons.already-imaged = { code = "1" }'),
        "clients.a.override_reasons.already-imaged.system: is missing",
    ),
    "not a number": (one_client("fhir.deadline_ms = nan"), "clients.a.fhir.deadline_ms: must be a whole number"),
    "endless number": (one_client("fhir.pages = inf"), "clients.a.fhir.pages: must be a whole number"),
    "no deadline": (one_client("fhir.deadline_ms = 0"), "clients.a.fhir.deadline_ms: must be at least 1"),
    "two retries": (one_client("fhir.retries = 2"), "clients.a.fhir.retries: must be at most 1"),
    "percent over 100": (one_client("pilot.percent = 101"), "clients.a.pilot.percent: must be at most 100"),
    "percent below 0": (one_client("pilot.percent = -1"), "clients.a.pilot.percent: must be at least 0"),
    "empty pilot": (one_client('mode = "pilot"'), "clients.a.pilot: mode = pilot needs users or a percent above 0"),
    "no issuer": (one_client("", issuers=""), "clients.a.issuers: authentication = cds-hooks-jwt needs at least one"),
    "issuers unused": (one_client("", "development"), "clients.a.issuers: authentication = none does not look at"),
    "no iss": (one_client("", issuers=f'[{{ jku = "{JKU}" }}]'), "clients.a.issuers[0].iss: is missing"),
    "no keys": (one_client("", issuers='[{ iss = "x" }]'), "clients.a.issuers[0]: needs either jku or keys"),
    "no key in keys": (one_client("", issuers='[{ iss = "x", keys = [] }]'), "clients.a.issuers[0].keys: must not be"),
    "jku and keys": (
        with_key(EC_JWK, f', jku = "{JKU}"'),
        "clients.a.issuers[0]: needs either jku or keys, not both",
    ),
    "jku over http": (
        one_client("", issuers='[{ iss = "x", jku = "http://e.example/k" }]'),
        "clients.a.issuers[0].jku: must begin with https://",
    ),
    "jku with a password": (
        one_client("", issuers='[{ iss = "x", jku = "https://a:b@e.example/" }]'),
        "clients.a.issuers[0].jku: must not hold a user name",
    ),
    "jku without a host": (
        one_client("", issuers='[{ iss = "x", jku = "https:///k" }]'),
        "clients.a.issuers[0].jku: must name a host",
    ),
    "jku with a bad port": (
        one_client("", issuers='[{ iss = "x", jku = "https://e.example:99999/" }]'),
        "clients.a.issuers[0].jku: has a port that is none",
    ),
    "jku by file": (
        one_client("", issuers='[{ iss = "x", jku = "file:///etc/passwd" }]'),
        "clients.a.issuers[0].jku: must be an address that begins with https://",
    ),
    "jku on this machine": (
        one_client("", issuers='[{ iss = "x", jku = "https://localhost/k" }]'),
        "clients.a.issuers[0].jku: is on this machine",
    ),
    "shared secret": (one_client('algorithms = ["HS256"]'), "clients.a.algorithms[0]: must be one of ES256"),
    "no signature": (one_client('algorithms = ["none"]'), "clients.a.algorithms[0]: must be one of ES256"),
    "no algorithm": (one_client("algorithms = []"), "clients.a.algorithms: must not be empty"),
    "symmetric key": (
        with_key({"kty": "oct", "kid": "a"}),
        "clients.a.issuers[0].keys[0].kty: must be one of RSA, EC, OKP",
    ),
    "key of another kind": (with_key(EC_JWK, ', algorithms = ["RS256"]'), "clients.a.issuers[0].keys[0]: fits none of"),
    "key for another algorithm": (
        with_key(EC_JWK | {"alg": "ES256"}),
        "clients.a.issuers[0].keys[0]: is for an algorithm",
    ),
    "key that is none": (with_key(EC_JWK | {"x": "AAAA"}), "clients.a.issuers[0].keys[0]: is not a public key"),
    "key without coordinates": (
        with_key({"kty": "EC", "crv": "P-384", "kid": "a"}),
        "clients.a.issuers[0].keys[0]: is not a public",
    ),
    "key without a kid": (
        with_key({name: value for name, value in EC_JWK.items() if name != "kid"}),
        "clients.a.issuers[0].keys[0].kid: is missing",
    ),
    "short key": (
        with_key({**RSAAlgorithm.to_jwk(SHORT_KEY.public_key(), as_dict=True), "kid": "a", "key_ops": ["verify"]}),
        "clients.a.issuers[0].keys[0]: is shorter than 2048 bits",
    ),
    "kid twice": (
        one_client("", issuers=f'[{{ iss = "x", keys = [{in_toml(EC_JWK)}, {in_toml(EC_JWK)}] }}]'),
        "clients.a.issuers[0].keys[1]: has the kid of another key",
    ),
    "iss twice": (
        one_client("", issuers=f"[{ISSUER}, {ISSUER}]"),
        "clients.a.issuers[1].iss: is the issuer of clients.a.issuers[0] too",
    ),
    "life of a year": (
        one_client("", issuers=f'[{{ iss = "x", jku = "{JKU}", max_lifetime = 31536000 }}]'),
        "clients.a.issuers[0].max_lifetime: must be at most",
    ),
    "OAuth without audiences": (
        one_client('authentication = "oauth-bearer"'),
        "clients.a.issuers[0].audiences: authentication = oauth-bearer needs",
    ),
    "sandbox key elsewhere": (
        one_client("", issuers='[{ iss = "https://sandbox.cds-hooks.org", jku = "https://e.example/k" }]'),
        "clients.a.issuers[0].iss: the key of the public sandbox",
    ),
    "sandbox jku elsewhere": (
        one_client("", issuers='[{ iss = "x", jku = "https://sandbox.cds-hooks.org/.well-known/jwks.json" }]'),
        "clients.a.issuers[0].iss: the key of the public sandbox",
    ),
    "no proxies": (
        one_client('authentication = "mutual-tls"\ncertificates.subjects = ["CN=a"]', issuers=""),
        "clients.a.certificates.proxies: certificates need the address",
    ),
    "no certificates": (
        one_client('authentication = "mutual-tls"\ncertificates.proxies = ["::1"]', issuers=""),
        "clients.a.certificates.subjects: certificates need subjects",
    ),
    "certificates unused": (
        one_client('certificates.proxies = ["::1"]', "development", ""),
        "clients.a.certificates: authentication = none does not",
    ),
    "certificates of nobody beside tokens": (
        one_client('certificates.proxies = ["::1"]'),
        "clients.a.certificates.subjects: certificates need subjects",
    ),
    "certificates from anywhere beside tokens": (
        one_client('certificates.subjects = ["CN=a"]'),
        "clients.a.certificates.proxies: certificates need the address",
    ),
    "every proxy": (
        one_client(
            'authentication = "mutual-tls"\ncertificates = { proxies = ["0.0.0.0/0"], subjects = ["CN=a"] }', issuers=""
        ),
        "clients.a.certificates.proxies[0]: would believe everybody",
    ),
    "proxy that is none": (
        one_client(
            'authentication = "mutual-tls"\ncertificates = { proxies = ["1.2.3"], subjects = ["CN=a"] }', issuers=""
        ),
        "clients.a.certificates.proxies[0]: is not an address",
    ),
    "fingerprint of SHA-1": (
        one_client(f'certificates.fingerprints = ["{"ab" * 20}"]'),
        "clients.a.certificates.fingerprints[0]: must be a SHA-256",
    ),
    "header that is none": (
        one_client('certificates.subject_header = "X Y"'),
        "clients.a.certificates.subject_header: must be the name",
    ),
    "public range": (
        one_client('network.private = ["8.8.8.0/24"]'),
        "clients.a.network.private[0]: is not inside a range",
    ),
    "every address": (
        one_client('network.private = ["0.0.0.0/0"]'),
        "clients.a.network.private[0]: is not inside a range",
    ),
    "metadata address": (
        one_client('network.private = ["169.254.169.254"]'),
        "clients.a.network.private[0]: is not inside a range",
    ),
    "loopback range": (
        one_client('network.private = ["127.0.0.0/8"]'),
        "clients.a.network.private[0]: is not inside a range",
    ),
    "mapped range": (
        one_client('network.private = ["::ffff:10.0.0.0/104"]'),
        "clients.a.network.private[0]: is not inside a range",
    ),
    "host bits": (
        one_client('network.private = ["10.1.2.3/8"]'),
        "clients.a.network.private[0]: has bits set behind its prefix; the range is 10.0.0.0/8",
    ),
    "range that is none": (
        one_client('network.private = ["10.0.0.0/33"]'),
        "clients.a.network.private[0]: is not an address",
    ),
    "loopback for a strict client": (
        one_client("network.loopback = true"),
        "clients.a.network.loopback: servers on this machine may only",
    ),
    "any loopback server": (
        one_client("network.loopback = false", "development", ""),
        "clients.a.fhir.any_loopback: needs network.loopback",
    ),
    "FHIR over http": (
        one_client('fhir.bases = ["http://f.example/r4"]'),
        "clients.a.fhir.bases[0]: must begin with https://",
    ),
    "FHIR over http in development": (
        one_client('fhir.bases = ["http://f.example/r4"]', "development", ""),
        "clients.a.fhir.bases[0]: must begin with https://",
    ),
    "FHIR on this machine": (
        one_client('fhir.bases = ["https://127.0.0.2/r4"]'),
        "clients.a.fhir.bases[0]: is on this machine",
    ),
    "FHIR with a query": (
        one_client('fhir.bases = ["https://f.example/r4?x=1"]'),
        "clients.a.fhir.bases[0]: must end before any",
    ),
    "FHIR with an empty query": (
        one_client('fhir.bases = ["https://f.example/r4?"]'),
        "clients.a.fhir.bases[0]: must end before any",
    ),
    "FHIR with a space": (
        one_client('fhir.bases = ["https://f.example/r 4"]'),
        "clients.a.fhir.bases[0]: must be an address",
    ),
    "FHIR twice": (
        one_client('fhir.bases = ["https://f.example", "https://f.example"]'),
        "clients.a.fhir.bases: holds the same entry twice",
    ),
    "link by address": (
        one_client('shape.link_hosts = ["https://a.example/"]'),
        "clients.a.shape.link_hosts[0]: must be a host name",
    ),
    "link hosts by pattern": (
        one_client('shape.link_hosts = ["*.example"]'),
        "clients.a.shape.link_hosts[0]: must be a host name",
    ),
    "any host and another": (
        one_client('shape.link_hosts = ["*", "a.example"]'),
        "clients.a.shape.link_hosts: * allows any host",
    ),
    "any origin": (one_client('origins = ["*"]'), "clients.a.origins[0]: must be loopback, or a scheme and a host"),
    "no origin": (one_client('origins = ["null"]'), "clients.a.origins[0]: must be loopback, or a scheme and a host"),
    "origin with a path": (one_client('origins = ["https://a.example/"]'), "clients.a.origins[0]: must be loopback"),
    "origin over http": (
        one_client('origins = ["http://a.example"]'),
        "clients.a.origins[0]: must begin with https://",
    ),
    "origin that is broken": (one_client('origins = ["https://[a"]'), "clients.a.origins[0]: is not the origin"),
    "scopes for a hook token": (
        one_client("", issuers=f'[{{ iss = "x", jku = "{JKU}", scopes = ["y"] }}]'),
        "clients.a.issuers[0].scopes: CDS Hooks tokens have none",
    ),
    "FHIR on a name of this machine": (
        one_client('fhir.bases = ["https://a.localhost/r4"]'),
        "clients.a.fhir.bases[0]: is on this machine",
    ),
    "origin without a host": (one_client('origins = ["https://:80"]'), "clients.a.origins[0]: is not the origin"),
    "no site file": (one_client('site_file = "other.toml"'), "clients.a.site_file: there is no such file"),
    "a form that nothing launches": (
        one_client('smart_client_id = "form"'),
        "clients.a.smart_client_id: the form is launched by a server in fhir.bases",
    ),
    "a token server without a form": (
        one_client('smart_token_url = "https://a.example/token"'),
        "clients.a.smart_token_url: is of no use without smart_client_id",
    ),
    "a token server in the clear": (
        one_client(
            'smart_client_id = "form"\nsmart_token_url = "http://a.example/token"\nfhir.bases = ["https://a.example"]'
        ),
        "clients.a.smart_token_url: must begin with https://",
    ),
    "unknown language": (one_client('language = "tlh"'), "clients.a.language: there are no sentences in this language"),
    "G-code that is none": (
        one_client('shape.rating_mechanism = "1004"'),
        "clients.a.shape.rating_mechanism: must be a letter and four digits",
    ),
}
