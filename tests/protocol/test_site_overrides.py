"""What a site changes, seen by a client and by whoever starts the service."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cds_service.cli import main as cli
from cds_service.protocol.errors import SettingsError
from tests.protocol.builders import (
    CPT,
    ICD_10_CM,
    SELECT,
    SIGN,
    HookClient,
    back_pain_since,
    bundle,
    concept,
    hook_request,
    lumbar_mri,
    make_app,
    prefetch,
)

if TYPE_CHECKING:
    from pathlib import Path

LOCAL = "http://hospital.example/orders"


def site_file(folder: Path, text: str = "", *resources: dict[str, Any]) -> Path:
    """Write a site file, and FHIR resources into the folder that it names."""
    file = folder / "site.toml"
    lines = ['name = "Example Hospital"', *(['terminology_folder = "fhir"'] if resources else []), text]
    file.write_text("\n".join(lines), encoding="utf-8")
    for number, resource in enumerate(resources):
        (folder / "fhir").mkdir(exist_ok=True)
        (folder / "fhir" / f"{number}.json").write_text(json.dumps(resource), encoding="utf-8")
    return file


def client(folder: Path, text: str = "", *resources: dict[str, Any], **settings: Any) -> HookClient:
    """Return a client of a service with a site file."""
    return HookClient(make_app(site_file=site_file(folder, text, *resources), **settings))


def order_map(**codes: str) -> dict[str, Any]:
    """Return a ConceptMap of local order codes to CPT."""
    elements = [{"code": code, "target": [{"code": cpt, "equivalence": "equivalent"}]} for code, cpt in codes.items()]
    group = {"source": LOCAL, "target": CPT, "element": elements}
    return {"resourceType": "ConceptMap", "status": "active", "group": [group]}


def asked_since(day: str) -> dict[str, Any]:
    """Return a request for a patient with low back pain since a day."""
    return hook_request(SIGN, prefetch=prefetch(conditions=bundle(back_pain_since(day))))


def test_local_order_code_is_recognised(tmp_path: Path) -> None:
    """An order with nothing but a mapped local code is assessed like the order that it stands for."""
    request = hook_request(SIGN, lumbar_mri(code=concept(LOCAL, "MRLSP")))
    assert HookClient(make_app()).call(SIGN, request).cards == []
    reply = client(tmp_path, "", order_map(MRLSP="72148")).call(SIGN, request)
    (found,) = reply.assessments
    assert found["outcome"] == "NOT_APPROPRIATE"


def test_names_of_orders_can_be_left_unread(tmp_path: Path) -> None:
    """A site that wants codes only is asked nothing about an order that merely has a name."""
    request = hook_request(SIGN, lumbar_mri(code={"text": "MRI L-SPINE WO CONTRAST"}))
    assert client(tmp_path).call(SIGN, request).cards
    assert client(tmp_path, "orders_by_text = false").call(SIGN, request).cards == []


def test_contrast_of_a_local_order_code_is_changed(tmp_path: Path) -> None:
    """A mapped code says what its target says about contrast; the order that goes back carries standard codes."""
    order = lumbar_mri(code=concept(LOCAL, "MRLSP"))
    discitis = back_pain_since("2026-05-23") | {"code": concept(ICD_10_CM, "M46.46")}
    request = hook_request(SIGN, order, prefetch=prefetch(conditions=bundle(discitis)))
    reply = client(tmp_path, "", order_map(MRLSP="72148")).call(SIGN, request)
    changed = [
        coding
        for card in reply.cards
        for suggestion in card.get("suggestions", ())
        for action in suggestion["actions"]
        if action["type"] == "update" and "contrast" in action["description"]
        for coding in action["resource"]["code"]["coding"]
    ]
    assert "72158" in [coding["code"] for coding in changed]
    assert LOCAL not in [coding["system"] for coding in changed]


def test_local_diagnosis_is_shown_as_the_code_it_is_mapped_to(tmp_path: Path) -> None:
    """A mapped diagnosis counts like its target, and the card shows the target's display."""
    diagnoses = order_map(KAUDA="G83.4")
    diagnoses["group"][0]["target"] = ICD_10_CM
    syndrome = back_pain_since("2026-06-01") | {"id": "ces", "code": concept(LOCAL, "KAUDA")}
    request = hook_request(SIGN, prefetch=prefetch(conditions=bundle(back_pain_since("2026-05-23"), syndrome)))
    reply = client(tmp_path, "", diagnoses).call(SIGN, request)
    assert reply.assessments[0]["outcome"] == "EMERGENCY"
    assert "Cauda equina syndrome" in reply.cards[0]["detail"]
    assert "KAUDA" not in reply.text


