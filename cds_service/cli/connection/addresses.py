"""Whether a server's name leads to addresses, and whether the client's profile lets us connect to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.cli.connection.check import Check, failed, passed
from cds_service.clients.file.addresses import private_range_problem
from cds_service.egress.addresses import literal
from cds_service.egress.reachability import is_loopback, is_reachable

if TYPE_CHECKING:
    from cds_service.egress.addresses import Address
    from cds_service.egress.network import Network
    from cds_service.egress.reachability import IpAddress
    from cds_service.egress.resolving import Resolver

_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is tried: the first part of its checks' ids, how reports name it, and its address."""

    part: str
    target: str
    address: Address


@dataclass(frozen=True, slots=True)
class Found:
    """The checks of a name, and its addresses; none where it must not be connected to."""

    checks: tuple[Check, ...]
    addresses: tuple[IpAddress, ...] = ()


def find_addresses(server: Server, resolver: Resolver) -> Found:
    """Look a host up; the check is `PART.dns`."""
    check_id, target, address = f"{server.part}.dns", server.target, server.address
    number = literal(address.host)
    if number is not None:
        return Found((passed(check_id, target, "is a number, so no name is looked up"),), (number,))
    try:
        found = resolver.lookup(address.host, _SECONDS)
    except TimeoutError:
        says, remedy = f"{address.host} was not looked up within {_SECONDS:.0f} s", "Look at the DNS of this machine."
        return Found((failed(check_id, target, says, remedy),))
    except OSError:
        says = f"{address.host} has no address"
        return Found((failed(check_id, target, says, "Correct the name, or have the DNS here know it."),))
    shown = [str(one) for one in found]
    return Found((passed(check_id, target, ", ".join(shown), addresses=shown),), found)


def allowed_addresses(server: Server, found: Found, network: Network) -> Found:
    """Judge what was looked up as the service does before it connects; the check is `PART.egress`."""
    check_id, target, address = f"{server.part}.egress", server.target, server.address
    if not found.addresses:
        return found
    refused = [one for one in found.addresses if not _may_be_reached(one, address, network)]
    if not refused:
        check = passed(check_id, target, "may be connected to")
        return Found((*found.checks, check), found.addresses)
    names = ", ".join(map(str, refused))
    check = failed(
        check_id,
        target,
        f"the rules of this client forbid {names}; one such address is enough to refuse the name",
        _remedy(refused, address),
        refused=[str(one) for one in refused],
    )
    return Found((*found.checks, check))


def _may_be_reached(one: IpAddress, address: Address, network: Network) -> bool:
    return is_reachable(one, network) and (address.scheme == "https" or is_loopback(one))


def _remedy(refused: list[IpAddress], address: Address) -> str:
    if address.scheme == "http":
        return "Name it with https://: plain http is for this machine only."
    if any(map(is_loopback, refused)):
        return "Set network.loopback = true; only a client for development may."
    ranges = [str(one) for one in refused]
    if any(private_range_problem(one) for one in ranges):
        return "No setting allows such an address; have the name lead elsewhere."
    listed = ", ".join(f'"{one}"' for one in ranges)
    return f"If the server is there, list it, or its range: network.private = [{listed}]."
