"""The login of the form in a browser: what it sends, what it refuses, and where the token never goes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
from playwright.sync_api import expect

from tests.protocol.builders import bundle, lumbar_mri, prefetch
from tests.web.browser import running_service
from tests.web.demo_ehr import unwatched
from tests.web.form_page import FormPage
from tests.web.smart_ehr import TOKEN, SmartEhr, running_ehr

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Request

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("browser-form-security")]

CLIENTS: Final = """\
[clients.here]
extends = "development"
smart_client_id = "form-here"
[clients.here.fhir]
bases = ["{base}"]
"""
PATIENT: Final = "pat-1"
FORGED: Final = """([key, state]) => {
    sessionStorage.setItem("SMART_KEY", JSON.stringify(key));
    sessionStorage.setItem(key, JSON.stringify(state));
}"""


@pytest.fixture(scope="module")
def ehr() -> Iterator[SmartEhr]:
    """An EHR that holds one patient with an open order."""
    record = prefetch(conditions=bundle())
    held = {"Patient": [record["patient"]], "ServiceRequest": [lumbar_mri(reasonCode=None)]}
    found = SmartEhr(PATIENT, held=held)
    with running_ehr(found):
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the service keeps what it keeps, and what it says."""
    return tmp_path_factory.mktemp("form-security")


@pytest.fixture(scope="module")
def url(ehr: SmartEhr, folder: Path) -> Iterator[str]:
    """A service that this EHR may launch."""
    file = folder / "clients.toml"
    file.write_text(CLIENTS.format(base=ehr.base), encoding="utf-8")
    with running_service(folder, CLIENTS_FILE=str(file), LOG_LEVEL="debug") as found:
        yield found


@pytest.fixture(autouse=True)
def anew(ehr: SmartEhr) -> None:
    """Begin each test with an EHR that behaves and has been asked nothing."""
    ehr.sends_back, ehr.pkce, ehr.second, ehr.context = {}, True, True, ""
    for kept in (ehr.asked, ehr.traded, ehr.authorized, ehr.written):
        kept.clear()


@pytest.fixture
def page(browser: Browser, url: str) -> Iterator[Page]:
    """A window."""
    with unwatched(browser, url) as opened:
        yield opened


def refused(page: Page, words: str) -> None:
    """Fail unless the form says that it goes no further, and shows nothing."""
    expect(page.locator("#problem")).to_contain_text(words)
    expect(page.locator("#asked")).to_be_hidden()


def test_login_names_its_audience_and_is_bound_to_the_window(page: Page, ehr: SmartEhr, url: str) -> None:
    """The login asks for a token for this server, with PKCE, a fresh state and the one redirect address."""
    FormPage.launched(page, ehr.base)
    (asked,), (traded,) = ehr.asked, ehr.traded
    assert (asked["aud"], asked["client_id"]) == (ehr.base, "form-here")
    assert (asked["redirect_uri"], asked["launch"]) == (f"{url}/form/here", "launch-1")
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["state"]) >= 16
    assert "client_secret" not in traded
    assert len(traded["code_verifier"]) >= 43  # the EHR has compared it with the challenge
    states = {asked["state"]}
    FormPage.launched(page, ehr.base)
    assert ehr.asked[1]["state"] not in states
    assert ehr.asked[1]["code_challenge"] != asked["code_challenge"]


def test_asks_for_no_more_than_it_reads(page: Page, ehr: SmartEhr) -> None:
    """The scopes are reads of what is assessed and the create of the answers, in the style that the server knows."""
    FormPage.launched(page, ehr.base)
    ehr.second = False
    FormPage.launched(page, ehr.base)
    second, first = (asked["scope"].split() for asked in ehr.asked)
    assert {"launch", "openid", "fhirUser", "patient/Condition.rs", "patient/QuestionnaireResponse.c"} <= set(second)
    assert {"patient/Condition.read", "patient/QuestionnaireResponse.write"} <= set(first)
    assert not [
        scope for scope in (*first, *second) if "*" in scope or "offline" in scope or scope.startswith("system")
    ]
    assert [scope for scope in second if scope.endswith((".c", ".u", ".d", "write"))] == [
        "patient/QuestionnaireResponse.c"
    ]


def test_server_without_pkce_is_not_logged_in_at(page: Page, ehr: SmartEhr) -> None:
    """Where no PKCE is offered, no login is begun."""
    ehr.pkce = False
    page.goto(f"/form/launch?iss={ehr.base}&launch=x")
    refused(page, "PKCE")
    assert ehr.asked == []


@pytest.mark.parametrize("state", ["another", ""])
def test_another_state_is_refused(page: Page, ehr: SmartEhr, state: str) -> None:
    """A code that comes with a state of another login is not used."""
    ehr.sends_back = {"state": state}
    page.goto(f"/form/launch?iss={ehr.base}&launch=x")
    refused(page, "was not begun in this window" if state else "not")
    assert ehr.traded == []


def test_code_of_nowhere_is_refused(page: Page, ehr: SmartEhr) -> None:
    """Who is sent to the form with somebody else's code gets nothing."""
    page.goto("/form/here?code=stolen&state=stolen")
    refused(page, "was not begun in this window")
    assert ehr.traded == []


def test_login_at_another_server_is_refused(page: Page, ehr: SmartEhr) -> None:
    """A login that this window has kept for another server is not taken up on this client's page."""
    page.goto("/form")
    with running_ehr(SmartEhr(PATIENT)) as other:
        base = f"http://127.0.0.1:{other.port}/fhir"
        kept = {"key": "k", "serverUrl": base, "tokenUri": f"{base}/token", "tokenResponse": {}, "clientId": "x"}
        page.evaluate(FORGED, ["k", kept])
        page.goto("/form/here?code=one-code&state=k")
        refused(page, "may not launch this form")
        assert other.received == []
    assert ehr.traded == []


