"""Tokens of any content: a caller or a refusal, never a crash and never a caller who is not theirs."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cds_service.auth.verifiers.callers import Credentials, NotAuthenticatedError, Reason
from tests.property.profile import law
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
    private_key,
    sign,
)

SITE = Site([client("hospital", issuer(tenants=("north",)))])
GATE = SITE.gate()
REASONS = {reason.value for reason in Reason}
SECONDS = int(NOW.timestamp())

USUAL = st.sampled_from(
    [ISS, JKU, PUBLIC_URL + SERVICE, "north", "ec", "JWT", "ES384", SECONDS, SECONDS + 300, SECONDS - 300]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | USUAL,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
CLAIMS = st.dictionaries(
    st.sampled_from(["iss", "aud", "exp", "iat", "nbf", "jti", "tenant", "sub"]), ANYTHING, max_size=3
)
HEADERS = st.dictionaries(st.sampled_from(["alg", "kid", "typ", "jku", "crit", "b64", "jwk"]), ANYTHING, max_size=2)


def outcome(credentials: Credentials) -> str:
    """Return the name of the client that is let in, or the reason of the refusal."""
    try:
        return GATE.admit(credentials).client.name
    except NotAuthenticatedError as refusal:
        return refusal.reason


@law(80)
@given(claims=CLAIMS, header=HEADERS)
def test_signed_nonsense_is_refused(claims: dict[str, Any], header: dict[str, Any]) -> None:
    """Even an issuer that signs whatever it likes cannot bring the service down."""
    assert outcome(bearer(sign(claims_now() | claims, header_of() | header))) in REASONS | {"hospital"}


@law(80)
@given(claims=CLAIMS, header=HEADERS)
def test_nobody_else_signs_for_the_issuer(claims: dict[str, Any], header: dict[str, Any]) -> None:
    """Without the issuer's key nothing that a token says lets anybody in."""
    forged = sign(claims_now() | claims, header_of() | header, key=private_key("P-384", "attacker"))
    assert outcome(bearer(forged)) in REASONS


@law(150)
@given(values=st.lists(st.text() | st.text(alphabet="aZ09-_.= ").map("Bearer {}".format), max_size=2))
def test_any_header_is_read_or_refused(values: list[str]) -> None:
    """Whatever stands in the Authorization header is a refusal."""
    assert outcome(Credentials(SERVICE, tuple(values))) in REASONS
