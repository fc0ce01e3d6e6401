"""The patients of the demo EHR: bundled ones, and a folder that may hold anything."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from cds_service.demo.requests import load_demos
from cds_service.pages.demo import folder as demo_folder
from cds_service.pages.demo.charts import DemoCharts
from cds_service.pages.demo.folder import ChartFileError
from cds_service.pages.demo.patient_banner import Person, person_of
from cds_service.protocol.serialization import encode
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.prefetch import read_prefetch
from fhir_mappings.fhir.sources import SourceState

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 6, 2)
PATIENT = {"resourceType": "Patient", "id": "p", "name": [{"given": ["Ann", "B"], "family": "C"}], "birthDate": "1980"}


def write(folder: Path, name: str, *resources: dict[str, Any], kind: str = "transaction") -> None:
    """Write a Bundle whose entries are known by urn:uuid, as Synthea writes them."""
    entries = [{"fullUrl": f"urn:uuid:{item['id']}", "resource": item} for item in resources]
    bundle = {"resourceType": "Bundle", "type": kind, "entry": entries}
    (folder / name).write_text(json.dumps(bundle), encoding="utf-8")


def observation(number: int, day: str) -> dict[str, Any]:
    """Return an Observation of the patient."""
    subject = {"reference": "urn:uuid:p"}
    return {"resourceType": "Observation", "id": f"o{number}", "effectiveDateTime": day, "subject": subject}


def test_every_bundled_demo_is_a_patient() -> None:
    """All of them can be opened, with their draft orders, and say that they come with the service."""
    charts = DemoCharts()
    listed = list(charts.listed())
    assert [chart.id for chart in listed] == [demo.name for demo in load_demos()]
    for chart in listed:
        opened = charts.find(chart.id)
        assert opened is not None
        assert opened.orders
        assert "draftOrders" not in opened.context
        assert opened.context["patientId"] == chart.person.id
        document = opened.document(DAY)
        assert document["origin"] == "bundled"
        assert document["orderDate"] == "2026-06-02"


def test_bundle_becomes_prefetch(tmp_path: Path) -> None:
    """A file answers every prefetch key as a FHIR server would: relative references, totals, the newest first."""
    drug = {"resourceType": "Medication", "id": "m", "code": {"text": "Something"}}
    request = {"resourceType": "MedicationRequest", "id": "r", "medicationReference": {"reference": "urn:uuid:m"}}
    visit = {"resourceType": "Encounter", "id": "e", "period": {"start": "2025-04-20T10:00:00Z"}}
    write(tmp_path, "ann.json", PATIENT, observation(1, "2020-01-01"), observation(2, "2024"), drug, request, visit)
    charts = DemoCharts(tmp_path)
    opened = charts.find("folder:ann")
    assert opened is not None
    assert opened.order_date == "2025-04-20"
    assert set(opened.prefetch) == {need.key for need in DATA_NEEDS}
    readings = read_prefetch({key: encode(value) for key, value in opened.prefetch.items()})
    assert {reading.state for reading in readings.values()} == {SourceState.COMPLETE}
    found = opened.prefetch["observations"]
    assert found["total"] == 2
    assert [entry["resource"]["id"] for entry in found["entry"]] == ["o2", "o1"]
    assert found["entry"][0]["resource"]["subject"] == {"reference": "Patient/p"}
    assert [entry["search"]["mode"] for entry in opened.prefetch["medications"]["entry"]] == ["match", "include"]
    assert opened.prefetch["devices"] == {"resourceType": "Bundle", "type": "searchset", "total": 0}


def test_unusable_files_are_named_and_the_others_offered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One bad export does not empty the chooser, and who made it is told why it is missing."""
    monkeypatch.setattr(demo_folder, "LARGEST_FILE", 100_000)
    write(tmp_path, "good.json", PATIENT, kind="collection")
    write(tmp_path, "two.json", PATIENT, PATIENT | {"id": "q"})
    write(tmp_path, "none.json", observation(1, "2020"))
    write(tmp_path, "large.json", PATIENT | {"text": "x" * 200_000})
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    (tmp_path / "deep.json").write_text("[" * 2500, encoding="utf-8")
    (tmp_path / "other.json").write_text('{"resourceType": "Patient"}', encoding="utf-8")
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "readme.txt").write_text("not looked at", encoding="utf-8")
    charts = DemoCharts(tmp_path)
    assert [chart.id for chart in charts.listed() if chart.origin == "folder"] == ["folder:good"]
    assert dict(charts.problems) == {
        "broken.json": "no sound JSON",
        "deep.json": "no sound JSON",
        "folder.json": "cannot be read",
        "large.json": "larger than 0 MB",
        "none.json": "holds 0 patients instead of one",
        "other.json": "no FHIR Bundle",
        "two.json": "holds 2 patients instead of one",
    }


def test_folder_without_files_says_so(tmp_path: Path) -> None:
    """A mistyped folder is noticed."""
    assert DemoCharts(tmp_path / "nowhere").problems == (("nowhere", "no .json file is there"),)
    assert DemoCharts().problems == ()


def test_number_of_files_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of a million patients does not stop the page from opening."""
    monkeypatch.setattr(demo_folder, "MOST_FILES", 2)
    for name in ("a", "b", "c"):
        write(tmp_path, f"{name}.json", PATIENT)
    charts = DemoCharts(tmp_path)
    assert [chart.id for chart in charts.listed()][-2:] == ["folder:a", "folder:b"]
    assert charts.problems == ((tmp_path.name, "only the first 2 of 3 files are offered"),)


@pytest.mark.parametrize("name", ["nobody", "folder:nobody", "folder:../outside", "folder:", ""])
def test_unknown_patient_is_none(tmp_path: Path, name: str) -> None:
    """Only files that were listed can be asked for, whatever a name looks like."""
    inside = tmp_path / "inside"
    inside.mkdir()
    write(tmp_path, "outside.json", PATIENT)
    write(inside, "in.json", PATIENT)
    assert DemoCharts(inside).find(name) is None


def test_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    """A file that vanished since the listing is no empty chart."""
    write(tmp_path, "ann.json", PATIENT)
    charts = DemoCharts(tmp_path)
    assert list(charts.listed())
    (tmp_path / "ann.json").unlink()
    with pytest.raises(ChartFileError):
        charts.find("folder:ann")


@pytest.mark.parametrize(
    ("patient", "name", "age"),
    [
        (PATIENT, "Ann B C", "45 or 46"),
        ({"resourceType": "Patient", "name": [{"text": "Only text"}], "birthDate": "1980-01-01"}, "Only text", "46"),
        ({"resourceType": "Patient", "name": "Ann", "birthDate": 7}, "(no name)", ""),
        ({"resourceType": "Patient", "name": [{"given": [None, "Ann"]}], "birthDate": "2030-01-01"}, "Ann", ""),
        ({"resourceType": "Observation"}, "(no name)", ""),
        (None, "(no name)", ""),
    ],
)
def test_banner_copes_with_any_patient(patient: Any, name: str, age: str) -> None:
    """Whatever a Patient holds, the banner says what can be read and no more."""
    banner = person_of(patient).banner(DAY)
    assert (banner["name"], banner["age"]) == (name, age)


def test_long_name_is_cut() -> None:
    """A name of a thousand letters does not push the page aside."""
    assert len(person_of({"resourceType": "Patient", "name": [{"text": "x" * 1000}]}).name) == 81
    assert Person().banner(DAY)["gender"] == "sex not recorded"
