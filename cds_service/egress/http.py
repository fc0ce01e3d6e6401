"""The one HTTP client of the process: kept connections, a total deadline, a size limit, and nobody else's rules.

Requests go to the transport adapters of `requests` directly. It is its sessions that look at the environment (proxies,
.netrc), keep cookies and follow redirects, none of which is wanted here, and that takes longer than sending. What goes
wrong leaves as a fixed word: the errors of the libraries below quote addresses, which hold patient ids.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

import requests
from requests.structures import CaseInsensitiveDict
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.exceptions import HTTPError, ReadTimeoutError
from urllib3.util.ssl_ import create_urllib3_context

from cds_service.egress.addresses import EgressError, read_address
from cds_service.egress.deadlines import deadline, left
from cds_service.egress.network import Network
from cds_service.egress.pinning import AddressRefusedError, PinningAdapter
from cds_service.egress.resolving import GetAddrInfo, Resolver
from fhir_mappings.fhir_client.transport import TransportError

_CHUNK: Final = 64 * 1024
_KEPT_HEADERS: Final = ("cache-control", "content-type", "retry-after")
# Applied once each: several layers of compression are how a small answer becomes an enormous one.
_ENCODINGS: Final = ("", "identity", "gzip", "deflate")
_HEADERS: Final = {"User-Agent": "lumbar-mri-cds", "Accept-Encoding": "gzip, deflate", "Connection": "keep-alive"}


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a call may take, altogether and in its parts, in seconds, and how large the decoded body may be."""

    seconds: float
    connect_seconds: float
    read_seconds: float
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request to an address that was checked before; its repr shows nothing of it."""

    url: str = field(repr=False)
    network: Network = field(repr=False)
    limits: Limits
    headers: Mapping[str, str] = field(repr=False)
    method: str = "GET"
    body: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer of any status; of its headers only those are kept that somebody reads."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class HttpClient:
    """Sends calls for every client, each within that client's network; safe to share between threads.

    Connections belong to the process that opened them: after a fork the child begins with none.
    """

    def __init__(
        self, pool_size: int, *, resolver: GetAddrInfo = socket.getaddrinfo, ca_bundle: Path | None = None
    ) -> None:
        """Take how many connections to one server are kept, the look-up of names, and whom to trust.

        `ca_bundle` is a PEM file in place of the public authorities; OSError or ssl.SSLError when it cannot be read.
        """
        self._pool_size = pool_size
        self._getaddrinfo = resolver
        self._tls = trust(ca_bundle)
        self._lock = threading.Lock()
        self._begin()

    def get(  # noqa: PLR0913 - every call says all its limits
        self,
        url: str,
        network: Network,
        *,
        seconds: float,
        connect_seconds: float,
        read_seconds: float,
        max_bytes: int,
        accept: str,
    ) -> Fetched:
        """Return what is at a URL; TransportError when there is no answer within the limits, or it may not be asked."""
        limits = Limits(seconds, connect_seconds, read_seconds, max_bytes)
        try:
            call = Call(read_address(url, network).url, network, limits, {"Accept": accept})
        except EgressError:
            call = None
        if call is None:
            raise TransportError("refused")
        return self.send(call)

    def send(self, call: Call) -> Fetched:
        """Return the answer to a call; TransportError when there is none within its limits."""
        answer = self._try(call)
        if isinstance(answer, Fetched):
            return answer
        # Raised out here, the error has no context: what the libraries say holds the address.
        raise TransportError(answer)

    def close(self) -> None:
        """Close what this process has open."""
        with self._lock:
            adapters = tuple(self._adapters.values()) if self._process == os.getpid() else ()
            self._begin()
        for adapter in adapters:
            adapter.close()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._adapters: dict[Network, PinningAdapter] = {}
        self._resolver = Resolver(self._getaddrinfo)

    def _adapter(self, network: Network) -> PinningAdapter:
        with self._lock:
            if self._process != os.getpid():
                self._begin()
            adapter = self._adapters.get(network)
            if adapter is None:
                adapter = PinningAdapter(network, self._resolver, self._tls, self._pool_size)
                self._adapters[network] = adapter
            return adapter

    def _try(self, call: Call) -> Fetched | str:
        """Return the answer, or the reason why there is none."""
        try:
            with deadline(call.limits.seconds):
                return self._exchange(call)
        except (requests.Timeout, ReadTimeoutError, TimeoutError):
            return "timeout"
        except (AddressRefusedError, requests.exceptions.InvalidHeader, ValueError):
            return "refused"
        except _TooLargeError:
            return "too-large"
        except (requests.RequestException, HTTPError, OSError):
            return "connection"

    def _exchange(self, call: Call) -> Fetched:
        limits = call.limits
        timeout = left(limits.connect_seconds), left(limits.read_seconds)
        with self._adapter(call.network).send(_prepared(call), stream=True, timeout=timeout) as response:
            headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
            return Fetched(response.status_code, _read(response, limits.max_bytes), headers)


@lru_cache(maxsize=4)
def trust(ca_bundle: Path | None) -> ssl.SSLContext:
    """Return what checks certificates against a PEM file, or against the public authorities.

    OSError or ssl.SSLError when the file cannot be read. Reading one takes long enough to do it once.
    """
    context = create_urllib3_context()
    context.load_verify_locations(cafile=ca_bundle or Path(DEFAULT_CA_BUNDLE_PATH))
    return context


class _TooLargeError(Exception):
    """A body beyond its limit."""


def _prepared(call: Call) -> requests.PreparedRequest:
    """Return what is sent for a call; its address was read strictly and needs no repair."""
    request = requests.PreparedRequest()
    request.method, request.url, request.body = call.method, call.url, call.body
    request.headers = CaseInsensitiveDict(_HEADERS | dict(call.headers))
    request.prepare_content_length(call.body)
    return request


def _read(response: requests.Response, most: int) -> bytes:
    """Return the decoded body, at most so many bytes; what is left of a larger one stays unread."""
    if response.headers.get("Content-Encoding", "").strip().lower() not in _ENCODINGS:
        raise requests.exceptions.ContentDecodingError
    announced = response.headers.get("Content-Length", "")
    if announced.isdecimal() and int(announced) > most:
        raise _TooLargeError
    chunks: list[bytes] = []
    size = 0
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        size += len(chunk)
        if size > most:
            raise _TooLargeError
        chunks.append(chunk)
    return b"".join(chunks)