def test_local_finding_is_a_red_flag(tmp_path: Path) -> None:
    """A code that a site adds to a concept counts for it, and is shown with the site's display."""
    added = {
        "resourceType": "ValueSet",
        "id": "cauda-equina",
        "status": "active",
        "compose": {"include": [{"system": LOCAL, "concept": [{"code": "CES", "display": "Cauda equina, our code"}]}]},
    }
    syndrome = back_pain_since("2026-06-01") | {"id": "ces", "code": concept(LOCAL, "CES", "<b>sent</b>")}
    request = hook_request(SIGN, prefetch=prefetch(conditions=bundle(back_pain_since("2026-05-23"), syndrome)))
    reply = client(tmp_path, "", added).call(SIGN, request)
    assert reply.assessments[0]["outcome"] == "EMERGENCY"
    assert "Cauda equina, our code" in reply.cards[0]["detail"]
    assert "sent" not in reply.cards[0]["detail"]


@pytest.mark.parametrize(
    ("day", "usual", "changed"),
    [
        ("2026-04-22", "NOT_APPROPRIATE", "NOT_APPROPRIATE"),  # 41 days
        ("2026-04-20", "CANNOT_DETERMINE", "NOT_APPROPRIATE"),  # 43 days
        ("2026-04-08", "CANNOT_DETERMINE", "NOT_APPROPRIATE"),  # 55 days
        ("2026-04-07", "CANNOT_DETERMINE", "CANNOT_DETERMINE"),  # 56 days
    ],
)
def test_threshold_moves_the_line(tmp_path: Path, day: str, usual: str, changed: str) -> None:
    """With eight weeks instead of six, pain of 43 to 55 days is still early; nothing else moves."""
    with_site = client(tmp_path, "[thresholds]\nconservative_care = 56")
    for asked, outcome in ((HookClient(make_app()), usual), (with_site, changed)):
        assert asked.call(SIGN, asked_since(day)).assessments[0]["outcome"] == outcome


def test_card_names_the_numbers_that_were_changed(tmp_path: Path) -> None:
    """The explanation lists the numbers that are the site's own, once; without changes it does not."""
    request = asked_since("2026-05-23")
    usual = HookClient(make_app()).call(SIGN, request)
    changed = client(tmp_path, "[thresholds]\nconservative_care = 56\nfever_celsius = 38.5").call(SIGN, request)
    assert "Numbers changed at this site" not in usual.text
    assert changed.text.count("Numbers changed at this site") == 1
    told = next(line for line in changed.assessments[0]["limits"] if "Numbers changed" in line)
    assert "Example Hospital" in told
    assert "conservative care 56 days instead of 42; fever celsius 38.5 Cel instead of 38.0" in told


def test_message_that_is_off_is_gone_and_the_outcome_stays(tmp_path: Path) -> None:
    """A message that is off is neither shown nor listed; outcome, findings and the other messages stay."""
    request = asked_since("2026-05-23")
    usual = HookClient(make_app()).call(SIGN, request)
    quiet = client(tmp_path, 'messages_off = ["C-NOTAPP-6W"]').call(SIGN, request)
    (before,), (after,) = usual.assessments, quiet.assessments
    assert before["messages"][0] == "C-NOTAPP-6W"
    assert after["messages"] == before["messages"][1:]
    assert (after["outcome"], after["findings"]) == (before["outcome"], before["findings"])
    assert quiet.cards == []


def test_a_message_in_the_company_of_others_is_left_out(tmp_path: Path) -> None:
    """A text that only accompanies another disappears from its card, and the rest of the card stays."""
    request = asked_since("2026-05-23")
    usual = HookClient(make_app()).call(SIGN, request).cards[0]
    quiet = client(tmp_path, 'messages_off = ["C-EDU"]').call(SIGN, request).cards[0]
    assert "saddle numbness" in usual["detail"]
    assert "saddle numbness" not in quiet["detail"]
    assert (usual["summary"], usual["uuid"], usual["suggestions"]) == (
        quiet["summary"],
        quiet["uuid"],
        quiet["suggestions"],
    )


