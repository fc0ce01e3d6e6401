"""Client certificates as a reverse proxy reports them."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.auth.verifiers.callers import Caller, Credentials, NotAuthenticatedError
from cds_service.clients.profile import Authentication, Certificates, ClientProfile
from tests.unit.cds_service.auth.builders import SERVICE, Site, bearer, claims_now, client, no_issuers, sign

FINGERPRINT = "AB:" * 31 + "CD"
SUBJECT = "CN=ehr.example.com,O=Hospital,C=DE"
CERTIFICATES = Certificates(
    proxies=("10.1.0.0/16", "fd00::/8", "192.0.2.7"), subjects=(SUBJECT,), fingerprints=(FINGERPRINT,)
)
BY_CERTIFICATE = no_issuers("hospital", Authentication.MUTUAL_TLS, certificates=CERTIFICATES)
OPEN = no_issuers("open", Authentication.NONE)


def call(address: str = "10.1.2.3", *, verdict: str = "SUCCESS", **names: str) -> Credentials:
    """Return a call that came through a proxy, by default with the right subject."""
    named = {"subject": SUBJECT} | names
    headers = {"x-ssl-client-verify": verdict, "x-ssl-client-subject-dn": named["subject"]}
    if "fingerprint" in named:
        headers["x-ssl-client-fingerprint"] = named["fingerprint"]
    return Credentials(SERVICE, headers=headers, remote_address=address)


def admit(credentials: Credentials, *clients: ClientProfile) -> Caller:
    """Return who that is, to a site with one client with a certificate or with these."""
    return Site(list(clients or (BY_CERTIFICATE,)), public_url="").gate().admit(credentials)


@pytest.mark.parametrize("address", ["10.1.2.3", "fd00::1", "192.0.2.7", "::ffff:10.1.2.3"])
def test_certificate_is_believed_from_the_proxy(address: str) -> None:
    """What a listed proxy says of the certificate is who calls."""
    assert admit(call(address)).client.name == "hospital"


@pytest.mark.parametrize("form", [FINGERPRINT, FINGERPRINT.lower(), FINGERPRINT.replace(":", ""), f" {FINGERPRINT} "])
def test_fingerprint_in_any_form(form: str) -> None:
    """Proxies print fingerprints with and without colons, in both cases."""
    assert admit(call(subject="CN=renamed", fingerprint=form)).client.name == "hospital"


@pytest.mark.parametrize("address", ["10.2.0.1", "127.0.0.1", "", "unix:", "10.1.2.3, 10.2.0.1", "::1", "fe80::1%eth0"])
def test_headers_from_elsewhere_are_ignored(address: str) -> None:
    """Anybody can write a header: only from the proxy does it prove something."""
    with pytest.raises(NotAuthenticatedError, match="proxy"):
        admit(call(address))
    assert admit(call(address), BY_CERTIFICATE, OPEN).client.name == "open"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"verdict": "FAILED:certificate has expired"}, "certificate"),
        ({"verdict": "success"}, "certificate"),
        ({"verdict": "SUCCESS, SUCCESS"}, "certificate"),
        ({"verdict": "1"}, "certificate"),
        ({"verdict": "NONE"}, "no-credentials"),
        ({"verdict": ""}, "no-credentials"),
        ({"subject": "CN=other.example.com"}, "certificate"),
        ({"subject": SUBJECT.lower()}, "certificate"),
        ({"subject": f"{SUBJECT},OU=More"}, "certificate"),
        ({"subject": ""}, "certificate"),
        ({"subject": "", "fingerprint": ""}, "certificate"),
        ({"subject": "", "fingerprint": FINGERPRINT[:-3]}, "certificate"),
    ],
    ids=str,
)
def test_other_certificate_is_refused(changes: dict[str, Any], reason: str) -> None:
    """Only a certificate that was checked and is listed lets its owner in."""
    with pytest.raises(NotAuthenticatedError, match=f"^{reason}$"):
        admit(call(**changes))


def test_empty_lists_accept_no_empty_header() -> None:
    """A proxy that sends no subject does not match a client that lists none."""
    only_fingerprints = no_issuers(
        "hospital",
        Authentication.MUTUAL_TLS,
        certificates=Certificates(proxies=("10.1.0.0/16",), fingerprints=(FINGERPRINT,)),
    )
    with pytest.raises(NotAuthenticatedError, match="certificate"):
        admit(call(subject=""), only_fingerprints)


def test_clients_are_told_apart_by_certificate() -> None:
    """Each client has its own certificate, proxy and header names."""
    other = no_issuers(
        "other",
        Authentication.MUTUAL_TLS,
        certificates=Certificates(proxies=("10.9.0.1",), subjects=("CN=other",), verified_header="X-Verified"),
    )
    headers = {"x-verified": "SUCCESS", "x-ssl-client-subject-dn": "CN=other"}
    assert admit(call(), BY_CERTIFICATE, other).client.name == "hospital"
    through_other = Credentials(SERVICE, headers=headers, remote_address="10.9.0.1")
    assert admit(through_other, BY_CERTIFICATE, other).client.name == "other"


def test_refused_certificate_is_not_let_in_as_somebody_else() -> None:
    """A caller whose certificate the proxy refused tries to be a client; an open one does not take it."""
    with pytest.raises(NotAuthenticatedError, match="certificate"):
        admit(call(verdict="FAILED:revoked"), BY_CERTIFICATE, OPEN)
    assert admit(call(verdict="NONE"), BY_CERTIFICATE, OPEN).client.name == "open"


def test_token_and_certificate_together() -> None:
    """A client with both configured must bring both: a stolen signing key alone opens nothing."""
    gate = Site([client("hospital", certificates=CERTIFICATES)]).gate()
    headers, address = call().headers, call().remote_address

    def signed(jti: str, **more: Any) -> Credentials:
        return bearer(sign(claims_now(jti=jti)), **more)

    assert gate.admit(signed("1", headers=headers, remote_address=address)).client.name == "hospital"
    for jti, reason, more in (
        ("2", "certificate", {}),
        ("3", "certificate", {"headers": call(subject="CN=other").headers, "remote_address": address}),
        ("4", "proxy", {"headers": headers, "remote_address": "10.2.0.1"}),
    ):
        with pytest.raises(NotAuthenticatedError, match=reason):
            gate.admit(signed(jti, **more))
    with pytest.raises(NotAuthenticatedError, match="no-credentials"):
        gate.admit(call())
