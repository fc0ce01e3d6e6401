"""Who may see the insights."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from cds_service.pages.insights.access import VISIT, Attempts, InsightsAccess, Visits
from cds_service.pages.insights.login import COOKIE
from tests.unit.cds_service.pages.insights_pages import BROWSER, NOW, TOKEN, Clocks, insights_app

if TYPE_CHECKING:
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from cds_service.records.database import Database

PATHS = ("/insights", "/insights/export.json", "/insights/export/trend.csv", "/insights/export/none.csv")


@pytest.fixture
def clocks() -> Clocks:
    """Clocks that the test moves."""
    return Clocks()


@pytest.fixture
def visitor(empty_database: Database, clocks: Clocks) -> FlaskClient:
    """A browser at a service with a token."""
    return insights_app(empty_database, InsightsAccess(TOKEN), clocks).test_client()


def sign_in(visitor: FlaskClient, token: str = TOKEN, query: str = "", **headers: str) -> TestResponse:
    """Send the form."""
    return visitor.post(f"/insights/login{query}", data={"token": token}, headers=BROWSER | headers)


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
    """The token opens the page that was asked for, by a cookie that scripts cannot read and other sites cannot use."""
    response = sign_in(visitor, query="?period=7")
    assert (response.status_code, response.location) == (303, "/insights?period=7")
    cookie = response.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Secure", "Path=/insights", "Max-Age=7200"} <= set(cookie.split("; "))
    assert TOKEN not in cookie
    assert visitor.get("/insights", headers=BROWSER).status_code == 200
    assert visitor.get("/insights/login", headers=BROWSER).location == "/insights"


def test_visit_ends(visitor: FlaskClient, clocks: Clocks) -> None:
    """A copied cookie is worth nothing after two hours, whatever the browser does with it."""
    sign_in(visitor)
    clocks.now = NOW + VISIT - timedelta(seconds=1)
    assert visitor.get("/insights", headers=BROWSER).status_code == 200
    clocks.now = NOW + VISIT
    assert visitor.get("/insights", headers=BROWSER).status_code == 303


def test_signing_out_ends_the_visit(visitor: FlaskClient) -> None:
    """Whoever leaves a shared computer can take the visit along."""
    sign_in(visitor)
    assert visitor.post("/insights/logout", headers=BROWSER).status_code == 303
    assert visitor.get("/insights", headers=BROWSER).status_code == 303


def test_another_token_ends_all_visits() -> None:
    """Changing the token locks out whoever came in by the former one, and a note of somebody else is none."""
    note = Visits(InsightsAccess(TOKEN), lambda: NOW).begin()
    assert Visits(InsightsAccess(TOKEN), lambda: NOW).is_under_way(note)
    assert not Visits(InsightsAccess(f"{TOKEN}2"), lambda: NOW).is_under_way(note)
    assert not Visits(InsightsAccess(None), lambda: NOW).is_under_way(Visits(InsightsAccess(None), lambda: NOW).begin())


@pytest.mark.parametrize("note", ["", "x", "x.y", "eyJ1bnRpbCI6OTk5OTk5OTk5OX0.x", "é", "a" * 3000])
def test_forged_visit_is_none(visitor: FlaskClient, note: str) -> None:
    """Only the service itself can write the cookie."""
    visitor.set_cookie(COOKIE, note, path="/insights")
    assert visitor.get("/insights", headers=BROWSER).status_code == 303


@pytest.mark.parametrize("token", ["", "wrong", TOKEN[:-1], f"{TOKEN}x", TOKEN.upper(), "ünï", "\ud800"])
def test_wrong_token_opens_nothing(visitor: FlaskClient, token: str) -> None:
    """The form comes again, says so, and does not repeat what was typed."""
    response = visitor.post("/insights/login", data={"token": token.encode(errors="surrogatepass")}, headers=BROWSER)
    assert response.status_code == 401
    assert "This is not the token." in response.text
    assert "Set-Cookie" not in response.headers
    assert not token or token == "\ud800" or token not in response.text


def test_form_of_another_site_is_refused(visitor: FlaskClient) -> None:
    """Another site cannot sign anybody in or out."""
    assert sign_in(visitor, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert visitor.post("/insights/logout", headers=BROWSER | {"Sec-Fetch-Site": "same-site"}).status_code == 403
    assert sign_in(visitor, **{"Sec-Fetch-Site": "same-origin"}).status_code == 303


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://cds.example.org", 303),
        ("http://cds.example.org", 303),
        ("https://evil.example", 403),
        ("https://cds.example.org.evil.example", 403),
        ("https://cds.example.org:8443", 403),
        ("null", 403),
        ("https://[", 403),
    ],
)
def test_origin_tells_where_nothing_else_does(visitor: FlaskClient, origin: str, status: int) -> None:
    """On plain http a browser names only the origin of a form: that of another site is refused there too."""
    assert sign_in(visitor, Host="cds.example.org", Origin=origin).status_code == status


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


def test_guessing_is_slow(visitor: FlaskClient, clocks: Clocks) -> None:
    """After five wrong tokens a further wrong one is told to wait a minute, by the form and by scripts."""
    for token in ("a", "b", "c"):
        assert sign_in(visitor, token).status_code == 401
    for _ in range(2):
        assert visitor.get("/insights", headers={"Authorization": "Bearer x"}).status_code == 401
    refused = sign_in(visitor, "d")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    script = visitor.get("/insights", headers={"Authorization": "Bearer x"})
    assert (script.status_code, script.headers["Retry-After"]) == (429, "60")
    clocks.seconds += 60
    assert sign_in(visitor, "d").status_code == 401


def test_right_token_gets_in_beside_wrong_ones(visitor: FlaskClient) -> None:
    """Behind a proxy all share one address: somebody's typing errors do not keep out whoever knows the token."""
    for _ in range(12):
        sign_in(visitor, "wrong")
    assert visitor.get("/insights", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    assert sign_in(visitor).status_code == 303


def test_guessing_ends(visitor: FlaskClient, clocks: Clocks) -> None:
    """After sixty wrong tokens nothing is looked at for a minute, or slow guessing would be no slower."""
    sign_in(visitor)
    for _ in range(60):
        visitor.get("/insights", headers={"Authorization": "Bearer x"})
    script = visitor.get("/insights", headers={"Authorization": f"Bearer {TOKEN}"})
    assert (script.status_code, script.headers["Retry-After"]) == (429, "60")
    assert sign_in(visitor).status_code == 429
    assert visitor.get("/insights", headers=BROWSER).status_code == 200  # a visit goes on
    clocks.seconds += 60
    assert sign_in(visitor).status_code == 303


def test_guessing_from_many_addresses_is_slow_too() -> None:
    """All addresses together have a limit, and remembering them costs no more than so much memory."""
    attempts = Attempts(lambda: 0.0, of_address=5, of_all=60)
    for number in range(59):
        attempts.fail(f"address {number}")
    assert attempts.shut("another") == 0
    attempts.fail("address 59")
    assert attempts.shut("another") == 60
    for number in range(5000):
        attempts.fail(f"address {number}")
    assert len(attempts._failures) <= 1000


def test_one_address_cannot_shut_out_others() -> None:
    """A script with an outdated token, however often it tries, closes the way in for its own address only."""
    attempts = Attempts(lambda: 0.0, of_address=5, of_all=60)
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
