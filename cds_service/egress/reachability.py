"""Which resolved addresses may be connected to: the public internet, what a client's network lists, and no more.

The ranges are written out because `ipaddress` answers differently from one Python release to the next, and because it
counts some addresses as public that are not: the metadata services of clouds, and IPv6 forms that carry an IPv4
address inside.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final, TypeAlias

from cds_service.egress.network import Network

IpAddress: TypeAlias = IPv4Address | IPv6Address
_Ranges: TypeAlias = tuple[IPv4Network | IPv6Network, ...]


def _ranges(*texts: str) -> _Ranges:
    return tuple(ip_network(text) for text in texts)


# Nobody's server: connecting to 0.0.0.0 reaches this machine, the others reach many or none.
_NEVER: Final = _ranges("0.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32", "::/128", "ff00::/8")
_LOOPBACK: Final = _ranges("127.0.0.0/8", "::1/128")
# What hands out a machine's own credentials: a listed range that merely contains one of these does not open it.
_METADATA: Final = _ranges(
    "100.100.100.200/32",  # Alibaba
    "168.63.129.16/32",  # Azure, in public space
    "169.254.169.253/32",  # AWS, names
    "169.254.169.254/32",  # AWS, Azure, Google and others
    "169.254.170.2/32",  # AWS, tasks
    "169.254.170.23/32",  # AWS, pods
    "192.0.0.192/32",  # Oracle
    "fd00:ec2::23/128",  # AWS, pods
    "fd00:ec2::254/128",  # AWS
    "fd20:ce::254/128",  # Google
)
_SPECIAL_4: Final = _ranges(
    "10.0.0.0/8",
    "100.64.0.0/10",  # shared by carriers
    "169.254.0.0/16",  # link-local
    "172.16.0.0/12",
    "192.0.0.0/24",  # protocol assignments
    "192.0.2.0/24",  # documentation
    "192.31.196.0/24",  # AS112
    "192.52.193.0/24",  # AMT
    "192.88.99.0/24",  # 6to4 relays
    "192.168.0.0/16",
    "192.175.48.0/24",  # AS112
    "198.18.0.0/15",  # benchmarks
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "240.0.0.0/4",  # reserved
)
_GLOBAL_6: Final = IPv6Network("2000::/3")  # all that is assigned to the public internet
_SPECIAL_6: Final = _ranges(
    "2001::/23",  # protocol assignments, Teredo among them
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4
    "2620:4f:8000::/48",  # AS112
    "3ffe::/16",  # returned to the registry
    "3fff::/20",  # documentation
)
# IPv6 forms that end in an IPv4 address: NAT64 twice, the old compatible form, and the stateless translation.
_TAILED: Final = _ranges("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "::ffff:0:0:0/96")


def is_reachable(address: IpAddress, network: Network) -> bool:
    """Return whether an address may be connected to on behalf of a client with this network."""
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    address = unmapped(address)
    if is_loopback(address):
        return network.loopback
    if _within(address, _METADATA):
        return any(listed.num_addresses == 1 and address in listed for listed in network.private)
    if not _is_special(address):
        return True
    carried = _carried(address)
    listed = _within(address, network.private) and not _within(address, _NEVER)
    return listed and (carried is None or is_reachable(carried, network))


def is_loopback(address: IpAddress) -> bool:
    """Return whether an address is this machine, the mapped form included."""
    return _within(unmapped(address), _LOOPBACK)


def unmapped(address: IpAddress) -> IpAddress:
    """Return the IPv4 address that is meant by its IPv6-mapped form; any other as it is."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _within(address: IpAddress, ranges: _Ranges) -> bool:
    return any(address in listed for listed in ranges)


def _is_special(address: IpAddress) -> bool:
    if isinstance(address, IPv4Address):
        return _within(address, _NEVER) or _within(address, _SPECIAL_4)
    return address not in _GLOBAL_6 or _within(address, _SPECIAL_6)


def _carried(address: IpAddress) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 form leads to; it must be reachable by itself."""
    if not isinstance(address, IPv6Address):
        return None
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    return IPv4Address(int(address) & 0xFFFFFFFF) if _within(address, _TAILED) else None
