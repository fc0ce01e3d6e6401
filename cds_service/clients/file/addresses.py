"""Which hosts are this machine, and what can be wrong with a range of addresses in a clients file."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final

_PRIVATE: Final = tuple(map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")))


def is_loopback(host: str) -> bool:
    """Whether a host name or address, with or without the brackets of IPv6, is this machine and nothing else.

    Other names than `localhost` are not looked up: what a name means can change, and what it means elsewhere does not
    matter here.
    """
    name = host.removeprefix("[").removesuffix("]").removesuffix(".").lower()
    if name == "localhost":
        return True
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def private_range_problem(text: str) -> str | None:
    """Return what is wrong with a range of private addresses."""
    network, problem = _network(text)
    if network is None:
        return problem
    if any(network.version == known.version and network.subnet_of(known) for known in _PRIVATE):  # type: ignore[arg-type] # of one version
        return None
    return (
        "is not inside a range of private addresses (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10, "
        "fc00::/7); others need no entry or are never called"
    )


def proxy_problem(text: str) -> str | None:
    """Return what is wrong with the address range of a proxy."""
    network, problem = _network(text)
    if network is not None and network.prefixlen == 0:
        return "would believe everybody"
    return problem


def _network(text: str) -> tuple[IPv4Network | IPv6Network | None, str | None]:
    try:
        return ip_network(text), None
    except ValueError:
        pass
    try:
        wide = ip_network(text, strict=False)
    except ValueError:
        return None, "is not an address or a CIDR range"
    return None, f"has bits set behind its prefix; the range is {wide}"
