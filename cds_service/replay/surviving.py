"""A patient assessed so that what fails is told with its place, and costs nobody else: the same in every engine."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cds_service.replay.assessing import Assessor, PatientRows

# A resource and where it stood: the file, a stretch of it, the line there, an offset, and the text.
Placed = tuple[Any, int, int, int, bytes]


@dataclass(slots=True)
class Told:
    """What is told beside the rows: patients, orders left out by reason, and what could not be assessed."""

    patients: int = 0
    left_out: dict[str, int] = field(default_factory=Counter)
    rejects: list[dict[str, Any]] = field(default_factory=list)

    def leave_out(self, orders: Mapping[str, int]) -> None:
        """Count orders that were left out, by reason."""
        for reason, times in orders.items():
            self.left_out[reason] = self.left_out.get(reason, 0) + times


def assessed(
    patient: str, lines: Sequence[Placed], shared: Mapping[str, bytes], assessor: Assessor, told: Told
) -> PatientRows | None:
    """Assess a patient; None where that failed, and what could not be read is told."""
    try:
        return assessor.patient(patient, [row[-1] for row in lines], shared)
    except msgspec.DecodeError:
        sound, broken = _parted(lines)
    except Exception as error:  # noqa: BLE001 - a replay of a night must not end with one chart
        told.rejects.append({"patient": assessor.pseudonyms.of(f"Patient/{patient}"), "reason": _named(error)})
        return None
    if not broken:
        told.rejects.append({"patient": assessor.pseudonyms.of(f"Patient/{patient}"), "reason": "not-decoded"})
        return None
    for file, segment, number, offset, _ in broken:
        where = {"file": file, "segment": segment, "line": number, "offset": offset}
        told.rejects.append({**where, "reason": "not-json"})
    return assessed(patient, sound, shared, assessor, told)


def _parted(lines: Sequence[Placed]) -> tuple[list[Placed], list[Placed]]:
    """Part lines that are JSON throughout from those that only begin so."""
    sound: list[Placed] = []
    broken: list[Placed] = []
    for row in lines:
        try:
            msgspec.json.decode(row[-1])
        except msgspec.DecodeError:
            broken.append(row)
        else:
            sound.append(row)
    return sound, broken


def _named(error: Exception) -> str:
    return f"assessment-failed ({type(error).__name__})"
