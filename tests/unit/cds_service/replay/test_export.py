"""A bulk export is read as servers write it, and whatever cannot be read is told with its place."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from cds_service.protocol.errors import SettingsError
from cds_service.replay.export import lines as reading
from cds_service.replay.export.files import find_export
from cds_service.replay.export.lines import lines_of
from cds_service.replay.export.resources import read_head, resources_of
from tests.unit.cds_service.replay.past import PATIENT_RESOURCE, condition, lines

if TYPE_CHECKING:
    from cds_service.replay.export.files import ExportFile

ONE, TWO = lines(condition(id="one"), condition(id="two"))


def only(folder: Path) -> ExportFile:
    """Return the one file of a folder."""
    (file,) = find_export([folder]).files
    return file


def read(folder: Path) -> list[tuple[int, str, str]]:
    """Return what the one file of a folder holds: line, id and fault of each."""
    found = resources_of(only(folder))
    return [(each.number, each.id, each.fault) for each in found if each.type or each.fault]


def packed(text: bytes, packing: str) -> bytes:
    """Return a file's content, packed or not."""
    if packing == "gz":
        return gzip.compress(text)
    return bytes(pa.compress(text, codec="zstd", asbytes=True)) if packing == "zst" else text


@pytest.mark.parametrize(
    "content",
    [
        ONE + b"\n" + TWO + b"\n",
        ONE + b"\n" + TWO,
        b"\xef\xbb\xbf" + ONE + b"\r\n" + TWO + b"\r\n",
        b"\n" + ONE + b"\n\n  \n" + TWO + b"\n\n",
        b"  " + ONE + b"\n\t" + TWO,
    ],
)
@pytest.mark.parametrize("packing", ["", "gz", "zst"])
def test_lines_are_read_however_they_end(tmp_path: Path, content: bytes, packing: str) -> None:
    """Byte order mark, CRLF, blank lines, a last line without an end; packed or not, whatever the file is called."""
    (tmp_path / f"Condition.000.ndjson{packing and '.'}{packing}").write_bytes(packed(content, packing))
    assert [name for _, name, _ in read(tmp_path)] == ["one", "two"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b'{"resourceType": "Condition", "id": "x"', "not-json"),
        (b'{"resourceType": "Condition"} trailing', "not-json"),
        (b"<html>", "not-json"),
        (b'{"resourceType": "Condition", "id": "\xff"}', "not-utf-8"),
        (b"[1, 2]", "no-resource"),
        (b'{"id": "x"}', "no-resource"),
        (b'{"resourceType": "Bundle", "entry": 7}', "not-a-bundle"),
    ],
)
def test_broken_line_costs_itself(tmp_path: Path, line: bytes, fault: str) -> None:
    """A line that is no resource is told with its number and why, and the others are read."""
    (tmp_path / "a.ndjson").write_bytes(b"\n".join([ONE, line, TWO]))
    assert read(tmp_path) == [(1, "one", ""), (2, "", fault), (3, "two", "")]


