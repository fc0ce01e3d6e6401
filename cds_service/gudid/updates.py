"""The files that AccessGUDID publishes between releases: XML in an archive, a day's, a week's or a month's records.

A delimited file with the columns of `device.txt` is read as well. What was deleted comes as a record that is no longer
published.
"""

from __future__ import annotations

import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO, Final, cast
from xml.etree.ElementTree import Element, ParseError, iterparse

from cds_service.gudid.delimited import ReleaseError, Tally
from cds_service.gudid.records import STATUSES, DeviceRecord
from cds_service.gudid.release import Release

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_DELETED: Final = ("deleted", "delete", "deactivated", "unpublished")


def read_update(file: Path, tally: Tally) -> Iterator[tuple[DeviceRecord, str]]:
    """Yield the records of a file with the text of their MR status; ReleaseError where it cannot be read."""
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                names = [name for name in archive.namelist() if name.casefold().endswith(".xml")]
                for name in names:
                    with archive.open(name) as stream:
                        yield from _records(cast("BinaryIO", stream), tally)
            if not names:
                yield from Release(file, None).devices(tally)
        elif _is_xml(file):
            with file.open("rb") as stream:
                yield from _records(stream, tally)
        else:
            yield from Release(file, None).devices(tally)
    except OSError as error:
        raise ReleaseError(error.strerror or "cannot be read") from None
    except StopIteration:
        raise ReleaseError("there is neither XML nor a device.txt in the archive") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ReleaseError(f"the archive is damaged or cannot be unpacked ({error})") from None


def _is_xml(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(64).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def _records(stream: BinaryIO, tally: Tally) -> Iterator[tuple[DeviceRecord, str]]:
    """Yield the devices of one XML document, and forget each at once."""
    path: list[Element] = []
    try:
        for event, element in iterparse(stream, ("start", "end")):  # noqa: S314 - the operator's file; expat limits entities
            if event == "start":
                path.append(element)
                continue
            path.pop()
            if _tag(element) == "device":
                tally.rows += 1
                record = _record(element)
                if record is None:
                    tally.miss(tally.rows)
                else:
                    yield record
                for parent in path:
                    parent.clear()
    except ParseError as error:
        raise ReleaseError(f"is no XML that can be read: {error}") from None


def _record(device: Element) -> tuple[DeviceRecord, str] | None:
    """Return what a `device` element tells; None where it does not say which device it is."""
    texts: dict[str, str] = {}
    identifiers: dict[str, list[str]] = {}
    implantable: list[bool] = []
    for element in device.iter():
        name, text = _tag(element), (element.text or "").strip()
        if name == "identifier":
            found = {_tag(part): (part.text or "").strip() for part in element}
            identifiers.setdefault(found.get("deviceIdType", ""), []).append(found.get("deviceId", ""))
        elif name == "implantable" and text.casefold() in ("true", "false"):
            implantable.append(text.casefold() == "true")
        else:
            texts.setdefault(name, text[:60])
    primary = next(iter(identifiers.pop("Primary", [])), "")
    if not primary:
        return None
    status = texts.get("MRISafetyStatus", "")
    state = texts.get("deviceRecordStatus", "")
    if texts.get("publicVersionStatus", "").casefold() in _DELETED:
        state = "Deleted"
    record = DeviceRecord(
        primary,
        STATUSES.get(status.casefold()),
        texts.get("companyName", ""),
        texts.get("versionModelNumber", ""),
        state,
        texts.get("publicVersionDate", ""),
        any(implantable) if implantable else None,
        tuple(each for group in identifiers.values() for each in group if each),
    )
    return record, status


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2]
