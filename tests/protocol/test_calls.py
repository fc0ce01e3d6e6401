"""`/calls`: what the last calls of each client did right and wrong, for those who may see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cds_service.app import create_app
from cds_service.config.settings import load_settings
from tests.protocol.builders import NOW, SELECT, SIGN, HookClient, feedback_entry, hook_request, ibuprofen_order

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from werkzeug.test import TestResponse

TOKEN = "an-administrator-token-for-tests"
HTML = {"Accept": "text/html"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def opened(folder: Path, **settings: Any) -> HookClient:
    """Return a client of an application with its data in a folder."""
    return HookClient(create_app(load_settings({}, data_dir=folder, **settings), clock=lambda: NOW))


def get(client: HookClient, path: str, headers: Mapping[str, str] = HTML) -> TestResponse:
    """Return the answer to a page."""
    return client.flask.get(path, headers=headers)


def test_page_judges_the_last_calls(tmp_path: Path) -> None:
    """A good call, a refused one, one that was none of ours and a report are there at once, with the remedy."""
    client = opened(tmp_path, profile="development")
    assert "No call yet" in get(client, "/calls").text
    client.call(SIGN, hook_request(SIGN))
    client.call(SIGN, hook_request(SIGN, prefetch={"conditions": None, "patients": None}))
    client.call(SELECT, hook_request(SELECT, ibuprofen_order(), context={"userId": None}))
    client.report(SIGN, [feedback_entry()])
    report: Any = get(client, "/calls/development.json").json
    assert [call["kind"] for call in report["last"]] == ["feedback", "unrelated", "refused", "assessed"]
    assert (report["client"], report["refused"]) == ("development", 1)
    checks = {check["id"]: check for check in report["checks"]}
    assert checks["PRE-KEYS"]["counts"] == {"passed": 2, "tolerated": 0, "failed": 1}
    assert checks["REQ-USER"]["state"] == "tolerated"
    assert checks["REQ-USER"]["remedy"]
    assert checks["REQ-USER"]["specification"].startswith("https://")
    page = get(client, "/calls").text
    assert "REQ-USER" in page
    assert "patient may have been meant" in page


def test_reports_stand_on_their_own(tmp_path: Path) -> None:
    """The files are attachments that need nothing of the service, and hold nothing of a patient."""
    client = opened(tmp_path, profile="development")
    client.call(SIGN, hook_request(SIGN))
    for form in ("html", "json"):
        response = get(client, f"/calls/development.{form}")
        assert response.headers["Content-Disposition"] == f'attachment; filename="calls-development.{form}"'
        assert "pat-1" not in response.text
        assert "/static/" not in response.text
    assert get(client, "/calls/nobody.json").status_code == 404


def test_another_worker_sees_the_same(tmp_path: Path) -> None:
    """Calls are kept in a file that all workers share, and survive a restart."""
    first, second = (opened(tmp_path, profile="development") for _ in range(2))
    first.call(SIGN, hook_request(SIGN))
    assert get(first, "/calls/development.json").status_code == 200
    assert get(second, "/calls/development.json").status_code == 200


def test_administrator_alone_sees_them_in_production(tmp_path: Path) -> None:
    """A script needs the token, a browser is led to the form and from there back to the page."""
    client = opened(tmp_path, profile="production", admin_token=TOKEN)
    assert get(client, "/calls", {}).status_code == 401
    assert get(client, "/calls", BEARER).status_code == 200
    led = get(client, "/calls")
    assert (led.status_code, led.headers["Location"]) == (303, "/insights/login?page=%2Fcalls")
    form = get(client, led.headers["Location"]).text
    csrf = form.split('name="csrf_token" value="')[1].split('"')[0]
    entered = client.flask.post(led.headers["Location"], data={"csrf_token": csrf, "token": TOKEN}, headers=HTML)
    assert (entered.status_code, entered.headers["Location"]) == (303, "/calls")
    assert get(client, "/calls").status_code == 200
    assert get(client, "/insights").status_code == 200


@pytest.mark.parametrize("page", ["https://evil.example", "//evil.example", "/demo", "/calls/../x"])
def test_login_leads_to_these_pages_only(tmp_path: Path, page: str) -> None:
    """No address that somebody made up sends a visitor elsewhere."""
    client = opened(tmp_path, profile="development")
    response = client.flask.get("/insights/login", query_string={"page": page}, headers=HTML)
    assert response.headers["Location"] == "/insights"


def test_nothing_is_judged_where_nobody_may_see_it(tmp_path: Path) -> None:
    """Without a token in production there is no page, and no file."""
    client = opened(tmp_path, profile="production")
    client.call(SIGN, hook_request(SIGN))
    assert get(client, "/calls").status_code == 404
    assert not (tmp_path / "calls.sqlite3").exists()


def test_refused_caller_is_told_apart_from_a_known_one(tmp_path: Path) -> None:
    """A call that nobody can name stands under no client, and one with a client's issuer under that client."""
    clients = tmp_path / "clients.toml"
    clients.write_text(
        '[clients.general]\nissuers = [{ iss = "https://ehr.example", jku = "https://ehr.example/keys" }]\n',
        encoding="utf-8",
    )
    client = opened(tmp_path / "data", admin_token=TOKEN, clients_file=clients, public_url="https://cds.example.org")
    assert client.call(SIGN, hook_request(SIGN)).status == 401
    report: Any = get(client, "/calls/_unrecognised.json", BEARER).json
    assert report["last"][0]["status"] == 401
    assert "CRED-TOKEN" in [check["id"] for check in report["checks"]]
