"""`lumbar-cds terminology expand`: what is below our SNOMED CT codes becomes a site's, what is disputed does not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result

from cds_service.cli import main as cli
from cds_service.cli.snomed.descent import TAKES_BACK, WIDE, roots_of
from fhir_mappings.terminology.code_systems import SNOMED_CT
from fhir_mappings.terminology.site_terminology import load_site_terminology
from tests.loopback_server import Received, Reply, serving
from tests.terminology import bundled_index
from tests.unit.cds_service.cli.snomed.releases import EXTENSION, OTHER, SYNONYM, concept, is_a, name, write

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.usefixtures("untouched_logging")


def root(concept_id: str, *, alone: bool = True) -> str:
    """Return a SNOMED CT code of a concept, by default one that belongs to no other."""
    found = roots_of(bundled_index())
    return next(code for code, names in found.items() if concept_id in names and (len(names) == 1 or not alone))


SADDLE, LEG, SCAN, CLIP = (
    root(one) for one in ("saddle_anaesthesia", "motor_deficit", "order_mri_lumbar_wo", "implant_aneurysm_clip")
)
CANCER, SKIN, INJURY = root("cancer_active"), root("cancer_skin_excluded"), root("trauma_generic")
LEAF, LOWER, GONE, BOTH, SPECIFIC, TWO, FLAG, HARMLESS, BASAL, WOUND = (f"70000000{number}" for number in range(10, 20))

EDGES = [
    is_a("1", LEAF, SADDLE),
    is_a("2", LOWER, LEAF),
    is_a("3", GONE, SADDLE),
    is_a("4", SPECIFIC, LEG),  # below a code of ours that is itself below another
    is_a("5", LEG, SADDLE),
    is_a("6", TWO, SCAN),
    is_a("7", TWO, CLIP),
    is_a("8", FLAG, CLIP),
    is_a("9", FLAG, SADDLE),
    is_a("10", HARMLESS, CANCER),
    is_a("11", BASAL, SKIN),
    is_a("12", SKIN, CANCER),
    is_a("13", WOUND, INJURY),
    is_a("14", BOTH, SADDLE, "0"),  # no longer
    is_a("15", BOTH, SCAN, "1", OTHER),  # another relationship
]
NAMES = {LEAF: "Numb perineum (finding)", HARMLESS: "Basal cell carcinoma of shoulder (disorder)"}


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """A release of an edition, without an extension."""
    folder = tmp_path / "release"
    write(folder, "Relationship", EDGES)
    codes = [
        LEAF,
        LOWER,
        BOTH,
        SPECIFIC,
        TWO,
        FLAG,
        HARMLESS,
        BASAL,
        WOUND,
        SADDLE,
        LEG,
        SCAN,
        CLIP,
        CANCER,
        SKIN,
        INJURY,
    ]
    write(folder, "Concept", [*map(concept, codes), concept(GONE, "0")])
    rows = [name(str(number), code, term) for number, (code, term) in enumerate(NAMES.items())]
    rows += [name("90", LEAF, "Numbness", SYNONYM), name("91", LEAF, "Taubheit (finding)", language="de")]
    write(folder, "Description", rows)
    return folder


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(cli.main, ["terminology", "expand", *arguments])


def expanded(release: Path, output: Path, *arguments: str) -> dict[str, Any]:
    """Return the report of an expansion that was written."""
    result = run("--rf2", str(release), "-o", str(output), "--json", *arguments)
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    return report


def test_lists_of_what_is_not_expanded_name_concepts() -> None:
    """A misspelt concept would be expanded after all."""
    assert bundled_index().concept_ids >= TAKES_BACK | WIDE


def test_site_reads_to_the_leaf(release: Path, tmp_path: Path) -> None:
    """Descendants at any depth belong to the concept; what is inactive, or related otherwise, does not."""
    expanded(release, tmp_path / "fhir")
    bundled = bundled_index()
    site = load_site_terminology(tmp_path / "fhir", bundled)
    index = site.applied_to(bundled)
    for code in (LEAF, LOWER):
        assert index.concepts_of(SNOMED_CT, code) == {"saddle_anaesthesia"}
    assert not index.concepts_of(SNOMED_CT, GONE) | index.concepts_of(SNOMED_CT, BOTH)
    assert index.display_of("saddle_anaesthesia", SNOMED_CT, LEAF) == NAMES[LEAF]
    added = {(one.file, one.concept, one.version) for one in site.files}
    assert ("snomed-ct-saddle-anaesthesia.json", "saddle_anaesthesia", "RF2 20260301") in added


def test_most_specific_code_decides(release: Path, tmp_path: Path) -> None:
    """A descendant of two codes, one below the other, is what the lower one is; the codes themselves stay."""
    expanded(release, tmp_path / "fhir")
    bundled = bundled_index()
    index = load_site_terminology(tmp_path / "fhir", bundled).applied_to(bundled)
    assert index.concepts_of(SNOMED_CT, SPECIFIC) == {"motor_deficit"}
    assert index.concepts_of(SNOMED_CT, LEG) == {"motor_deficit"}


def test_disputed_descendants_are_left_out_and_reported(release: Path, tmp_path: Path) -> None:
    """Of two things that are no red flags it is neither; a red flag it is as well."""
    report = expanded(release, tmp_path / "fhir")
    bundled = bundled_index()
    index = load_site_terminology(tmp_path / "fhir", bundled).applied_to(bundled)
    assert not index.concepts_of(SNOMED_CT, TWO)
    (conflict,) = (one for one in report["conflicts"] if one["code"] == TWO)
    assert conflict["leftOut"] == ["implant_aneurysm_clip", "order_mri_lumbar_wo"]
    assert index.concepts_of(SNOMED_CT, FLAG) == {"saddle_anaesthesia", "implant_aneurysm_clip"}


def test_exclusions_and_wide_concepts_reach_no_further(release: Path, tmp_path: Path) -> None:
    """Below a harmless skin cancer nothing is cancer, nor is what is called one; an everyday injury is no trauma."""
    report = expanded(release, tmp_path / "fhir")
    assert "cancer_active" not in report["added"]
    assert "trauma_generic" not in report["added"]
    assert report["notExpanded"].keys() >= {"cancer_skin_excluded", "trauma_generic"}
    (conflict,) = (one for one in report["conflicts"] if one["code"] == HARMLESS)
    assert "does not count as cancer" in conflict["why"]


def test_extension_may_take_back_rows_of_its_edition(release: Path, tmp_path: Path) -> None:
    """Of two rows with one id the later counts, in whichever file and module it stands."""
    write(release / "Extension", "Relationship", [is_a("2", LOWER, LEAF, "0")], module=EXTENSION, day="20260601")
    report = expanded(release, tmp_path / "fhir")
    assert report["added"]["saddle_anaesthesia"] == 2  # the leaf, and what is a red flag as well
    assert report["source"] == "RF2 20260601"


def test_only_some_concepts(release: Path, tmp_path: Path) -> None:
    """A site may take some concepts, or leave some out; ids are written either way."""
    only = expanded(release, tmp_path / "one", "--concept", "saddle-anaesthesia")
    assert only["added"].keys() == {"saddle_anaesthesia"}
    rest = expanded(release, tmp_path / "rest", "--without", "saddle_anaesthesia")
    assert "saddle_anaesthesia" not in rest["added"]
    assert "there is no concept" in run("--rf2", str(release), "--concept", "sadle").stderr


def test_site_files_come_first_and_stay(release: Path, tmp_path: Path) -> None:
    """What the site has decided itself is kept, and a second call replaces only what the first one wrote."""
    folder = tmp_path / "fhir"
    folder.mkdir()
    own = {"system": SNOMED_CT, "concept": [{"code": LEAF}]}
    document = {"resourceType": "ValueSet", "id": "fever", "status": "active", "compose": {"include": [own]}}
    (folder / "own.json").write_text(json.dumps(document), encoding="utf-8")
    for _ in range(2):
        report = expanded(release, folder)
        assert {one.name for one in folder.iterdir()} == {
            "own.json",
            *(file.rsplit("/")[-1] for file in report["files"]),
        }
    bundled = bundled_index()
    assert load_site_terminology(folder, bundled).applied_to(bundled).concepts_of(SNOMED_CT, LEAF) == {"fever"}


def test_nothing_is_changed_by_a_call_that_fails(release: Path, tmp_path: Path) -> None:
    """A row that is cut short, a lacking file, a file of another that has our name: told, and nothing is written."""
    folder = tmp_path / "fhir"
    folder.mkdir()
    (folder / "snomed-ct-fever.json").write_text("{}", encoding="utf-8")
    stranger = run("--rf2", str(release), "-o", str(folder))
    assert (stranger.exit_code, "was not written by this command; give it another name" in stranger.stderr) == (1, True)
    (file,) = release.rglob("sct2_Relationship_*")
    file.write_bytes(file.read_bytes() + b"16\t20260301\t1\t1001\t700000\t116680003\r\n")
    cut = run("--rf2", str(release), "-o", str(tmp_path / "new"))
    assert (cut.exit_code, "line 17: is no row" in cut.stderr) == (1, True)
    file.unlink()
    assert "no file sct2_Relationship_Snapshot" in run("--rf2", str(release)).stderr
    assert not (tmp_path / "new").exists()


def test_configuration_shows_what_is_in_force(release: Path, tmp_path: Path) -> None:
    """`check-config` counts the codes by concept, file and version."""
    expanded(release, tmp_path / "fhir")
    site = tmp_path / "site.toml"
    site.write_text('name = "A"\nterminology_folder = "fhir"', encoding="utf-8")
    printed = CliRunner().invoke(cli.main, ["check-config", "--site-file", str(site)]).output
    assert (
        "codes added: 3 to saddle_anaesthesia\n    3 from snomed-ct-saddle-anaesthesia.json, version RF2 2026"
        in printed
    )


BELOW = {SADDLE: {LEAF: "Numb perineum", LOWER: "Numb", **{f"7100000{number:04}": "" for number in range(2500)}}}
TOKEN = "zebulon-token"


def answer(request: Received, *, by_ecl: bool = False, limit: int = 1000, total: bool = True) -> Reply:
    """Answer as a terminology server; by ECL only, with pages of at most a limit, with or without a total."""
    if request.method == "POST":
        if by_ecl:
            return _outcome("not-supported", 405)
        given = {one["name"]: one for one in json.loads(request.body)["parameter"]}
        code = given["valueSet"]["resource"]["compose"]["include"][0]["filter"][0]["value"]
        offset = given["offset"]["valueInteger"]
    else:
        query = parse_qs(urlsplit(request.path).query)
        code, offset = query["url"][0].rpartition("<")[2], int(query["offset"][0])
    everything = [{"system": SNOMED_CT, "code": code}] if not by_ecl else []
    everything += [{"system": SNOMED_CT, "code": one, "display": term} for one, term in BELOW.get(code, {}).items()]
    expansion: dict[str, Any] = {"contains": everything[offset : offset + limit]}
    expansion |= {"total": len(everything)} if total else {}
    expansion["parameter"] = [{"name": "version", "valueUri": f"{SNOMED_CT}|{SNOMED_CT}/1/version/20260301"}]
    return Reply(body=json.dumps({"resourceType": "ValueSet", "expansion": expansion}).encode())


def _outcome(code: str, status: int) -> Reply:
    issue = {"severity": "error", "code": code, "diagnostics": "too many"}
    return Reply(status, json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode())


@pytest.mark.parametrize("options", [{}, {"by_ecl": True}, {"total": False}], ids=["is-a", "ECL", "without total"])
def test_server_is_read_page_by_page(tmp_path: Path, options: dict[str, bool]) -> None:
    """All pages are read, by the filter or, where that is not taken, by ECL; the token goes to the server only."""
    (tmp_path / "token").write_text(TOKEN)
    with serving(lambda request: answer(request, **options)) as server:
        arguments = ["--server", f"http://127.0.0.1:{server.port}/fhir", "--token-file", str(tmp_path / "token")]
        result = run(*arguments, "-o", str(tmp_path / "fhir"), "--json")
        assert server.received[0].headers["authorization"] == f"Bearer {TOKEN}"
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["added"] == {"saddle_anaesthesia": 2502}
    assert report["source"].endswith("/version/20260301")
    assert TOKEN not in result.output


FAILING: dict[str, tuple[Any, str]] = {
    "refuses": (lambda _: _outcome("too-costly", 422), "too-costly: too many"),
    "does not know": (lambda _: Reply(404, b"<html>"), "HTTP 404; and for ECL, HTTP 404"),
    "does not page": (lambda request: answer(_first(request)), "the server does not page on"),
    "no expansion": (lambda _: Reply(body=b'{"resourceType": "ValueSet"}'), "no expansion"),
    "breaks down": (lambda _: Reply(503), "HTTP 503"),
}


def _first(request: Received) -> Received:
    body = json.loads(request.body)
    body["parameter"][1]["valueInteger"] = 0
    return Received(request.method, request.path, request.headers, json.dumps(body).encode())


@pytest.mark.parametrize(("failing", "reason"), FAILING.values(), ids=FAILING.keys())
def test_part_of_an_answer_is_no_answer(tmp_path: Path, failing: Any, reason: str) -> None:
    """Whatever a server does not tell, nothing is written of the rest, and its own words are told."""
    with serving(failing) as server:
        result = run("--server", f"http://127.0.0.1:{server.port}/fhir", "-o", str(tmp_path / "fhir"))
    assert (result.exit_code, reason in result.stderr) == (1, True), result.stderr
    assert not (tmp_path / "fhir").exists()


def test_source_must_be_one() -> None:
    """A release or a server, and over plain http no other machine."""
    assert "either --rf2 FOLDER or --server URL" in run().stderr
    assert "must begin with https://" in run("--server", "http://terminology.example/fhir").stderr
