"""The public address through whatever stands before the service, and pages that call from a browser."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cds_service.cli.connection.browser import browser_checks
from cds_service.cli.connection.check import Check, Status
from cds_service.cli.connection.our_service import OurService
from cds_service.cli.connection.public_address import public_checks
from cds_service.clients.profile import ClientProfile
from cds_service.protocol.discovery import SERVICES
from tests.loopback_server import Received, Reply, serving
from tests.protocol.builders import HookClient, make_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

PAGE = "http://localhost:3000"


@pytest.fixture(scope="module")
def app() -> Flask:
    """A service that lets local pages call."""
    return make_app()


def proxy(app: Flask, path: Callable[[str], str]) -> Callable[[Received], Reply]:
    """Return a reverse proxy that turns the path of a request into that of the service."""

    def answer(request: Received) -> Reply:
        headers = {name: value for name, value in request.headers.items() if name != "content-length"}
        reply = HookClient(app).flask.open(
            path(request.path), method=request.method, data=request.body, headers=headers
        )
        return Reply(reply.status_code, reply.data, {name: value for name, value in reply.headers if name != "Server"})

    return answer


def checked(answer: Callable[[Received], Reply], below: str = "") -> list[Check]:
    """Return the checks of a public address with a path."""
    with serving(answer) as server, OurService() as service:
        return list(public_checks(f"http://127.0.0.1:{server.port}{below}", service))


def test_right_proxy_passes(app: Flask) -> None:
    """Where the path is taken off, discovery and a hook are reached."""
    found = checked(proxy(app, lambda path: path.removeprefix("/lumbar")), "/lumbar")
    assert [(check.id, check.status) for check in found] == [
        ("public.discovery", Status.PASS),
        ("public.hook", Status.PASS),
    ]


def test_path_that_is_not_passed_on_is_told(app: Flask) -> None:
    """Where the service answers without the path of the public address, the remedy says where."""
    discovery, hook = checked(proxy(app, lambda path: path), "/lumbar")
    assert (discovery.status, hook.status) == (Status.FAIL, Status.SKIPPED)
    assert "answers at http://127.0.0.1" in discovery.remedy
    assert "LUMBAR_CDS_PUBLIC_URL" in discovery.remedy


def test_redirect_is_told_without_its_query() -> None:
    """A redirect fails, since clients do not post to where it leads; what follows a question mark is not shown."""
    moved = Reply(301, b"", {"Location": "https://other.example/login?session=secret"})
    discovery, _ = checked(lambda _: moved)
    assert discovery.status is Status.FAIL
    assert "a redirect to https://other.example/login" in discovery.says
    assert "secret" not in f"{discovery.says}{discovery.remedy}"


def test_another_service_is_told() -> None:
    """A discovery document without our services is somebody else's; a page is no discovery."""
    others = json.dumps({"services": [{"id": "other"}]}).encode()
    assert "services of ours are lacking" in checked(lambda _: Reply(body=others))[0].says
    assert "no discovery document" in checked(lambda _: Reply(body=b"<html>"))[0].says


def test_proxy_that_takes_no_post_is_told() -> None:
    """Discovery may be there and hooks not: a firewall that answers a POST itself is no answer of ours."""
    document = json.dumps({"services": [{"id": service.id} for service in SERVICES]}).encode()

    def answer(request: Received) -> Reply:
        return Reply(body=document) if request.method == "GET" else Reply(403, b"<html>blocked")

    discovery, hook = checked(answer)
    assert (discovery.status, hook.status) == (Status.PASS, Status.FAIL)
    assert "POST" in hook.remedy


def test_pages_are_tried_as_a_browser_does(app: Flask) -> None:
    """A listed page passes all three checks; another fails each, with the place where to list it."""
    client = ClientProfile("general", origins=("loopback",))
    with serving(proxy(app, lambda path: path)) as server, OurService() as service:
        found = list(browser_checks(client, [PAGE, "https://x.example"], f"http://127.0.0.1:{server.port}", service))
    assert [check.id for check in found] == ["cors.listed", "cors.discovery", "cors.hook"] * 2
    assert [check.status for check in found] == [Status.PASS] * 3 + [Status.FAIL] * 3
    assert "clients.general.origins" in found[3].remedy


def test_no_page_is_skipped() -> None:
    """Without an origin nothing is tried, and nothing fails."""
    with OurService() as service:
        (check,) = browser_checks(ClientProfile("general"), (), "http://127.0.0.1:9", service)
    assert check.status is Status.SKIPPED
