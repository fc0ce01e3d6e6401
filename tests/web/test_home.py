"""The start page, and what every page has around it."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from cds_service.pages.home import HomePage
from cds_service.pages.rendering.renderer import Renderer
from cds_service.pages.rendering.security import CONTENT_SECURITY_POLICY
from cds_service.pages.rendering.service_facts import PageFacts
from tests.protocol.builders import make_app
from tests.web.html import Html

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

PAGES = ("/", "/criteria", "/criteria/codes", "/review", "/scenarios", "/docs")
JSON = {"Accept": "application/json"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


def shown(headers: Any = None, **facts: Any) -> TestResponse:
    """Return the start page of a service of which only these facts are known."""
    usual: dict[str, Any] = {
        "version": "9.8.7",
        "guideline_version": "6.5.4",
        "profile": "production",
        "authentication": "",
    }
    app = Flask("pages", static_folder=None)
    app.register_blueprint(HomePage(Renderer(PageFacts(**(usual | facts)))).blueprint())
    return app.test_client().get("/", headers=headers)


def test_start_page_tells_what_runs() -> None:
    """A visitor sees versions, profile, mode, authentication, clients, and the address to give to an EHR."""
    url = "https://cds.hospital.example/lumbar"
    modes = {"north": "silent", "b": "on"}
    text = Html(shown(public_url=url, modes=lambda: modes, authentication="every caller is known").text).text
    for part in ("9.8.7", "6.5.4", "production", "north: silent", "every caller is known", "b: on"):
        assert part in text
    assert "https://cds.hospital.example/lumbar/cds-services" in text
    for service in ("lumbar-mri-order-select", "lumbar-mri-order-sign"):
        assert service in text


def test_address_of_the_request_is_shown_where_no_other_is_known() -> None:
    """On a workplace the discovery address is the one in the browser's address bar."""
    assert "http://localhost/cds-services" in Html(shown().text).text


def test_same_facts_as_json(app: Flask) -> None:
    """A program that asks for JSON gets the facts of the page."""
    document = app.test_client().get("/", headers=JSON).get_json()
    assert document["discovery"] == "http://localhost/cds-services"
    assert [service["hook"] for service in document["services"]] == ["order-select", "order-sign"]
    assert document["pages"]["criteria"] == "http://localhost/criteria"
    assert not document["insecure"]


@pytest.mark.parametrize(
    "accept", ["*/*", "", "text/html", "text/html,application/json;q=0.9", "application/fhir+json"]
)
def test_page_is_shown_unless_json_is_preferred(app: Flask, accept: str) -> None:
    """A browser, and a client that takes anything, get the page."""
    response = app.test_client().get("/", headers={"Accept": accept})
    assert response.mimetype == "text/html"
    assert "Accept" in response.headers["Vary"]


def test_sandbox_opens_on_this_service() -> None:
    """The link to the public sandbox names the screen that orders imaging and this discovery address."""
    links = Html(shown(public_url="https://cds.example", sandbox_may_call=True).text).links
    link = urlsplit(next(link for link in links if "sandbox" in link))
    assert parse_qs(link.query) == {
        "hook": ["order-select"],
        "screen": ["pama"],
        "serviceDiscoveryURL": ["https://cds.example/cds-services"],
    }


def test_local_network_prompt_is_explained() -> None:
    """Whoever opens the sandbox is told beforehand what the browser will ask and what to press."""
    text = Html(shown(sandbox_may_call=True).text).text
    assert "access devices on your local network" in text
    assert "Allow" in text


def test_sandbox_is_offered_only_where_it_may_call() -> None:
    """Nobody is sent to a page whose calls this service would refuse."""
    assert "sandbox" not in shown().text.lower()
    assert "sandbox" not in shown(JSON).get_json()
    assert "sandbox" in shown(JSON, sandbox_may_call=True).get_json()


def test_command_brings_a_token_where_one_is_needed() -> None:
    """Where every client proves who it is, the command to paste says where the token goes."""
    header = '-H "Authorization: Bearer $TOKEN"'
    assert header not in Html(shown().text).text
    assert header in Html(shown(token_needed=True).text).text


def test_start_page_of_a_workplace_offers_the_sandbox(app: Flask) -> None:
    """In development the sandbox may call, and a command needs no token."""
    source = app.test_client().get("/").text
    assert "https://sandbox.cds-hooks.org/?" in source
    assert "$TOKEN" not in source