def test_silence_about_timing_recommends_no_other_scan(tmp_path: Path) -> None:
    """With "not appropriate" off, a forbidden scan that is not needed is still removed rather than replaced by CT."""
    device = {
        "resourceType": "Device",
        "id": "dev-1",
        "status": "active",
        "patient": {"reference": "Patient/pat-1"},
        "type": concept("http://snomed.info/sct", "14106009", "Cardiac pacemaker"),
        "safety": [concept("urn:oid:2.16.840.1.113883.3.26.1.1", "C106047", "MR Unsafe")],
    }
    request = hook_request(SIGN, prefetch=prefetch(devices=bundle(device)))
    usual = HookClient(make_app()).call(SIGN, request)
    quiet = client(tmp_path, 'messages_off = ["C-NOTAPP-6W"]').call(SIGN, request)
    assert usual.cards[0]["indicator"] == quiet.cards[0]["indicator"] == "critical"
    # Therapy goes with the advice to wait, which shares the card of the implant.
    (therapy,), (removal,) = (reply.cards[0]["suggestions"] for reply in (usual, quiet))
    assert [action["type"] for action in therapy["actions"]] == ["delete", "create"]
    assert [action["type"] for action in removal["actions"]] == ["delete"]


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", {SIGN}),
        ('ask_questions_at = "sign"', {SIGN}),
        ('ask_questions_at = "select"', {SELECT}),
        ('ask_questions_at = "both"', {SELECT, SIGN}),
    ],
)
def test_questions_are_asked_when_the_site_wants(tmp_path: Path, text: str, asked: set[str]) -> None:
    """In production questions come at the hook that the site chose; everywhere else the order is left alone."""
    service = client(tmp_path, text, profile="production")
    raised = back_pain_since("2026-05-30") | {"id": "raised", "code": concept(ICD_10_CM, "R39.14")}
    undecided = prefetch(conditions=bundle(back_pain_since("2026-03-01"), raised))
    for hook in (SELECT, SIGN):
        assert bool(service.call(hook, hook_request(hook, prefetch=undecided)).cards) == (hook in asked)


@pytest.mark.parametrize(
    ("found", "note"),
    [
        (concept(ICD_10_CM, "I71.4"), ""),
        ({"text": "Bilateral sciatica"}, ""),
        ({"text": "Seasonal allergy"}, "A red flag is present (asked 2 Jun 2026)"),
    ],
)
def test_what_cannot_wait_for_the_signature_is_asked_at_both_hooks(found: dict[str, Any], note: str) -> None:
    """Another cause, pain in both legs, and a pressed red flag are asked about when an order is selected, too."""
    service = HookClient(make_app(profile="production"))
    raised = back_pain_since("2026-05-30") | {"id": "raised", "code": found}
    chart = prefetch(conditions=bundle(back_pain_since("2026-05-30"), raised))
    for hook in (SELECT, SIGN):
        order = lumbar_mri(note=[{"text": note}]) if note else lumbar_mri()
        assert service.call(hook, hook_request(hook, order, prefetch=chart)).cards


@pytest.mark.parametrize(
    ("text", "named"), [("", False), ('messages_off = ["C-EDU"]', True), ("[thresholds]\negfr_severe = 25", True)]
)
def test_assessment_names_the_site_that_changed_the_guideline(tmp_path: Path, text: str, named: bool) -> None:
    """The guideline's version stands on every assessment, and the site's name where it changed something."""
    guideline = client(tmp_path, text).call(SIGN, hook_request(SIGN)).assessments[0]["guideline"]
    assert guideline["version"]
    assert guideline.get("site") == ("Example Hospital" if named else None)


