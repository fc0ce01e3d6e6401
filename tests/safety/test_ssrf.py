"""Hostile addresses: whatever a caller names as its FHIR server, key set or next page, nothing else is connected to.

Every case asserts the same two things: a refusal, and that no connection was tried and, where the text alone gives it
away, no name looked up.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

import pytest
import urllib3.util.connection

from cds_service.clients.profile import ClientProfile, FhirAccess
from cds_service.egress.addresses import EgressError
from cds_service.egress.breaker import Breakers
from cds_service.egress.destinations import Destinations
from cds_service.egress.fhir_transport import FhirTransport
from cds_service.egress.http import HttpClient
from cds_service.egress.network import Network
from fhir_mappings.fhir_client.transport import FhirRequest, TransportError
from tests.loopback_server import Reply, serving

BASE = "https://fhir.hospital.example/r4"
PUBLIC = "93.184.216.34"

# What the text alone gives away, wherever it is named.
HOSTILE = {
    "decimal IPv4": "https://2130706433/r4",
    "octal IPv4": "https://0177.0.0.1/r4",
    "octal IPv4 in one number": "https://017700000001/r4",
    "hexadecimal IPv4": "https://0x7f.0.0.1/r4",
    "hexadecimal IPv4 in one number": "https://0x7f000001/r4",
    "mixed IPv4": "https://127.0.0x1/r4",
    "short IPv4": "https://127.1/r4",
    "IPv4 with a leading zero": "https://127.0.0.01/r4",
    "IPv4 with five parts": "https://127.0.0.1.1/r4",
    "zero": "https://0/r4",
    "unspecified IPv4": "https://0.0.0.0/r4",
    "loopback IPv4": "https://127.0.0.1/r4",
    "another loopback IPv4": "https://127.8.8.8/r4",
    "loopback IPv6": "https://[::1]/r4",
    "unspecified IPv6": "https://[::]/r4",
    "loopback IPv6 in full": "https://[0:0:0:0:0:0:0:1]/r4",
    "IPv4-mapped": "https://[::ffff:127.0.0.1]/r4",
    "IPv4-mapped in hexadecimal": "https://[::ffff:7f00:1]/r4",
    "IPv4-mapped private": "https://[::ffff:10.0.0.1]/r4",
    "IPv4-compatible": "https://[::127.0.0.1]/r4",
    "NAT64": "https://[64:ff9b::7f00:1]/r4",
    "local NAT64": "https://[64:ff9b:1::7f00:1]/r4",
    "6to4": "https://[2002:7f00:1::]/r4",
    "Teredo": "https://[2001:0:7f00:1::80ff:fffe]/r4",
    "zone": "https://[fe80::1%25eth0]/r4",
    "bare zone": "https://[fe80::1%eth0]/r4",
    "link-local IPv6": "https://[fe80::1]/r4",
    "unique local IPv6": "https://[fd12:3456::1]/r4",
    "multicast IPv6": "https://[ff02::1]/r4",
    "IPv6 of the future": "https://[v1.fe80::a]/r4",
    "unbracketed IPv6": "https://::1/r4",
    "private 10": "https://10.0.0.1/r4",
    "private 172": "https://172.16.0.1/r4",
    "private 192": "https://192.168.1.1/r4",
    "shared by carriers": "https://100.64.0.1/r4",
    "multicast": "https://224.0.0.1/r4",
    "broadcast": "https://255.255.255.255/r4",
    "benchmark": "https://198.18.0.1/r4",
    "metadata of AWS, Azure and Google": "http://169.254.169.254/latest/meta-data/",
    "the same by https": "https://169.254.169.254/latest/meta-data/",
    "the same mapped": "https://[::ffff:169.254.169.254]/latest",
    "the same through NAT64": "https://[64:ff9b::a9fe:a9fe]/latest",
    "metadata of AWS in IPv6": "https://[fd00:ec2::254]/latest/",
    "credentials of AWS tasks": "https://169.254.170.2/v2/credentials/",
    "metadata of Azure in public space": "https://168.63.129.16/machine",
    "metadata of Alibaba": "https://100.100.100.200/latest/",
    "metadata of Oracle": "https://192.0.0.192/latest/",
    "metadata of Google by name": "http://metadata.google.internal/computeMetadata/v1/",
    "user info": "https://fhir.hospital.example@evil.example/r4",
    "user info with a port": "https://fhir.hospital.example:443@evil.example/r4",
    "user info before ours": "https://user:secret@fhir.hospital.example/r4",
    "encoded user info": "https://fhir.hospital.example%40evil.example/r4",
    "fragment": "https://evil.example#fhir.hospital.example/r4",
    "fragment of ours": "https://fhir.hospital.example/r4#/evil",
    "backslash": "https://evil.example\\fhir.hospital.example/r4",
    "backslash before at": "https://fhir.hospital.example\\@evil.example/r4",
    "backslashes for slashes": "https:\\\\fhir.hospital.example\\r4",
    "encoded dot in the host": "https://fhir%2ehospital.example/r4",
    "encoded slash in the host": "https://fhir.hospital.example%2fevil.example/r4",
    "encoded null in the host": "https://fhir.hospital.example%00.evil.example/r4",
    "trailing dot": "https://fhir.hospital.example./r4",
    "empty label": "https://fhir..hospital.example/r4",
    "wildcard": "https://*.hospital.example/r4",
    "full-width digits": "https://\uff11\uff12\uff17.0.0.1/r4",
    "circled letter": "https://\u24dbocalhost/r4",
    "ideographic full stop": "https://fhir\u3002hospital.example/r4",
    "look-alike letter": "https://fhir.hospit\u0430l.example/r4",
    "soft hyphen": "https://fhir.hospital\u00ad.example/r4",
    "localhost": "https://localhost/r4",
    "below localhost": "https://fhir.localhost/r4",
    "plain http": "http://fhir.hospital.example/r4",
    "http to this machine": "http://127.0.0.1/r4",
    "file": "file:///etc/passwd",
    "gopher": "gopher://fhir.hospital.example/_r4",
    "ftp": "ftp://fhir.hospital.example/r4",
    "data": "data:application/json,{}",
    "unix socket": "http+unix://%2fvar%2frun%2fdocker.sock/r4",
    "jar": "jar:https://fhir.hospital.example/r4!/",
    "protocol-relative": "//fhir.hospital.example/r4",
    "no scheme": "fhir.hospital.example/r4",
    "one slash": "https:/fhir.hospital.example/r4",
    "three slashes": "https:///fhir.hospital.example/r4",
    "no host": "https://",
    "port only": "https://:443/r4",
    "empty": "",
    "another port": "https://fhir.hospital.example:8443/r4",
    "port zero": "https://fhir.hospital.example:0/r4",
    "port too large": "https://fhir.hospital.example:65536/r4",
    "port with a leading zero": "https://fhir.hospital.example:0443/r4",
    "port with a sign": "https://fhir.hospital.example:+443/r4",
    "no port after a colon": "https://fhir.hospital.example:/r4",
    "two ports": "https://fhir.hospital.example:443:80/r4",
    "CRLF": "https://fhir.hospital.example/r4\r\nHost: evil.example",
    "CRLF in the host": "https://fhir.hospital.example\r\n.evil.example/r4",
    "encoded CRLF in the path": "https://fhir.hospital.example/r4%0d%0aHost:evil",
    "null": "https://fhir.hospital.example\0.evil.example/r4",
    "tab": "https://fhir.hospital\t.example/r4",
    "leading blank": " https://fhir.hospital.example/r4",
    "trailing line end": "https://fhir.hospital.example/r4\n",
    "blank in the path": "https://fhir.hospital.example/r4 /x",
    "dots": "https://fhir.hospital.example/r4/../admin",
    "encoded dots": "https://fhir.hospital.example/r4/%2e%2e/admin",
    "half-encoded dots": "https://fhir.hospital.example/r4/.%2E/admin",
    "twice encoded dots": "https://fhir.hospital.example/r4/%252e%252e/admin",
    "encoded slash": "https://fhir.hospital.example/r4/..%2fadmin",
    "encoded backslash": "https://fhir.hospital.example/r4/..%5cadmin",
    "dots with a parameter": "https://fhir.hospital.example/r4/..;x=1/admin",
    "two slashes first": "https://fhir.hospital.example//evil.example/r4",
    "long": "https://fhir.hospital.example/r4/" + "a" * 10_000,
    "ours as a subdomain": "https://fhir.hospital.example.evil.example/r4",
    "ours as a suffix": "https://evil-fhir.hospital.example/r4",
    "another host": "https://evil.example/r4",
    "parent path": "https://fhir.hospital.example/",
    "sibling path": "https://fhir.hospital.example/r4-admin",
    "path in other case": "https://fhir.hospital.example/R4",
}
# Well-formed addresses of strangers: no FHIR server of ours, but their key sets are another list's business.
STRANGERS = {
    "another port",
    "ours as a subdomain",
    "ours as a suffix",
    "another host",
    "parent path",
    "sibling path",
    "path in other case",
}


@dataclass
class Wire:
    """What would have gone out: names looked up and connections tried; every name has these addresses."""

    addresses: list[list[str]] = field(default_factory=lambda: [[PUBLIC]])
    looked_up: list[str] = field(default_factory=list)
    connected: list[tuple[str, int]] = field(default_factory=list)

    def getaddrinfo(self, host: str, port: object, **_: Any) -> list[tuple[Any, ...]]:
        """Answer with the next set of addresses, and from then on with the last."""
        self.looked_up.append(host)
        found = self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in found]

    def create_connection(self, address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        """Refuse the connection, as if nobody listened."""
        self.connected.append(address)
        raise ConnectionRefusedError


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch) -> Wire:
    """The network, watched."""
    watched = Wire()
    monkeypatch.setattr(urllib3.util.connection, "create_connection", watched.create_connection)
    return watched


def transport(wire: Wire, network: Network | None = None, base: str = BASE) -> FhirTransport:
    """Return the transport of a client with one base."""
    client = ClientProfile("strict", network=network or Network(), fhir=FhirAccess(bases=(base,)))
    http = HttpClient(2, resolver=wire.getaddrinfo)
    return FhirTransport(http, client, Breakers(), Destinations.of(client).check_base(base))


def refusal(wire: Wire, url: str, network: Network | None = None, base: str = BASE) -> str:
    """Return why a request with a token was not answered."""
    with pytest.raises(TransportError) as caught:
        transport(wire, network, base).send(FhirRequest(url, token="secret"), 1.0)
    return caught.value.reason


def fetch(wire: Wire, url: str, network: Network | None = None) -> str:
    """Return why a key set was not fetched."""
    with pytest.raises(TransportError) as caught:
        HttpClient(2, resolver=wire.getaddrinfo).get(
            url,
            network or Network(),
            seconds=1.0,
            connect_seconds=1.0,
            read_seconds=1.0,
            max_bytes=1000,
            accept="application/json",
        )
    return caught.value.reason


@pytest.mark.parametrize("url", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_server_is_not_a_base(url: str) -> None:
    """A `fhirServer` that is not exactly one of the profile's is refused before anything is looked up."""
    with pytest.raises(EgressError):
        Destinations([BASE], Network()).check_base(url)


