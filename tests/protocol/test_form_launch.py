"""The pages of the form: who may launch it, and what a browser then lets it do."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.protocol.builders import SIGN, HookClient, bundle, hook_request, lumbar_mri, make_app
from tests.protocol.form import unclear_record

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

BASE: Final = "https://ehr.example.org/fhir"
CLIENTS: Final = f"""
[clients.ehr]
extends = "strict"
authentication = "none"
smart_client_id = "form-at-ehr"
smart_token_url = "https://login.example.org/oauth2/token"
origins = ["https://desk.example.org"]
[clients.ehr.fhir]
bases = ["{BASE}"]

[clients.plain]
authentication = "none"
[clients.plain.fhir]
bases = ["https://plain.example.org/fhir"]
"""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """A service of two clients, of which one has registered the form."""
    file = tmp_path_factory.mktemp("form") / "clients.toml"
    file.write_text(CLIENTS, encoding="utf-8")
    return make_app(clients_file=file, public_url="https://cds.example.org")


def config_of(html: str) -> dict[str, Any]:
    """Return what a page is told."""
    found = re.search(r'data-config="([^"]*)"', html)
    assert found
    config: dict[str, Any] = json.loads(unescape(found[1]))
    return config


def test_launch_tells_the_page_where_to_log_in(app: Flask) -> None:
    """The page goes to the server that the client lists, with the client's own id and one fixed redirect address."""
    response = app.test_client().get("/form/launch", query_string={"iss": f"{BASE}/", "launch": "xyz"})
    config = config_of(response.text)
    assert response.status_code == 200
    assert (config["issuer"], config["launch"], config["clientId"]) == (BASE, "xyz", "form-at-ehr")
    assert config["redirect"] == "https://cds.example.org/form/ehr"
    assert "Condition" in config["reads"]


@pytest.mark.parametrize(
    "issuer", ["https://evil.example/fhir", "https://plain.example.org/fhir", f"{BASE}.evil.example", "javascript:1"]
)
@pytest.mark.parametrize("path", ["/form/launch", "/form"])
def test_unknown_issuer_is_refused(app: Flask, path: str, issuer: str) -> None:
    """A launch by a server that no client lists ends here: no page, no redirect, and the address is not repeated."""
    response = app.test_client().get(path, query_string={"iss": issuer, "launch": "xyz"})
    assert response.status_code == 403
    assert "evil" not in response.text
    assert "Location" not in response.headers


def test_what_an_address_adds_is_not_taken(app: Flask) -> None:
    """Who writes a launch address chooses neither the client id nor the redirect nor the patient."""
    added = {"clientId": "evil", "redirectUri": "https://evil.example", "patientId": "pat-2", "scope": "system/*.*"}
    response = app.test_client().get("/form/launch", query_string={"iss": BASE} | added)
    assert "evil" not in response.text
    assert "pat-2" not in response.text


@pytest.mark.parametrize("path", [f"/form/launch?iss={BASE}", "/form/ehr"])
def test_policy_allows_the_clients_servers_alone(app: Flask, path: str) -> None:
    """Scripts are ours; the page asks us and this client's servers; only this client's pages may show it."""
    response = app.test_client().get(path)
    policy = dict(part.strip().partition(" ")[::2] for part in response.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert policy["connect-src"] == "'self' https://ehr.example.org https://login.example.org"
    assert policy["frame-ancestors"] == "https://desk.example.org"
    assert "X-Frame-Options" not in response.headers
    assert response.headers["Cache-Control"] == "no-store"
    scripts = re.findall(r"<script([^>]*)>([^<]*)</script>", response.text)
    assert scripts
    assert all("src=" in attributes and not inside for attributes, inside in scripts)
    assert " style=" not in response.text
    assert not re.search(r"\son[a-z]+=", response.text)


def test_redirect_page_is_of_a_client_with_the_app(app: Flask) -> None:
    """There is a page for each client that has registered the form, and none for any other."""
    assert app.test_client().get("/form/ehr").status_code == 200
    assert app.test_client().get("/form/plain").status_code == 404
    assert app.test_client().get("/form/nobody").status_code == 404


def test_without_an_issuer_it_says_how_it_is_opened(app: Flask) -> None:
    """Whoever finds the address is told that an EHR opens it."""
    response = app.test_client().get("/form")
    assert response.status_code == 200
    assert "opened by an EHR" in response.text


def unclear() -> dict[str, Any]:
    """Return a request that cannot be decided."""
    return hook_request(SIGN, lumbar_mri(reasonCode=None), prefetch=unclear_record())


def test_card_that_asks_opens_the_form() -> None:
    """A card that asks carries one SMART link with a signed context, beside the answers to press."""
    reply = HookClient(make_app()).call(SIGN, unclear())
    (card,) = reply.cards
    (link,) = card["links"]
    assert (link["type"], link["label"]) == ("smart", "Answer in a form")
    assert link["url"].endswith("/form/launch")
    assert "pat-1" not in link["appContext"]
    assert any(item["label"].startswith("Red flags") or "red flag" in item["label"] for item in card["suggestions"])


def test_link_needs_no_host_of_its_own(app: Flask) -> None:
    """A client that allows links to no host has registered the form all the same."""
    order = lumbar_mri(reasonCode=None)
    body = hook_request(SIGN, order, prefetch=unclear_record() | {"devices": bundle(_UNKNOWN_DEVICE)})
    reply = HookClient(app).call(SIGN, body)
    links = [link for card in reply.cards for link in card.get("links", ())]
    assert {link["url"] for link in links} == {"https://cds.example.org/form/launch"}


_UNKNOWN_DEVICE: Final = {
    "resourceType": "Device",
    "id": "device-1",
    "status": "active",
    "type": {"text": "Xylophon 7"},
    "patient": {"reference": "Patient/pat-1"},
}


def test_other_clients_keep_their_cards(tmp_path: Path) -> None:
    """A client that has registered no form gets the link that it always got."""
    file = tmp_path / "clients.toml"
    file.write_text('[clients.a]\nextends = "cds-hooks-sandbox"\n', encoding="utf-8")
    reply = HookClient(make_app(clients_file=file)).call(SIGN, unclear())
    assert [link["type"] for card in reply.cards for link in card["links"]] == ["absolute"]


def test_card_that_decides_opens_nothing() -> None:
    """Where nothing is asked there is nothing to open."""
    reply = HookClient(make_app()).call(SIGN, hook_request(SIGN))
    assert {link["type"] for card in reply.cards for link in card.get("links", ())} <= {"absolute"}
