"""The replay on one machine: rows of a whole export, what it tells of the rest, and that it goes on where it was."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from cds_service.cli.main import main
from cds_service.config.settings import load_settings
from cds_service.protocol.errors import SettingsError
from cds_service.replay.export.files import find_export
from cds_service.replay.local.engine import Options, replay
from cds_service.replay.local.plan import fingerprint
from cds_service.replay.setup import ReplaySetup
from tests.protocol.builders import LOW_BACK_PAIN, PATIENT, concept
from tests.unit.cds_service.replay.past import (
    PATIENT_RESOURCE,
    condition,
    lines,
    past_order,
    record,
    study,
)

if TYPE_CHECKING:
    from pathlib import Path

SETUP = ReplaySetup(load_settings({}, profile="production"))
# Small enough that a few patients are read in many parts.
OPTIONS = Options(part_bytes=4_000, identify=True)
BROKEN = b'{"resourceType": "Condition", "subject": {"reference": "Patient/p3"}, "secret'


def of(patient: str, *resources: dict[str, Any]) -> list[bytes]:
    """Return resources as those of another patient, ids too."""
    return [line.replace(PATIENT.encode(), patient.encode()) for line in lines(*resources)]


def export(folder: Path, patients: int = 12) -> Path:
    """Write an export: types apart, packed and not, a Bundle, broken lines; every third patient has no order."""
    folder.mkdir()
    files: dict[str, list[bytes]] = {}
    for number in range(patients):
        name = f"p{number}"
        files.setdefault("Patient.ndjson", []).extend(of(name, PATIENT_RESOURCE))
        pain = condition(id=f"c{number}", onsetDateTime="2026-05-23", recordedDate="2026-05-23")
        files.setdefault(f"Condition.{number % 2}.ndjson.gz", []).extend(of(name, pain))
        visit = record("Encounter", period={"start": "2026-06-02"}, reasonCode=[LOW_BACK_PAIN]) | {"id": f"e{number}"}
        files.setdefault("Encounter.ndjson", []).extend(of(name, visit))
        if number % 3:
            files.setdefault("ServiceRequest.ndjson", []).extend(of(name, past_order(number)))
        else:
            other = past_order(number, code=concept("http://site.example", "IMG7") | {"text": "MRI spine"})
            files.setdefault("ServiceRequest.ndjson", []).extend(of(name, other))
        done = study(id=f"s{number}", started="2026-06-03")
        files.setdefault("ImagingStudy.ndjson", []).extend(of(name, done))
    files["Encounter.ndjson"].insert(7, b"")
    files["Encounter.ndjson"].insert(9, BROKEN)
    files["Device.ndjson"] = lines({"resourceType": "Device", "id": "nobody's"})
    files["Organization.ndjson"] = lines({"resourceType": "Organization", "id": "o"})
    for name, content in files.items():
        text = b"\n".join(content) + b"\n"
        (folder / name).write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    bundle = {"resourceType": "Bundle", "entry": [{"resource": PATIENT_RESOURCE | {"id": "b"}}]}
    bundle["entry"] += [{"resource": json.loads(line)} for line in of("b", past_order(id="b-mri"))]  # type: ignore[operator]
    (folder / "synthea.json").write_text(json.dumps(bundle, indent=1), encoding="utf-8")
    return folder


def rows(out: Path) -> list[dict[str, Any]]:
    """Return the rows of a replay without what differs from run to run."""
    found = [row for file in sorted((out / "rows").glob("*.parquet")) for row in pq.read_table(file).to_pylist()]
    return [{name: value for name, value in row.items() if name != "microseconds"} for row in found]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, Any]]:
    """An export, the folder of its replay, and the summary."""
    base = tmp_path_factory.mktemp("replay")
    folder = export(base / "export")
    return folder, base / "out", replay([folder], base / "out", SETUP, OPTIONS)


def test_every_order_has_a_row(finished: tuple[Path, Path, dict[str, Any]]) -> None:
    """Each order once, from whatever file; nothing of the work is left but what was asked for."""
    _, out, summary = finished
    found = rows(out)
    expected = {"ServiceRequest/b-mri", *(f"ServiceRequest/mri-{number}" for number in range(12) if number % 3)}
    assert sorted(row["order"] for row in found) == sorted(expected)
    assert {row["outcome"] for row in found} == {"CANNOT_DETERMINE"}  # no Observation was exported
    assert found[0]["missing"] == ["Observation", "Procedure", "MedicationRequest", "DiagnosticReport"]
    assert (summary["replayed"], summary["patients"]) == ("orders", 9)
    assert {path.name for path in out.iterdir()} == {"lock", "rejects.ndjson", "replay.json", "rows", "summary.json"}


def test_rejects_are_told_with_their_place(finished: tuple[Path, Path, dict[str, Any]]) -> None:
    """File, line, byte offset and reason, and nothing of the content; counted in the summary."""
    folder, out, summary = finished
    found = [json.loads(line) for line in (out / "rejects.ndjson").read_bytes().splitlines()]
    name = folder.name
    offset = (folder / "Encounter.ndjson").read_bytes().index(BROKEN)
    assert sorted(found, key=lambda reject: reject["reason"]) == [
        {"file": f"{name}/Device.ndjson", "line": 1, "offset": 0, "reason": "no-patient"},
        {"file": f"{name}/Encounter.ndjson", "line": 10, "offset": offset, "reason": "not-json"},
    ]
    assert summary["rejects"] == {"no-patient": 1, "not-json": 1}


def test_summary_names_orders_that_nobody_placed(finished: tuple[Path, Path, dict[str, Any]]) -> None:
    """Orders that look like ours are the site's next mapping work: by code, with their number."""
    assert finished[2]["unrecognised_orders"] == [{"name": "http://site.example|IMG7", "count": 4}]


