"""Forged, stolen and bent tokens: each is refused for the reason that stops it first, and none sends us anywhere."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import raw_to_der_signature

from cds_service.auth.verifiers.callers import Credentials, NotAuthenticatedError
from tests.unit.cds_service.auth.builders import (
    ISS,
    JKU,
    NOW,
    PUBLIC_URL,
    SERVICE,
    Site,
    bearer,
    claims_now,
    client,
    header_of,
    issuer,
    part,
    private_key,
    public_jwk,
    sign,
)

SECONDS = int(NOW.timestamp())


def site() -> Site:
    """A hospital that signs with ES384 and RS384, and publishes other keys beside these."""
    made = Site([client("hospital", issuer(tenants=("north",), subjects=("ehr",)))])
    made.fetcher.publish(
        public_jwk("P-384", "ec", alg="ES384", use="sig"),
        public_jwk("RSA-2048", "rsa"),
        public_jwk("RSA-2048", "encrypts", use="enc"),
        public_jwk("RSA-2048", "wraps", key_ops=["wrapKey"]),
        public_jwk("RSA-2048", "rs256 only", alg="RS256"),
        public_jwk("RSA-1024", "weak"),
        public_jwk("P-256", "p256"),
        {"kty": "oct", "kid": "symmetric", "k": part(b"0" * 48)},
    )
    return made


def token(header: object = None, *, alg: str = "ES384", key: Any = None, **claims: Any) -> str:
    """Return a token that is sound but for what is changed; of the subject that is registered."""
    return sign(claims_now(**({"sub": "ehr"} | claims)), header, key=key, algorithm=alg)


def forged(header: object, signature: bytes = b"x", claims: object = None) -> str:
    """Return a token with any signature."""
    return f"{part(header)}.{part(claims_now(sub='ehr') if claims is None else claims)}.{part(signature)}"


def hmac_signed(secret: bytes, alg: str = "HS256", kid: str = "ec") -> str:
    """Return a token whose secret is something that everybody can read."""
    signed = f"{part(header_of(alg, kid))}.{part(claims_now(sub='ehr'))}"
    return f"{signed}.{part(hmac.digest(secret, signed.encode(), hashlib.sha256))}"


def public_key(encoding: Encoding, kind: str = "P-384") -> bytes:
    """Return the hospital's public key as files hold it."""
    return private_key(kind).public_key().public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)


def der_signature() -> str:
    """Return a token whose signature is right but in the wrong form."""
    signed, signature = token().rsplit(".", 1)
    raw = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
    return f"{signed}.{part(raw_to_der_signature(raw, private_key('P-384').curve))}"  # type: ignore[union-attr] # an EC key


def payload(text: str) -> str:
    """Return a signed token with these claims as text."""
    return sign(text)


def with_claim(name: str, value: str) -> str:
    """Return a signed token in which one claim is this JSON text."""
    return payload(json.dumps(claims_now(**{"sub": "ehr", name: "@@"})).replace('"@@"', value))


def altered(text: str, position: int, character: str) -> str:
    """Return a token with one character changed."""
    return text[:position] + character + text[position + 1 :]


ATTACKER = private_key("P-384", "attacker")
ATTACKER_JWK = public_jwk("P-384", "ec", "attacker")

