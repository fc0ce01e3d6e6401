"""Clients that prove who they are, each in its own way, and those that do not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.ehr import PUBLIC_URL, Ehr, clients_file, hook
from tests.loopback_server import Received, Reply, serving
from tests.protocol.builders import SELECT, SERVICES, SIGN, HookClient, feedback_entry, hook_request, make_app
from tests.unit.cds_service.observability.test_metrics import value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.log_lines import LogLines
    from tests.loopback_server import LoopbackServer

INLINE = Ehr("https://ehr.example", "inline")
FETCHED = Ehr("https://clinic.example", "fetched", kind="RSA-2048", algorithm="RS384")
BEARER = Ehr("https://login.example", "bearer")
STRANGER = Ehr("https://stranger.example", "inline")
THIEF = Ehr("https://thief.example", "inline")
SUBJECT = "CN=ehr.mutual.example"
CERTIFIED = {"X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-Subject-DN": SUBJECT}


@dataclass(frozen=True)
class Service:
    """A service that four clients are connected to, and the server on which one of them publishes its keys."""

    client: HookClient
    keys: LoopbackServer


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with a client for each way of proving who calls."""
    folder = tmp_path_factory.mktemp("connection")

    def key_set(_: Received) -> Reply:
        return Reply(body=json.dumps({"keys": [FETCHED.jwk]}).encode(), headers={"Content-Type": "application/json"})

    with serving(key_set) as keys:
        clients: dict[str, dict[str, Any]] = {
            "general": {
                "issuers": [{"iss": INLINE.iss, "keys": [INLINE.jwk], "tenants": ["north", "south"]}],
                "origins": ["https://ehr.example"],
            },
            "general-west": {"issuers": [{"iss": INLINE.iss, "keys": [INLINE.jwk], "tenants": ["west"]}]},
            "clinic": {
                "extends": "development",
                "authentication": "cds-hooks-jwt",
                "issuers": [{"iss": FETCHED.iss, "jku": f"http://127.0.0.1:{keys.port}/jwks.json"}],
            },
            "portal": {
                "authentication": "oauth-bearer",
                "issuers": [
                    {"iss": BEARER.iss, "keys": [BEARER.jwk], "audiences": ["lumbar-cds"], "scopes": ["cds/call"]}
                ],
            },
            "mutual": {
                "authentication": "mutual-tls",
                "certificates": {"proxies": ["127.0.0.1/32"], "subjects": [SUBJECT]},
            },
        }
        app = make_app(
            clients_file=clients_file(folder, clients), public_url=PUBLIC_URL, data_dir=folder / "data", workers=1
        )
        yield Service(HookClient(app), keys)


def north(endpoint: str, **changes: Any) -> dict[str, str]:
    """Return the header of a sound call of the client `general`."""
    return INLINE.headers(endpoint, **({"tenant": "north"} | changes))


@pytest.mark.parametrize("name", SERVICES)
def test_signed_call_is_answered(service: Service, log: LogLines, name: str) -> None:
    """A call with a sound token gets advice, and the log says which issuer, tenant and token it was."""
    reply = service.client.call(name, hook_request(name), headers=north(hook(name)))
    assert reply.cards
    line = log.of(reply.headers["X-Request-ID"])
    assert (line["client"], line["issuer"], line["tenant"]) == ("general", INLINE.iss, "north")
    assert line["token_id"].startswith("inline-")


def test_tenants_of_one_issuer_are_different_clients(service: Service, log: LogLines) -> None:
    """An EHR that hosts several organizations signs for all of them; the tenant says whose profile counts."""
    headers = INLINE.headers(hook(SIGN), tenant="west")
    reply = service.client.call(SIGN, hook_request(SIGN), headers=headers)
    assert log.of(reply.headers["X-Request-ID"])["client"] == "general-west"


def test_published_keys_are_fetched_once(service: Service) -> None:
    """Keys come from the registered address, and the next call does not ask for them again."""
    header = {"jku": f"http://127.0.0.1:{service.keys.port}/jwks.json"}
    for given in ({}, header, header):
        headers = FETCHED.headers(hook(SIGN), given)
        assert service.client.call(SIGN, hook_request(SIGN), headers=headers).status == 200
    assert [request.path for request in service.keys.received] == ["/jwks.json"]
    assert "authorization" not in service.keys.received[0].headers


@pytest.mark.parametrize("end", ["", "/feedback", "/feedback/"])
def test_feedback_may_be_addressed_to_its_service(service: Service, end: str) -> None:
    """Clients sign feedback for its own address, or for that of the service; both are taken."""
    reply = service.client.report(SIGN, [feedback_entry()], headers=north(hook(SIGN) + end))
    assert (reply.status, reply.json) == (200, {})


def test_hook_call_may_not_be_addressed_to_feedback(service: Service) -> None:
    """A token for reporting is not one for asking about patients."""
    reply = service.client.call(SIGN, hook_request(SIGN), headers=north(f"{hook(SIGN)}/feedback"))
    assert reply.status == 401


@pytest.mark.parametrize(
    "aud", [[f"{PUBLIC_URL}/cds-services//{SIGN}", "https://else.example"], f"{PUBLIC_URL}{hook(SIGN)}/"]
)
def test_address_is_compared_tolerantly(service: Service, aud: Any) -> None:
    """A list, a slash at the end and a double slash, as clients put addresses together, are no reason to refuse."""
    assert service.client.call(SIGN, hook_request(SIGN), headers=north("", aud=aud)).status == 200


def test_access_token_is_accepted(service: Service, log: LogLines) -> None:
    """A client that uses OAuth shows its access token, again and again."""
    headers = BEARER.headers("", aud="lumbar-cds", sub="portal", client_id="portal", scope="cds/call openid")
    for _ in range(2):
        reply = service.client.call(SIGN, hook_request(SIGN), headers=headers)
        assert log.of(reply.headers["X-Request-ID"])["client"] == "portal"


