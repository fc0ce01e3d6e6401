"""The login of the demo EHR: it asks nobody, checks the rest as a real one would, and is not there in production."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.protocol.builders import bundle, make_app, prefetch

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

OWN: Final = "http://localhost"
BASE: Final = f"{OWN}/demo/smart/fhir"
VERIFIER: Final = "v" * 50
CHALLENGE: Final = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
CHART: Final = {
    "patientId": "pat-1",
    "userId": "Practitioner/p",
    "orders": [{"resourceType": "ServiceRequest", "id": "o"}],
}
RESPONSE: Final = {
    "resourceType": "QuestionnaireResponse",
    "status": "completed",
    "subject": {"reference": "Patient/pat-1"},
}


@pytest.fixture
def client(tmp_path: Path) -> FlaskClient:
    """A client of a development service."""
    return make_app(data_dir=tmp_path).test_client()


def body(response: TestResponse) -> Any:
    """Return what an answer says."""
    return response.json


def asked(client: FlaskClient, **changes: str) -> dict[str, str]:
    """Return what the form asks to be let in with, after a launch."""
    chart = CHART | {"prefetch": prefetch(), "appContext": "ctx"}
    launch = body(client.post("/demo/smart/launch", json=chart))["launch"]
    return {
        "response_type": "code",
        "client_id": "lumbar-mri-form",
        "redirect_uri": f"{OWN}/form/development",
        "launch": launch,
        "scope": "launch patient/QuestionnaireResponse.c",
        "state": "s",
        "aud": BASE,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | changes


def back(client: FlaskClient, **changes: str) -> dict[str, str]:
    """Return what a browser comes back with."""
    response = client.get("/demo/smart/authorize", query_string=asked(client, **changes))
    assert response.status_code == 302
    where = urlsplit(response.headers["Location"])
    assert f"{where.scheme}://{where.netloc}{where.path}" == f"{OWN}/form/development"
    return {name: values[0] for name, values in parse_qs(where.query).items()}


def token(client: FlaskClient, code: str, **changes: str) -> Any:
    """Trade a code."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": f"{OWN}/form/development",
        "code_verifier": VERIFIER,
    }
    return client.post("/demo/smart/token", data=form | changes).json


def bearer(client: FlaskClient) -> dict[str, str]:
    """Return the header of somebody who has logged in."""
    return {"Authorization": f"Bearer {token(client, back(client)['code'])['access_token']}"}


def test_lets_a_launched_form_in(client: FlaskClient) -> None:
    """After a launch the form gets a token for that patient, with the context of the card."""
    granted = token(client, back(client)["code"])
    assert (granted["patient"], granted["appContext"]) == ("pat-1", "ctx")
    assert granted["scope"] == "launch patient/QuestionnaireResponse.c"


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "https://evil.example/fhir"},
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
        {"launch": "another"},
        {"response_type": "token"},
    ],
)
def test_refuses_what_a_real_one_would(client: FlaskClient, change: dict[str, str]) -> None:
    """Another audience, no PKCE and an unknown launch end in an error."""
    assert back(client, **change)["error"] == "invalid_request"


@pytest.mark.parametrize("change", [{"redirect_uri": "https://evil.example"}, {"client_id": "other"}])
def test_sends_nobody_elsewhere(client: FlaskClient, change: dict[str, str]) -> None:
    """An app that is not registered is not sent anywhere, least of all to its own address."""
    assert client.get("/demo/smart/authorize", query_string=asked(client, **change)).status_code == 400


def test_code_is_good_once_and_for_whoever_asked(client: FlaskClient) -> None:
    """A stolen code is worth nothing without the verifier, and a used one is worth nothing at all."""
    code = back(client)["code"]
    assert token(client, code, code_verifier="w" * 50) == {"error": "invalid_grant"}
    assert token(client, code) == {"error": "invalid_grant"}


def test_chart_is_for_the_token_alone(client: FlaskClient) -> None:
    """Reads, searches and the create need a token, and stay with its patient."""
    assert client.get("/demo/smart/fhir/Condition?patient=pat-1").status_code == 401
    headers = bearer(client)
    assert body(client.get("/demo/smart/fhir/Condition?patient=pat-1", headers=headers))["total"] == 1
    assert client.get("/demo/smart/fhir/Condition?patient=pat-2", headers=headers).status_code == 403
    assert client.get("/demo/smart/fhir/ServiceRequest/o", headers=headers).status_code == 200
    other = RESPONSE | {"subject": {"reference": "Patient/pat-2"}}
    assert client.post("/demo/smart/fhir/QuestionnaireResponse", json=other, headers=headers).status_code == 403
    wrong = RESPONSE | {"status": "nonsense", "item": 7}
    assert client.post("/demo/smart/fhir/QuestionnaireResponse", json=wrong, headers=headers).status_code == 400


def test_keeps_what_a_form_writes(client: FlaskClient) -> None:
    """What was created is found by the next search, and by the page that launched the form."""
    params = asked(client)
    code = parse_qs(urlsplit(client.get("/demo/smart/authorize", query_string=params).headers["Location"]).query)
    granted = token(client, code["code"][0])
    headers = {"Authorization": f"Bearer {granted['access_token']}"}
    created = client.post("/demo/smart/fhir/QuestionnaireResponse", json=RESPONSE, headers=headers)
    assert created.status_code == 201
    found = body(client.get("/demo/smart/fhir/QuestionnaireResponse?patient=pat-1", headers=headers))
    assert [entry["resource"]["id"] for entry in found["entry"]] == [body(created)["id"]]
    assert body(client.get(f"/demo/smart/launch/{params['launch']}/written"))["written"] == [created.json]


@pytest.mark.parametrize(
    "settings", [{"profile": "production", "demo": True}, {"demo": False}, {"insecure": True, "host": "0.0.0.0"}]
)
def test_is_there_in_development_alone(tmp_path: Path, settings: dict[str, Any]) -> None:
    """No production service has the login, whatever its demo setting; nor has one without the demo."""
    file = tmp_path / "clients.toml"
    file.write_text('[clients.a]\nextends = "development"\n', encoding="utf-8")
    client = make_app(data_dir=tmp_path, clients_file=file, public_url=OWN, **settings).test_client()
    assert client.get("/demo/smart/fhir/.well-known/smart-configuration").status_code == 404
    assert client.post("/demo/smart/launch", json=CHART).status_code == 404
    setup = client.get("/demo/setup")
    assert setup.status_code == 404 or body(setup)["opensForms"] is False
    assert client.get("/form/launch", query_string={"iss": BASE, "launch": "x"}).status_code == 403


def test_failed_source_stays_failed(client: FlaskClient) -> None:
    """A source that the demo was told to let fail fails for the form too, and is not taken for empty."""
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    chart = CHART | {"prefetch": prefetch(conditions=failed, procedures=bundle())}
    launch = body(client.post("/demo/smart/launch", json=chart))["launch"]
    params = asked(client) | {"launch": launch}
    code = parse_qs(urlsplit(client.get("/demo/smart/authorize", query_string=params).headers["Location"]).query)
    headers = {"Authorization": f"Bearer {token(client, code['code'][0])['access_token']}"}
    assert client.get("/demo/smart/fhir/Condition?patient=pat-1", headers=headers).status_code == 500
