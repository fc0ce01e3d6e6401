"""One row an order: what a replay found, as every engine writes it and every report reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from datetime import date

    import pyarrow as pa

# What stood for the order: the order itself, the study or procedure where a site exports no orders, or a visit.
Origin = Literal["ServiceRequest", "ImagingStudy", "Procedure", "what-if"]
# What became of the patient: a red flag was diagnosed, an operation on the spine, a stay in hospital.
EventKind = Literal["red-flag", "surgery", "admission"]


@dataclass(frozen=True, slots=True)
class LaterEvent:
    """Something that happened within 90 days after an order; `what` is its message, concept or class, never a text."""

    kind: EventKind
    what: str
    days: int
    reference: str


@dataclass(frozen=True, slots=True)
class Counted:
    """A name and how often it occurs: a source, or a code that no value set knows as `system|code`."""

    name: str
    count: int


@dataclass(frozen=True, slots=True)
class Alternative:
    """What another threshold would have said: its name and value, and the outcome."""

    threshold: str
    value: int
    outcome: str


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order as it was answered. Identifiers and references are keyed hashes unless the replay was told otherwise.

    `cards` are the messages that were shown at order-sign, `messages` all that the guideline decided, most important
    first. `assumed` counts the resources of the chart whose day of recording had to be taken from `meta.lastUpdated` or
    was not known; `updated_later` counts by type those that were left out because that last update came after the
    order: they may have been there. `later` is empty where nothing of the kind is in the data, which does not mean that
    nothing happened: `followed_to` is the last day on which the data know anything of the patient.
    """

    order: str
    patient: str
    day: date
    origin: Origin
    clinic: str
    specialty: str
    reason: str
    outcome: str
    timing: str
    messages: tuple[str, ...]
    cards: tuple[str, ...]
    met: tuple[str, ...]
    unknown: tuple[str, ...]
    unread: tuple[Counted, ...]
    unread_codes: tuple[Counted, ...]
    missing: tuple[str, ...]
    resources: int
    assumed: int
    updated_later: tuple[Counted, ...]
    later: tuple[LaterEvent, ...]
    followed_to: date | None
    alternatives: tuple[Alternative, ...]
    guideline: str
    client: str
    site: str
    microseconds: int

    @property
    def is_deferred(self) -> bool:
        """Whether the clinician was shown the advice to wait."""
        return DEFERRAL in self.cards


DEFERRAL: Final = "C-NOTAPP-6W"


def schema() -> pa.Schema:
    """Return the columns of the Parquet files, in the order of the row's fields."""
    import pyarrow as pa  # noqa: PLC0415 (comes with the replay extra)

    text, words = pa.string(), pa.list_(pa.string())
    counted = pa.list_(pa.struct([("name", text), ("count", pa.int32())]))
    later = pa.struct([("kind", text), ("what", text), ("days", pa.int32()), ("reference", text)])
    alternative = pa.struct([("threshold", text), ("value", pa.int32()), ("outcome", text)])
    types: dict[str, pa.DataType] = {
        "day": pa.date32(),
        "messages": words,
        "cards": words,
        "met": words,
        "unknown": words,
        "unread": counted,
        "unread_codes": counted,
        "missing": words,
        "resources": pa.int32(),
        "assumed": pa.int32(),
        "updated_later": counted,
        "later": pa.list_(later),
        "followed_to": pa.date32(),
        "alternatives": pa.list_(alternative),
        "microseconds": pa.int64(),
    }
    return pa.schema([(name, types.get(name, text)) for name in OrderRow.__dataclass_fields__])
