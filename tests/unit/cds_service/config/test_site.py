"""The site file: what it may say, and how it is refused."""

from __future__ import annotations

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from cards.decision.assessment import MAY_BE_OFF, AssessmentProfile
from cards.guideline.guideline import MESSAGES, Indicator, Outcome
from cds_service.cli.config_report import _shown, site_report
from cds_service.config.site import Site, load_site
from cds_service.protocol import schemas
from cds_service.protocol.errors import SettingsError
from fhir_mappings.criteria.thresholds import Thresholds
from fhir_mappings.terminology.index import TerminologyIndex
from tests.terminology import bundled_index

GUIDE = (Path(__file__).parents[4] / "docs" / "site-overrides.md").read_text(encoding="utf-8")
LIMITS: dict[str, Any] = schemas.SITE.document["properties"]["thresholds"]["properties"]


@pytest.fixture(scope="module")
def bundled() -> TerminologyIndex:
    """The index without a site."""
    return bundled_index()


def load(folder: Path, bundled: TerminologyIndex, text: str | bytes) -> Site:
    """Load a site file of this content."""
    file = folder / "site.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_site(file, bundled)


def write_guide_examples(folder: Path) -> Path:
    """Write every example of the guide to its file and return the site file."""
    for name, text in re.findall(r"<!-- example: (\S+) -->\n```\w+\n(.*?)```", GUIDE, re.DOTALL):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder / "site.toml"


def test_example_of_the_guide_loads(tmp_path: Path, bundled: TerminologyIndex) -> None:
    """The full example in the documentation is a site file that works, with its map and its value set."""
    site = load_site(write_guide_examples(tmp_path), bundled)
    assert site.name == "Example Hospital"
    assert {change.name for change in site.thresholds.changes} == {"conservative_care", "fever_celsius", "egfr_window"}
    assert (site.treat_conditional_as, site.ask_questions_at) == ("hold", "both")
    assert site.messages_off == {"C-PITFALL", "C-EDU"}
    assert [local.local.code for local in site.terminology.local_codes] == ["MRLSP", "MRLSP3T"]
    assert site.terminology.added() == {"saddle_anaesthesia": 1}


def test_guide_describes_every_key() -> None:
    """The documentation names every key, every threshold with its bounds, and every message that may be off."""
    for key in schemas.SITE.document["properties"]:
        assert f"`{key}`" in GUIDE or f"`[{key}]`" in GUIDE
    for name, limit in LIMITS.items():
        assert f"| `{name}` | {limit['default']} | {limit['minimum']} to {limit['maximum']} |" in GUIDE
    allowed = GUIDE.partition("### Messages that may be turned off")[2].partition("Every other")[0]
    assert set(re.findall(r"`(C-[A-Z0-9-]+)`", allowed)) == MAY_BE_OFF


def test_schema_knows_every_threshold() -> None:
    """Each threshold has positive bounds around its default, and the default is the one in force."""
    assert list(LIMITS) == [item.name for item in fields(Thresholds)]
    for name, value in ((item.name, getattr(Thresholds(), item.name)) for item in fields(Thresholds)):
        limit = LIMITS[name]
        assert 0 < limit["minimum"] <= value <= limit["maximum"]
        assert (limit["default"], limit["type"]) == (value, "integer" if isinstance(value, int) else "number")


@pytest.mark.parametrize("name", LIMITS)
def test_every_threshold_can_be_changed(tmp_path: Path, bundled: TerminologyIndex, name: str) -> None:
    """Each threshold can be moved, keeps its type, and is reported with its old and its new value."""
    new = LIMITS[name]["default"] + (0.5 if name == "fever_celsius" else 1)
    site = load(tmp_path, bundled, f'name = "A"\n[thresholds]\n{name} = {float(new)}\n')
    (change,) = site.thresholds.changes
    assert (change.name, change.old, change.new) == (name, LIMITS[name]["default"], new)
    assert type(getattr(site.thresholds, name)) is type(getattr(Thresholds(), name))


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("bound", ["minimum", "maximum"])
def test_no_threshold_leaves_its_bounds(tmp_path: Path, bundled: TerminologyIndex, name: str, bound: str) -> None:
    """A threshold beyond a bound refuses to start and names itself."""
    value = LIMITS[name][bound] + (1 if bound == "maximum" else -1)
    with pytest.raises(SettingsError, match=rf"site\.toml: thresholds\.{name}: {value} is"):
        load(tmp_path, bundled, f'name = "A"\n[thresholds]\n{name} = {value}\n')


