"""The is-a hierarchy of an RF2 release, read as a stream: a release has millions of rows, and few of them matter here.

Only snapshot files are read: what holds now, one row a component. An extension comes in files of its own and may take
back rows of the edition that it extends, under the same id with a later time; of two rows the later counts.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

# Of the model of SNOMED CT, the same in every release.
_IS_A: Final = b"116680003"
_FULLY_SPECIFIED_NAME: Final = b"900000000000003001"

_HEADERS: Final = {
    "Concept": b"id effectiveTime active moduleId definitionStatusId",
    "Description": b"id effectiveTime active moduleId conceptId languageCode typeId term caseSignificanceId",
    "Relationship": (
        b"id effectiveTime active moduleId sourceId destinationId relationshipGroup typeId characteristicTypeId"
        b" modifierId"
    ),
}


class ReleaseError(Exception):
    """A folder that holds no release which can be read; which file, which line, and why."""


@dataclass(frozen=True, slots=True)
class Release:
    """The snapshot files of a folder and of those inside it, the small ones first."""

    relationships: Sequence[Path]
    concepts: Sequence[Path]
    descriptions: Sequence[Path]

    @classmethod
    def find(cls, folder: Path) -> Release:
        """Return the files of a release; ReleaseError when some are lacking."""
        found = {}
        for kind in _HEADERS:
            files = [*folder.rglob(f"*sct2_{kind}_*Snapshot*.txt"), *folder.rglob(f"*sct2_{kind}_Snapshot*.txt")]
            found[kind] = sorted(set(files), key=lambda file: (file.stat().st_size, file))
            if not found[kind]:
                raise ReleaseError(
                    f"{folder}: there is no file sct2_{kind}_Snapshot…txt; unpack the release, and name its folder"
                )
        return cls(found["Relationship"], found["Concept"], found["Description"])

    @property
    def version(self) -> str:
        """The latest day in the names of the files, as `20260301`."""
        stems = (part for file in self.relationships for part in file.stem.split("_"))
        return max((part for part in stems if len(part) == 8 and part.isdigit()), default="")  # noqa: PLR2004 - a day


class Hierarchy:
    """What is below some concepts, by way of active is-a relationships."""

    def __init__(self, release: Release, roots: Collection[str]) -> None:
        """Read the relationships, and keep what lies below the roots; ReleaseError for a row that is none."""
        children, parents = _edges(release.relationships)
        reached = {int(root) for root in roots}
        grown = True
        while grown:  # as often as the hierarchy is deep, at most: some twenty times
            before = len(reached)
            for child, parent in zip(children, parents, strict=True):
                if parent in reached:
                    reached.add(child)
            grown = len(reached) > before
        below: dict[int, list[int]] = defaultdict(list)
        for child, parent in zip(children, parents, strict=True):
            if parent in reached:
                below[parent].append(child)
        self._below = below
        self.reached = frozenset(reached)

    def descendants(self, root: str) -> set[str]:
        """Return everything below a concept, without itself."""
        found: set[int] = set()
        ahead = [int(root)]
        while ahead:
            new = [child for child in self._below.get(ahead.pop(), ()) if child not in found]
            found.update(new)
            ahead += new
        return {str(code) for code in found - {int(root)}}


def _edges(files: Sequence[Path]) -> tuple[array[int], array[int]]:
    """Return the sources and destinations of all active is-a relationships.

    Rows of all files but the largest are kept by id, since one of them may take back a row of another.
    """
    kept: dict[bytes, tuple[bytes, bool, int, int]] = {}
    sources, destinations = array("Q"), array("Q")
    for number, file in enumerate(files, start=1):
        for row in _rows(file, "Relationship", _IS_A):
            if row[7] != _IS_A:
                continue
            time, active = row[1], row[2] == b"1"
            if (known := kept.get(row[0])) and known[0] >= time:
                continue
            if number < len(files):
                kept[row[0]] = (time, active, int(row[4]), int(row[5]))
                continue
            kept.pop(row[0], None)
            if active:
                sources.append(int(row[4]))
                destinations.append(int(row[5]))
    for _, active, source, destination in kept.values():
        if active:
            sources.append(source)
            destinations.append(destination)
    return sources, destinations


def active_concepts(release: Release, wanted: Collection[str]) -> set[str]:
    """Return which of some concepts are in use."""
    known = {code.encode() for code in wanted}
    state: dict[bytes, tuple[bytes, bool]] = {}
    for file in release.concepts:
        for row in _rows(file, "Concept"):
            if row[0] in known and row[1] > state.get(row[0], (b"",))[0]:
                state[row[0]] = (row[1], row[2] == b"1")
    return {code.decode() for code, (_, active) in state.items() if active}


def names(release: Release, wanted: Collection[str]) -> Mapping[str, str]:
    """Return the fully specified names of some concepts, in English where there is one."""
    known = {code.encode() for code in wanted}
    found: dict[bytes, tuple[bool, bytes, str]] = {}
    for file in release.descriptions:
        for row in _rows(file, "Description", _FULLY_SPECIFIED_NAME):
            if row[6] != _FULLY_SPECIFIED_NAME or row[4] not in known or row[2] != b"1":
                continue
            rank = (row[5].startswith(b"en"), row[1])
            if row[4] not in found or rank > found[row[4]][:2]:
                found[row[4]] = (*rank, row[7].decode("utf-8", "replace"))
    return {code.decode(): name for code, (_, _, name) in found.items()}


def _rows(file: Path, kind: str, holding: bytes = b"") -> Iterator[list[bytes]]:
    """Yield the rows of a file that hold some bytes; ReleaseError for one that has not the columns of its kind."""
    header = _HEADERS[kind].split()
    try:
        with file.open("rb") as lines:
            first = lines.readline().removeprefix(b"\xef\xbb\xbf").split()
            if first != header:
                raise ReleaseError(f"{file}: line 1: the columns are not those of an RF2 {kind} file")
            for number, line in enumerate(lines, start=2):
                if holding not in line:
                    continue
                row = line.rstrip(b"\r\n").split(b"\t")
                if len(row) != len(header) or not row[0].isdigit() or (holding == _IS_A and not _is_edge(row)):
                    raise ReleaseError(f"{file}: line {number}: is no row of an RF2 {kind} file; is it cut short?")
                yield row
    except OSError as error:
        raise ReleaseError(f"{file}: {error.strerror or 'cannot be read'}") from None


def _is_edge(row: Sequence[bytes]) -> bool:
    return all(cell.isdigit() and len(cell) <= 18 for cell in row[4:6])  # noqa: PLR2004 - an SCTID has 18 digits at most
