"""Reading a URL that a caller or a server hands us, so strictly that no two readers can take it for different places.

A check is worth nothing when the library that connects reads the text otherwise than the check did. So every form that
is read in more than one way is refused rather than repaired: it is not what an honest EHR sends.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from cds_service.egress.network import Network
from cds_service.egress.reachability import IpAddress, is_loopback, is_reachable

_LONGEST: Final = 8192  # characters; a search with many codes, or a server's cursor, may be long
_PORTS: Final = {"https": 443, "http": 80}
_LAST_PORT: Final = 65535
_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?]*)([^?]*)(\?.*)?")
_VISIBLE: Final = re.compile(r"[!-\[\]-~]+")  # ASCII without blanks, controls and the backslash
_AUTHORITY: Final = re.compile(r"(\[[^\[\]]*\]|[^:\[\]]*)(?::([1-9][0-9]{0,4}))?")
_NAME: Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?)*"
)
# A last label that some resolvers read as a number: 127.1, 0x7f.1, 2130706433.
_NUMBERED: Final = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_PATH: Final = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*)*")
# Encoded forms that a server may decode into other segments: dot, slash, backslash, percent, controls.
_DISGUISED: Final = re.compile(r"%(?:2[eEfF5]|5[cC]|[01][0-9A-Fa-f]|7[fF])")

_SENTENCES: Final = {
    "scheme": "must begin with https:// (http:// is for this machine only)",
    "syntax": "is not an address",
    "too-long": f"is longer than {_LONGEST} characters",
    "user-info": "must not hold a user name or a password",
    "fragment": "must end before any #",
    "query": "must end before any ?",
    "host": "must name a host by a usual name, or by its number in the usual form",
    "port": "has a port that is none",
    "path": "has a path that servers read in different ways, with dots, two slashes or encoded signs",
    "this-machine": "is on this machine, which only a client with network.loopback = true may name",
    "private-address": "is no public address, and none that network.private lists",
    "not-listed": "is not one of the bases",
    "elsewhere": "is not below the base",
}


class EgressError(Exception):
    """An address that is not fetched from; `reason` is a fixed word, safe to log.

    `scheme`, `syntax`, `too-long`, `user-info`, `fragment`, `query`, `host`, `port`, `path`, `this-machine`,
    `private-address`, `not-listed`, `elsewhere`; `sentence` says the same to whoever wrote the address.
    """

    def __init__(self, reason: str) -> None:
        """Take the reason."""
        super().__init__(reason)
        self.reason = reason

    @property
    def sentence(self) -> str:
        """What is wrong, to follow the name of whatever holds the address; without a full stop."""
        return _SENTENCES[self.reason]


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """One place to fetch from; two are equal when they are the same place. Its repr shows nothing of it.

    `host` is a lower-case name or the usual form of an IP address, without brackets; `query` has no question mark.
    """

    scheme: str
    host: str
    port: int
    path: str = ""
    query: str = ""

    @property
    def url(self) -> str:
        """The text that is sent for; a default port is left out."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}{'?' if self.query else ''}{self.query}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port."""
        return self.scheme, self.host, self.port

    def contains(self, other: Address) -> bool:
        """Return whether another address is this one or below it; the path of this one has no slash at its end."""
        below = other.path == self.path or other.path.startswith(f"{self.path}/")
        return self.origin == other.origin and below


def read_address(text: str, network: Network) -> Address:
    """Read the text of an absolute URL; EgressError when it cannot be fetched from on this network.

    Names are not resolved here: what they resolve to is checked when they are connected to.
    """
    if len(text) > _LONGEST:
        raise EgressError("too-long")
    if "#" in text:
        raise EgressError("fragment")
    parts = _URL.fullmatch(text)
    if parts is None or not _VISIBLE.fullmatch(text):
        raise EgressError("syntax")
    scheme = parts[1].lower()
    if scheme not in _PORTS:
        raise EgressError("scheme")
    host, port = _read_authority(parts[2], scheme)
    _check_host(host, scheme, network)
    return Address(scheme, host, port, _read_path(parts[3]), (parts[4] or "")[1:])


def address_problem(text: str, network: Network) -> str | None:
    """Return what is wrong with an address that is to be fetched from, as `EgressError.sentence`; None for nothing."""
    try:
        read_address(text, network)
    except EgressError as error:
        return error.sentence
    return None


@lru_cache(maxsize=256)  # asked several times for each search, and always of the same few servers
def literal(host: str) -> IpAddress | None:
    """Return the IP address that the host of an `Address` is; None for a name."""
    if ":" in host:
        return IPv6Address(host)
    try:
        return IPv4Address(host)
    except AddressValueError:
        return None


def is_this_machine(host: str) -> bool:
    """Return whether a host says by itself that it is this machine."""
    number = literal(host)
    return host == "localhost" or host.endswith(".localhost") if number is None else is_loopback(number)


def _read_authority(text: str, scheme: str) -> tuple[str, int]:
    if "@" in text:
        raise EgressError("user-info")
    parts = _AUTHORITY.fullmatch(text)
    if parts is None:
        raise EgressError("port" if re.fullmatch(r"(?:\[[^\[\]]*\]|[^:\[\]]+):[^:]*", text) else "host")
    port = int(parts[2] or _PORTS[scheme])
    if port > _LAST_PORT:
        raise EgressError("port")
    return _read_host(parts[1].lower()), port


def _read_host(text: str) -> str:
    try:
        if text.startswith("["):
            if "%" in text:  # a zone names an interface of this machine
                raise EgressError("host")
            number = IPv6Address(text[1:-1])
            return str(number.ipv4_mapped or number)
        if _NUMBERED.fullmatch(text):
            return str(IPv4Address(text))  # takes four decimal numbers without leading zeros, nothing else
    except AddressValueError:
        number = None
    else:
        if _NAME.fullmatch(text):
            return text
    raise EgressError("host")


def _check_host(host: str, scheme: str, network: Network) -> None:
    here = is_this_machine(host)
    if here and not network.loopback:
        raise EgressError("this-machine")
    number = literal(host)
    if number is not None and not is_reachable(number, network):
        raise EgressError("private-address")
    if scheme == "http" and not here:
        raise EgressError("scheme")


def _read_path(text: str) -> str:
    if not _PATH.fullmatch(text) or text.startswith("//") or _DISGUISED.search(text):
        raise EgressError("path")
    # What follows a semicolon is dropped by some servers, which leaves a plain "..".
    if any(segment.split(";")[0] in (".", "..") for segment in text.split("/")):
        raise EgressError("path")
    return text
