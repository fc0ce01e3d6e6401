"""A site's orderables: read however they were exported, taken as their orders would be, and mapped for the rest."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from cds_service.cli import main as cli
from cds_service.cli.orderables.reading import Orderable, OrderablesError, read_orderables
from cds_service.cli.orderables.taking import Taken, sort_orderable
from fhir_mappings.orders.names import ContrastClass
from fhir_mappings.terminology.code_systems import CPT
from fhir_mappings.terminology.site_terminology import load_site_terminology
from tests.terminology import bundled_index

if TYPE_CHECKING:
    from pathlib import Path

LOCAL = "http://hospital.example/orders"
ROW = Orderable(2, "MRLSP", "MRI L-SPINE, W/O")

FILES: dict[str, bytes] = {
    "plain": b'code,display\nMRLSP,"MRI L-SPINE, W/O"\n',
    "byte order mark": '\ufeffcode,display\r\nMRLSP,"MRI L-SPINE, W/O"\r\n'.encode(),
    "UTF-16 with tabs": "Code\tDescription\r\nMRLSP\tMRI L-SPINE, W/O\r\n".encode("utf-16"),
    "semicolons": b"Order Code;Order Name\nMRLSP;MRI L-SPINE, W/O\n",
    "told by a spreadsheet": b"sep=|\ncode|name\nMRLSP|MRI L-SPINE, W/O\n",
    "columns turned round": b'Procedure Name,Active,PROC_CODE\n"MRI L-SPINE, W/O",Y,MRLSP\n',
    "blanks and blank lines": b'code , display\n\n MRLSP , "MRI L-SPINE, W/O"\n',
}


@pytest.mark.parametrize("data", FILES.values(), ids=FILES.keys())
def test_file_is_read_as_it_was_exported(data: bytes) -> None:
    """Encoding, delimiter, header names, order of the columns and blanks make no difference."""
    if b"\n\n" in data:
        data = data.replace(b', "', b',"')
    (row,) = read_orderables(data).rows
    assert (row.code, row.display) == (ROW.code, ROW.display)


def test_file_without_header_is_code_and_name() -> None:
    """Where no column is named, the first is the code and the second the name; a single one is the name."""
    assert read_orderables(b"MRLSP,MRI\nXRC,XR CHEST\n").rows[0] == Orderable(1, "MRLSP", "MRI")
    assert read_orderables(b"MRI LUMBAR\n").rows[0] == Orderable(1, "", "MRI LUMBAR")


def test_umlauts_of_windows_are_read() -> None:
    """A file that is not UTF-8 is Windows-1252, as spreadsheets write it."""
    assert read_orderables("code,name\nA,R\xf6ntgen\n".encode("cp1252")).rows[0].display == "R\xf6ntgen"


def test_lines_without_code_and_name_are_counted() -> None:
    """Nothing is dropped unseen; lines are numbered as in the file, quoted line breaks included."""
    read = read_orderables(b'code,display,cpt,active\nA,"two\nlines",,Y\n,,,\n,,72148,Y\n,,,Y\n')
    assert [row.line for row in read.rows] == [2, 5]
    assert read.empty_lines == (6,)  # a line without anything is none
    assert read.rows[0].display == "two\nlines"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"code,display\n", "no orderables"),
        (b"PK\x03\x04\x00\x00", "spreadsheet"),
        (b'code,display\nA,"MRI\n' + b"B,CT\n" * 1000, "quotation mark not closed"),
    ],
    ids=["empty", "header only", "spreadsheet", "open quote"],
)
def test_file_that_cannot_be_read_is_refused(data: bytes, reason: str) -> None:
    """The reason is told, and nothing is made of a part."""
    with pytest.raises(OrderablesError, match=reason):
        read_orderables(data)


def taken(display: str, *standard: tuple[str, str], code: str = "X1", by_text: bool = True) -> Any:
    """Return what an orderable is taken for."""
    return sort_orderable(Orderable(2, code, display, LOCAL, standard), bundled_index(), by_text=by_text)


def test_names_and_codes_are_taken_as_in_an_order() -> None:
    """A lumbar MRI by name, a spine MRI that nobody recognises, another study by its code, and anything else."""
    by_name = taken("MRI SPINE LUMBAR W WO IV CON")
    assert (by_name.taken, by_name.contrast, by_name.by) == (Taken.LUMBAR_MRI, ContrastClass.WITHOUT_AND_WITH, "name")
    assert taken("MRI SPINE").taken is Taken.LIKE_SPINE_MRI
    assert taken("MRI LUMBAR", by_text=False).taken is Taken.LIKE_SPINE_MRI
    assert taken("CT LUMBAR", (CPT, "72131")).taken is Taken.KNOWN_OTHER
    assert taken("MRI KNEE").taken is Taken.OTHER


def test_code_and_name_that_disagree_are_told() -> None:
    """A wrong code in the site's master file is found, since the code is what counts."""
    assert "its name says without-and-with" in taken("MRI LUMBAR W WO CONTRAST", (CPT, "72148")).remark
    assert "is the code right" in taken("MRI BRAIN WO", (CPT, "72148")).remark
    assert "the code counts" in taken("MRI LUMBAR SPINE WO", (CPT, "72131")).remark
    assert not taken("MRI LUMBAR WO CONTRAST", (CPT, "72148")).remark