# What is tried, why it fails, and how often the registered address of the keys may be asked. A cold start asks once.
ATTACKS: dict[str, tuple[Callable[[], str], str, int]] = {
    # The algorithm
    "alg none without signature": (lambda: f"{part(header_of('none'))}.{part(claims_now())}.", "malformed", 0),
    "alg none": (lambda: forged(header_of("none")), "alg", 0),
    "alg None": (lambda: forged(header_of("None")), "alg", 0),
    "alg nOnE": (lambda: forged(header_of("nOnE")), "alg", 0),
    "alg missing": (lambda: token(header_of(None)), "alg", 0),
    "alg a list": (lambda: token(header_of(["ES384"])), "alg", 0),
    "alg in lower case": (lambda: token(header_of("es384")), "alg", 0),
    "HS256 with the public key as PEM": (lambda: hmac_signed(public_key(Encoding.PEM)), "alg", 0),
    "HS256 with the public RSA key": (lambda: hmac_signed(public_key(Encoding.PEM, "RSA-2048"), kid="rsa"), "alg", 0),
    "HS256 with the public key as DER": (lambda: hmac_signed(public_key(Encoding.DER)), "alg", 0),
    "HS256 with the JWK": (lambda: hmac_signed(json.dumps(public_jwk("P-384", "ec")).encode()), "alg", 0),
    "HS384 with a published symmetric key": (lambda: hmac_signed(b"0" * 48, "HS384", "symmetric"), "alg", 0),
    "HMAC under the name of ES384": (lambda: hmac_signed(public_key(Encoding.PEM), "ES384"), "signature", 1),
    "ES384 with a published symmetric key": (lambda: token(header_of(kid="symmetric")), "key-unfit", 1),
    "an algorithm that is not the issuer's": (
        lambda: token(header_of("RS256", "rsa"), alg="RS256", key=private_key("RSA-2048")),
        "alg",
        0,
    ),
    "a curve that is not the issuer's": (
        lambda: token(header_of("ES256", "p256"), alg="ES256", key=private_key("P-256")),
        "alg",
        0,
    ),
    # The key
    "RS384 with the EC key": (
        lambda: token(header_of("RS384", "ec"), alg="RS384", key=private_key("RSA-2048")),
        "key-unfit",
        1,
    ),
    "ES384 with the RSA key": (lambda: token(header_of("ES384", "rsa")), "key-unfit", 1),
    "ES384 with a key of another curve": (
        lambda: token(header_of("ES384", "p256"), alg="ES256", key=private_key("P-256")),
        "key-unfit",
        1,
    ),
    "a key for another algorithm": (
        lambda: token(header_of("RS384", "rs256 only"), alg="RS384", key=private_key("RSA-2048")),
        "key-unfit",
        1,
    ),
    "a key for encryption": (
        lambda: token(header_of("RS384", "encrypts"), alg="RS384", key=private_key("RSA-2048")),
        "key-unfit",
        1,
    ),
    "a key whose operations exclude it": (
        lambda: token(header_of("RS384", "wraps"), alg="RS384", key=private_key("RSA-2048")),
        "key-unfit",
        1,
    ),
    "a key of 1024 bits": (
        lambda: token(header_of("RS384", "weak"), alg="RS384", key=private_key("RSA-1024")),
        "key-unfit",
        1,
    ),
    "kid missing": (lambda: token(header_of(kid=None)), "kid", 0),
    "kid empty": (lambda: token(header_of(kid="")), "kid", 0),
    "kid a number": (lambda: token(header_of(kid=1)), "kid", 0),
    "kid a list": (lambda: token(header_of(kid=["ec"])), "kid", 0),
    "kid an object": (lambda: token(header_of(kid={"ec": 1})), "kid", 0),
    "kid very long": (lambda: token(header_of(kid="e" * 600)), "kid", 0),
    "kid a path": (lambda: token(header_of(kid="../../../../dev/null")), "key-unknown", 1),
    "kid an SQL injection": (lambda: token(header_of(kid="x' UNION SELECT 'key")), "key-unknown", 1),
    "kid an address": (lambda: token(header_of(kid="https://evil.example/key")), "key-unknown", 1),
    "kid a lone surrogate": (lambda: token(header_of(kid="\ud800")), "key-unknown", 1),
    "kid with a zero byte": (lambda: token(header_of(kid="ec\0")), "key-unknown", 1),
    "embedded jwk": (lambda: token(header_of(jwk=ATTACKER_JWK), key=ATTACKER), "signature", 1),
    "embedded jwk of a new kid": (
        lambda: token(header_of(kid="mine", jwk={**ATTACKER_JWK, "kid": "mine"}), key=ATTACKER),
        "key-unknown",
        1,
    ),
    "x5c": (lambda: token(header_of(x5c=["MIIB"]), key=ATTACKER), "signature", 1),
    "x5u": (lambda: token(header_of(x5u="https://evil.example/chain.pem"), key=ATTACKER), "signature", 1),
    "x5t": (lambda: token(header_of(x5t="AAAA"), key=ATTACKER), "signature", 1),
    # Where the keys are
    "jku of somebody else": (lambda: token(header_of(jku="https://evil.example/jwks.json"), key=ATTACKER), "jku", 0),
    "jku with user information": (lambda: token(header_of(jku=JKU.replace("//", "//evil@"))), "jku", 0),
    "jku as user information": (
        lambda: token(header_of(jku="https://ehr.example.com@evil.example/keys/jwks.json")),
        "jku",
        0,
    ),
    "jku with a fragment": (lambda: token(header_of(jku=f"{JKU}#x")), "jku", 0),
    "jku with a query": (lambda: token(header_of(jku=f"{JKU}?x=1")), "jku", 0),
    "jku of an open redirect": (
        lambda: token(header_of(jku="https://ehr.example.com/redirect?to=https://evil.example")),
        "jku",
        0,
    ),
    "jku with a longer path": (lambda: token(header_of(jku=f"{JKU}/../../upload/jwks.json")), "jku", 0),
    "jku with a trailing slash": (lambda: token(header_of(jku=f"{JKU}/")), "jku", 0),
    "jku in another case": (lambda: token(header_of(jku=JKU.replace("keys", "Keys"))), "jku", 0),
    "jku with an upper-case host": (lambda: token(header_of(jku=JKU.replace("ehr", "EHR"))), "jku", 0),
    "jku percent-encoded": (lambda: token(header_of(jku=JKU.replace("keys", "%6Beys"))), "jku", 0),
    "jku with a port": (lambda: token(header_of(jku=JKU.replace(".com", ".com:443"))), "jku", 0),
    "jku of a longer host": (lambda: token(header_of(jku=JKU.replace(".com", ".com.evil.example"))), "jku", 0),
    "jku over http": (lambda: token(header_of(jku=JKU.replace("https", "http"))), "jku", 0),
    "jku a file": (lambda: token(header_of(jku="file:///etc/passwd")), "jku", 0),
    "jku of a metadata server": (lambda: token(header_of(jku="http://169.254.169.254/latest")), "jku", 0),
    "jku a list": (lambda: token(header_of(jku=[JKU])), "jku", 0),
    "jku null": (lambda: token(json.dumps(header_of()).replace(f'"{JKU}"', "null")), "jku", 0),
    # How the token is read
    "crit": (lambda: token(header_of(crit=["exp"])), "header", 0),
    "crit empty": (lambda: token(header_of(crit=[])), "header", 0),
    "b64 false": (lambda: token(header_of(b64=False, crit=["b64"])), "header", 0),
    "b64 false, not critical": (lambda: token(header_of(b64=False)), "header", 0),
    "zip": (lambda: token(header_of(zip="DEF")), "header", 0),
    "encrypted": (lambda: token(header_of(enc="A256GCM")), "header", 0),
    "typ missing": (lambda: token(header_of(typ=None)), "typ", 0),
    "typ of an access token": (lambda: token(header_of(typ="at+jwt")), "typ", 0),
    "typ of a logout token": (lambda: token(header_of(typ="logout+jwt")), "typ", 0),
    "typ a number": (lambda: token(header_of(typ=7)), "typ", 0),
    "oversized": (lambda: token(padding="x" * 9000), "size", 0),
    "two parts": (lambda: ".".join(token().split(".")[:2]), "malformed", 0),
    "four parts": (lambda: token() + ".eyJ9", "malformed", 0),
    "five parts, as encrypted tokens have": (lambda: "eyJ9.e30.e30.e30.e30", "malformed", 0),
    "nothing": (lambda: "", "malformed", 0),
    "not UTF-8": (lambda: forged(header_of(), claims=b'{"iss": "\xff\xfe"}'), "malformed", 0),
    "UTF-16": (lambda: forged(header_of(), claims=json.dumps(claims_now()).encode("utf-16")), "malformed", 0),
    "a byte order mark": (lambda: forged(header_of(), claims=b"\xef\xbb\xbf" + b"{}"), "malformed", 0),
    "padding": (lambda: token().replace(".", "=.", 1), "malformed", 0),
    "the other base64 alphabet": (lambda: altered(token(), -3, "/"), "malformed", 0),
    "a header that is no base64": (lambda: "A" + token(), "malformed", 0),
    "a header that is no object": (lambda: token("[1]"), "malformed", 0),
    "claims that are no object": (lambda: payload('"x"'), "malformed", 0),
    "claims nested too deeply": (lambda: payload("[" * 5000), "malformed", 0),
    "a space within": (lambda: altered(token(), 20, " "), "malformed", 0),
    "a tab before": (lambda: "\t" + token(), "malformed", 0),
    "a line end after": (lambda: token() + "\n", "malformed", 0),
    "a letter that only looks right": (lambda: altered(token(), 2, "\u041a"), "malformed", 0),
    "the claim iss twice": (
        lambda: payload(json.dumps(claims_now()).replace("{", '{"iss": "https://evil.example", ', 1)),
        "malformed",
        0,
    ),
    "the parameter alg twice": (
        lambda: token(json.dumps(header_of()).replace("{", '{"alg": "none", ', 1)),
        "malformed",
        0,
    ),
    "a name twice by an escape": (
        lambda: payload(json.dumps(claims_now()).replace("{", r'{"\u0069ss": "https://evil.example", ', 1)),
        "malformed",
        0,
    ),
    # The signature
    "signed by somebody else": (lambda: token(key=ATTACKER), "signature", 1),
    "signature cut short": (lambda: token()[:-8], "signature", 1),
    "signature in DER form": (der_signature, "signature", 1),
    "signature of zeros": (lambda: forged(header_of(), bytes(96)), "signature", 1),
    "signature of the empty text": (lambda: forged(header_of(), b"\0"), "signature", 1),
    "signature with further bytes": (lambda: forged(header_of(), bytes(200)), "signature", 1),
    "signature of another token": (
        lambda: ".".join([*token(tenant="south").split(".")[:2], token().split(".")[2]]),
        "signature",
        1,
    ),
    "claims exchanged": (
        lambda: ".".join([token().split(".")[0], part(claims_now(sub="ehr", jti="new")), token().split(".")[2]]),
        "signature",
        1,
    ),
    "base64 with bits left over": (lambda: f"{forged(header_of())[:-2]}eB", "malformed", 1),
    # The issuer
    "iss of nobody": (lambda: token(iss="https://evil.example"), "issuer", 0),
    "iss of a longer host": (lambda: token(iss=f"{ISS}.evil.example"), "issuer", 0),
    "iss in upper case": (lambda: token(iss=ISS.upper()), "issuer", 0),
    "iss a list": (lambda: token(iss=[ISS]), "issuer", 0),
    "iss missing": (lambda: token(iss=None), "issuer", 0),
    "iss over http": (lambda: token(iss=ISS.replace("https", "http")), "issuer", 0),
    # The times
    "expired": (lambda: token(iat=SECONDS - 400, exp=SECONDS - 60), "expired", 1),
    "expired long ago": (lambda: token(iat=0, exp=1), "expired", 1),
    "issued in the future": (lambda: token(iat=SECONDS + 61), "not-yet", 1),
    "valid in the future": (lambda: token(nbf=SECONDS + 61), "not-yet", 1),
    "too long a lifetime": (lambda: token(exp=SECONDS + 3601), "lifetime", 1),
    "issued long ago and still valid": (lambda: token(iat=1), "lifetime", 1),
    "expires before it is issued": (lambda: token(iat=SECONDS + 30, exp=SECONDS + 10), "lifetime", 1),
    "exp a text": (lambda: token(exp=str(SECONDS + 300)), "claim-type", 1),
    "exp true": (lambda: token(exp=True), "claim-type", 1),
    "exp a list": (lambda: token(exp=[SECONDS + 300]), "claim-type", 1),
    "exp negative": (lambda: token(exp=-1), "claim-type", 1),
    "exp NaN": (lambda: with_claim("exp", "NaN"), "malformed", 0),
    "exp infinite": (lambda: with_claim("exp", "1e999"), "malformed", 0),
    "exp of 400 digits": (lambda: with_claim("exp", "9" * 400), "claim-type", 1),
    "exp of 5000 digits": (lambda: with_claim("exp", "9" * 5000), "malformed", 0),
    "exp after the end of time": (lambda: token(exp=10**15), "claim-type", 1),
    "iat an object": (lambda: token(iat={"now": 1}), "claim-type", 1),
    "nbf a text": (lambda: token(nbf="x"), "claim-type", 1),
    # What the token is for
    "aud of another service": (lambda: token(aud=f"{PUBLIC_URL}/cds-services/another"), "audience", 1),
    "aud of the feedback": (lambda: token(aud=f"{PUBLIC_URL}{SERVICE}/feedback"), "audience", 1),
    "aud a beginning": (lambda: token(aud=PUBLIC_URL), "audience", 1),
    "aud with a suffix": (lambda: token(aud=f"{PUBLIC_URL}{SERVICE}x"), "audience", 1),
    "aud with a prefix": (lambda: token(aud=f"https://evil.example/{PUBLIC_URL}{SERVICE}"), "audience", 1),
    "aud of a longer host": (
        lambda: token(aud=f"https://cds.example.org.evil.example/lumbar{SERVICE}"),
        "audience",
        1,
    ),
    "aud with two slashes at the end": (lambda: token(aud=f"{PUBLIC_URL}{SERVICE}//"), "audience", 1),
    "aud with a query": (lambda: token(aud=f"{PUBLIC_URL}{SERVICE}?x"), "audience", 1),
    "aud of the path alone": (lambda: token(aud=SERVICE), "audience", 1),
    "aud empty": (lambda: token(aud=""), "audience", 1),
    "aud an empty list": (lambda: token(aud=[]), "audience", 1),
    "aud an object": (lambda: token(aud={PUBLIC_URL + SERVICE: 1}), "claim-type", 1),
    "aud a list with a number": (lambda: token(aud=[PUBLIC_URL + SERVICE, 1]), "claim-type", 1),
    "aud a number": (lambda: token(aud=7), "claim-type", 1),
    # Whom it is about
    "another tenant": (lambda: token(tenant="south"), "tenant", 1),
    "no tenant": (lambda: token(tenant=None), "tenant", 1),
    "a tenant in a list": (lambda: token(tenant=["north"]), "claim-type", 1),
    "another subject": (lambda: token(sub="somebody"), "subject", 1),
    "no subject": (lambda: token(sub=None), "subject", 1),
    "jti a list": (lambda: token(jti=["a"]), "claim-type", 1),
    "jti a number": (lambda: token(jti=7), "claim-type", 1),
    "jti empty": (lambda: token(jti=""), "claim-type", 1),
    "jti with a line end": (lambda: token(jti="a\nERROR forged log line"), "claim-type", 1),
    "jti a lone surrogate": (lambda: token(jti="\ud800"), "claim-type", 1),
    "jti very long": (lambda: token(jti="x" * 600), "claim-type", 1),
    "aud missing": (lambda: token(aud=None), "claim-missing", 1),
    "exp missing": (lambda: token(exp=None), "claim-missing", 1),
    "iat missing": (lambda: token(iat=None), "claim-missing", 1),
    "jti missing": (lambda: token(jti=None), "claim-missing", 1),
}