def test_finished_replay_is_not_done_again(finished: tuple[Path, Path, dict[str, Any]]) -> None:
    """The same command finds the result; another one refuses to mix with it, and says what differs."""
    folder, out, summary = finished
    before = {path: path.stat().st_mtime_ns for path in (out / "rows").iterdir()}
    assert replay([folder], out, SETUP, OPTIONS) == summary
    assert {path: path.stat().st_mtime_ns for path in (out / "rows").iterdir()} == before
    with pytest.raises(SettingsError, match="other sample"):
        replay([folder], out, SETUP, Options(part_bytes=4_000, identify=True, sample=2))


def test_changed_site_is_another_replay(tmp_path: Path) -> None:
    """What a site or a client changes is told apart from one process to the next; what is equal stays equal."""
    folder, out = export(tmp_path / "export", patients=1), tmp_path / "out"
    site, maps = tmp_path / "site.toml", tmp_path / "maps"
    maps.mkdir()
    site.write_text('terminology_folder = "maps"\n', encoding="utf-8")
    setup = ReplaySetup(load_settings({}, site_file=str(site)), "cds-hooks-sandbox")
    prints = [fingerprint(find_export([folder]), setup, {}) for _ in range(2)]
    assert prints[0] == prints[1]
    (maps / "map.json").write_text("{}", encoding="utf-8")
    changed = fingerprint(find_export([folder]), setup, {})
    assert {name for name, value in changed.items() if prints[0][name] != value} == {"site"}
    other = fingerprint(find_export([folder]), ReplaySetup(setup.settings, "development"), {})
    assert {name for name, value in other.items() if changed[name] != value} == {"client", "profile"}
    assert not out.exists()


def test_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    """A folder that holds something else is not written into."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.doc").write_bytes(b"x")
    with pytest.raises(SettingsError, match="holds other files"):
        replay([export(tmp_path / "export")], tmp_path / "out", SETUP, OPTIONS)


def test_sample_is_always_the_same(finished: tuple[Path, Path, dict[str, Any]], tmp_path: Path) -> None:
    """A sample has so many patients, whose rows are those of the whole replay."""
    folder, out, _ = finished
    replay([folder], tmp_path / "out", SETUP, Options(identify=True, sample=4))
    found = rows(tmp_path / "out")
    assert len({row["patient"] for row in found}) == 4
    assert all(row in rows(out) for row in found)


def test_studies_are_replayed_where_no_order_was_exported(tmp_path: Path) -> None:
    """Without lumbar MRI orders the studies stand for them, and the summary says so; hashed, with a key of its own."""
    folder = export(tmp_path / "export", patients=3)
    (folder / "ServiceRequest.ndjson").unlink()
    (folder / "synthea.json").unlink()
    out = tmp_path / "out"
    summary = replay([folder], out, SETUP, Options())
    found = rows(out)
    assert (summary["replayed"], {row["origin"] for row in found}, len(found)) == ("stand-ins", {"ImagingStudy"}, 3)
    assert all(len(row["patient"]) == 32 for row in found)
    assert (out / "key").stat().st_mode & 0o777 == 0o600


def test_export_without_anything_of_ours_has_a_result(tmp_path: Path) -> None:
    """Where nobody had an order or a study the result is without rows, and still one that reports can read."""
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "Patient.ndjson").write_bytes(b"\n".join(lines(PATIENT_RESOURCE)))
    summary = replay([tmp_path / "export"], tmp_path / "out", SETUP, OPTIONS)
    assert (summary["replayed"], summary["patients"], rows(tmp_path / "out")) == ("stand-ins", 0, [])
    assert any((tmp_path / "out" / "rows").glob("*.parquet"))


def test_deleted_resources_are_gone(tmp_path: Path) -> None:
    """What a manifest's deletions name is not in the charts any more."""
    folder = export(tmp_path / "export", patients=3)
    gone = {"request": {"method": "DELETE", "url": "ServiceRequest/mri-1"}}
    (folder / "deleted.ndjson").write_text(json.dumps({"resourceType": "Bundle", "entry": [gone]}))
    summary = replay([folder], tmp_path / "out", SETUP, OPTIONS)
    assert sorted(row["order"] for row in rows(tmp_path / "out")) == ["ServiceRequest/b-mri", "ServiceRequest/mri-2"]
    assert summary["deleted"] == 1


