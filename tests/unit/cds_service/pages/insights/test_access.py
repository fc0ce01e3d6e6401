"""Who may see the insights."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from flask import session

from cds_service.auth.counts import Counts
from cds_service.auth.replay.store import MemoryReplayStore, ReplayUnavailableError
from cds_service.pages.insights.access import Attempts, InsightsAccess
from cds_service.pages.insights.visits import COOKIE, VISIT
from tests.unit.cds_service.pages.insights.insights_pages import BROWSER, NOW, TOKEN, NoonClock, insights_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from cds_service.records.database import Database

PATHS = ("/insights", "/insights/export.json", "/insights/export/trend.csv", "/insights/export/none.csv")


@pytest.fixture
def clock() -> NoonClock:
    """A clock that the test moves."""
    return NoonClock()


@pytest.fixture
def seconds() -> Iterator[time_machine.Traveller]:
    """The clock of what is counted within a minute."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def visitor(empty_database: Database, clock: NoonClock) -> FlaskClient:
    """A browser at a service with a token."""
    return insights_app(empty_database, InsightsAccess(TOKEN), clock).test_client()


def form_token(visitor: FlaskClient, path: str = "/insights/login") -> str:
    """Return what the form of a page carries; empty where there is no form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', visitor.get(path, headers=BROWSER).text)
    return found[1] if found else ""


def sign_in(visitor: FlaskClient, token: str | bytes = TOKEN, query: str = "") -> TestResponse:
    """Open the form and send it."""
    data = {"token": token, "csrf_token": form_token(visitor)}
    return visitor.post(f"/insights/login{query}", data=data, headers=BROWSER)


def sign_out(visitor: FlaskClient) -> TestResponse:
    """Press the button of the page."""
    data = {"csrf_token": form_token(visitor, "/insights")}
    return visitor.post("/insights/logout", data=data, headers=BROWSER)


def cookie_of(visitor: FlaskClient) -> str:
    """Return what a browser could copy."""
    cookie = visitor.get_cookie(COOKIE)
    assert cookie is not None
    return cookie.value


@pytest.mark.parametrize("path", PATHS)
def test_browser_is_led_to_the_form(visitor: FlaskClient, path: str) -> None:
    """Without a visit nothing is shown, whatever is asked for; the filters come along, and nothing else does."""
    response = visitor.get(f"{path}?period=7&token=x", headers=BROWSER)
    assert (response.status_code, response.location) == (303, "/insights/login?period=7")
    assert response.headers["Cache-Control"] == "no-store"
    page = visitor.get(response.location, headers=BROWSER)
    assert page.status_code == 200
    assert 'action="/insights/login?period=7"' in page.text


@pytest.mark.parametrize("path", PATHS)
def test_script_is_refused(visitor: FlaskClient, path: str) -> None:
    """A script gets an error that it can act on, and no page."""
    response = visitor.get(path)
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert response.json is not None
    assert response.json["resourceType"] == "OperationOutcome"


def test_form_opens_the_page(visitor: FlaskClient) -> None:
    """The token opens the page that was asked for, by a cookie that scripts cannot read and forms of others not use."""
    response = sign_in(visitor, query="?period=7")
    assert (response.status_code, response.location) == (303, "/insights?period=7")
    cookie = response.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Lax", "Secure", "Path=/"} <= set(cookie.split("; "))
    assert "Expires=" in cookie
    assert TOKEN not in cookie
    assert visitor.get("/insights", headers=BROWSER).status_code == 200
    assert visitor.get("/insights/login", headers=BROWSER).location == "/insights"


def test_visit_ends(visitor: FlaskClient, clock: NoonClock) -> None:
    """A copied cookie is worth nothing after two hours, whatever the browser does with it."""
    sign_in(visitor)
    clock.now = NOW + VISIT - timedelta(seconds=1)
    assert visitor.get("/insights", headers=BROWSER).status_code == 200
    clock.now = NOW + VISIT
    assert visitor.get("/insights", headers=BROWSER).status_code == 303


def test_signing_out_ends_the_visit(visitor: FlaskClient) -> None:
    """Whoever leaves a shared computer takes the visit along, and whoever copied its cookie before has nothing."""
    sign_in(visitor)
    visitor.get("/insights", headers=BROWSER)
    copied = cookie_of(visitor)
    assert sign_out(visitor).status_code == 303
    assert visitor.get("/insights", headers=BROWSER).status_code == 303
    visitor.set_cookie(COOKIE, copied, path="/")
    assert visitor.get("/insights", headers=BROWSER).status_code == 303
    assert sign_in(visitor).status_code == 303
    assert visitor.get("/insights", headers=BROWSER).status_code == 200


def test_visit_that_cannot_be_checked_is_none(empty_database: Database, clock: NoonClock) -> None:
    """Where it cannot be told which visits were ended, nobody is let in by a cookie, and the answer says why."""

    class Broken(MemoryReplayStore):
        def was_used(self, issuer: str, jti: str) -> bool:
            raise ReplayUnavailableError

    visitor = insights_app(empty_database, InsightsAccess(TOKEN), clock, Broken(clock)).test_client()
    sign_in(visitor)
    response = visitor.get("/insights", headers=BROWSER)
    assert response.status_code == 503
    assert "please try again later" in response.text


def test_another_token_ends_all_visits(empty_database: Database, visitor: FlaskClient) -> None:
    """Changing the token locks out whoever came in by the former one."""
    sign_in(visitor)
    later = insights_app(empty_database, InsightsAccess(f"{TOKEN}2")).test_client()
    later.set_cookie(COOKIE, cookie_of(visitor), path="/")
    assert later.get("/insights", headers=BROWSER).status_code == 303
    again = insights_app(empty_database, InsightsAccess(TOKEN)).test_client()
    again.set_cookie(COOKIE, cookie_of(visitor), path="/")
    assert again.get("/insights", headers=BROWSER).status_code == 200


@pytest.mark.parametrize("note", ["", "x", "x.y", "eyJ1bnRpbCI6OTk5OTk5OTk5OX0.x", "é", "a" * 3000])
def test_forged_visit_is_none(visitor: FlaskClient, note: str) -> None:
    """Only the service itself can write the cookie."""
    visitor.set_cookie(COOKIE, note, path="/")
    assert visitor.get("/insights", headers=BROWSER).status_code == 303


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], f"{TOKEN}x", TOKEN.upper(), "ünï", "\ud800"])
def test_wrong_token_opens_nothing(visitor: FlaskClient, token: str) -> None:
    """The form comes again, says so, and does not repeat what was typed."""
    response = sign_in(visitor, token.encode(errors="surrogatepass"))
    assert response.status_code == 401
    assert "This is not the token." in response.text
    assert visitor.get("/insights", headers=BROWSER).status_code == 303
    assert not token or token == "\ud800" or token not in response.text


@pytest.mark.parametrize("forged", ["", "x", "x.y.z", "of another visitor"])
def test_form_of_another_site_is_refused(empty_database: Database, visitor: FlaskClient, forged: str) -> None:
    """Another site, which cannot know what the form carries, cannot sign anybody in or out."""
    if forged == "of another visitor":
        forged = form_token(insights_app(empty_database, InsightsAccess(TOKEN)).test_client())
    form_token(visitor)
    data = {"token": TOKEN, "csrf_token": forged}
    refused = visitor.post("/insights/login", data=data, headers=BROWSER)
    assert refused.status_code == 400
    assert "Please try again." in refused.text
    assert visitor.get("/insights", headers=BROWSER).status_code == 303
    sign_in(visitor)
    assert visitor.post("/insights/logout", data=data, headers=BROWSER).status_code == 400
    assert visitor.get("/insights", headers=BROWSER).status_code == 200


def test_hooks_have_no_session(empty_database: Database) -> None:
    """No other address reads or sets the cookie of the insights."""
    app = insights_app(empty_database, InsightsAccess(TOKEN))
    app.get("/cds-services/x")(lambda: str(len(session)))
    visitor = app.test_client()
    sign_in(visitor)
    visitor.set_cookie(COOKIE, cookie_of(visitor), path="/")
    answer = visitor.get("/cds-services/x")
    assert (answer.text, "Set-Cookie" in answer.headers) == ("0", False)


def test_long_form_is_refused(visitor: FlaskClient) -> None:
    """Nobody fills the memory by way of the form."""
    assert sign_in(visitor, "x" * 5000).status_code == 413


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer  {TOKEN} "])
def test_script_brings_the_token(visitor: FlaskClient, header: str) -> None:
    """A nightly export needs no browser."""
    response = visitor.get("/insights/export.json", headers={"Authorization": header})
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, "Bearer \xe9"])
def test_wrong_header_opens_nothing(visitor: FlaskClient, header: str) -> None:
    """A wrong header is refused even where a visit is under way."""
    sign_in(visitor)
    assert visitor.get("/insights/export.json", headers={"Authorization": header}).status_code == 401


def test_guessing_is_slow(visitor: FlaskClient, seconds: time_machine.Traveller) -> None:
    """After five wrong tokens a further wrong one is told to wait a minute, by the form and by scripts."""
    for token in ("a", "b", "c"):
        assert sign_in(visitor, token).status_code == 401
    for _ in range(2):
        assert visitor.get("/insights", headers={"Authorization": "Bearer x"}).status_code == 401
    refused = sign_in(visitor, "d")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    script = visitor.get("/insights", headers={"Authorization": "Bearer x"})
    assert (script.status_code, script.headers["Retry-After"]) == (429, "60")
    seconds.shift(60.1)
    assert sign_in(visitor, "d").status_code == 401


def test_right_token_gets_in_beside_wrong_ones(visitor: FlaskClient) -> None:
    """Behind a proxy all share one address: somebody's typing errors do not keep out whoever knows the token."""
    for _ in range(12):
        sign_in(visitor, "wrong")
    assert visitor.get("/insights", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert sign_in(visitor).status_code == 303


def test_guessing_ends(visitor: FlaskClient, seconds: time_machine.Traveller) -> None:
    """After sixty wrong tokens nothing is looked at for a minute, or slow guessing would be no slower."""
    sign_in(visitor)
    for _ in range(60):
        visitor.get("/insights", headers={"Authorization": "Bearer x"})
    script = visitor.get("/insights", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (script.status_code, script.headers["Retry-After"]) == (429, "60")
    another = visitor.application.test_client()
    assert sign_in(another).status_code == 429
    assert visitor.get("/insights", headers=BROWSER).status_code == 200  # a visit goes on
    seconds.shift(60.1)
    assert sign_in(another).status_code == 303


def test_guessing_from_many_addresses_is_slow_too(seconds: time_machine.Traveller) -> None:
    """All addresses together have a limit."""
    attempts = Attempts(Counts())
    for number in range(59):
        attempts.fail(f"address {number}")
    assert attempts.shut("another") == 0
    attempts.fail("address 59")
    assert attempts.shut("another") == 60


def test_one_address_cannot_shut_out_others(seconds: time_machine.Traveller) -> None:
    """A script with an outdated token, however often it tries, closes the way in for its own address only."""
    attempts = Attempts(Counts())
    for _ in range(500):
        attempts.fail("script")
    assert attempts.shut("script") == 60
    assert attempts.shut("another") == attempts.wait("another") == 0


@pytest.mark.parametrize("token", [None, ""])
def test_open_in_development(empty_database: Database, token: str | None) -> None:
    """A workplace without a token needs no login."""
    visitor = insights_app(empty_database, InsightsAccess(token, open_without=True)).test_client()
    page = visitor.get("/insights", headers=BROWSER)
    assert page.status_code == 200
    assert "Sign out" not in page.text
    assert visitor.get("/insights/login", headers=BROWSER).location == "/insights"


@pytest.mark.parametrize("token", [None, ""])
def test_closed_in_production(empty_database: Database, token: str | None) -> None:
    """Without a token nobody gets in, by whatever is empty, and the page tells how to change that."""
    visitor = insights_app(empty_database, InsightsAccess(token)).test_client()
    for path in (*PATHS, "/insights/login"):
        page = visitor.get(path, headers=BROWSER)
        assert page.status_code == 403
        assert "LUMBAR_CDS_ADMIN_TOKEN" in page.text
        assert visitor.get(path, headers={"Authorization": "Bearer "}).status_code == 403
    assert sign_in(visitor, "").status_code == 403


def test_repr_shows_no_token() -> None:
    """A token does not end up in a message by mistake."""
    assert TOKEN not in repr(InsightsAccess(TOKEN))
