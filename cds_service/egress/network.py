"""Which network addresses may be called at all."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network


@dataclass(frozen=True, slots=True)
class Network:
    """The addresses beyond the public internet that may be called on behalf of one client.

    Hospital servers often have private addresses; each range must be listed. `loopback` is for development: it also
    allows plain http, to this machine only.
    """

    private: tuple[IPv4Network | IPv6Network, ...] = ()
    loopback: bool = False