@pytest.mark.parametrize(
    "text", ['name = "A"', '\ufeffname = "A"\r\nask_questions_at = "sign"\n[thresholds]\negfr_severe = 30']
)
def test_file_that_changes_nothing_says_so(tmp_path: Path, bundled: TerminologyIndex, text: str) -> None:
    """A site file that repeats the defaults changes nothing."""
    site = load(tmp_path, bundled, text)
    assert not site.changes_anything
    assert "changes nothing" in site_report(site)


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "syntax": ('name = "A"\nmessages_off = [,]\n', "line 2, column 17: Invalid value"),
    "end": ("x = 1\ny = [", "line 2, at the end: Invalid value"),
    "twice": ('name = "A"\nname = "B"', "line 2, at the end: Cannot overwrite a value"),
    "not UTF-8": (b'name = "A"\n# \xff', "line 2: is not valid UTF-8"),
    "huge number": ('name = "A"\nx = ' + "9" * 5000, "cannot be read"),
    "nested": ("x = " + "[" * 5000, "cannot be read"),
    "large": ("#" * (1024 * 1024 + 1), "larger than"),
    "no name": ("", "name: 'name' is a required property"),
    "half an approval": ('name = "A"\napproved_by = "B"', "'approved_on' is a dependency of 'approved_by'"),
    "no such day": (
        'name = "A"\napproved_by = "B"\napproved_on = "2026-02-30"\nguideline = "1.2.0"',
        "no day 2026-02-30",
    ),
    "a day to come": (
        'name = "A"\napproved_by = "B"\napproved_on = 9999-12-31\nguideline = "1.2.0"',
        "approved_on: 9999-12-31 is still to come",
    ),
    "time for a day": (
        'name = "A"\napproved_by = "B"\napproved_on = 2026-02-03T10:00:00\nguideline = "1.2.0"',
        "approved_on: ",
    ),
    "approver with escapes": (
        r'name = "A"' + "\n" + r'approved_by = "a\u001b"' + '\napproved_on = 2026-02-03\nguideline = "1.2.0"',
        "approved_by: holds a control",
    ),
    "blank name": ('name = " "', "name: ' ' does not match"),
    "long name": (f'name = "{"x" * 81}"', "name: "),
    "control character": (r'name = "a\u001b[2J"', "name: holds a control character"),
    "line break": (r'name = "a\n"', "name: holds a control character"),
    "unknown key": ('name = "A"\nmessage_off = []', "the file: Additional properties are not allowed ('message_off'"),
    "unknown threshold": ('name = "A"\n[thresholds]\nsix_weeks = 42', "thresholds: Additional properties"),
    "wrong type": ('name = "A"\nthresholds = 5', "thresholds: 5 is not of type 'object'"),
    "text": ('name = "A"\n[thresholds]\negfr_window = "90"', "thresholds.egfr_window: '90' is not of type 'integer'"),
    "half a day": ('name = "A"\n[thresholds]\negfr_window = 30.5', "thresholds.egfr_window: 30.5 is not of type"),
    "yes": ('name = "A"\n[thresholds]\nfever_celsius = true', "thresholds.fever_celsius: True is not of type"),
    "nan": ('name = "A"\n[thresholds]\nfever_celsius = nan', "thresholds.fever_celsius: nan is no number"),
    "infinite": ('name = "A"\n[thresholds]\nfever_celsius = inf', "thresholds.fever_celsius: inf is greater"),
    "choice": ('name = "A"\ntreat_conditional_as = "ignore"', "treat_conditional_as: 'ignore' is not one of"),
    "moment": ('name = "A"\nask_questions_at = "never"', "ask_questions_at: 'never' is not one of"),
    "twice off": ('name = "A"\nmessages_off = ["C-EDU", "C-EDU"]', "messages_off: ['C-EDU', 'C-EDU'] has non-unique"),
    "no message": (
        'name = "A"\nmessages_off = ["C-EDU", "C-PITFAL"]',
        "messages_off[1]: there is no message 'C-PITFAL'",
    ),
    "no folder": ('name = "A"\nterminology_folder = "nothing"', "terminology_folder: "),
    "egfr": ('name = "A"\n[thresholds]\negfr_severe = 45', "thresholds.egfr_severe: egfr_severe (45) must be less"),
    "gap": (
        'name = "A"\n[thresholds]\nconservative_care = 90\nsymptom_free_interval = 80',
        "thresholds.conservative_care: conservative_care (90) must be less than symptom_free_interval (80)",
    ),
    "other half": ('name = "A"\n[thresholds]\nrepeat_imaging_window = 50', "thresholds.repeat_imaging_window: "),
}