@pytest.mark.parametrize(("make", "reason", "fetches"), ATTACKS.values(), ids=ATTACKS.keys())
def test_attack_is_refused(make: Callable[[], str], reason: str, fetches: int) -> None:
    """No bent token lets anybody in, and at most the registered address is asked for keys."""
    hospital = site()
    with pytest.raises(NotAuthenticatedError) as refusal:
        hospital.gate().admit(bearer(make()))
    assert refusal.value.reason == reason
    assert hospital.fetcher.asked == [JKU] * fetches


def test_untouched_token_is_accepted() -> None:
    """The tokens above fail for what was changed in them, and for nothing else."""
    caller = site().gate().admit(bearer(token()))
    assert (caller.client.name, caller.issuer, caller.tenant, caller.token_id) == ("hospital", ISS, "north", "0b1c")


def test_brought_certificate_is_ignored() -> None:
    """A sound token is not refused because its server adds a certificate to each: nothing is made of it."""
    hospital = site()
    assert hospital.gate().admit(bearer(token(header_of(x5c=["MIIB"], x5u="https://evil.example/chain")))).client.name
    assert hospital.fetcher.asked == [JKU]


HEADERS: dict[str, tuple[Callable[[], tuple[str, ...]], str]] = {
    "no header": (lambda: (), "no-credentials"),
    "two headers": (lambda: (f"Bearer {token()}", f"Bearer {token()}"), "authorization"),
    "two headers, one of them empty": (lambda: (f"Bearer {token()}", ""), "authorization"),
    "Basic": (lambda: ("Basic dXNlcjpwYXNzd29yZA==",), "scheme"),
    "the token alone": (lambda: (token(),), "scheme"),
    "a scheme that begins alike": (lambda: (f"BearerX {token()}",), "scheme"),
    "a tab after the scheme": (lambda: (f"Bearer\t{token()}",), "scheme"),
    "a space before the scheme": (lambda: (f" Bearer {token()}",), "scheme"),
    "the scheme alone": (lambda: ("Bearer",), "malformed"),
    "two tokens": (lambda: (f"Bearer {token()} {token()}",), "malformed"),
    "two tokens with a comma": (lambda: (f"Bearer {token()}, Bearer {token()}",), "malformed"),
}