def test_conditional_implants_hold_by_site_file(tmp_path: Path) -> None:
    """The site file decides on MR Conditional implants, and a setting that says otherwise refuses to start."""
    text = 'treat_conditional_as = "hold"'
    device = {
        "resourceType": "Device",
        "id": "dev-1",
        "status": "active",
        "patient": {"reference": "Patient/pat-1"},
        "type": concept("http://snomed.info/sct", "14106009", "Cardiac pacemaker"),
        "safety": [concept("urn:oid:2.16.840.1.113883.3.26.1.1", "C106046", "MR Conditional")],
    }
    request = hook_request(SIGN, prefetch=prefetch(devices=bundle(device)))
    assert client(tmp_path, text).call(SIGN, request).assessments[0]["outcome"] == "SAFETY_HOLD"
    assert "C-MR-COND" in HookClient(make_app()).call(SIGN, request).assessments[0]["messages"]
    client(tmp_path, text, treat_conditional_as="hold")
    with pytest.raises(
        SettingsError, match="treat_conditional_as: is 'hold', but LUMBAR_CDS_TREAT_CONDITIONAL_AS is 'warn'"
    ):
        client(tmp_path, text, treat_conditional_as="warn")


BAD: dict[str, tuple[str, str]] = {
    "syntax": ("thresholds = {", "line 2, at the end"),
    "threshold": (
        "[thresholds]\nconservative_care = 0",
        "thresholds.conservative_care: 0 is less than the minimum of 14",
    ),
    "unknown key": ("colour = 1", "'colour' was unexpected"),
    "emergency off": ('messages_off = ["C-EMERG-CES"]', "messages_off[0]: C-EMERG-CES cannot be turned off"),
    "hold off": ('messages_off = ["C-EDU", "C-MR-HOLD"]', "messages_off[1]: C-MR-HOLD cannot be turned off"),
}


@pytest.mark.usefixtures("untouched_logging")
@pytest.mark.parametrize("command", [["serve"], ["assess", "-"], ["check-config"]])
@pytest.mark.parametrize(("text", "reason"), BAD.values(), ids=BAD.keys())
def test_bad_site_file_refuses_every_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], text: str, reason: str
) -> None:
    """File, place and reason are on standard error, without a traceback, whichever command was to start."""
    monkeypatch.setattr("cds_service.server.gunicorn.port_problem", lambda _settings: None)
    file = site_file(tmp_path, text)
    result = CliRunner().invoke(cli.main, [*command, "--site-file", str(file)], input="{}")
    assert (result.exit_code, result.stdout) == (1, "")
    assert str(file) in result.stderr
    assert reason in result.stderr
    assert "Traceback" not in result.stderr


def test_check_config_shows_what_is_in_force(tmp_path: Path) -> None:
    """Settings, changed thresholds old and new, messages off, codes added and maps are printed; status 0."""
    added = {
        "resourceType": "ValueSet",
        "id": "fever",
        "status": "active",
        "compose": {"include": [{"system": LOCAL, "concept": [{"code": "F1"}, {"code": "F2"}]}]},
    }
    choices = (
        'messages_off = ["C-EDU"]\ntreat_conditional_as = "hold"\nask_questions_at = "both"\norders_by_text = false'
    )
    text = f"{choices}\n[thresholds]\negfr_window = 60"
    file = site_file(tmp_path, text, added, order_map(MRLSP="72148"))
    result = CliRunner().invoke(
        cli.main, ["check-config"], env={"LUMBAR_CDS_SITE_FILE": str(file), "LUMBAR_CDS_PORT": "9001"}
    )
    assert result.exit_code == 0
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for line in (
        "LUMBAR_CDS_PORT 9001",
        f"Site file: {file}",
        "name: Example Hospital",
        "threshold egfr_window: 90 -> 60 days",
        "treat_conditional_as: warn -> hold",
        "ask_questions_at: sign -> both",
        "orders_by_text: true -> false",
        "message off: C-EDU",
        "codes added: 2 to fever",
        f"map: {LOCAL}|MRLSP -> {CPT}|72148",
    ):
        assert line in lines


def test_check_config_without_a_site_file() -> None:
    """Without a site file the settings are checked and shown all the same."""
    result = CliRunner().invoke(cli.main, ["check-config"])
    assert (result.exit_code, "Site file: none" in result.stdout) == (0, True)
    refused = CliRunner().invoke(cli.main, ["check-config"], env={"LUMBAR_CDS_LANGUAGE": "tlh"})
    assert (refused.exit_code, "LUMBAR_CDS_LANGUAGE" in refused.stderr) == (1, True)
