"""Whether what is in force is what a site's clinicians have approved, and who says so."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from cards.guideline.approval import ApprovalState
from cards.guideline.guideline import GUIDELINE_VERSION
from cds_service.cli.main import main
from cds_service.clients.profile import ClientProfile
from cds_service.config.settings import load_settings
from cds_service.demo.requests import load_demos
from cds_service.hooks.adviser import Adviser
from cds_service.hooks.standing import Standing, told
from tests.protocol.builders import make_app
from tests.terminology import bundled_index

APPROVED = f'approved_by = "Dr. J. Doe"\napproved_on = 2026-05-31\nguideline = "{GUIDELINE_VERSION}"\n'
SENTENCE = "Not validated by clinicians"


def written(folder: Path, text: str) -> Path:
    """Return a site file of this content."""
    file = folder / "site.toml"
    file.write_text(f'name = "Example"\n{text}', encoding="utf-8")
    return file


def adviser_of(folder: Path, text: str, **settings: str) -> Adviser:
    """Return an adviser under a site file of this content."""
    return Adviser.of(
        ClientProfile("a"), load_settings({}, site_file=written(folder, text), **settings), bundled_index()
    )


def standing_of(folder: Path, text: str) -> Standing:
    """Return how the guideline stands under a site file of this content."""
    return adviser_of(folder, text).standing


def sealed(folder: Path) -> str:
    """Return the entries of an approval that names the fingerprint of the guideline as it comes."""
    return f'{APPROVED}guideline_fingerprint = "{standing_of(folder, "").fingerprint}"\n'


def test_approval_holds_for_what_was_approved(tmp_path: Path) -> None:
    """Version and fingerprint as approved: in force, by name and day, and nothing is left to warn of."""
    found = adviser_of(tmp_path, sealed(tmp_path))
    assert found.standing.state is ApprovalState.IN_FORCE
    assert found.standing.sentence == f"Approved by Dr. J. Doe on 2026-05-31, guideline version {GUIDELINE_VERSION}."
    assert found.standing.caution == ""
    assert found.profile.approval is not None
    assert found.profile.approval.on == date(2026, 5, 31)


def test_approval_without_fingerprint_says_what_it_leaves_open(tmp_path: Path) -> None:
    """It holds for the version whatever else changes, and says so to whoever checks the configuration."""
    found = standing_of(tmp_path, f"{APPROVED}[thresholds]\nconservative_care = 56\n")
    assert found.approved
    assert "guideline_fingerprint" in found.caution


def test_another_version_ends_the_approval(tmp_path: Path) -> None:
    """The rules of another version were not read by whoever approved."""
    found = adviser_of(tmp_path, APPROVED.replace(GUIDELINE_VERSION, "0.9.0"))
    assert found.standing.state is ApprovalState.OTHER_VERSION
    assert found.profile.approval is None
    assert SENTENCE in found.standing.sentence


@pytest.mark.parametrize(
    "change",
    [
        "[thresholds]\nconservative_care = 43\n",
        'messages_off = ["C-EDU"]\n',
        'treat_conditional_as = "hold"\n',
        'ask_questions_at = "both"\n',
        "orders_by_text = false\n",
        'terminology_folder = "fhir"\n',
    ],
)
def test_any_change_ends_a_sealed_approval(tmp_path: Path, change: str) -> None:
    """A number, a message, a choice or a code that is another than on the sheet puts the sentence back."""
    (tmp_path / "fhir").mkdir()
    added = {"system": "http://ward.example", "concept": [{"code": "X1", "display": "A name"}]}
    value_set = {"resourceType": "ValueSet", "id": "fever", "url": "http://ward.example/fever", "status": "active"}
    (tmp_path / "fhir" / "fever.json").write_text(json.dumps(value_set | {"compose": {"include": [added]}}))
    found = adviser_of(tmp_path, sealed(tmp_path) + change)
    assert found.standing.state is ApprovalState.CHANGED
    assert found.profile.approval is None
    assert found.standing.fingerprint in found.standing.sentence


def test_name_of_the_site_is_no_change(tmp_path: Path) -> None:
    """What a hospital calls itself is nothing that a reviewer reads the rules for."""
    assert standing_of(tmp_path, "").fingerprint == standing_of(tmp_path, '# "renamed"\n').fingerprint


def test_cards_and_pages_lose_the_sentence(tmp_path: Path) -> None:
    """Where it holds, no card and no page says that nobody validated it; the explanation names who did."""
    client = make_app(site_file=written(tmp_path, APPROVED)).test_client()
    demo = next(demo for demo in load_demos() if demo.name == "acute-low-back-pain")
    answer = client.post(f"/cds-services/lumbar-mri-{demo.hook}", data=demo.body(), content_type="application/json")
    assert SENTENCE not in answer.text
    (explained,) = answer.get_json()["extension"]["org.lumbar-mri-cds.assessments"]
    assert explained["guideline"]["approved"] == {"by": "Dr. J. Doe", "on": "2026-05-31"}
    for path in ("/", "/criteria", "/review", "/why/C-NOTAPP-6W", "/docs", "/openapi.json"):
        page = client.get(path).text
        assert "ot validated by" not in page, path
        assert "No clinician has validated" not in page, path
    assert "Approved by Dr. J. Doe" in client.get("/").text


def test_pages_of_an_ended_approval_say_so(tmp_path: Path) -> None:
    """Start page, criteria and review sheet name what was approved and that it is not what is in force."""
    file = written(tmp_path, APPROVED.replace(GUIDELINE_VERSION, "0.9.0"))
    client = make_app(site_file=file).test_client()
    for path in ("/", "/criteria", "/review"):
        assert "Dr. J. Doe approved version 0.9.0" in client.get(path).text, path
        assert "Not validated by clinicians" in client.get(path).text, path


def test_check_config_says_which_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever configures the site sees the state, and the fingerprint of what is in force."""
    monkeypatch.chdir(tmp_path)
    said = CliRunner().invoke(main, ["check-config", "--site-file", str(written(tmp_path, APPROVED))]).output
    assert "approval: Approved by Dr. J. Doe" in said
    assert f"fingerprint of what is in force: {standing_of(tmp_path, '').fingerprint}" in said
    assert "CAUTION: The approval names no guideline_fingerprint" in said


def test_clients_that_differ_are_told_apart(tmp_path: Path) -> None:
    """One line says for which clients the approval holds."""
    held, open_ = standing_of(tmp_path, APPROVED), standing_of(tmp_path, "")
    assert told({"a": open_, "b": open_}) == open_.sentence
    assert told({"a": held, "b": open_}) == f"For a: {held.sentence} For b: {open_.sentence}"
