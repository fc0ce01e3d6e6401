"""What is said about clients: the report, the registration sheet, and the page of the documentation."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cds_service.cli.client_report import clients_report
from cds_service.cli.client_sheet import client_sheet, scopes
from cds_service.clients.file.reading import load_clients
from cds_service.clients.file.ready_made import default_clients
from cds_service.clients.profile import ClientProfile, Mode
from cds_service.clients.switches import SwitchState, read_switches
from cds_service.protocol import schemas
from cds_service.protocol.discovery import SERVICES
from fhir_mappings.fhir.needs import CORE_SOURCES, DATA_NEEDS
from fhir_mappings.fhir.searches import templates_for
from fhir_mappings.fhir_client.scopes import Access, Scopes
from tests.docs.clients_page import PAGE, TABLES, page_with_tables

if TYPE_CHECKING:
    from pathlib import Path

GUIDE = PAGE.read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"<!-- example: (\S+) -->\n```\w+\n(.*?)```", GUIDE, re.DOTALL))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with every example of the guide, and the site file that one of them names."""
    (tmp_path / "university.toml").write_text('name = "University Hospital"', encoding="utf-8")
    for name, text in EXAMPLES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def load(folder: Path, example: str) -> tuple[ClientProfile, ...]:
    """Load an example of the guide."""
    return load_clients(folder / example)


def sheet(client: ClientProfile) -> str:
    """Return the sheet of a client."""
    return client_sheet(client, "https://cds.example.org/lumbar/", SERVICES)


@pytest.mark.parametrize("example", EXAMPLES)
def test_example_of_the_guide_loads(folder: Path, example: str) -> None:
    """Every clients file in the documentation works as it stands, and can be explained."""
    clients = load(folder, example)
    report = clients_report(clients, folder / example)
    assert all(f"\nClient {client.name}" in report and sheet(client) for client in clients)


def test_switches_of_the_guide_load(tmp_path: Path) -> None:
    """The switch file in the documentation says what the page says about it."""
    found = re.search(r"<!-- switches: (\S+) -->\n```toml\n(.*?)```", GUIDE, re.DOTALL)
    assert found
    (tmp_path / found[1]).write_text(found[2], encoding="utf-8")
    state = read_switches(tmp_path / found[1])
    assert state.mode(ClientProfile("general-hospital")) is Mode.OFF
    assert state.mode(ClientProfile("other")) is Mode.SILENT
    assert state.mode(ClientProfile("other", mode=Mode.OFF)) is Mode.OFF


def test_tables_of_the_guide_are_current() -> None:
    """The page describes every key of the schema and the ready-made profiles as they are."""
    assert page_with_tables() == GUIDE
    assert set(TABLES) == {name for name, rule in schemas.CLIENTS.document["$defs"].items() if "properties" in rule} - {
        "key"
    }
    assert all(f"<!-- {name}:begin" in GUIDE for name in (*TABLES, "profiles"))


def test_report_explains_a_client(folder: Path) -> None:
    """The report says who may call, where data come from, who sees cards, how they look, and what is limited."""
    report = clients_report(load(folder, "clients.toml"), folder / "clients.toml")
    for sentence in (
        "Client general-hospital: General Hospital\n  Profile: starts from epic-like.",
        "Contact: integration@general.example",
        "Proof of who calls: a JWT signed by the client",
        "Issuer https://ehr.general.example/fhir/r4: keys from https://ehr.general.example/keys/jwks.json",
        "; signed with RS384;",
        "audience https://cds.general.example/lumbar",
        "fetched from https://ehr.general.example/fhir/r4.\n    Within 400 ms for all of it",
        "Searches and prefetch templates: Observations by category (laboratory, vital-signs,",
        "social-history); no _sort; no _include.",
        "Private addresses: 10.20.0.0/16.",
        "for the others orders are assessed and recorded (2 users listed, and 10 percent of all).",
        "orders are removed, and added by the client's own codes, one action a suggestion; the rest is words; no code",
        "crp, blood_culture; no suggestion is marked as recommended;",
        "answers to questions are typed: cards say the words;",
        "selectionBehavior is always any;",
        "links to acsearch.acr.org only",
        "Limits: 600 calls a minute;",
    ):
        assert sentence in report


