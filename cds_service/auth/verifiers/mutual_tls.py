"""Mutual TLS that a reverse proxy in front of the service has checked, and reports in headers.

A header is only words: what makes it a proof is that it comes from the proxy, which removes any that its callers send.
So nothing is believed from another address.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from cds_service.auth.verifiers.callers import Caller, Credentials, NotAuthenticatedError, Reason
from cds_service.clients.normalization import plain_fingerprint
from cds_service.clients.profile import Certificates, ClientProfile

_VERIFIED: Final = "SUCCESS"
_NOT_PRESENTED: Final = ("", "NONE")


class CertificateCheck:
    """What one client's certificate must be, and from where that is believed."""

    def __init__(self, certificates: Certificates) -> None:
        """Take ranges and fingerprints that are known to be well-formed."""
        self._proxies = tuple(ip_network(proxy) for proxy in certificates.proxies)
        self._subjects = frozenset(subject.strip() for subject in certificates.subjects)
        self._fingerprints = frozenset(plain_fingerprint(one) for one in certificates.fingerprints)
        self._names = (certificates.verified_header, certificates.subject_header, certificates.fingerprint_header)

    def holds(self, credentials: Credentials) -> bool | None:
        """Return whether the certificate is the client's; None when the call presents none.

        NotAuthenticatedError: final when the proxy refused the certificate, not final when the headers are not the
        proxy's and therefore mean nothing.
        """
        verdict, subject, fingerprint = (credentials.headers.get(name.lower(), "").strip() for name in self._names)
        if verdict in _NOT_PRESENTED:
            return None
        if not self._from_proxy(credentials.remote_address):
            raise NotAuthenticatedError(Reason.PROXY, final=False)
        if verdict != _VERIFIED:
            raise NotAuthenticatedError(Reason.CERTIFICATE)
        return subject in self._subjects or plain_fingerprint(fingerprint) in self._fingerprints

    def _from_proxy(self, remote_address: str) -> bool:
        try:
            address = ip_address(remote_address)
        except ValueError:
            return False
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in proxy for proxy in self._proxies)


class MutualTlsVerifier:
    """Knows clients by their certificates."""

    def __init__(self, clients: Iterable[ClientProfile]) -> None:
        """Take the clients that have certificates."""
        self._checks = [
            (client, CertificateCheck(client.certificates)) for client in clients if client.certificates is not None
        ]

    def verify(self, credentials: Credentials) -> Caller | None:
        """Return the client whose certificate the proxy saw; None when it saw none.

        NotAuthenticatedError when the proxy refused it, and one that is not final when it is nobody's or the headers
        are not the proxy's.
        """
        refusal: NotAuthenticatedError | None = None
        for client, check in self._checks:
            try:
                holds = check.holds(credentials)
            except NotAuthenticatedError as error:
                if error.final:
                    raise
                refusal = refusal or error
                continue
            if holds:
                return Caller(client)
            if holds is False:
                refusal = NotAuthenticatedError(Reason.CERTIFICATE, final=False)
        if refusal is not None:
            raise refusal
        return None