@pytest.mark.parametrize(("make", "reason"), HEADERS.values(), ids=HEADERS.keys())
def test_bent_authorization_header_is_refused(make: Callable[[], tuple[str, ...]], reason: str) -> None:
    """A header that two readers could read differently is refused before the token is looked at."""
    hospital = site()
    with pytest.raises(NotAuthenticatedError) as refusal:
        hospital.gate().admit(Credentials(SERVICE, make()))
    assert refusal.value.reason == reason
    assert hospital.fetcher.asked == []


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "Bearer  "])
def test_scheme_in_any_case_is_accepted(scheme: str) -> None:
    """HTTP compares schemes without case, and clients write it in their own way."""
    assert site().gate().admit(Credentials(SERVICE, (f"{scheme} {token()}",))).client.name


def test_host_header_decides_nothing() -> None:
    """A caller that names its own host cannot make a token for that host fit."""
    stolen = token(aud=f"https://evil.example/lumbar{SERVICE}")
    headers = {"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-proto": "https"}
    with pytest.raises(NotAuthenticatedError, match="audience"):
        site().gate().admit(bearer(stolen, headers=headers))


def test_token_is_good_for_one_call() -> None:
    """A recorded token cannot be sent again while it is valid; after that it is expired."""
    hospital = site()
    gate, recorded = hospital.gate(), token()
    assert gate.admit(bearer(recorded)).client.name
    for seconds, reason in ((0, "replay"), (200, "replay"), (159, "replay"), (1, "expired")):
        hospital.clock.forward(seconds)
        with pytest.raises(NotAuthenticatedError, match=f"^{reason}$"):
            gate.admit(bearer(recorded))