@pytest.mark.parametrize("name", ["demo", "insights"])
def test_page_that_is_off_is_not_linked(name: str) -> None:
    """Nobody is sent to a page that is not there."""
    assert f"/{name}" not in Html(shown().text).links
    enabled: dict[str, Any] = {f"{name}_enabled": True}
    assert f"/{name}" in Html(shown(**enabled).text).links
    assert name not in shown(JSON).get_json()["pages"]


def test_insecure_service_says_so() -> None:
    """While anybody may call, the pages do not look as if all were well."""
    assert "Not secured." not in shown().text
    text = Html(shown(insecure=True, insecure_reason="Whoever comes is let in.").text).text
    assert "Not secured. Whoever comes is let in." in text


@pytest.mark.parametrize("path", PAGES)
def test_page_has_its_frame(app: Flask, path: str) -> None:
    """Every page has a way past the navigation, its own place in it, and the safety line at its foot."""
    source = app.test_client().get(path).text
    page = Html(source)
    assert page.links[0] == "#main"
    assert {"/", "/criteria", "/docs"} <= set(page.links)
    assert len(re.findall(r'aria-current="(?:page|true)"', source)) == 1
    assert "Advice, not validated by a clinician." in page.text


@pytest.mark.parametrize("path", PAGES)
def test_page_may_do_only_what_it_needs(app: Flask, path: str) -> None:
    """Scripts, styles and connections of this service only; no frame, no guessing, no referrer for others."""
    headers = app.test_client().get(path).headers
    assert headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "no-cache" in headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/cds-services", "/livez", "/fhir/ValueSet", "/openapi.json", "/nothing"])
def test_answers_of_the_api_are_taken_as_json(app: Flask, path: str) -> None:
    """No browser takes an answer or an error for anything but what it is declared to be."""
    headers = app.test_client().get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" not in headers


def test_facts_are_shown_as_text() -> None:
    """A name that a site has chosen cannot become markup."""
    source = shown(modes=lambda: {"<script>alert(1)</script>": "on"}, public_url='https://x"><img src=x>').text
    assert "<script>alert" not in source
    assert "<img" not in source


def test_hostile_host_is_shown_as_text(app: Flask) -> None:
    """Nor can the host that a caller claims to have called."""
    response = app.test_client().get("/", headers={"Host": 'x"><script>alert(1)</script>'})
    assert "<script>alert" not in response.text


@pytest.mark.parametrize(
    ("path", "method", "status", "title"),
    [
        ("/nothing", "get", 404, "There is no such page"),
        ("/why/C-NOTHING", "get", 404, "There is no such page"),
        ("/criteria", "post", 405, "This address takes another kind of request"),
        ("/insights/export/nothing.csv", "get", 404, "There is no such page"),
    ],
)
def test_missing_page_is_a_page(app: Flask, path: str, method: str, status: int, title: str) -> None:
    """Who comes with a browser gets a page that says what is wrong and leads on, under the headers of every page."""
    response = getattr(app.test_client(), method)(path, headers=BROWSER)
    assert (response.status_code, response.mimetype) == (status, "text/html")
    page = Html(response.text)
    assert title in page.text
    assert response.headers["X-Request-ID"] in page.text
    assert {"/", "/criteria"} <= set(page.links)
    assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert "Accept" in response.headers["Vary"]
    assert ("Allow" in response.headers) == (status == HTTPStatus.METHOD_NOT_ALLOWED)


@pytest.mark.parametrize("path", ["/cds-services/nothing", "/fhir/ValueSet/nothing", "/examples/nothing.json"])
def test_api_answers_a_browser_in_json_too(app: Flask, path: str) -> None:
    """What programs call stays an OperationOutcome, whatever the caller says that it accepts."""
    response = app.test_client().get(path, headers=BROWSER)
    assert response.get_json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("accept", ["*/*", "", "application/json", "application/fhir+json"])
def test_program_gets_an_outcome_for_a_missing_page(app: Flask, accept: str) -> None:
    """Who takes anything, or JSON, is a program."""
    response = app.test_client().get("/nothing", headers={"Accept": accept})
    assert response.get_json()["resourceType"] == "OperationOutcome"


def test_crash_is_a_page_without_its_cause() -> None:
    """A page that breaks says that the service failed, and nothing of why."""
    app = make_app(log_level="error")

    @app.get("/breaks")
    def _breaks() -> str:
        raise RuntimeError("Mrs Smith, born 1950")

    response = app.test_client().get("/breaks", headers=BROWSER)
    assert (response.status_code, response.mimetype) == (500, "text/html")
    assert "The service failed" in response.text
    assert "Smith" not in response.text