EXPORT = """\
code,display,cpt
MRL1,MRI LUMBAR SPINE WO CONTRAST,
MRL2,MRI LUMBAR SPINE W WO CONTRAST,72158
MRL3,MRI LUMBAR SPINE,
MRL4,MRI LUMBAR SPINE WITH CONTRAST,
MRS,MRI SPINE,
XRC,XR CHEST 2 VIEWS,
"""


def run(folder: Path, *arguments: str) -> Result:
    """Run the command on the export."""
    (folder / "orders.csv").write_text(EXPORT, encoding="utf-8")
    return CliRunner().invoke(cli.main, ["orders", str(folder / "orders.csv"), *arguments])


def test_summary_comes_first(tmp_path: Path) -> None:
    """A person reads how many are what, then what is not recognised, then the map."""
    printed = run(tmp_path).output
    assert printed.startswith("6 orderables (code: code; display: display;")
    places = [printed.index(part) for part in ("4  taken for", "1  like an MRI", "Not recognised:", '"ConceptMap"')]
    assert places == sorted(places)
    assert "in place of http://hospital.example/orders" in printed


def test_map_works_as_it_is_printed(tmp_path: Path) -> None:
    """The site's terminology folder takes the map, and its codes are then read as the studies that they are."""
    folder = tmp_path / "fhir"
    folder.mkdir()
    result = run(tmp_path, "--system", LOCAL, "--map", str(folder / "orders.json"))
    assert (result.exit_code, "written to" in result.output) == (0, True)
    bundled = bundled_index()
    site = load_site_terminology(folder, bundled)
    index = site.applied_to(bundled)
    read_as = {code: index.concepts_of(LOCAL, code) for code in ("MRL1", "MRL2", "MRL3", "MRL4", "MRS")}
    assert read_as == {
        "MRL1": {"order_mri_lumbar_wo"},
        "MRL2": {"order_mri_lumbar_wo_w"},
        "MRL3": {"order_mri_lumbar_unspec"},
        "MRL4": {"order_mri_lumbar_w"},
        "MRS": frozenset(),
    }
    assert '"unmatched"' in (folder / "orders.json").read_text(encoding="utf-8")


def test_programs_get_every_row(tmp_path: Path) -> None:
    """JSON and CSV hold each orderable, and nothing else is printed."""
    report = json.loads(run(tmp_path, "--json").stdout)
    assert report["counts"] == {"lumbar-mri": 4, "spine-mri-not-recognised": 1, "known-other": 0, "other": 1}
    rows = list(csv.DictReader(run(tmp_path, "--csv").stdout.splitlines()))
    assert [row["taken"] for row in rows] == [row["taken"] for row in report["rows"]]


def test_site_file_counts(tmp_path: Path) -> None:
    """With a site that goes by codes only, names recognise nothing."""
    (tmp_path / "site.toml").write_text('name = "A"\norders_by_text = false', encoding="utf-8")
    report = json.loads(run(tmp_path, "--json", "--site-file", str(tmp_path / "site.toml")).stdout)
    assert report["counts"]["lumbar-mri"] == 1
    assert report["counts"]["spine-mri-not-recognised"] == 4


def test_unreadable_file_ends_with_the_reason(tmp_path: Path) -> None:
    """A file that cannot be read ends the command with status 1 and its name."""
    (tmp_path / "empty.csv").write_bytes(b"")
    result = CliRunner().invoke(cli.main, ["orders", str(tmp_path / "empty.csv")])
    assert (result.exit_code, "empty.csv: the file is empty" in result.stderr) == (1, True)