def test_token_is_good_for_one_endpoint() -> None:
    """A token that was meant for one service opens no other, be it by several audiences only once."""
    other = "/cds-services/lumbar-mri-order-select"
    gate = site().gate()
    with pytest.raises(NotAuthenticatedError, match="audience"):
        gate.admit(bearer(token(), other))
    both = token(aud=[PUBLIC_URL + SERVICE, PUBLIC_URL + other])
    assert gate.admit(bearer(both, other)).client.name
    with pytest.raises(NotAuthenticatedError, match="replay"):
        gate.admit(bearer(both))


def test_forged_token_uses_up_no_jti() -> None:
    """Somebody who guesses a jti cannot make the real token look like a replay."""
    gate = site().gate()
    for bent in (token(key=ATTACKER), token(aud="https://elsewhere.example"), token(tenant="south")):
        with pytest.raises(NotAuthenticatedError):
            gate.admit(bearer(bent))
    assert gate.admit(bearer(token())).client.name


def test_flood_of_invented_keys_causes_one_look_up() -> None:
    """Tokens with invented key ids do not make us the means of an attack on the issuer."""
    hospital = site()
    gate = hospital.gate()
    gate.admit(bearer(token()))
    for number in range(50):
        with pytest.raises(NotAuthenticatedError, match="key-unknown"):
            gate.admit(bearer(token(header_of(kid=f"invented-{number}"))))
    assert hospital.fetcher.asked == [JKU, JKU]


