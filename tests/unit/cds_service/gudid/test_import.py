"""What of a release comes into the table, and what is said of the rest."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from cds_service.gudid.delimited import ReleaseError
from cds_service.gudid.table import GudidTable
from fhir_mappings.devices.labels import MrStatus
from tests.gudid import (
    COLUMNS,
    HIBCC,
    PACKAGE,
    SILENCE,
    WHEELCHAIR,
    archive,
    device,
    devices_file,
    imported,
    table_of,
)
from tests.labels import CONDITIONAL, SAFE, SILENT, UNLISTED, UNSAFE


def statuses(table: Path, *identifiers: str) -> list[MrStatus | None]:
    """Return what a table says of some identifiers."""
    found = [GudidTable(table).label_of(each) for each in identifiers]
    return [label.status if label else None for label in found]


def test_archive_gives_the_labels_of_implants(tmp_path: Path) -> None:
    """Of a whole release the implants are kept with their status, silent ones too, and under every identifier."""
    table = table_of(tmp_path)
    assert statuses(table, UNSAFE, CONDITIONAL, SAFE, SILENT) == [
        MrStatus.UNSAFE,
        MrStatus.CONDITIONAL,
        MrStatus.SAFE,
        MrStatus.SILENT,
    ]
    assert statuses(table, HIBCC, PACKAGE) == [MrStatus.UNSAFE, MrStatus.CONDITIONAL]
    assert statuses(table, WHEELCHAIR, UNLISTED) == [None, None]
    found = GudidTable(table)
    assert (found.released, found.facts.with_kinds, found.facts.rows) == (date(2026, 5, 1), True, 6)
    label = found.label_of(CONDITIONAL)
    assert label is not None
    assert (label.company, label.version) == ("Example Devices", "Model 1")


def test_device_file_alone_gives_what_labels_tell(tmp_path: Path) -> None:
    """Without the kinds everything that a label tells is kept, and no silent label; the newest row tells the day."""
    rows = [device(UNSAFE, "MR Unsafe"), device(SILENT, SILENCE), device(WHEELCHAIR, "mr unsafe")]
    rows.append(device(SAFE, "MR Safe", publicVersionDate="2999-01-01"))
    table = table_of(tmp_path, devices_file(tmp_path, *rows))
    assert statuses(table, UNSAFE, SILENT, WHEELCHAIR) == [MrStatus.UNSAFE, None, MrStatus.UNSAFE]
    assert GudidTable(table).released == date(2026, 4, 30)


def test_columns_are_found_by_name(tmp_path: Path) -> None:
    """A release with its columns in another order, and one more, is read; one without a column is refused."""
    names = ["newColumn", *reversed(COLUMNS.split("|"))]
    values = dict(zip(COLUMNS.split("|"), device(UNSAFE, "MR Unsafe").split("|"), strict=True))
    row = "|".join(values.get(name, "x") for name in names)
    file = devices_file(tmp_path, row, header="\ufeff" + "|".join(names))
    assert statuses(table_of(tmp_path, file), UNSAFE) == [MrStatus.UNSAFE]
    with pytest.raises(ReleaseError, match="MRISafetyStatus"):
        imported(devices_file(tmp_path, row, header=COLUMNS.replace("MRI", "")), tmp_path / "x")


def test_odd_rows_are_mended(tmp_path: Path) -> None:
    """Quotation marks, line breaks and separators in a text cost no label."""
    quoted = "|".join(f'"{part}"' for part in device(SAFE, "MR Safe", deviceDescription="a | b").split("|"))
    rows = [
        device(UNSAFE, "MR Unsafe", deviceDescription="Rod\nwith a line break\n\nor two"),
        device(CONDITIONAL, deviceDescription="5|6 mm"),
        quoted.replace('"a "|" b"', '"a | b"'),
        device(HIBCC, "MR Unsafe", companyName="M\u00fcller"),
    ]
    written = imported(devices_file(tmp_path, *rows), tmp_path / "t")
    assert statuses(tmp_path / "t", UNSAFE, CONDITIONAL, SAFE, HIBCC) == [
        MrStatus.UNSAFE,
        MrStatus.CONDITIONAL,
        MrStatus.SAFE,
        MrStatus.UNSAFE,
    ]
    assert (written.devices.rows, written.devices.mended, written.devices.unread) == (4, 2, 0)


def test_unread_rows_are_counted_with_their_lines(tmp_path: Path) -> None:
    """A row of which nothing can be told is said; a file full of them is refused, and the table stays as it was."""
    rows = [device(f"{number:014}") for number in range(200)]
    written = imported(devices_file(tmp_path, *rows, "cut|short", rows[0]), tmp_path / "t")
    assert (written.devices.unread, written.devices.unread_lines) == (1, [202])
    before = (tmp_path / "t").read_bytes()
    with pytest.raises(ReleaseError, match="rows cannot be read"):
        imported(devices_file(tmp_path, *["a|b", device(UNSAFE)] * 20), tmp_path / "t")
    assert (tmp_path / "t").read_bytes() == before


def test_strange_and_withdrawn_records_are_counted(tmp_path: Path) -> None:
    """An MR status that nobody knows is named in the report; what is no longer published is left out."""
    rows = [device(UNSAFE, "MR Perhaps"), device(SAFE, ""), device(CONDITIONAL, deviceRecordStatus="Deactivated")]
    written = imported(devices_file(tmp_path, *rows), tmp_path / "t")
    assert dict(written.strange) == {"MR Perhaps": 1, "": 1}
    assert (written.withdrawn, written.facts.rows) == (1, 0)


def test_worse_of_two_rows_counts(tmp_path: Path) -> None:
    """An identifier that stands twice has the more dangerous status, in whichever order."""
    rows = [device(UNSAFE, "MR Unsafe"), device(UNSAFE), device(SAFE, "MR Safe"), device(SAFE)]
    assert statuses(table_of(tmp_path, devices_file(tmp_path, *rows)), UNSAFE, SAFE) == [
        MrStatus.UNSAFE,
        MrStatus.CONDITIONAL,
    ]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 broken", b"\x00" * 2000, COLUMNS.encode()])
def test_what_is_no_release_is_refused(tmp_path: Path, content: bytes) -> None:
    """Anything else gets a reason, and leaves neither a table nor anything beside it."""
    file = tmp_path / "device.txt"
    file.write_bytes(content)
    with pytest.raises(ReleaseError):
        imported(file, tmp_path / "t")
    assert [each.name for each in tmp_path.iterdir()] == ["device.txt"]


def test_damaged_archive_is_refused(tmp_path: Path) -> None:
    """An archive whose download was cut or whose bytes have changed is told, and nothing comes of it."""
    file = archive(tmp_path, [device(f"{number:014}") for number in range(50)])
    data = bytearray(file.read_bytes())
    data[2000] ^= 0xFF
    file.write_bytes(data)
    with pytest.raises(ReleaseError, match="damaged"):
        imported(file, tmp_path / "t")
    assert not (tmp_path / "t").exists()
