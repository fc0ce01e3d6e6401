"""Reading a URL: one reading, or a reason."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from cds_service.clients.profile import ClientProfile, FhirAccess
from cds_service.egress.addresses import Address, EgressError, read_address
from cds_service.egress.destinations import Destinations
from cds_service.egress.network import Network

HERE = Network(loopback=True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("ftp://fhir.example/r4", "scheme"),
        ("http://fhir.example/r4", "scheme"),
        ("fhir.example/r4", "syntax"),
        ("https://fhir.example/r 4", "syntax"),
        ("https://fhir.example\\r4", "syntax"),
        ("https://" + "a" * 10_000, "too-long"),
        ("https://a@fhir.example/r4", "user-info"),
        ("https://fhir.example/r4#x", "fragment"),
        ("https://fhir.example./r4", "host"),
        ("https://127.1/r4", "host"),
        ("https://[::1/r4", "host"),
        ("https://[12345::]/r4", "host"),
        ("https://" + "a" * 64 + ".example/r4", "host"),
        ("https://" + ".".join(["abcdefg"] * 40), "host"),
        ("https://fhir.example:99999/r4", "port"),
        ("https://fhir.example:x/r4", "port"),
        ("https://fhir.example/r4/../x", "path"),
        ("https://fhir.example/r4/%zz", "path"),
        ("https://10.0.0.1/r4", "private-address"),
        ("https://localhost/r4", "this-machine"),
        ("https://127.0.0.1/r4", "this-machine"),
        ("https://[::1]/r4", "this-machine"),
    ],
)
def test_refusal_says_why_in_a_word(text: str, reason: str) -> None:
    """The one who configures a client is told what is wrong without the address being repeated."""
    with pytest.raises(EgressError) as caught:
        read_address(text, Network())
    assert str(caught.value) == caught.value.reason == reason


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://FHIR.example", Address("https", "fhir.example", 443)),
        ("https://fhir.example:443/r4/", Address("https", "fhir.example", 443, "/r4/")),
        ("https://xn--bcher-kva.example/r4", Address("https", "xn--bcher-kva.example", 443, "/r4")),
        ("https://fhir_1.example:8443/a%20b?c=d|e", Address("https", "fhir_1.example", 8443, "/a%20b", "c=d|e")),
        ("https://8.8.8.8/r4", Address("https", "8.8.8.8", 443, "/r4")),
        ("https://[2606:2800:0220:0001::1]/r4", Address("https", "2606:2800:220:1::1", 443, "/r4")),
        ("https://[::ffff:8.8.8.8]/r4", Address("https", "8.8.8.8", 443, "/r4")),
        ("http://127.0.0.1:8080/r4", Address("http", "127.0.0.1", 8080, "/r4")),
        ("http://[::1]:80", Address("http", "::1", 80)),
        ("HTTP://localhost/r4", Address("http", "localhost", 80, "/r4")),
    ],
)  # fmt: skip
def test_address_is_read(text: str, address: Address) -> None:
    """Hosts are compared in lower case and in the usual form of numbers, ports with their default."""
    assert read_address(text, HERE) == address
    assert read_address(address.url, HERE) == address


def test_address_shows_nothing() -> None:
    """An address in a log line or a traceback is one with a patient id in it."""
    assert "fhir" not in repr(read_address("https://fhir.example/r4?patient=1", HERE))


def test_listed_private_address_is_read() -> None:
    """Hospitals name servers by number, too."""
    network = Network(private=(ip_network("10.1.0.0/16"),))
    assert read_address("https://10.1.2.3/r4", network).host == "10.1.2.3"
    with pytest.raises(EgressError):
        read_address("http://10.1.2.3/r4", network)


def test_two_bases_are_two_places() -> None:
    """What lies below one base of a client is not below another."""
    ours = Destinations(["https://a.example/r4", "https://b.example/r4"], Network())
    base = ours.check_base("https://a.example/r4")
    with pytest.raises(EgressError, match="elsewhere"):
        ours.check_below(base, "https://b.example/r4/Condition")
    with pytest.raises(EgressError, match="not-listed"):
        ours.check_base("https://c.example/r4")


def test_base_may_be_a_bare_host() -> None:
    """A server without a path has everything below it."""
    ours = Destinations(["https://a.example"], Network())
    base = ours.check_base("https://a.example/")
    for rest in ("?_getpages=1", "/Condition?patient=1"):
        assert ours.check_below(base, f"https://a.example{rest}").origin == base.origin


def test_base_has_no_query() -> None:
    """A base with a query would take everything after it as part of the query."""
    with pytest.raises(EgressError, match="query"):
        Destinations(["https://a.example/r4"], Network()).check_base("https://a.example/r4?")


@pytest.mark.parametrize("base", ["http://127.0.0.1:9/x", "https://localhost:9", "http://[::1]/fhir"])
def test_development_takes_every_base_on_this_machine(base: str) -> None:
    """In development a FHIR server may come up on any port."""
    client = ClientProfile("development", network=HERE, fhir=FhirAccess(any_loopback=True))
    assert Destinations.of(client).check_base(base).url == base


@pytest.mark.parametrize("base", ["https://fhir.example/r4", "https://10.0.0.1/r4", "http://127.0.0.1.nip.example/r4"])
def test_development_takes_no_other_base(base: str) -> None:
    """What is not this machine by itself must be listed, in development too."""
    with pytest.raises(EgressError):
        Destinations([], HERE, any_loopback=True).check_base(base)


def test_any_loopback_needs_a_network_that_allows_it() -> None:
    """One switch alone does not open this machine."""
    with pytest.raises(EgressError, match="this-machine"):
        Destinations([], Network(), any_loopback=True).check_base("https://127.0.0.1/r4")


def test_base_that_can_never_be_fetched_from_is_found_at_start() -> None:
    """A profile with a base that no call could use is a mistake to report, not to meet later."""
    with pytest.raises(EgressError):
        Destinations(["https://10.0.0.1/r4"], Network())