def test_unknown_issuer_goes_nowhere(page: Page, ehr: SmartEhr) -> None:
    """A launch by a server that no client lists is answered by us, and that server is asked nothing."""
    with running_ehr(SmartEhr(PATIENT)) as other:
        response = page.goto(f"/form/launch?iss=http://127.0.0.1:{other.port}/fhir&launch=x")
        assert response is not None
        assert response.status == 403
        assert other.received == []
    assert ehr.asked == []


def test_launch_address_overrules_nothing(page: Page, ehr: SmartEhr) -> None:
    """Patient, client and server that somebody adds to a launch address are not taken."""
    added = "&clientId=evil&patientId=pat-2&fhirServiceUrl=http://127.0.0.1:1/fhir&client_id=evil"
    page.goto(f"/form/launch?iss={ehr.base}&launch=x{added}")
    FormPage(page)
    assert (ehr.asked[0]["client_id"], ehr.asked[0]["aud"]) == ("form-here", ehr.base)
    assert not [path for path in _kept(page) if "pat-2" in path or "evil" in path]


def _kept(page: Page) -> list[str]:
    found: list[str] = page.evaluate("Object.values(sessionStorage)")
    return found


def test_refusal_is_told(page: Page, ehr: SmartEhr) -> None:
    """An EHR that does not let the form in is quoted."""
    ehr.sends_back = {"error": "access_denied"}
    page.goto(f"/form/launch?iss={ehr.base}&launch=x")
    refused(page, "did not let the form in. (access_denied)")


def test_token_ends_with_the_window(page: Page, ehr: SmartEhr) -> None:
    """The token is kept for this window alone: no cookie, nothing that outlives it, no refresh."""
    FormPage.launched(page, ehr.base)
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
    assert page.context.cookies() == []
    assert page.evaluate("(async () => (await indexedDB.databases()).length)()") == 0
    assert any(TOKEN in kept for kept in _kept(page))
    assert "code=" not in page.url
    other = page.context.new_page()
    other.goto("/form/here")
    assert _kept(other) == []
    refused(other, "was not begun in this window")


def test_token_goes_to_the_ehr_alone(page: Page, ehr: SmartEhr, folder: Path, url: str) -> None:
    """The token reaches the FHIR server and never us; no secret of the login is in a log or on our disk."""
    ours: list[str] = []

    def note(request: Request) -> None:
        if request.url.startswith(url):
            ours.append(f"{request.headers} {request.post_data or ''} {request.url}")

    page.on("request", note)
    form = FormPage.launched(page, ehr.base)
    form.press("saddle numbness, a bladder or bowel change, leg weakness", "No")
    form.save()
    assert f"Bearer {TOKEN}" in ehr.authorized
    assert ours
    assert not [sent for sent in ours if TOKEN in sent]
    output = (folder / "output").read_text(encoding="utf-8")
    assert "/form/assess" in output or "form_advice" in output
    for secret in (TOKEN, "one-code", ehr.traded[0]["code_verifier"], PATIENT, ehr.asked[0]["state"]):
        assert secret not in output
    data = b"".join(file.read_bytes() for file in (folder / "data").rglob("*") if file.is_file())
    assert TOKEN.encode() not in data
    assert PATIENT.encode() not in data


def test_page_can_reach_nobody_else(page: Page, ehr: SmartEhr) -> None:
    """The browser itself keeps a script in the form from sending anything to another server, and from being added."""
    FormPage.launched(page, ehr.base)
    with running_ehr(SmartEhr(PATIENT)) as other:
        sent = page.evaluate(f"fetch('http://127.0.0.1:{other.port}/fhir').then(() => 'sent', () => 'blocked')")
        assert sent == "blocked"
        assert other.received == []
    added = "const s = document.createElement('script'); s.textContent = 'window.added = 1'; document.body.append(s)"
    page.evaluate(added)
    assert page.evaluate("window.added") is None


@contextmanager
def module(page: Page) -> Iterator[Any]:
    """Yield what calls a function of the module of scopes."""
    page.goto("/form")
    path = page.locator("link[rel=stylesheet]").first.get_attribute("href")
    assert path
    version = path.split("/")[2]
    yield lambda name, *given: page.evaluate(
        "async ([path, name, given]) => (await import(path))[name](...given)",
        [f"/static/{version}/js/form-scopes.js", name, list(given)],
    )


@pytest.mark.parametrize(
    ("granted", "may"),
    [
        ("patient/QuestionnaireResponse.c", True),
        ("patient/QuestionnaireResponse.cruds", True),
        ("patient/QuestionnaireResponse.write", True),
        ("user/QuestionnaireResponse.*", True),
        ("user/*.write", True),
        ("patient/*.cu", True),
        ("patient/QuestionnaireResponse.rs", False),
        ("patient/QuestionnaireResponse.read", False),
        ("patient/Observation.write", False),
        ("launch openid", False),
        ("", False),
    ],
)
def test_scope_to_write_is_known_in_every_style(page: Page, granted: str, may: bool) -> None:
    """Whether the answers may be saved is read from the granted scopes, of SMART 1 and 2, of patient and user."""
    with module(page) as call:
        assert call("mayCreate", f"openid {granted}", "QuestionnaireResponse") is may
