"""Clients that are pages in a browser: the preflight, the headers on answers, and the absence of both elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.ehr import PUBLIC_URL, Ehr, clients_file, hook
from tests.protocol.builders import SIGN, HookClient, feedback_entry, hook_request, make_app

if TYPE_CHECKING:
    from collections.abc import Mapping

ALLOWED = "https://ehr.example"
FOREIGN = "https://else.example"
EHR = Ehr(ALLOWED, "ehr")
PREFLIGHT = {
    "Origin": ALLOWED,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type",
}
PATHS = ["/cds-services", hook(SIGN), f"{hook(SIGN)}/feedback", f"/cds-services//{SIGN}", f"{hook(SIGN)}/"]


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> HookClient:
    """A client of a service whose only caller signs its calls, from a page."""
    folder = tmp_path_factory.mktemp("cors")
    own = {"issuers": [{"iss": EHR.iss, "keys": [EHR.jwk]}], "origins": [ALLOWED]}
    file = clients_file(folder, {"ehr": own})
    return HookClient(make_app(clients_file=file, public_url=PUBLIC_URL, data_dir=folder / "data", workers=1))


@pytest.fixture(scope="module")
def unsigned(tmp_path_factory: pytest.TempPathFactory) -> HookClient:
    """A client of a service that asks for no proof."""
    folder = tmp_path_factory.mktemp("cors")
    own = {"authentication": "none", "origins": [ALLOWED, "loopback"]}
    return HookClient(make_app(clients_file=clients_file(folder, {"page": own}), data_dir=folder / "data"))


def listed(headers: Mapping[str, str], name: str) -> set[str]:
    """Return the words of a header."""
    return {word.strip().lower() for word in headers.get(name, "").split(",")} - {""}


def test_no_credentials_are_asked_for(signed: HookClient) -> None:
    """Cookies are never wanted: a token is put into each call by hand."""
    reply = signed.open(hook(SIGN), "OPTIONS", headers=PREFLIGHT)
    assert "Access-Control-Allow-Credentials" not in reply.headers


@pytest.mark.parametrize("path", PATHS)
def test_preflight_needs_no_proof(signed: HookClient, path: str) -> None:
    """A browser asks without a token whether it may call; it is told so, for as long as it likes to remember."""
    reply = signed.open(path, "OPTIONS", headers=PREFLIGHT)
    assert reply.status in (200, 204)
    assert reply.headers["Access-Control-Allow-Origin"] == ALLOWED
    assert listed(reply.headers, "Access-Control-Allow-Methods") >= {"get", "post", "options"}
    assert listed(reply.headers, "Access-Control-Allow-Headers") == {"authorization", "content-type"}
    assert reply.headers["Access-Control-Max-Age"] == "600"
    assert "origin" in listed(reply.headers, "Vary")


@pytest.mark.parametrize("origin", [FOREIGN, "null", f"{ALLOWED}.else.example", "http://ehr.example", f"{ALLOWED}:444"])
@pytest.mark.parametrize("path", PATHS)
def test_other_pages_may_not_call(signed: HookClient, path: str, origin: str) -> None:
    """Only origins of the clients file are allowed, letter for letter."""
    for method in "OPTIONS", "POST", "GET":
        reply = signed.open(path, method, headers=PREFLIGHT | {"Origin": origin})
        assert "Access-Control-Allow-Origin" not in reply.headers


def test_caches_keep_origins_apart(unsigned: HookClient) -> None:
    """The answer to one origin is not handed to another by whatever stands between."""
    for origin in ALLOWED, FOREIGN, None:
        headers = {"Origin": origin} if origin else {}
        assert "origin" in listed(unsigned.open("/cds-services", headers=headers).headers, "Vary")


@pytest.mark.parametrize("origin", [ALLOWED, "http://localhost:3000", "http://127.0.0.1:8081", "https://[::1]:8443"])
def test_answers_can_be_read(unsigned: HookClient, origin: str) -> None:
    """Discovery, advice and feedback reach the page, and with them the id to ask support about."""
    origins = {"Origin": origin}
    replies = [
        unsigned.open("/cds-services", headers=origins),
        unsigned.call(SIGN, hook_request(SIGN), headers=origins),
        unsigned.report(SIGN, [feedback_entry()], headers=origins),
    ]
    for reply in replies:
        assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (200, origin)
        assert "x-request-id" in listed(reply.headers, "Access-Control-Expose-Headers")


@pytest.mark.parametrize("origin", ["http://localhost.else.example", "http://localhost:1@else.example", "loopback"])
def test_what_looks_like_this_machine_is_not(unsigned: HookClient, origin: str) -> None:
    """An origin is compared whole, not by how it begins."""
    assert "Access-Control-Allow-Origin" not in unsigned.open("/cds-services", headers={"Origin": origin}).headers


ERRORS: dict[str, tuple[str, dict[str, Any], int]] = {
    "no JSON": (hook(SIGN), {"data": b"{"}, 400),
    "no required data": (hook(SIGN), {"json": hook_request(SIGN, prefetch=None)}, 412),
    "another media type": (hook(SIGN), {"data": b"x", "content_type": "text/plain"}, 415),
    "too large": (hook(SIGN), {"data": b" " * (6 * 1024 * 1024)}, 413),
    "no such service": ("/cds-services/else", {"json": {}}, 404),
    "bad feedback": (f"{hook(SIGN)}/feedback", {"json": {}}, 400),
}


@pytest.mark.parametrize(("path", "options", "status"), ERRORS.values(), ids=ERRORS.keys())
def test_errors_can_be_read(unsigned: HookClient, path: str, options: dict[str, Any], status: int) -> None:
    """A page that gets an error can show it, and not just that something failed."""
    reply = unsigned.open(path, "POST", headers={"Origin": ALLOWED}, **({"content_type": "application/json"} | options))
    assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (status, ALLOWED)
    assert "origin" in listed(reply.headers, "Vary")


@pytest.mark.parametrize("path", [hook(SIGN), f"{hook(SIGN)}/feedback"])
def test_refusal_can_be_read(signed: HookClient, path: str) -> None:
    """A page whose token does not hold sees the 401."""
    reply = signed.open(path, "POST", json={}, headers={"Origin": ALLOWED})
    assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (401, ALLOWED)


def test_crash_can_be_read(unsigned: HookClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page sees a 500 as one."""
    monkeypatch.setattr("cds_service.hooks.adviser.assess", None)
    reply = unsigned.call(SIGN, hook_request(SIGN), headers={"Origin": ALLOWED})
    assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (500, ALLOWED)


@pytest.mark.parametrize(
    "path", ["/", "/criteria", "/docs", "/openapi.json", "/metrics", "/livez", "/readyz", "/fhir/ValueSet"]
)
def test_nothing_else_is_for_other_pages(unsigned: HookClient, path: str) -> None:
    """Pages, metrics and health are not read by scripts of other origins."""
    for method in "GET", "OPTIONS":
        headers = unsigned.flask.open(path, method=method, headers=PREFLIGHT).headers
        assert not [name for name, _ in headers if name.startswith("Access-Control")]
