"""What later files change in the table, whole or not at all."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path

import pytest

from cds_service.gudid.delimited import ReleaseError, Tally
from cds_service.gudid.table import GudidTable
from cds_service.gudid.updates import read_update
from cds_service.gudid.writing import Written, change_table
from fhir_mappings.devices.labels import MrStatus
from tests.gudid import PACKAGE, SILENCE, device, devices_file, table_of
from tests.labels import CONDITIONAL, SAFE, SILENT, UNLISTED, UNSAFE
from tests.unit.cds_service.gudid.test_import import statuses

DAY = date(2026, 5, 2)


def xml_device(
    identifier: str, status: str, implantable: str = "true", state: str = "Published", more: str = ""
) -> str:
    """Return a device of a daily file."""
    return f"""<device xmlns="http://www.fda.gov/cdrh/gudid">
      <publicVersionStatus>Update</publicVersionStatus><deviceRecordStatus>{state}</deviceRecordStatus>
      <identifiers><identifier><deviceId>{identifier}</deviceId><deviceIdType>Primary</deviceIdType></identifier>{more}
      </identifiers><brandName>B</brandName><versionModelNumber>Model 2</versionModelNumber>
      <companyName>Other &amp; Co</companyName><MRISafetyStatus>{status}</MRISafetyStatus>
      <gmdnTerms><gmdn><gmdnPTName>n</gmdnPTName><implantable>{implantable}</implantable></gmdn></gmdnTerms></device>"""


def xml_file(folder: Path, *devices: str) -> Path:
    """Write a daily file."""
    file = folder / "gudid_daily_update_20260502.zip"
    document = f'<?xml version="1.0"?><gudid xmlns="http://www.fda.gov/cdrh/gudid">{"".join(devices)}</gudid>'
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("FULLDownload_Part1_Of_1.xml", document)
    return file


def updated(table: Path, file: Path) -> Written:
    """Bring a table up to date."""
    tally = Tally()
    return change_table(table, read_update(file, tally), tally, DAY)


def test_daily_file_adds_changes_and_deletes(tmp_path: Path) -> None:
    """New implants come, labels change, silent ones included, and what is withdrawn or no implant goes."""
    table = table_of(tmp_path)
    package = "<identifier><deviceId>10000000000052</deviceId><deviceIdType>Package</deviceIdType></identifier>"
    file = xml_file(
        tmp_path,
        xml_device(UNLISTED, "MR Conditional", more=package),
        xml_device(CONDITIONAL, SILENCE),
        xml_device(SAFE, "MR Safe", state="Deactivated"),
        xml_device(SILENT, "MR Unsafe", implantable="false"),
        xml_device(UNSAFE, "MR Perhaps"),
        "<device><companyName>of no device</companyName></device>",
    )
    written = updated(table, file)
    assert statuses(table, UNLISTED, "10000000000052", CONDITIONAL, SAFE, SILENT, UNSAFE, PACKAGE) == [
        MrStatus.CONDITIONAL,
        MrStatus.CONDITIONAL,
        MrStatus.SILENT,
        None,
        None,
        MrStatus.UNSAFE,  # what cannot be read changes nothing
        MrStatus.CONDITIONAL,
    ]
    found = GudidTable(table)
    label = found.label_of(UNLISTED)
    assert label is not None
    assert (label.company, label.version, found.released) == ("Other & Co", "Model 2", DAY)
    assert (written.devices.rows, written.devices.unread, dict(written.strange)) == (6, 1, {"MR Perhaps": 1})
    assert (written.changed, written.deleted) == (3, 2)


def test_delimited_update_is_read_too(tmp_path: Path) -> None:
    """A file with the columns of device.txt changes what it names, and says nothing of kinds."""
    table = table_of(tmp_path)
    updated(
        table, devices_file(tmp_path, device(SAFE, "MR Unsafe"), device(CONDITIONAL, SILENCE), device("9", SILENCE))
    )
    assert statuses(table, SAFE, CONDITIONAL, "9") == [MrStatus.UNSAFE, MrStatus.SILENT, None]


@pytest.mark.parametrize("content", [b"<gudid><device>", b"<a/>", b"", b"no columns\r\n", b"PK\x05\x06" + b"\0" * 18])
def test_bad_update_changes_nothing(tmp_path: Path, content: bytes) -> None:
    """A file that breaks off or holds nothing leaves the table as it was, to the byte."""
    table = table_of(tmp_path)
    before = table.read_bytes()
    file = tmp_path / "update"
    file.write_bytes(content)
    with pytest.raises(ReleaseError):
        updated(table, file)
    assert table.read_bytes() == before


def test_table_in_use_stays_as_it_was(tmp_path: Path) -> None:
    """A process that has opened a table goes on with it when another one is put in its place."""
    table = table_of(tmp_path)
    opened = GudidTable(table)
    updated(table, xml_file(tmp_path, xml_device(SAFE, "MR Unsafe")))
    label = opened.label_of(SAFE)
    assert label is not None
    assert (label.status, opened.released) == (MrStatus.SAFE, date(2026, 5, 1))
