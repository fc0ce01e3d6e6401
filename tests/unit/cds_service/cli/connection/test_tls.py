"""The certificate of a server: believed or not, and what to do about it."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
import trustme

from cds_service.cli.connection.addresses import Server
from cds_service.cli.connection.check import Check, Status
from cds_service.cli.connection.tls import tls_check
from cds_service.egress.addresses import Address
from tests.loopback_server import serving
from tests.service import free_port

if TYPE_CHECKING:
    from pathlib import Path

NAME = "fhir.hospital.example"
NOW = datetime.now(UTC)
HERE = (ip_address("127.0.0.1"),)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority of a hospital's own."""
    return trustme.CA(organization_name="Hospital Authority")


def trusting(authority: trustme.CA | None, folder: Path) -> ssl.SSLContext:
    """Return what believes an authority, or none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if authority:
        authority.cert_pem.write_to_path(folder / "authority.pem")
        context.load_verify_locations(folder / "authority.pem")
    return context


def tried(authority: trustme.CA, trusted: ssl.SSLContext, name: str = NAME, days: float = 90.5) -> Check:
    """Return the check of a server whose certificate is for a name, and ends in some days."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, not_after=NOW + timedelta(days=days)).configure_cert(context)
    with serving(tls=context) as server:
        address = Address("https", NAME, server.port)
        return tls_check(Server("fhir", "target", address), HERE, trusted, NOW)


def test_trusted_certificate_passes_with_its_days(authority: trustme.CA, tmp_path: Path) -> None:
    """A certificate that is believed passes, and says from whom it is and how long it lasts."""
    check = tried(authority, trusting(authority, tmp_path))
    assert (check.id, check.status, check.remedy) == ("fhir.tls", Status.PASS, "")
    assert check.facts["days_left"] == 90
    assert "Hospital Authority" in check.says


def test_certificate_that_ends_soon_is_to_be_renewed(authority: trustme.CA, tmp_path: Path) -> None:
    """One that still holds and ends within a month passes with the remedy."""
    check = tried(authority, trusting(authority, tmp_path), days=9.5)
    assert (check.status, check.facts["days_left"]) == (Status.PASS, 9)
    assert "renewed" in check.remedy


@pytest.mark.parametrize(
    ("name", "days", "known", "says", "remedy"),
    [
        (NAME, -2.0, True, "it ended on", "Have it renewed"),
        ("other.example", 90.0, True, "for other names: other.example", f"have {NAME} put on it"),
        (NAME, 90.0, False, "Hospital Authority", "LUMBAR_CDS_CA_BUNDLE"),
    ],
    ids=["ended", "another name", "unknown authority"],
)
def test_refused_certificate_says_what_to_do(
    authority: trustme.CA, tmp_path: Path, name: str, days: float, known: bool, says: str, remedy: str
) -> None:
    """Ended, for another name, of an unknown authority: each is told by what stands on the certificate."""
    check = tried(authority, trusting(authority if known else None, tmp_path), name, days)
    assert check.status is Status.FAIL
    assert says in check.says
    assert remedy in check.remedy


def test_closed_port_is_no_question_of_certificates(authority: trustme.CA, tmp_path: Path) -> None:
    """Where nothing listens the remedy is a way through the firewalls."""
    server = Server("keys", "target", Address("https", NAME, free_port()))
    check = tls_check(server, HERE, trusting(authority, tmp_path), NOW)
    assert (check.id, check.status) == ("keys.tls", Status.FAIL)
    assert "firewalls" in check.remedy