def test_reprs_show_no_token() -> None:
    """What ends up in a traceback or a log by mistake holds no token."""
    brought = bearer(token())
    caller = site().gate().admit(brought)
    assert token().split(".")[1] not in repr(brought)
    assert "0b1c" not in repr(caller)


def test_inline_keys_are_never_exchanged_for_an_address() -> None:
    """Where the keys stand in the configuration only these count: the address that a token names is not even looked at.

    Epic and the sandbox name one in every token.
    """
    inline = Site([client("hospital", issuer(jku=None, keys=(public_jwk("P-384", "ec"),)))])
    gate = inline.gate()
    for number, jku in enumerate(
        (None, JKU, f"{JKU}?x=1", "http://169.254.169.254/latest", "file:///etc/passwd", [JKU])
    ):
        if isinstance(jku, str):
            inline.fetcher.publish(ATTACKER_JWK, at=jku)
        for kid, reason in (("ec", "signature"), ("mine", "key-unknown")):
            with pytest.raises(NotAuthenticatedError, match=f"^{reason}$"):
                gate.admit(bearer(token(header_of(jku=jku, kid=kid), key=ATTACKER, jti=f"forged {number}")))
        assert gate.admit(bearer(token(header_of(jku=jku), jti=f"ours {number}"))).client.name == "hospital"
    assert inline.fetcher.asked == []
