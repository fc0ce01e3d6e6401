"""Where one client's data may be fetched from: the FHIR bases of its profile, and what lies below them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cds_service.egress.addresses import Address, EgressError, is_this_machine, read_address
from cds_service.egress.client import Client
from cds_service.egress.network import Network


class Destinations:
    """The FHIR bases of one client.

    With `any_loopback`, for development, every base on this machine is one too, if the network allows loopback.
    """

    def __init__(self, bases: Iterable[str], network: Network, *, any_loopback: bool = False) -> None:
        """Read the bases; EgressError for one that could never be fetched from."""
        self._network = network
        self._any_loopback = any_loopback
        self._bases = frozenset(read_base(base, network) for base in bases)

    @classmethod
    def of(cls, client: Client) -> Destinations:
        """Return those of a client profile; EgressError as above."""
        return cls(client.fhir.bases, client.network, any_loopback=client.fhir.any_loopback)

    def check_base(self, text: str) -> Address:
        """Return the address of a `fhirServer`; EgressError unless it is one of the bases."""
        base = read_base(text, self._network)
        if base in self._bases or (self._any_loopback and is_this_machine(base.host)):
            return base
        raise EgressError("not-listed")

    def check_below(self, base: Address, text: str) -> Address:
        """Return the address of a search or a `next` link; EgressError unless it is below the base."""
        return check_below(base, text, self._network)


def read_base(text: str, network: Network) -> Address:
    """Return the address of a FHIR base; EgressError when it can never be fetched from.

    One slash at its end makes no difference.
    """
    base = read_address(text, network)
    if "?" in text:
        raise EgressError("query")
    return replace(base, path=base.path.removesuffix("/"))


def base_problem(text: str, network: Network) -> str | None:
    """Return what is wrong with a FHIR base, as `EgressError.sentence`; None for nothing."""
    try:
        read_base(text, network)
    except EgressError as error:
        return error.sentence
    return None


def check_below(base: Address, text: str, network: Network) -> Address:
    """Return the address of a URL below a base: same scheme, host and port, and a path that begins with the base's."""
    address = read_address(text, network)
    if not base.contains(address):
        raise EgressError("elsewhere")
    return address
