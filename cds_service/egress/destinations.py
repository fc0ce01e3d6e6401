"""Where one client's data may be fetched from: the FHIR bases of its profile, and what lies below them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from cds_service.clients.profile import ClientProfile
from cds_service.egress.addresses import Address, EgressError, is_this_machine, read_address
from cds_service.egress.network import Network


class Destinations:
    """The FHIR bases of one client.

    With `any_loopback`, for development, every base on this machine is one too, if the network allows loopback.
    """

    def __init__(self, bases: Iterable[str], network: Network, *, any_loopback: bool = False) -> None:
        """Read the bases; EgressError for one that could never be fetched from."""
        self._network = network
        self._any_loopback = any_loopback
        self._bases = frozenset(self._read_base(base) for base in bases)

    @classmethod
    def of(cls, client: ClientProfile) -> Destinations:
        """Return those of a client profile; EgressError as above."""
        return cls(client.fhir.bases, client.network, any_loopback=client.fhir.any_loopback)

    def check_base(self, text: str) -> Address:
        """Return the address of a `fhirServer`; EgressError unless it is one of the bases."""
        base = self._read_base(text)
        if base in self._bases or (self._any_loopback and is_this_machine(base.host)):
            return base
        raise EgressError("not-listed")

    def check_below(self, base: Address, text: str) -> Address:
        """Return the address of a search or a `next` link; EgressError unless it is below the base."""
        return check_below(base, text, self._network)

    def _read_base(self, text: str) -> Address:
        """Read a base; one slash at its end makes no difference."""
        base = read_address(text, self._network)
        if "?" in text:
            raise EgressError("query")
        return replace(base, path=base.path.removesuffix("/"))


def check_below(base: Address, text: str, network: Network) -> Address:
    """Return the address of a URL below a base: same scheme, host and port, and a path that begins with the base's."""
    address = read_address(text, network)
    if not base.contains(address):
        raise EgressError("elsewhere")
    return address
