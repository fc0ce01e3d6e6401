"""Invented files of AccessGUDID, with the columns of the real ones."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from cds_service.gudid.release import open_release
from cds_service.gudid.writing import Written, write_table
from tests.labels import CONDITIONAL, SAFE, SILENT, UNSAFE

COLUMNS: Final = (
    "PrimaryDI|publicDeviceRecordKey|publicVersionStatus|deviceRecordStatus|publicVersionNumber|publicVersionDate"
    "|devicePublishDate|deviceCommDistributionEndDate|deviceCommDistributionStatus|brandName|versionModelNumber"
    "|catalogNumber|dunsNumber|companyName|deviceCount|deviceDescription|DMExempt|premarketExempt|deviceHCTP|deviceKit"
    "|deviceCombinationProduct|singleUse|lotBatch|serialNumber|manufacturingDate|expirationDate|donationIdNumber"
    "|labeledContainsNRL|labeledNoNRL|MRISafetyStatus|rx|otc|deviceSterile|sterilizationPriorToUse"
)
KINDS: Final = "PrimaryDI|gmdnPTName|gmdnPTDefinition|gmdnCode|gmdnCodeStatus|implantable"
OTHERS: Final = (
    "PrimaryDI|deviceId|deviceIdType|deviceIdIssuingAgency|containsDINumber|pkgQuantity|pkgDiscontinueDate|pkgStatus"
    "|pkgType"
)

TODAY = date(2026, 6, 2)
NAME = "AccessGUDID_Delimited_Full_Release_20260501.zip"
SILENCE = "Labeling does not contain MRI Safety Information"
PACKAGE, HIBCC, WHEELCHAIR = "10000000000014", "H123PARTNO1", "00000000000062"
STATUSES = {UNSAFE: "MR Unsafe", CONDITIONAL: "MR Conditional", SAFE: "MR Safe", SILENT: SILENCE}


def line(columns: str, values: Mapping[str, str]) -> str:
    """Return a row with some values, and of the others what stands for them."""
    return "|".join(values.get(name, "") for name in columns.split("|"))


def device(identifier: str, status: str = "MR Conditional", **more: str) -> str:
    """Return a row of device.txt."""
    usual = {
        "PrimaryDI": identifier,
        "deviceRecordStatus": "Published",
        "publicVersionDate": "2026-04-30",
        "versionModelNumber": "Model 1",
        "companyName": "Example Devices",
        "deviceDescription": 'Rod, 5.5" long',
        "MRISafetyStatus": status,
    }
    return line(COLUMNS, usual | more)


def devices_file(folder: Path, *rows: str, name: str = "device.txt", header: str = COLUMNS) -> Path:
    """Write a device.txt with some rows."""
    file = folder / name
    file.write_bytes("\r\n".join([header, *rows, ""]).encode())
    return file


def archive(
    folder: Path,
    rows: Sequence[str],
    implants: Mapping[str, bool] | None = None,
    others: Mapping[str, str] | None = None,
    name: str = NAME,
) -> Path:
    """Write an archive with some rows, and what is told of kinds and of further identifiers."""
    kinds = [
        line(KINDS, {"PrimaryDI": each, "gmdnPTDefinition": "A | b", "implantable": str(flag).lower()})
        for each, flag in (implants or {}).items()
    ]
    further = [
        line(OTHERS, {"PrimaryDI": primary, "deviceId": other, "deviceIdType": "Package"})
        for other, primary in (others or {}).items()
    ]
    file = folder / name
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("release/device.txt", "\n".join([COLUMNS, *rows, ""]))
        packed.writestr("release/gmdnTerms.txt", "\n".join([KINDS, *kinds, ""]))
        packed.writestr("release/identifiers.txt", "\n".join([OTHERS, *further, ""]))
    return file


def usual_archive(folder: Path) -> Path:
    """Write an archive with an implant of each status, one of another issuer, a wheelchair and a package."""
    rows = [device(identifier, status) for identifier, status in STATUSES.items()]
    rows += [device(HIBCC, "MR Unsafe"), device(WHEELCHAIR, "MR Unsafe")]
    implants = dict.fromkeys((*STATUSES, HIBCC), True) | {WHEELCHAIR: False}
    return archive(folder, rows, implants, {PACKAGE: CONDITIONAL})


def table_of(folder: Path, release: Path | None = None) -> Path:
    """Return the table of a release."""
    imported(release or usual_archive(folder), folder / "gudid.sqlite3")
    return folder / "gudid.sqlite3"


def imported(release: Path, into: Path) -> Written:
    """Import a release."""
    return write_table(open_release(release), into, TODAY)