@pytest.mark.parametrize(("text", "problem"), REFUSED.values(), ids=REFUSED.keys())
def test_file_that_cannot_be_used_is_refused(
    tmp_path: Path, bundled: TerminologyIndex, text: str | bytes, problem: str
) -> None:
    """A site file is refused with its name, the line or the path inside it, and the reason."""
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, bundled, text)
    (found,) = refused.value.problems
    assert found.startswith(f"{tmp_path / 'site.toml'}: ")
    assert problem in found


def test_all_problems_are_named(tmp_path: Path, bundled: TerminologyIndex) -> None:
    """Whoever corrects a file reads everything that is wrong with it at once."""
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, bundled, 'name = "A"\nmessages_off = ["C-MR-HOLD", "X"]\n[thresholds]\negfr_severe = 45\n')
    assert len(refused.value.problems) == 3


@pytest.mark.parametrize("path", [".", "nothing.toml"])
def test_file_that_cannot_be_read_is_named(tmp_path: Path, bundled: TerminologyIndex, path: str) -> None:
    """A missing file, or a folder in its place, is refused by name."""
    with pytest.raises(SettingsError, match=re.escape(str(tmp_path / path))):
        load_site(tmp_path / path, bundled)


def test_bad_terminology_is_refused_with_its_own_place(tmp_path: Path, bundled: TerminologyIndex) -> None:
    """A FHIR file that cannot be used is named, with the place inside it, beside the site file."""
    (tmp_path / "fhir").mkdir()
    (tmp_path / "fhir" / "bad.json").write_text(json.dumps({"resourceType": "Patient"}), encoding="utf-8")
    with pytest.raises(SettingsError) as refused:
        load(tmp_path, bundled, 'name = "A"\nterminology_folder = "fhir"')
    (problem,) = refused.value.problems
    assert (
        f"{tmp_path / 'site.toml'}: terminology_folder: {tmp_path / 'fhir' / 'bad.json'}: $.resourceType: " in problem
    )


@pytest.mark.parametrize("message", sorted(set(MESSAGES) - MAY_BE_OFF))
def test_what_must_be_said_cannot_be_turned_off(tmp_path: Path, bundled: TerminologyIndex, message: str) -> None:
    """A site file that would silence a message of safety refuses to start, and so does the profile itself."""
    with pytest.raises(SettingsError, match=rf"messages_off\[0\]: {message} cannot be turned off"):
        load(tmp_path, bundled, f'name = "A"\nmessages_off = ["{message}"]')
    with pytest.raises(ValueError, match=message):
        AssessmentProfile(messages_off=frozenset({message}))


def test_no_message_of_danger_may_be_turned_off() -> None:
    """Nothing critical may be silent, nor what stands for an emergency, an urgency, an implant or missing data."""
    dangerous = {
        Outcome.EMERGENCY,
        Outcome.URGENT,
        Outcome.CONTRAINDICATED,
        Outcome.SAFETY_HOLD,
        Outcome.SERVICE_DEGRADED,
    }
    for message in MESSAGES.values():
        if message.indicator is Indicator.CRITICAL or dangerous & set(message.outcomes):
            assert message.id not in MAY_BE_OFF
    assert set(MESSAGES) >= MAY_BE_OFF


def test_report_hides_secrets() -> None:
    """A secret is said to be set, and is not shown; an address of a file is."""
    assert _shown(SecretStr("hunter2")) == "(set, not shown)"
    assert _shown(SecretStr("")) == _shown(None) == "(not set)"
    assert (_shown(True), _shown(8080)) == ("true", "8080")


def test_report_of_many_maps_ends(tmp_path: Path, bundled: TerminologyIndex) -> None:
    """A map of thousands of codes does not bury the rest of the report."""
    (tmp_path / "fhir").mkdir()
    elements = [{"code": f"L{n}", "target": [{"code": "72148", "equivalence": "equal"}]} for n in range(25)]
    group = {"source": "http://h.example", "target": "http://www.ama-assn.org/go/cpt", "element": elements}
    resource = {"resourceType": "ConceptMap", "status": "active", "group": [group]}
    (tmp_path / "fhir" / "map.json").write_text(json.dumps(resource), encoding="utf-8")
    report = site_report(load(tmp_path, bundled, 'name = "A"\nterminology_folder = "fhir"'))
    assert report.count("|72148") == 20
    assert "map: and 5 more" in report