def test_report_warns(folder: Path) -> None:
    """What is allowed and may not be meant is said: nobody sees cards, nothing is fetched, no link, no proof."""
    report = clients_report([*load(folder, "clients.toml"), *default_clients(development=True)], None)
    for warning in (
        "mode silent: nobody sees a card",
        "no FHIR base is listed",
        "no link host",
        "nobody is authenticated",
    ):
        assert f"WARNING: {warning}" in report
    pilot = ClientProfile("a", mode=Mode.PILOT)
    assert "WARNING: mode pilot with 0 percent" in clients_report([pilot], None)
    assert "its tokens prove nothing" in clients_report(load(folder, "sandbox.toml"), None)
    assert "ratings are sent without shape.rating_mechanism" in clients_report(load(folder, "sandbox.toml"), None)
    assert f"guideline as changed by {folder / 'university.toml'}" in clients_report(load(folder, "epic.toml"), None)


def test_report_warns_of_a_range_of_proxies(folder: Path) -> None:
    """Believing every machine of a network is said; a single proxy, or one on this machine, is not worth a line."""
    (client,) = load(folder, "mtls.toml")
    assert "believed to be the proxy" not in clients_report([client], None)
    assert client.certificates
    wide = replace(client, certificates=replace(client.certificates, proxies=("10.0.0.0/8", "127.0.0.0/8", "::1")))
    assert "WARNING: every machine in 10.0.0.0/8 is believed to be the proxy." in clients_report([wide], None)


def test_report_shows_what_is_switched(folder: Path) -> None:
    """A mode that was lowered by the switch file is shown as it is in force, with the reason."""
    switched = SwitchState(off={"clinic": "wrong order"}, silent={"*": ""})
    report = clients_report(load(folder, "clients.toml"), folder / "clients.toml", switched)
    assert "Switched off: clinic (wrong order)\nSwitched silent: every client\n" in report
    assert "Mode: silent: orders are assessed and recorded, and nobody sees a card; switched down from pilot." in report
    assert "Mode: off: nothing is assessed, and every answer is without cards; switched down from silent." in report


def test_report_of_certificates_and_keys(folder: Path) -> None:
    """Certificates are listed with the proxy that reports them, and inline keys by their ids only."""
    report = clients_report(load(folder, "mtls.toml"), None)
    assert (
        "Certificates: subject CN=ehr.regional.example,O=Regional Hospital.\n    Reported by a proxy at 127.0.0.1."
        in report
    )
    (client,) = load(folder, "keys.toml")
    for text in (clients_report([client], None), sheet(client)):
        assert "inline keys 2026-01" in text
        assert client.issuers[0].keys[0]["x"] not in text


def test_control_characters_do_not_reach_the_terminal() -> None:
    """A title cannot drive the terminal of whoever prints it."""
    client = ClientProfile("a", title="\x1b[2J")
    assert "\x1b" not in clients_report([client], None) + sheet(client)


def test_sheet_has_what_a_form_asks(folder: Path) -> None:
    """The sheet lists addresses, aud, issuer, prefetch, scopes, links and origins as they are copied into a form."""
    general = load(folder, "clients.toml")[0]
    lines = sheet(general).splitlines()
    base = "https://cds.example.org/lumbar/cds-services"
    for service in SERVICES:
        assert f"  {base}/{service.id}" in lines
        assert f"  {base}/{service.id}/feedback" in lines
        assert f"    {base}/{service.id}" in lines
    assert f"  {base}" in lines
    assert f"    {base}" not in lines  # discovery asks for no token, so there is no aud for it
    assert any("letter for letter but for one slash at its end" in line for line in lines)
    assert any("412" in line for line in lines)
    assert "    https://cds.general.example/lumbar" in lines
    assert "    https://ehr.general.example/keys/jwks.json" in lines
    assert [
        line.removesuffix("  (required)") for line in lines if ": " in line and "{{context.patientId}}" in line
    ] == [f"  {key}: {template}" for key, template in templates_for(general.fhir.form).items()]
    assert any("category=vital-signs" in line for line in lines)  # its server takes no other search
    assert "  https://acsearch.acr.org/" in lines
    assert "Mode here:         pilot" in lines
    assert "  none; appContext is not used" in lines


