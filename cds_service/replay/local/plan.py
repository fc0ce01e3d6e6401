"""The plan of a replay: the parts of the export that are read one by one, and what tells two replays apart.

Every step writes whole files under their own names, so that a replay which was killed goes on where it was. That is
only right if nothing has changed in between: a fingerprint of inputs and settings stands beside the results.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from cards.guideline.guideline import GUIDELINE_VERSION
from cds_service import __version__
from cds_service.protocol.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cds_service.clients.profile import ClientProfile
    from cds_service.replay.export.files import Export, ExportFile
    from cds_service.replay.setup import ReplaySetup

PART_BYTES: Final = 64 * 1024 * 1024
# A packed file of this size holds about as much as a part of plain text.
_PACKED: Final = 8
_DESCRIPTION: Final = "replay.json"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a file, by the file's place in the export; all of it where `end` is None."""

    file: int
    start: int = 0
    end: int | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """What one process reads at a time: many small files, or a stretch of a large one."""

    number: int
    segments: tuple[Segment, ...]

    @property
    def name(self) -> str:
        """Its name in the work folder."""
        return f"{self.number:06}"


@dataclass(frozen=True, slots=True)
class Work:
    """The folders of a replay."""

    out: Path

    @property
    def rows(self) -> Path:
        """Where the rows are kept, as Parquet."""
        return self.out / "rows"

    @property
    def rejects(self) -> Path:
        """The file of what could not be read."""
        return self.out / "rejects.ndjson"

    @property
    def summary(self) -> Path:
        """The file that tells what was read, and by being there that the replay is finished."""
        return self.out / "summary.json"

    @property
    def folder(self) -> Path:
        """What is kept while the replay runs."""
        return self.out / "work"

    @property
    def index(self) -> Path:
        """Whose each resource is, a folder a part."""
        return self.folder / "index"

    @property
    def runs(self) -> Path:
        """The resources of the patients that are assessed, sorted by bucket, a folder a part."""
        return self.folder / "runs"

    @property
    def candidates(self) -> Path:
        """The patients that are assessed, each with its bucket."""
        return self.folder / "candidates.parquet"

    @property
    def duckdb(self) -> Path:
        """Where DuckDB puts what does not fit into memory."""
        return self.folder / "duckdb"


def parts_of(export: Export, part_bytes: int = PART_BYTES) -> tuple[Part, ...]:
    """Return the export in parts of about equal work."""
    parts: list[tuple[Segment, ...]] = []
    group: list[Segment] = []
    size = 0
    for place, file in enumerate(export.files):
        if file.content == "errors":
            continue
        for segment, weight in _segments(place, file, part_bytes):
            if group and size + weight > part_bytes:
                parts.append(tuple(group))
                group, size = [], 0
            group.append(segment)
            size += weight
    if group:
        parts.append(tuple(group))
    return tuple(Part(number, segments) for number, segments in enumerate(parts))


def _segments(place: int, file: ExportFile, part_bytes: int) -> Iterator[tuple[Segment, int]]:
    if not file.is_plain or file.size <= part_bytes:
        yield Segment(place), file.size * (_PACKED if file.packing else 1)
        return
    for start in range(0, file.size, part_bytes):
        end = min(start + part_bytes, file.size)
        yield Segment(place, start, end), end - start


def fingerprint(export: Export, setup: ReplaySetup, options: dict[str, Any]) -> dict[str, Any]:
    """Return what tells one replay from another: what is read, with what, and for whom."""
    files = hashlib.sha256()
    for file in export.files:
        files.update(msgspec.json.encode((str(file.path), file.size, file.modified, file.content)))
    client = setup.client
    site = client.site_file or setup.settings.site_file
    return {
        "version": __version__,
        "guideline": GUIDELINE_VERSION,
        "files": len(export.files),
        "inputs": files.hexdigest(),
        "client": client.name,
        "profile": _profile(client),
        "site": _digest(Path(site)) if site else "",
        "verbosity": client.verbosity or setup.settings.verbosity,
        "conditional": setup.settings.treat_conditional_as,
        "labels": _stamp(setup.settings.gudid),
        "identified": setup.key is None,
        **options,
    }


def _digest(path: Path) -> str:
    """Return a digest of a site file and of its terminology."""
    content = path.read_bytes()
    found = hashlib.sha256(content)
    if folder := tomllib.loads(content.decode()).get("terminology_folder"):
        for file in sorted((path.parent / str(folder)).rglob("*.*")):
            found.update(file.read_bytes() if file.is_file() else b"")
    return found.hexdigest()


def _stamp(file: Path | None) -> str:
    """Return what tells one table of device labels from another; it is too large to be read for that."""
    return f"{file.stat().st_size} {file.stat().st_mtime_ns}" if file else ""


def _profile(client: ClientProfile) -> str:
    """Return a digest of a client's profile, in which sets have an order."""
    text = msgspec.json.encode(client, enc_hook=str, order="deterministic")
    return hashlib.sha256(text).hexdigest()


def begin(work: Work, described: dict[str, Any]) -> None:
    """Take a folder for a replay, or go on with the one that is there; SettingsError where that is another one."""
    file = work.out / _DESCRIPTION
    if file.exists():
        found = msgspec.json.decode(file.read_bytes())
        changed = sorted(name for name in {*found, *described} if found.get(name) != described.get(name))
        if changed:
            raise SettingsError(
                [f"{work.out}: holds a replay with other {', '.join(changed)}; name another folder, or remove this one"]
            )
        return
    if work.out.exists() and any(path.name not in _OWN for path in work.out.iterdir()):
        raise SettingsError([f"{work.out}: holds other files; name an empty folder"])
    work.out.mkdir(parents=True, exist_ok=True)
    write_whole(file, msgspec.json.format(msgspec.json.encode(described), indent=2))


_OWN: Final = frozenset({"key", "lock", _DESCRIPTION})


@contextmanager
def alone(work: Work) -> Iterator[None]:
    """Keep a second replay out of the folder while this one runs."""
    with (work.out / "lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError([f"{work.out}: another replay is writing there"]) from None
        yield


def write_whole(file: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, also after a kill."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    with draft.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    draft.replace(file)


def missing(numbered: Sequence[Part], folder: Path) -> list[Part]:
    """Return the parts that have no folder yet."""
    return [part for part in numbered if not (folder / part.name).is_dir()]