@pytest.mark.parametrize("packing", ["gz", "zst"])
def test_file_cut_short_is_told(tmp_path: Path, packing: str) -> None:
    """Of a packed file that was not copied whole, what can be unpacked counts, and its end is told."""
    text = b"\n".join(
        lines(*(condition(id=f"c{number}", note=[{"text": str(number**99)}]) for number in range(40_000)))
    )
    whole = packed(text, packing)
    (tmp_path / f"a.ndjson.{packing}").write_bytes(whole[: len(whole) * 3 // 4])
    found = read(tmp_path)
    assert found[-1][2] == "file-cut-short"
    assert len(found) > 10_000
    assert not any(fault for _, _, fault in found[:-1])


def test_line_that_is_too_long_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that nobody can hold in memory is passed over, and the one after it is read."""
    monkeypatch.setattr(reading, "LONGEST_LINE", 1000)
    monkeypatch.setattr(reading, "BLOCK", 300)
    (tmp_path / "a.ndjson").write_bytes(b"\n".join([ONE, b'{"x": "' + b"y" * 5000 + b'"}', TWO]))
    assert read(tmp_path) == [(1, "one", ""), (2, "", "line-too-long"), (3, "two", "")]


@pytest.mark.parametrize("step", [1, 7, 100, 1000])
def test_parts_of_a_file_hold_each_line_once(tmp_path: Path, step: int) -> None:
    """Read in stretches of whatever size, every line is in one of them, at its place."""
    content = b"\xef\xbb\xbf" + b"\r\n".join([ONE, b"", TWO, b"{", ONE])
    (tmp_path / "a.ndjson").write_bytes(content)
    file = only(tmp_path)
    whole = [(line.offset, line.text) for line in lines_of(file)]
    parts = [
        (line.offset, line.text)
        for start in range(0, file.size, step)
        for line in lines_of(file, start, min(start + step, file.size))
    ]
    assert parts == whole
    assert len(whole) == 5


@pytest.mark.parametrize(
    ("members", "patient"),
    [
        ({"subject": {"reference": "Patient/p"}}, "p"),
        ({"subject": {"reference": "https://ehr.example/r4/Patient/p/_history/3"}}, "p"),
        ({"subject": {"reference": "urn:uuid:p"}}, "p"),
        ({"patient": {"reference": "Patient/p"}}, "p"),
        ({"resourceType": "Patient", "id": "p"}, "p"),
        ({"resourceType": "Appointment", "participant": [{}, {"actor": {"reference": "Patient/p"}}]}, "p"),
        ({"subject": {"reference": "Group/g"}}, ""),
        ({"subject": {"reference": "#p"}}, ""),
        ({"subject": {"identifier": {"value": "7"}}}, ""),
        ({"subject": "Patient/p"}, ""),
        ({"subject": [{"reference": "Patient/p"}]}, "p"),
        ({"note": [{"text": "cut \\ud83d"}], "subject": {"reference": "Patient/p"}}, "p"),
    ],
)
def test_whose_a_resource_is(members: dict[str, Any], patient: str) -> None:
    """References are read as servers write them; one that leads to no patient is told so, not guessed."""
    text = json.dumps({"resourceType": "Condition"} | members).replace("\\\\ud83d", "\\ud83d")
    found = read_head(text.encode())
    assert (found.patient, found.fault) == (patient, "")


@pytest.mark.parametrize("indent", [None, 2])
def test_bundles_are_read_by_entry(tmp_path: Path, indent: int | None) -> None:
    """A Bundle is its entries, and what refers to the temporary address of one refers to its resource."""
    told = condition(subject={"reference": "urn:uuid:7"}, encounter={"reference": "urn:uuid:8"})
    entries = [
        {"fullUrl": "urn:uuid:7", "resource": PATIENT_RESOURCE},
        {"fullUrl": "urn:uuid:8", "resource": {"resourceType": "Encounter", "id": "e"}},
        {"fullUrl": "urn:uuid:9", "resource": told},
        {"request": {"method": "DELETE", "url": "Condition/old"}},
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    (tmp_path / "synthea.json").write_text(json.dumps(bundle, indent=indent), encoding="utf-8")
    found = list(resources_of(only(tmp_path)))
    assert [(each.type, each.id, each.entry) for each in found] == [
        ("Patient", "pat-1", 1),
        ("Encounter", "e", 2),
        ("Condition", "c-1", 3),
        ("Deleted", "Condition/old", 4),
    ]
    assert found[2].patient == "pat-1"
    assert json.loads(found[2].line)["encounter"] == {"reference": "Encounter/e"}


def test_lines_may_be_called_json(tmp_path: Path) -> None:
    """A file of lines is read as such even where its name says that it is one document."""
    (tmp_path / "Condition.json").write_bytes(ONE + b"\n" + TWO + b"\n")
    assert [name for _, name, _ in read(tmp_path)] == ["one", "two"]


def test_manifest_says_what_files_are(tmp_path: Path) -> None:
    """Errors are no resources, deletions are told apart, a file without an ending is read, an absent one is named."""
    addresses = {
        "output": [{"type": "Condition", "url": f"https://ehr.example/bulk/{name}?sig=1"} for name in ("f1", "gone")],
        "error": [{"type": "OperationOutcome", "url": "https://ehr.example/bulk/errors.ndjson"}],
        "deleted": [{"type": "Bundle", "url": "https://ehr.example/bulk/deleted.ndjson"}],
    }
    (tmp_path / "manifest.json").write_text(json.dumps({"transactionTime": "2026-06-02T00:00:00Z"} | addresses))
    for name in ("f1", "errors.ndjson", "deleted.ndjson", "more.ndjson", "notes.txt", ".hidden.ndjson"):
        (tmp_path / name).write_bytes(ONE)
    export = find_export([tmp_path])
    assert {file.path.name: file.content for file in export.files} == {
        "deleted.ndjson": "deleted",
        "errors.ndjson": "errors",
        "f1": "resources",
        "more.ndjson": "resources",
    }
    folder = tmp_path.name
    assert (export.absent, export.ignored) == ((f"{folder}/gone",), (f"{folder}/notes.txt",))


def test_folder_without_an_export_is_refused(tmp_path: Path) -> None:
    """Nothing to read is a mistake, not an empty result; the results of a replay inside are not read."""
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "rejects.ndjson").write_bytes(b"{}")
    with pytest.raises(SettingsError, match="json file is there"):
        find_export([tmp_path], without=[tmp_path / "out"])