@pytest.mark.parametrize("url", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_link_is_not_followed(url: str, wire: Wire) -> None:
    """A `next` link to elsewhere costs no look-up and no connection, and the token stays here."""
    assert refusal(wire, url) == "refused"
    assert not wire.looked_up
    assert not wire.connected


@pytest.mark.parametrize("name", sorted(HOSTILE.keys() - STRANGERS))
def test_hostile_key_set_is_not_fetched(name: str, wire: Wire) -> None:
    """A `jku` that can be read in two ways, or that leads inside, is not fetched."""
    assert fetch(wire, HOSTILE[name]) == "refused"
    assert not wire.looked_up
    assert not wire.connected


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "168.63.129.16",
        "100.100.100.200",
        "0.0.0.0",
        "::1",
        "::ffff:10.0.0.1",
        "fd00:ec2::254",
        "fe80::1%3",
        "64:ff9b::a00:1",
        "2002:a00:1::1",
    ],
)
def test_name_of_an_inner_address_is_not_connected_to(address: str, wire: Wire) -> None:
    """The right name is not enough: what it resolves to decides."""
    wire.addresses = [[address]]
    assert refusal(wire, f"{BASE}/Condition") == "refused"
    assert fetch(wire, "https://keys.hospital.example/jwks") == "refused"
    assert not wire.connected


