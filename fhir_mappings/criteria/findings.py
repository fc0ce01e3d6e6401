"""What a criterion answers: met, not met or unknown, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval
from fhir_mappings.terminology.index import Code


class Status(StrEnum):
    """The three values of a finding. NOT_MET is only said when the sources that could have shown it were complete."""

    MET = "MET"
    NOT_MET = "NOT_MET"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One resource that counts for or against a criterion.

    `codes` carry this project's own displays, never the sender's. `notes` are words of the wording catalogue, for
    instance `suspected` or `conflicting`; `amount` is a measured value with its unit. `quote` is what the sender
    wrote where no code says it, at most 60 characters, to be escaped by whoever shows it, and `place` a name of the
    wording catalogue's places.
    """

    reference: str
    concept: str
    codes: tuple[Code, ...] = ()
    when: DateInterval = UNKNOWN_DATE
    amount: str = ""
    notes: tuple[str, ...] = ()
    quote: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """The answer of one criterion.

    `looked_at` and `unavailable` are FHIR resource types; `unread` are the references of records that nobody
    recognised and that could have shown it; `questions` are ids of the wording catalogue whose answers
    would settle an UNKNOWN, and `asked` the records that raised one, with the question as their concept; `tags` tell
    which part of the criterion decided. `weighed` is all that was weighed where `evidence` is the part that decided:
    whoever remembers an answer has to know that something is new.
    """

    criterion: str
    status: Status
    evidence: tuple[Evidence, ...] = ()
    looked_at: tuple[str, ...] = ()
    unavailable: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    tags: frozenset[str] = field(default_factory=frozenset)
    unread: tuple[str, ...] = ()
    asked: tuple[Evidence, ...] = ()
    weighed: tuple[Evidence, ...] = ()

    @property
    def met(self) -> bool:
        """Whether it is MET."""
        return self.status is Status.MET
