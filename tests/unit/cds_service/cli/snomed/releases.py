"""An invented RF2 release below codes of ours: an edition, and an extension that takes something back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

IS_A: Final = "116680003"
OTHER: Final = "246075003"  # any other kind of relationship
FULL_NAME: Final = "900000000000003001"
SYNONYM: Final = "900000000000013009"
EDITION, EXTENSION = "1001", "2002"

_HEADERS: Final = {
    "Concept": "id effectiveTime active moduleId definitionStatusId",
    "Description": "id effectiveTime active moduleId conceptId languageCode typeId term caseSignificanceId",
    "Relationship": "id effectiveTime active moduleId sourceId destinationId relationshipGroup typeId"
    " characteristicTypeId modifierId",
}


def write(
    folder: Path, kind: str, rows: Iterable[tuple[str, ...]], *, module: str = EDITION, day: str = "20260301"
) -> None:
    """Write one snapshot file; a row is id, active, and what follows the module."""
    lines = ["\t".join(_HEADERS[kind].split())]
    lines += ["\t".join((number, day, active, module, *rest)) for number, active, *rest in rows]
    language = "-en" if kind == "Description" else ""
    file = folder / "Snapshot" / "Terminology" / f"sct2_{kind}_Snapshot{language}_XX{module}_{day}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes("\r\n".join([*lines, ""]).encode())


def is_a(number: str, child: str, parent: str, active: str = "1", kind: str = IS_A) -> tuple[str, ...]:
    """Return a row of a relationship file."""
    return number, active, child, parent, "0", kind, "0", "0"


def concept(code: str, active: str = "1") -> tuple[str, ...]:
    """Return a row of a concept file."""
    return code, active, "0"


def name(number: str, code: str, term: str, kind: str = FULL_NAME, language: str = "en") -> tuple[str, ...]:
    """Return a row of a description file."""
    return number, "1", code, language, kind, term, "0"