@pytest.mark.parametrize("addresses", [[PUBLIC, "127.0.0.1"], ["10.0.0.1", PUBLIC]])
def test_one_inner_address_among_several_refuses_all(addresses: list[str], wire: Wire) -> None:
    """A name with an outer and an inner address is not tried until the inner one comes up."""
    wire.addresses = [addresses]
    assert refusal(wire, f"{BASE}/Condition") == "refused"
    assert not wire.connected


def test_rebinding_does_not_move_a_connection(wire: Wire) -> None:
    """The connection goes to the address that was checked; when the name moves inside, it is refused."""
    wire.addresses = [[PUBLIC], ["127.0.0.1"]]
    sender = transport(wire)
    for expected in ("connection", "refused"):
        with pytest.raises(TransportError) as caught:
            sender.send(FhirRequest(f"{BASE}/Condition"), 1.0)
        assert caught.value.reason == expected
    assert wire.connected == [(PUBLIC, 443)]
    assert wire.looked_up == ["fhir.hospital.example"] * 2


def test_listed_range_opens_no_metadata_and_no_loopback(wire: Wire) -> None:
    """A hospital that lists all of its link-local space still cannot be made to read a machine's credentials."""
    network = Network(private=(ip_network("169.254.0.0/16"), ip_network("127.0.0.0/8"), ip_network("fd00::/8")))
    for address in ("169.254.169.254", "127.0.0.1", "fd00:ec2::254"):
        wire.addresses = [[address]]
        assert refusal(wire, f"{BASE}/Condition", network) == "refused"
    assert not wire.connected