@pytest.mark.parametrize("is_packed", [False, True])
def test_mark_at_the_beginning_of_a_file_costs_no_line(tmp_path: Path, *, is_packed: bool) -> None:
    """The first line of a file is in the chart, whether or not a byte order mark stands before it."""
    folder = export(tmp_path / "export")
    (file,) = folder.glob("ServiceRequest.ndjson")
    content = b"\xef\xbb\xbf" + b"\n".join(file.read_bytes().splitlines()[1:]) + b"\n"
    file.write_bytes(gzip.compress(content) if is_packed else content)
    summary = replay([folder], tmp_path / "out", SETUP, OPTIONS)
    assert "ServiceRequest/mri-1" in {row["order"] for row in rows(tmp_path / "out")}
    assert summary["rejects"] == {"not-json": 1, "no-patient": 1}


def test_line_that_only_begins_well_costs_itself(tmp_path: Path) -> None:
    """A line of which only the part that is read first is sound is found out later, and told like the others."""
    folder = export(tmp_path / "export", patients=3)
    (line,) = of("p1", condition(id="odd", recordedDate="2026-05-01", note=[{"text": "escape"}]))
    (folder / "Condition.9.ndjson").write_bytes(line.replace(b"escape", b"\\x"))
    summary = replay([folder], tmp_path / "out", SETUP, OPTIONS)
    (found,) = [
        reject
        for line in (tmp_path / "out" / "rejects.ndjson").read_bytes().splitlines()
        if "Condition.9" in (reject := json.loads(line)).get("file", "")
    ]
    assert (found["line"], found["reason"]) == (1, "not-json")
    assert len(rows(tmp_path / "out")) == 3
    assert summary["left_out"] == {}


def command(folder: Path, out: Path, *more: str) -> list[str]:
    """Return the command line of a replay in two processes."""
    options = ["--out", str(out), "--processes", "2", "--identify", *more]
    return [sys.executable, "-m", "cds_service", "replay", str(folder), *options]


@pytest.mark.slow
def test_killed_replay_goes_on(tmp_path: Path) -> None:
    """Killed at several moments, another number of processes finishes with the rows of one left alone, none twice."""
    folder = export(tmp_path / "export", patients=90)
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    subprocess.run(command(folder, alone), check=True, capture_output=True, timeout=300)
    for seen in ("work/index/*/counts.json", "work/runs/*", "rows/*.parquet"):
        _kill_when(seen, command(folder, killed), killed)
        assert not (killed / "summary.json").exists()
    subprocess.run(command(folder, killed, "--processes", "1"), check=True, capture_output=True, timeout=300)
    found = rows(killed)
    assert all(file.stat().st_mode & 0o077 == 0 for file in killed.rglob("*"))
    assert found == rows(alone)
    assert len({row["order"] for row in found}) == len(found) == 61
    assert (killed / "rejects.ndjson").read_bytes() == (alone / "rejects.ndjson").read_bytes()


def _kill_when(pattern: str, arguments: list[str], out: Path) -> None:
    """Start a replay and kill it as soon as a file is there."""
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not any(out.glob(pattern)) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL


def test_extra_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what the extra brings, the command says how to get it."""
    for name in [name for name in sys.modules if name.startswith("cds_service.replay.local.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "duckdb", None)
    result = CliRunner().invoke(main, command(export(tmp_path / "export", patients=1), tmp_path / "out")[3:])
    assert result.exit_code == 1
    assert "duckdb is not installed; it comes with: pip install 'lumbar-mri-cds[replay]'" in result.output


def test_command_tells_what_it_did(tmp_path: Path) -> None:
    """The command prints how many patients were replayed, where the rows are, and what could not be read."""
    folder, out = export(tmp_path / "export", patients=2), tmp_path / "out"
    arguments = [
        "replay",
        str(folder),
        "--out",
        str(out),
        "--processes",
        "1",
        "--since",
        "2026-06-03",
        "--memory",
        "512M",
    ]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert f"Replayed (orders): 2 patients; rows in {out / 'rows'}" in result.output
    assert "Orders left out: before-since 2" in result.output
    assert "Lines that could not be read: no-patient 1, not-json 1" in result.output


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--memory", "12 apples"], "say it as 512M or 2G"),
        (["--memory", "1M"], "less than 256M"),
        (["--client", "nobody"], "there is no client of this name"),
        (["--site-file", "/nowhere.toml"], "/nowhere.toml"),
    ],
)
def test_mistake_is_told_before_anything_is_written(tmp_path: Path, arguments: list[str], complaint: str) -> None:
    """What cannot be used is named, and no folder is begun."""
    folder = export(tmp_path / "export", patients=1)
    result = CliRunner().invoke(main, ["replay", str(folder), "--out", str(tmp_path / "out"), *arguments])
    assert result.exit_code != 0
    assert complaint in result.output
    assert not (tmp_path / "out").exists()
