"""Where a name leads, and whether the client's profile lets us go there."""

from __future__ import annotations

import socket
from ipaddress import ip_network
from typing import Any

import pytest

from cds_service.cli.connection.addresses import Found, Server, allowed_addresses, find_addresses
from cds_service.cli.connection.check import Status
from cds_service.egress.addresses import read_address
from cds_service.egress.network import Network
from cds_service.egress.resolving import Resolver


def found(*addresses: str, network: Network | None = None) -> Found:
    """Return what is found of a name that has these addresses; none where it is not known."""

    def lookup(*_: Any, **__: Any) -> list[Any]:
        if not addresses:
            raise OSError("no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in addresses]

    allowed = network or Network()
    server = Server("fhir", "target", read_address("https://fhir.example/r4", allowed))
    return allowed_addresses(server, find_addresses(server, Resolver(lookup)), allowed)


def test_public_addresses_pass() -> None:
    """Every address is told, and may be connected to."""
    given = found("8.8.8.8", "9.9.9.9")
    assert [(check.id, check.status) for check in given.checks] == [
        ("fhir.dns", Status.PASS),
        ("fhir.egress", Status.PASS),
    ]
    assert given.checks[0].says == "8.8.8.8, 9.9.9.9"
    assert len(given.addresses) == 2


def test_unknown_name_fails_by_itself() -> None:
    """A name without an address fails at DNS, and nothing is said of what cannot be known."""
    given = found()
    assert [(check.id, check.status) for check in given.checks] == [("fhir.dns", Status.FAIL)]
    assert given.addresses == ()


@pytest.mark.parametrize(
    ("address", "remedy"),
    [
        ("10.20.1.5", 'network.private = ["10.20.1.5"]'),
        ("127.0.0.1", "network.loopback = true"),
        ("169.254.169.254", "No setting allows"),
    ],
)
def test_forbidden_address_names_the_setting(address: str, remedy: str) -> None:
    """One address that is forbidden refuses the name, as in a call, and the remedy is the setting, if there is one."""
    given = found("8.8.8.8", address)
    assert (given.checks[-1].id, given.checks[-1].status) == ("fhir.egress", Status.FAIL)
    assert address in given.checks[-1].says
    assert remedy in given.checks[-1].remedy
    assert given.addresses == ()


def test_listed_private_address_passes() -> None:
    """What network.private lists may be connected to."""
    assert found("10.20.1.5", network=Network((ip_network("10.20.0.0/16"),))).addresses
