"""Who may launch the form, and which addresses its page may then ask."""

from __future__ import annotations

import pytest

from cds_service.clients.profile import ClientProfile, FhirAccess
from cds_service.smart.apps import SmartApps

OWN = "https://cds.example.org"
BASE = "https://ehr.example.org/fhir"
EHR = ClientProfile(
    "ehr",
    fhir=FhirAccess(bases=(BASE,)),
    smart_client_id="abc",
    smart_token_url="https://login.example.org/token",
    origins=("https://ehr.example.org", "loopback"),
)
APPS = SmartApps.of([ClientProfile("plain", fhir=FhirAccess(bases=("https://plain.example.org/fhir",))), EHR])


@pytest.mark.parametrize("issuer", [BASE, f"{BASE}/"])
def test_a_listed_server_launches(issuer: str) -> None:
    """A FHIR base of a client with a registered app may launch it, with or without a slash at its end."""
    found = APPS.launched_by(issuer, OWN)
    assert found is not None
    assert (found[0].client_id, found[1]) == ("abc", BASE)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://ehr.example.org/fhir/other",
        "https://ehr.example.org",
        "http://ehr.example.org/fhir",
        "https://ehr.example.org.evil.example/fhir",
        "https://evil@ehr.example.org/fhir",
        "https://plain.example.org/fhir",  # a client that has registered no app
        f"{OWN}/demo/smart/fhir",  # the demo, where it is not offered
        "",
    ],
)
def test_no_other_server_launches(issuer: str) -> None:
    """An issuer that no client with an app lists, letter for letter, is none."""
    assert APPS.launched_by(issuer, OWN) is None


def test_page_asks_the_client_alone() -> None:
    """The addresses that a page may ask are the client's FHIR and token servers; its own pages may show the form."""
    app = APPS.named("ehr")
    assert app is not None
    assert app.reached == ("https://ehr.example.org", "https://login.example.org")
    assert app.framed_by == ("https://ehr.example.org",)
    assert APPS.named("plain") is None


def test_demo_launches_its_own_client_alone() -> None:
    """Where the demo EHR is offered, its server on our own origin launches the form of the demo's client."""
    demo = SmartApps.of([EHR], demo="ehr")
    assert demo.launched_by(f"{OWN}/demo/smart/fhir", OWN) is not None
    assert demo.launched_by("https://elsewhere.example/demo/smart/fhir", OWN) is None
