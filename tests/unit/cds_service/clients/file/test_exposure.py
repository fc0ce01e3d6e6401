"""Where a service may listen that does not ask who calls, and which web pages may call it."""

from __future__ import annotations

import pytest

from cds_service.clients.cors_origins import allows_origin, client_of_origin, cors_origins
from cds_service.clients.file.exposure import authentication_state, exposure_problem
from cds_service.clients.file.ready_made import default_clients
from cds_service.clients.profile import Authentication, ClientProfile, Issuer

OPEN = ClientProfile("open")
SIGNED = ClientProfile("signed", authentication=Authentication.CDS_HOOKS_JWT)

LOOPBACK = [
    "127.0.0.1",
    "127.8.9.1",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "::1",
    "[::1]",
    "::ffff:127.0.0.1",
    "::1%lo",
]
ELSEWHERE = [
    *("0.0.0.0", "::", "", "[::]", "10.0.0.1", "192.168.1.1", "fe80::1", "::ffff:10.0.0.1", "128.0.0.1"),
    *("cds.example.org", "localhost.example.org", "127.0.0.1.example.org", "127.1", "2130706433", "0x7f000001", "0"),
]


@pytest.mark.parametrize("host", LOOPBACK)
def test_loopback_needs_no_authentication(host: str) -> None:
    """On this machine a service without authentication may listen."""
    assert exposure_problem(host, [OPEN, SIGNED], insecure=False) is None


@pytest.mark.parametrize("host", ELSEWHERE)
def test_other_addresses_need_authentication(host: str) -> None:
    """Everywhere else one open client is one too many, unless somebody insists."""
    problem = exposure_problem(host, [SIGNED, OPEN], insecure=False)
    assert problem
    assert "as open," in problem
    assert "LUMBAR_CDS_INSECURE" in problem
    assert exposure_problem(host, [SIGNED, OPEN], insecure=True) is None
    assert exposure_problem(host, [SIGNED], insecure=False) is None


@pytest.mark.parametrize("development", [True, False])
def test_service_without_a_clients_file_is_for_this_machine(development: bool) -> None:
    """Nobody becomes reachable by forgetting to write a clients file."""
    assert exposure_problem("0.0.0.0", default_clients(development=development), insecure=False)


def test_sandbox_tokens_are_no_proof() -> None:
    """Checking tokens that anybody can sign does not open the service to other machines."""
    issuer = Issuer("https://sandbox.cds-hooks.org", "https://sandbox.cds-hooks.org/.well-known/jwks.json")
    sandbox = ClientProfile("sandbox", authentication=Authentication.CDS_HOOKS_JWT, issuers=(issuer,))
    problem = exposure_problem("0.0.0.0", [sandbox, SIGNED], insecure=False)
    assert problem
    assert "as sandbox," in problem
    assert authentication_state([sandbox, SIGNED], insecure=True).startswith("INSECURE: callers as sandbox")


def test_state_is_said() -> None:
    """The sentence for log and pages says who is not authenticated, and shouts when that is insecure."""
    assert authentication_state([SIGNED], insecure=True) == "every caller is authenticated (cds-hooks-jwt)"
    assert authentication_state([OPEN], insecure=False).startswith("nobody is authenticated; ")
    assert authentication_state([OPEN, SIGNED], insecure=False).startswith("callers as open are not authenticated; ")
    assert authentication_state([OPEN], insecure=True).startswith("INSECURE: nobody is authenticated")
    assert authentication_state([OPEN, SIGNED], insecure=True).startswith("INSECURE: callers as open are not")
    assert authentication_state([], insecure=False) == "nobody may call: no client is known"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://ehr.example", True),
        ("http://localhost:3000", True),
        ("http://localhost", True),
        ("https://127.0.0.1:8443", True),
        ("http://[::1]:1", True),
        ("https://ehr.example.org", False),
        ("http://ehr.example", False),
        ("https://[2001:db8::1]", True),
        ("https://2", False),
        ("https://ehr.example:8443", False),
        ("http://localhost.example.org", False),
        ("http://localhost:3000/", False),
        ("http://localhost:3000\n", False),
        ("http://evil.example/http://localhost:3000", False),
        ("loopback", False),
        ("null", False),
        ("", False),
    ],
)
def test_origin_is_compared_whole(origin: str, allowed: bool) -> None:
    """A page may call when its whole origin is listed, or is this machine's where that is allowed."""
    client = ClientProfile("a", origins=("https://ehr.example", "https://[2001:db8::1]", "loopback"))
    assert allows_origin(client, origin) is (allowed or (origin == "loopback" and allowed))
    listed = cors_origins([client])
    assert any(origin == entry if isinstance(entry, str) else bool(entry.match(origin)) for entry in listed) is allowed
    assert not allows_origin(ClientProfile("b"), origin)


def test_origins_of_all_clients_are_listed_once() -> None:
    """CORS is configured for the pages of all clients together."""
    clients = [ClientProfile("a", origins=("https://x.example",)), ClientProfile("b", origins=("https://x.example",))]
    assert cors_origins(clients) == ["https://x.example"]
    assert cors_origins([ClientProfile("c")]) == []


def test_page_belongs_to_the_client_that_lists_it() -> None:
    """A client with an origin of its own goes before one that takes any page of this machine."""
    local, own = ClientProfile("local", origins=("loopback",)), ClientProfile("own", origins=("http://localhost:8081",))
    assert client_of_origin([local, own], "http://localhost:8081") is own
    assert client_of_origin([local, own], "http://localhost:8082") is local
    assert client_of_origin([local, own], "https://ehr.example") is None
    assert client_of_origin([local, own], "") is None
    assert client_of_origin([local, own], "loopback") is None