def test_certificate_is_accepted_from_the_proxy_only(service: Service, log: LogLines) -> None:
    """What the proxy says of a certificate counts; the same words from elsewhere are nothing."""
    reply = service.client.call(SIGN, hook_request(SIGN), headers=CERTIFIED)
    assert log.of(reply.headers["X-Request-ID"])["client"] == "mutual"
    elsewhere = {"environ_base": {"REMOTE_ADDR": "192.0.2.7"}}
    refused = service.client.call(SIGN, hook_request(SIGN), headers=CERTIFIED, **elsewhere)
    assert (refused.status, log.of(refused.headers["X-Request-ID"])["refusal"]) == (401, "proxy")
    forged = CERTIFIED | {"X-Forwarded-For": "127.0.0.1"}
    assert service.client.call(SIGN, hook_request(SIGN), headers=forged, **elsewhere).status == 401


REFUSED: dict[str, tuple[dict[str, str], str]] = {
    "nothing": ({}, "no-credentials"),
    "another scheme": ({"Authorization": "Basic Zm9vOmJhcg=="}, "scheme"),
    "no token": ({"Authorization": "Bearer zebulon"}, "malformed"),
    "unknown issuer": (STRANGER.headers(hook(SIGN), tenant="north"), "issuer"),
    "another's key": (THIEF.headers(hook(SIGN), iss=INLINE.iss, tenant="north"), "signature"),
    "unknown key": (INLINE.headers(hook(SIGN), {"kid": "other"}, tenant="north"), "key-unknown"),
    "another place of keys": (FETCHED.headers(hook(SIGN), {"jku": "https://a.example"}), "jku"),
    "another algorithm": (FETCHED.headers(hook(SIGN), {"kid": "inline"}, iss=INLINE.iss), "key-unfit"),
    "another service": (north(hook(SELECT)), "audience"),
    "another host": (north("", aud="https://else.example/cds-services"), "audience"),
    "expired": (north(hook(SIGN), iat=INLINE.now - 900, exp=INLINE.now - 600), "expired"),
    "from the future": (north(hook(SIGN), iat=INLINE.now + 600, exp=INLINE.now + 900), "not-yet"),
    "too long a life": (north(hook(SIGN), exp=INLINE.now + 90_000), "lifetime"),
    "no jti": (north(hook(SIGN), jti=None), "claim-missing"),
    "unknown tenant": (north(hook(SIGN), tenant="east"), "tenant"),
    "no scope": (BEARER.headers("", aud="lumbar-cds", scope="openid"), "scope"),
    "refused certificate": (CERTIFIED | {"X-SSL-Client-Verify": "FAILED:expired"}, "certificate"),
    "unknown certificate": (CERTIFIED | {"X-SSL-Client-Subject-DN": "CN=else"}, "certificate"),
}


@pytest.mark.parametrize(("headers", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_refusal_says_nothing(service: Service, log: LogLines, headers: dict[str, str], reason: str) -> None:
    """Whatever the reason, the caller gets the same 401; log and metrics have the reason, under the request id."""
    before = value(service.client, "refusals_total", reason=reason)
    reply = service.client.call(SIGN, hook_request(SIGN), headers=headers)
    assert (reply.status, reply.codes) == (401, ["login"])
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    request_id = reply.headers["X-Request-ID"]
    bare = service.client.report(SIGN, [feedback_entry()])
    assert reply.text.replace(request_id, "") == bare.text.replace(bare.headers["X-Request-ID"], "")
    assert log.of(request_id)["refusal"] == reason
    assert "client" not in log.of(request_id)
    expected = before + (2 if reason == "no-credentials" else 1)
    assert value(service.client, "refusals_total", reason=reason) == expected


def test_token_is_good_for_one_call(service: Service, log: LogLines) -> None:
    """A token that was used is refused, for another address too."""
    headers = north("", aud=[f"{PUBLIC_URL}{hook(name)}" for name in SERVICES])
    assert service.client.call(SIGN, hook_request(SIGN), headers=headers).status == 200
    again = service.client.call(SELECT, hook_request(SELECT), headers=headers)
    assert (again.status, log.of(again.headers["X-Request-ID"])["refusal"]) == (401, "replay")


def test_refusal_comes_before_the_body_is_read(service: Service) -> None:
    """A caller who may not call learns nothing about what is wrong with a body, however broken or large."""
    for body in (b"{", b"x" * (6 * 1024 * 1024)):
        assert service.client.call(SIGN, data=body).status == 401
        assert service.client.report(SIGN, data=body).status == 401
        assert service.client.call(SIGN, data=body, content_type="text/plain").status == 401


@pytest.mark.parametrize("path", ["/cds-services", "/livez", "/readyz", "/", "/criteria"])
def test_what_holds_no_secret_is_open(service: Service, path: str) -> None:
    """Discovery, health and pages need no proof, and a broken one does not matter there."""
    assert service.client.flask.get(path, headers={"Authorization": "Bearer zebulon"}).status_code == 200


def test_address_of_the_request_does_not_matter(service: Service) -> None:
    """The audience is the configured address, whatever a caller writes into Host."""
    spoofed = {"Host": "else.example", "X-Forwarded-Host": "else.example", "X-Forwarded-Proto": "https"}
    headers = north("", aud=f"https://else.example{hook(SIGN)}") | spoofed
    assert service.client.call(SIGN, hook_request(SIGN), headers=headers).status == 401
    assert service.client.call(SIGN, hook_request(SIGN), headers=north(hook(SIGN)) | spoofed).status == 200