def test_sheet_asks_for_no_more_than_the_client_has(folder: Path) -> None:
    """With `sources` only their templates and scopes are printed, beside those that every answer rests on."""
    general = replace(load(folder, "clients.toml")[0], sources=("Patient", "Condition", "Device"))
    text = sheet(general)
    asked = {"Patient", "Device", *CORE_SOURCES}
    assert set(re.findall(r": (\w+)[/?].*{{context.patientId}}", text)) == asked
    assert set(re.findall(r"patient/(\w+)\.", text)) == {*asked, "Medication"}


def test_report_says_what_leaving_out_a_source_costs(folder: Path) -> None:
    """What every answer rests on is asked for all the same; a list that lacks it is warned of, another is not."""
    general = load(folder, "clients.toml")[0]
    short = clients_report([replace(general, sources=("Patient", "Condition", "Device"))], None)
    assert "it has Patient, Condition, Device. Others are not asked for or missed, but for those" in short
    assert "WARNING: sources leaves out Observation, Procedure, Encounter, MedicationRequest, Diagnostic" in short
    enough = replace(general, sources=("Patient", *CORE_SOURCES))
    assert "leaves out" not in clients_report([general], None) + clients_report([enough], None)


def test_sheet_of_an_oauth_client_lists_its_audiences_only(folder: Path) -> None:
    """For access tokens the addresses of the service are no audience unless the profile says so."""
    accepted = sheet(load(folder, "oauth.toml")[0]).partition("Accepted aud")[2].partition("Prefetch")[0]
    assert accepted.split() == ["at", "every", "address:", "https://cds.example.org"]


def test_sheet_of_other_proofs(folder: Path) -> None:
    """A client with a certificate, or with nothing, is not asked for tokens; prefetch alone needs no scopes."""
    by_certificate = sheet(load(folder, "mtls.toml")[0])
    assert "Subject of the certificate: CN=ehr.regional.example,O=Regional Hospital" in by_certificate
    assert "aud" not in by_certificate
    assert "none: no access token is needed" in by_certificate
    development, sandbox = default_clients(development=True)
    assert "  any page of this machine" in sheet(development)
    assert "  https://sandbox.cds-hooks.org, any page of this machine" in sheet(sandbox)
    assert "aud" not in sheet(sandbox)


def test_scopes_cover_every_need() -> None:
    """Scopes in both versions let everything be read that is asked for, and nothing be written."""
    asked = {need.resource_type for need in DATA_NEEDS} | {"Medication"}
    for version, pattern in ((1, r"patient/(\w+)\.read"), (2, r"patient/(\w+)\.rs?")):
        found = [re.fullmatch(pattern, scope) for scope in scopes(version=version)]
        assert {match and match[1] for match in found} == asked
        assert len(found) == len(asked)


def test_scopes_let_the_fhir_client_do_what_it_may() -> None:
    """A token with the scopes of the sheet is enough for every search and read that the FHIR client knows."""
    for version in (1, 2):
        granted = Scopes.parse(" ".join(scopes(version=version)))
        for need in DATA_NEEDS:
            allowed = granted.search(need.resource_type) if need.parameters else granted.read(need.resource_type)
            assert allowed is not Access.NONE
        assert Access.NONE not in (granted.search("Medication"), granted.read("Medication"))


def test_client_with_token_and_certificate_is_told_to_bring_both(folder: Path) -> None:
    """Report and sheet ask for both, and name the issuer and the certificate."""
    (client,) = load(folder, "mtls-and-jwt.toml")
    for text in (clients_report([client], None), sheet(client)):
        assert "a JWT signed by the client, as CDS Hooks describes it, and with it a client certificate" in text
        assert "CN=ehr.regional.example,O=Regional Hospital" in text
        assert "https://ehr.regional.example/jwks.json" in text