@pytest.mark.parametrize(
    ("network", "base", "address"),
    [
        (Network(), BASE, PUBLIC),
        (Network(), BASE, "2606:2800:220:1:248:1893:25c8:1946"),
        (Network(private=(ip_network("10.20.0.0/16"),)), BASE, "10.20.3.4"),
        (Network(private=(ip_network("10.20.0.0/16"),)), BASE, "::ffff:10.20.3.4"),
        (Network(private=(ip_network("fd12::/16"),)), BASE, "fd12::8"),
        (Network(private=(ip_network("169.254.169.254/32"),)), BASE, "169.254.169.254"),
        (Network(loopback=True), BASE, "127.0.0.1"),
        (Network(loopback=True), "http://localhost:9/r4", "127.0.0.1"),
    ],
)
def test_allowed_address_is_connected_to(network: Network, base: str, address: str, wire: Wire) -> None:
    """What a profile allows is tried, at exactly the address that the name had."""
    wire.addresses = [[address]]
    assert refusal(wire, f"{base}/Condition?code=http://snomed.info/sct|279039007", network, base) == "connection"
    assert wire.connected == [(address.removeprefix("::ffff:"), 9 if ":9/" in base else 443)]


@pytest.mark.parametrize(
    "text", [BASE, f"{BASE}/", "HTTPS://FHIR.Hospital.Example/r4", "https://fhir.hospital.example:443/r4"]
)
def test_same_base_in_other_words_is_taken(text: str) -> None:
    """Case of the host, the default port and one slash at the end make no difference."""
    assert Destinations([BASE], Network()).check_base(text).url == BASE


@pytest.mark.parametrize("rest", ["", "/", "?_getpages=1", "/Condition?a=b%2Fc&d=../e", "/Patient/1/_history/2"])
def test_page_below_the_base_is_taken(rest: str) -> None:
    """Next links are written in many ways, all of them below the base."""
    ours = Destinations([BASE], Network())
    assert ours.check_below(ours.check_base(BASE), BASE + rest).url == BASE + rest


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://127.0.0.1:{other}/stolen",
        "//127.0.0.1:{other}/stolen",
        "/elsewhere",
        "http://[",
    ],
)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_an_answer(status: int, location: str) -> None:
    """A redirect is returned as its status; where it points to hears nothing, least of all the token."""
    network = Network(loopback=True)

    with serving() as other:
        headers = {"Location": location.format(other=other.port)}
        with serving(lambda _: Reply(status, b"x" * 100, headers)) as server:
            base = f"http://127.0.0.1:{server.port}/r4"
            client = ClientProfile("development", network=network, fhir=FhirAccess(any_loopback=True))
            http = HttpClient(2)
            sender = FhirTransport(http, client, Breakers(), Destinations.of(client).check_base(base))
            assert sender.send(FhirRequest(f"{base}/Condition", token="secret"), 5.0).status == status
            http.close()
        assert len(server.received) == 1
        assert not other.received
