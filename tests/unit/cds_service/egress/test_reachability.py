"""Which resolved addresses may be connected to."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from cds_service.egress.network import Network
from cds_service.egress.reachability import is_loopback, is_reachable

EVERYTHING = Network(private=(ip_network("0.0.0.0/0"), ip_network("::/0")))


@pytest.mark.parametrize("text", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8"])
def test_public_address_is_reachable(text: str) -> None:
    """The public internet needs no listing."""
    assert is_reachable(ip_address(text), Network())


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.1.1",
        "192.0.0.8",
        "198.19.0.1",
        "240.0.0.1",
        "fc00::1",
        "fe80::1",
        "fec0::1",
        "2001:db8::1",
        "3fff::1",
        "5f00::1",
        "100::1",
        "2001:20::1",
        "::ffff:192.168.0.1",
        "64:ff9b::808:808",
        "2002:808:808::1",
        "2001:0:808:808::f7f7:f7f7",
        "::ffff:0:808:808",
        "::808:808",
    ],
)
def test_special_address_is_reachable_when_listed(text: str) -> None:
    """Hospital servers live in private ranges; the profile must say which."""
    assert not is_reachable(ip_address(text), Network())
    assert not is_reachable(ip_address(text), Network(loopback=True))
    assert is_reachable(ip_address(text), EVERYTHING)


@pytest.mark.parametrize(
    "text", ["0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "::", "ff02::1", "fe80::1%eth0"]
)
def test_nobodys_address_is_never_reachable(text: str) -> None:
    """0.0.0.0 is this machine by another name, and a zone is one of its interfaces."""
    assert not is_reachable(ip_address(text), EVERYTHING)


@pytest.mark.parametrize("text", ["127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_has_a_switch_of_its_own(text: str) -> None:
    """Listing a range that holds it does not open this machine."""
    assert is_loopback(ip_address(text))
    assert is_reachable(ip_address(text), Network(loopback=True))
    assert not is_reachable(ip_address(text), EVERYTHING)


@pytest.mark.parametrize(
    "text",
    ["169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254"],
)
def test_metadata_address_must_be_listed_by_itself(text: str) -> None:
    """A range that happens to hold a cloud's metadata service does not hand out its credentials."""
    address = ip_address(text)
    assert not is_reachable(address, EVERYTHING)
    assert is_reachable(address, Network(private=(ip_network(text),)))


@pytest.mark.parametrize("text", ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:1::80ff:fffe"])
def test_address_inside_an_address_must_be_reachable_too(text: str) -> None:
    """A listed translation prefix is no way around the rules for what it translates to."""
    assert not is_reachable(ip_address(text), EVERYTHING)
