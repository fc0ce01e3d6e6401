"""Which files of some folders are the export: found by what they are called, and by a manifest where there is one.

A manifest of Bulk Data `$export` names files of resources, of errors and of deletions by their addresses; on a disk the
last part of the address is the name. Files that no manifest names are resources.
"""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from cds_service.protocol.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Content = Literal["resources", "errors", "deleted"]
Packing = Literal["", "gz", "zst"]

_SUFFIXES: Final = (".ndjson", ".jsonl", ".json")
_PACKED: Final = (".gz", ".zst", ".zstd")
_MAGIC: Final[tuple[tuple[bytes, Packing], ...]] = ((b"\x1f\x8b", "gz"), (b"\x28\xb5\x2f\xfd", "zst"))
_LARGEST_MANIFEST: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file of an export; `name` is how reports call it: its folder's name and its path there."""

    path: Path
    name: str
    size: int
    modified: int
    packing: Packing = ""
    content: Content = "resources"

    @property
    def is_plain(self) -> bool:
        """Whether it can be read from any place in it."""
        return not self.packing and not self.path.name.endswith(".json")


@dataclass(frozen=True, slots=True)
class Export:
    """The files of an export; what was beside them and was not read; what a manifest names and is not there."""

    files: tuple[ExportFile, ...]
    ignored: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


@dataclass(slots=True)
class Manifest:
    """What manifests say of the files, by their names."""

    contents: dict[str, Content] = field(default_factory=dict)

    def take(self, document: dict[str, Any]) -> None:
        """Take what one of them says."""
        for key, content in (("output", "resources"), ("error", "errors"), ("deleted", "deleted")):
            for name in _names(document.get(key)):
                self.contents[name] = content  # type: ignore[assignment] # one of the three


def find_export(folders: Sequence[Path], *, without: Iterable[Path] = ()) -> Export:
    """Return the files of some folders, or files named themselves, in an order that does not depend on the disk.

    SettingsError where there is none at all. `without` are folders inside that are not looked into.
    """
    left_out = {path.resolve() for path in without}
    files: list[ExportFile] = []
    ignored: list[str] = []
    absent: list[str] = []
    for folder in folders:
        found = sorted(_files_in(folder, left_out))
        manifest, manifests = _manifest_of(found)
        named = {path.name for path in found}
        absent += sorted(f"{folder.name}/{name}" for name in manifest.contents if name not in named)
        for path in found:
            name = f"{folder.name}/{path.relative_to(folder)}" if folder.is_dir() else path.name
            if path in manifests:
                continue
            if not (path.name in manifest.contents or is_named_like_export(path)):
                ignored.append(name)
                continue
            status = path.stat()
            content = manifest.contents.get(path.name, "resources")
            files.append(ExportFile(path, name, status.st_size, status.st_mtime_ns, packing_of(path), content))
    if not files:
        places = ", ".join(str(folder) for folder in folders)
        raise SettingsError([f"{places}: no .ndjson or .json file is there"])
    return Export(tuple(files), tuple(ignored), tuple(absent))


def is_named_like_export(path: Path) -> bool:
    """Whether a file's name is that of resources, packed or not."""
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    return bool(suffixes) and suffixes[-1] in _SUFFIXES


def packing_of(path: Path) -> Packing:
    """Return how a file is packed, by its first bytes: names do not always tell."""
    with path.open("rb") as stream:
        start = stream.read(4)
    return next((packing for magic, packing in _MAGIC if start.startswith(magic)), "")


def _files_in(folder: Path, left_out: set[Path]) -> Iterator[Path]:
    if folder.is_file():
        yield folder
        return
    if not folder.is_dir():
        raise SettingsError([f"{folder}: there is no such folder"])
    for path in folder.rglob("*"):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.is_file() and left_out.isdisjoint(path.resolve().parents):
            yield path


def _manifest_of(files: Iterable[Path]) -> tuple[Manifest, frozenset[Path]]:
    """Return what the manifests among some files say, and which files these are."""
    manifest, found = Manifest(), set[Path]()
    for path in files:
        if path.suffix.lower() != ".json" or path.stat().st_size > _LARGEST_MANIFEST or packing_of(path):
            continue
        if (document := read_manifest(path.read_bytes())) is not None:
            found.add(path)
            manifest.take(document)
    return manifest, frozenset(found)


class _Outline(msgspec.Struct, rename="camel"):
    resource_type: object = None
    transaction_time: object = None
    output: object = None
    error: object = None
    deleted: object = None


def read_manifest(text: bytes) -> dict[str, Any] | None:
    """Return a manifest; None for any other JSON."""
    if b'"output"' not in text:
        return None
    try:
        outline = msgspec.json.decode(text.removeprefix(b"\xef\xbb\xbf"), type=_Outline)
    except msgspec.DecodeError:
        return None
    if outline.resource_type is not None or not isinstance(outline.output, list):
        return None
    return {"output": outline.output, "error": outline.error, "deleted": outline.deleted}


def _names(listed: object) -> Iterator[str]:
    for item in listed if isinstance(listed, list) else []:
        url = item.get("url") if isinstance(item, dict) else None
        if isinstance(url, str):
            yield urllib.parse.unquote(urllib.parse.urlsplit(url).path.rsplit("/", 1)[-1])
