"""Connecting to exactly the address that was checked, while the certificate is still checked for the name.

A name that is checked and then looked up a second time by the library that connects may answer with another address
the second time. So each name is looked up once, every address it has must be reachable, and the connection is made to
one of these addresses; the pool of kept connections goes by address too. The package requests-hardened works in this
way, but knows one rule for a whole process, loopback or not; here each client lists private ranges of its own.
"""

from __future__ import annotations

import ssl
import threading
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from urllib3 import BaseHTTPResponse, PoolManager
from urllib3.exceptions import MaxRetryError, NewConnectionError

from cds_service.egress.addresses import literal
from cds_service.egress.deadlines import POOL_CLASSES, left
from cds_service.egress.network import Network
from cds_service.egress.reachability import IpAddress, is_loopback, is_reachable
from cds_service.egress.resolving import Resolver

_SERVERS: Final = 64  # pools kept at a time
_TRIED: Final = 4  # addresses of one name


class AddressRefusedError(requests.RequestException):
    """A host that resolves to an address which may not be connected to."""


class PinningAdapter(HTTPAdapter):
    """Sends requests to checked addresses of one network only; follows no proxy."""

    def __init__(self, network: Network, resolver: Resolver, tls: ssl.SSLContext, pool_size: int) -> None:
        """Take the rules, the look-up, whom to trust, and how many connections to one server are kept."""
        self._network = network
        self._resolver = resolver
        self._tls = tls
        self._pinned = threading.local()
        super().__init__(pool_connections=_SERVERS, pool_maxsize=pool_size)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:  # noqa: FBT001, FBT002 - the signature of requests
        """Make pools whose connections keep the deadline."""
        self.poolmanager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **pool_kwargs)
        self.poolmanager.pool_classes_by_scheme = POOL_CLASSES

    def send(  # noqa: PLR0913, PLR0917 - the signature of requests
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 - the signature of requests
        timeout: Any = None,
        verify: Any = True,  # noqa: FBT002 - the signature of requests
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Send to the first address that takes the connection; AddressRefusedError when one is not reachable.

        `timeout` is a pair of seconds, to connect and to read; both are cut to what is left of the deadline.
        """
        del verify, cert, proxies
        connect, read = timeout
        target = urlsplit(request.url or "")
        host = target.hostname or ""
        addresses = self._addresses(host, target.scheme, connect)
        for number, address in enumerate(addresses, start=1):
            self._pinned.address = address
            try:
                return super().send(request, stream=stream, timeout=(left(connect), left(read)))
            except requests.ConnectionError as error:
                self._resolver.forget(host)
                if number == len(addresses) or not _never_connected(error):
                    raise
        raise AddressRefusedError

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Name the pinned address as the host, and the name as what the certificate and the Host header must say."""
        del verify, cert
        target = urlsplit(request.url or "")
        name = target.hostname or ""
        shown = f"[{name}]" if ":" in name else name
        request.headers["Host"] = shown if target.port is None else f"{shown}:{target.port}"
        address: IpAddress = self._pinned.address
        host = {"scheme": target.scheme, "host": str(address), "port": target.port}
        if target.scheme == "http":
            return host, {}
        return host, {"ssl_context": self._tls, "cert_reqs": "CERT_REQUIRED", "server_hostname": name}

    def build_response(self, req: requests.PreparedRequest, resp: BaseHTTPResponse) -> requests.Response:
        """Return what of an answer is read: status, headers and the body as it comes."""
        del req
        response = requests.Response()
        response.status_code, response.headers, response.raw = resp.status, CaseInsensitiveDict(resp.headers), resp
        return response

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Leave the pool as it is: its context requires a certificate and holds whom to trust, read once."""

    def _addresses(self, host: str, scheme: str, seconds: float) -> tuple[IpAddress, ...]:
        """Return the addresses of a host, all of them reachable."""
        number = literal(host)
        found = (number,) if number is not None else self._resolver.lookup(host, left(seconds))
        for address in found:
            if not is_reachable(address, self._network) or (scheme == "http" and not is_loopback(address)):
                raise AddressRefusedError
        return found[:_TRIED]


def _never_connected(error: requests.ConnectionError) -> bool:
    """Return whether a server turned the connection away at once, so that another address may be tried."""
    cause = error.args[0] if error.args else None
    reason = cause.reason if isinstance(cause, MaxRetryError) else None
    return isinstance(reason, NewConnectionError)
