"""The certificate of a server: whether it is trusted, for the right name, and for how long.

Where it is not trusted a second connection reads the certificate without believing it and sends nothing, to tell which
authority is missing or which names are on it.
"""

from __future__ import annotations

import socket
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509

from cds_service.cli.connection.check import Check, failed, passed, skipped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from cds_service.cli.connection.addresses import Server
    from cds_service.egress.addresses import Address
    from cds_service.egress.reachability import IpAddress

_SECONDS: Final = 5.0
_SOON: Final = 30  # days
# OpenSSL's verdicts that have a remedy of their own.
_EXPIRED, _WRONG_NAME = 10, 62
_UNKNOWN_AUTHORITY: Final = (18, 19, 20, 21)


@dataclass(frozen=True, slots=True)
class _Certificate:
    subject: str
    issuer: str
    names: tuple[str, ...]
    ends: datetime

    @classmethod
    def read(cls, der: bytes) -> _Certificate:
        found = x509.load_der_x509_certificate(der)
        try:
            alternatives = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            names = [*alternatives.get_values_for_type(x509.DNSName)]
            names += map(str, alternatives.get_values_for_type(x509.IPAddress))
        except x509.ExtensionNotFound:
            names = []
        subject, issuer = found.subject.rfc4514_string(), found.issuer.rfc4514_string()
        return cls(subject, issuer, tuple(names), found.not_valid_after_utc)


def tls_check(server: Server, addresses: Sequence[IpAddress], trusted: ssl.SSLContext, now: datetime) -> Check:
    """Return the check `PART.tls` of a server at addresses that may be connected to."""
    check_id, target, address = f"{server.part}.tls", server.target, server.address
    if address.scheme == "http":
        return skipped(check_id, target, "plain http, on this machine")
    try:
        chain = _chain(address, addresses, trusted)
    except ssl.SSLCertVerificationError as error:
        return _refused(check_id, target, error, address, addresses)
    except ssl.SSLError as error:
        says = f"no TLS connection can be agreed on ({error.reason or 'for a reason that is not told'})"
        return failed(check_id, target, says, "The server must speak TLS 1.2 or newer on this port.")
    except (OSError, ValueError) as error:
        says = f"no connection to port {address.port} ({_why(error)})"
        return failed(check_id, target, says, "Open the way in the firewalls between here and there, or start it.")
    first = min(chain, key=lambda one: one.ends)
    days = (first.ends - now).days
    says = f"trusted, issued by {chain[0].issuer}; {days} days left"
    says += "" if first is chain[0] else f" for {first.subject} in its chain"
    remedy = "Have it renewed; afterwards every call to it fails." if days < _SOON else ""
    return passed(check_id, target, says, remedy, days_left=days, issuer=chain[0].issuer)


def _chain(address: Address, addresses: Sequence[IpAddress], context: ssl.SSLContext) -> list[_Certificate]:
    """Return the certificates of a server, its own first; Python before 3.13 tells no more than that one."""
    with _connected(addresses, address.port) as plain, context.wrap_socket(plain, server_hostname=address.host) as tls:
        whole: Any = getattr(tls, "get_verified_chain", None)
        own = tls.getpeercert(binary_form=True) or b""
        found = whole() if whole and context.verify_mode is ssl.CERT_REQUIRED else [own]
        return [_Certificate.read(der) for der in found]


def _connected(addresses: Sequence[IpAddress], port: int) -> socket.socket:
    for number, one in enumerate(addresses, start=1):
        try:
            return socket.create_connection((str(one), port), _SECONDS)
        except OSError:
            if number == len(addresses):
                raise
    raise OSError


def _refused(
    check_id: str, target: str, error: ssl.SSLCertVerificationError, address: Address, addresses: Sequence[IpAddress]
) -> Check:
    """Return what is wrong with a certificate that was not believed, with what it says of itself."""
    shown = _shown(address, addresses)
    if error.verify_code == _EXPIRED:
        ended = f"it ended on {shown.ends:%Y-%m-%d}" if shown else "one in its chain has ended"
        return failed(check_id, target, f"the certificate is no longer valid: {ended}", "Have it renewed.")
    if error.verify_code == _WRONG_NAME:
        names = ", ".join(shown.names) if shown and shown.names else "none"
        remedy = f"Name the server as its certificate does, or have {address.host} put on it."
        return failed(check_id, target, f"the certificate is for other names: {names}", remedy)
    if error.verify_code in _UNKNOWN_AUTHORITY:
        issuer = shown.issuer if shown else "an unknown one"
        remedy = (
            f"Is {issuer} an authority of the hospital: put its certificate (PEM) into the file that "
            "LUMBAR_CDS_CA_BUNDLE names, beside the public ones that are needed. Is it a public one: have the server "
            "send its whole chain."
        )
        return failed(check_id, target, f"the authority is not trusted here: {issuer}", remedy, issuer=issuer)
    return failed(check_id, target, f"the certificate is not trusted ({error.verify_message})", "Have it replaced.")


def _shown(address: Address, addresses: Sequence[IpAddress]) -> _Certificate | None:
    """Return the certificate that a server shows, believed or not."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is only read, and nothing is sent
    try:
        return _chain(address, addresses, context)[0]
    except (OSError, ValueError):
        return None


def _why(error: Exception) -> str:
    return "no answer" if isinstance(error, TimeoutError) else type(error).__name__
