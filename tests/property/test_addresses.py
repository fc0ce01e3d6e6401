"""Laws of where we may fetch from."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network
from urllib.parse import urlsplit

import requests
from hypothesis import example, given
from hypothesis import strategies as st
from urllib3.util import parse_url

from cds_service.egress.addresses import Address, EgressError, read_address
from cds_service.egress.destinations import check_below
from cds_service.egress.network import Network
from cds_service.egress.reachability import is_reachable
from tests.property.profile import law

ADDRESSES = st.ip_addresses() | st.sampled_from(["0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/16", "198.0.0.0/8"]).flatmap(
    lambda network: st.ip_addresses(network=network)
)
PIECES = st.sampled_from(
    "https:// http:// a.example 127.0.0.1 [::1] @ : / \\ .. %2e ? # ; . 80 x".split(" ")  # noqa: SIM905 - shorter so
)
URLS = st.lists(PIECES | st.text(max_size=3), max_size=8).map("".join) | st.text(max_size=12).map(
    "https://a.example/".__add__
)


@law(200)
@given(ADDRESSES)
def test_what_python_calls_private_is_not_reachable(address: IPv4Address | IPv6Address) -> None:
    """Our ranges leave out none that the standard library has."""
    inner = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    if not (inner or address).is_global or (inner or address).is_multicast:
        assert not is_reachable(address, Network())


@law(100)
@given(ADDRESSES, st.booleans())
def test_listing_only_ever_opens(address: IPv4Address | IPv6Address, loopback: bool) -> None:
    """A longer list never closes what a shorter one allowed."""
    listed = Network(private=(ip_network("0.0.0.0/0"), ip_network("::/0")), loopback=loopback)
    assert is_reachable(address, listed) or not is_reachable(address, Network(loopback=loopback))


def _path_sent(address: Address) -> str:
    """Return the path that the libraries send for an address."""
    request = requests.PreparedRequest()
    request.url = address.url
    return parse_url(request.path_url).path or ""


@law(300)
@given(URLS)
@example("https://a.example/x?y=%zz&z={|}")
@example("https://a.example?x")
def test_library_reads_what_we_read(text: str) -> None:
    """An accepted address is the one that is connected to: same scheme, host, port and segments."""
    try:
        address = read_address(text, Network(loopback=True))
    except EgressError:
        return
    sent = urlsplit(address.url)
    assert (sent.scheme, sent.hostname) == (address.scheme, address.host)
    assert (sent.port or {"https": 443, "http": 80}[sent.scheme]) == address.port
    assert not sent.username
    assert _path_sent(address).count("/") == max(address.path.count("/"), 1)
    assert read_address(address.url, Network(loopback=True)) == address


@law(200)
@given(URLS, st.sampled_from(["https://a.example/x", "https://a.example"]))
def test_below_stays_below(text: str, base: str) -> None:
    """Whatever is accepted below a base is sent to a path below it."""
    root = read_address(base, Network())
    for url in (text, base + text):
        try:
            address = check_below(root, url, Network())
        except EgressError:
            continue
        sent = _path_sent(address)
        assert address.origin == root.origin
        assert sent == (root.path or "/") or sent.startswith(f"{root.path}/")
