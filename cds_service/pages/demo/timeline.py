"""The timeline of a patient as data: what lies on it, and the lines that the guideline draws across it.

It is made from the same chart entries that the criteria read, so that the picture cannot show a fact that the advice
does not know. Records dated after the order, a data error, are on it too and marked as that. Texts are this
project's own displays, never those of the record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from fhir_mappings.chart.chart import belongs_to
from fhir_mappings.chart.entries import Activity, Assertion, ChartEntry, code_up, reference_of
from fhir_mappings.criteria.facts import STATED, Facts
from fhir_mappings.criteria.implants import IMPLANTS
from fhir_mappings.criteria.scope import LUMBAR_MRI
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, exact, shifted
from fhir_mappings.terminology import concepts as groups

if TYPE_CHECKING:
    from cards.guideline.wording import Wording
    from fhir_mappings.criteria.findings import Finding

_TAG: Final = re.compile(r" \([a-z/ ]+\)$")
# Never met; its evidence are records dated after the order.
_DATE_ERRORS: Final = "R-DATE"
_DONE: Final = ("DiagnosticReport", "ImagingStudy", "Procedure")
_DRUGS: Final = ("MedicationRequest", "MedicationStatement")
# Normal values, and drugs that count only when taken long enough, are records too: shown where a finding rests on them.
_ONLY_AS_EVIDENCE: Final = (
    *("pvr", "fever", "esr", "crp", "weight_loss_generic", "trauma_generic", "ivdu_proxy"),
    *groups.STEROIDS,
    *groups.IMMUNOSUPPRESSANTS,
)
_OTHER_IMAGING: Final = (
    "order_xray_lumbar",
    "order_ct_lumbar_wo",
    "order_ct_lumbar_other",
    "order_ct_myelography_lumbar",
)


class Lane(StrEnum):
    """What a row of the timeline is about, in the order of the picture."""

    SYMPTOM = "Symptoms"
    RED_FLAG = "Red flags and risks"
    THERAPY = "Treatment"
    IMPLANT = "Implants and operations"
    IMAGING = "Imaging"


_CONCEPTS: Final[Mapping[Lane, tuple[str, ...]]] = {
    Lane.SYMPTOM: (*groups.PAIN, "plexopathy", "inflammatory_spine"),
    Lane.RED_FLAG: (*groups.RED_FLAGS, *_ONLY_AS_EVIDENCE, "pregnancy", "pregnancy_possible"),
    Lane.THERAPY: (*groups.THERAPY_PROCEDURES, "pt_referral", *groups.THERAPY_DRUGS),
    Lane.IMPLANT: (*IMPLANTS, *groups.AFTER_SURGERY),
    Lane.IMAGING: (*LUMBAR_MRI, *_OTHER_IMAGING),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One record on its row: when it was or began, and until when it went on, where it lasted.

    `end` tells how `until` is known: the record says so, the problem goes on to the day of the order, nobody says
    whether it does, or the record says an end before the begin. `of_order` marks a reason that the order itself gives;
    it counts as of the order's day. `later` marks a record that is dated after the order.
    """

    when: DateInterval
    until: DateInterval | None
    reference: str
    end: Literal["recorded", "goes-on", "not-known", "contradicts"] | None = None
    suspected: bool = False
    of_order: bool = False
    later: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One thing on record, with every record of it, the oldest first and undated ones before."""

    lane: Lane
    label: str
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """The rows, the day that time is counted back from, today, and the days of conservative care that are asked for.

    `written` is the day of the order where it is not the day that time is counted from.
    """

    rows: tuple[Row, ...]
    as_of: date
    today: date
    care_days: int
    has_order: bool
    written: date | None = None

    @property
    def care_line(self) -> date:
        """The day before which an episode must have begun to have lasted long enough."""
        return shifted(self.as_of, -self.care_days)


def timeline_of(
    facts: Facts, findings: Iterable[Finding], wording: Wording, today: date, *, has_order: bool
) -> Timeline:
    """Return the timeline of a patient as the criteria see the record; findings say which measurements matter."""
    telling = (finding for finding in findings if finding.criterion == _DATE_ERRORS or finding.met)
    evidence = frozenset((item.reference, item.concept) for finding in telling for item in finding.evidence)
    rows: dict[tuple[Lane, str], list[Mark]] = {}
    for lane, label, mark in _marks(facts, evidence, wording):
        rows.setdefault((lane, label), []).append(mark)
    written = facts.order.authored.earliest if facts.order.authored.is_exact else None
    return Timeline(
        rows=tuple(sorted((_row(*key, marks) for key, marks in rows.items()), key=_position)),
        as_of=facts.as_of,
        today=today,
        care_days=facts.thresholds.conservative_care,
        has_order=has_order,
        written=written if written != facts.as_of else None,
    )


def _row(lane: Lane, label: str, marks: list[Mark]) -> Row:
    unique = {(mark.when, mark.until, mark.reference): mark for mark in marks}
    return Row(lane, label, tuple(sorted(unique.values(), key=lambda mark: _first(mark.when))))


def _position(row: Row) -> tuple[int, date, str]:
    return list(Lane).index(row.lane), _first(row.marks[0].when), row.label


def _first(when: DateInterval) -> date:
    return when.earliest or when.latest or date.min


def _marks(facts: Facts, evidence: frozenset[tuple[str, str]], wording: Wording) -> Iterator[tuple[Lane, str, Mark]]:
    for lane, concepts in _CONCEPTS.items():
        for entry in _on_record(facts, concepts):
            concept = _shown_as(entry, concepts, evidence)
            if concept and _belongs(lane, entry):
                yield lane, _label(entry, concept, lane, wording), _mark(entry, facts.as_of)
    for device in facts.devices():
        coded = code_up(facts.chart.index, device.type)
        concept = next((name for name in IMPLANTS if name in coded.concepts), "")
        if concept and device.status != "entered-in-error":
            yield Lane.IMPLANT, _named(concept, "", wording), Mark(UNKNOWN_DATE, None, reference_of(device))


def _on_record(facts: Facts, concepts: tuple[str, ...]) -> Iterable[ChartEntry]:
    """Return every entry of some concepts once, whatever its date: Facts leaves out what is dated after the order."""
    both = (
        entry
        for concept in concepts
        for entry in (*facts.chart.entries.get(concept, ()), *facts.order.entries.get(concept, ()))
    )
    return {id(entry): entry for entry in both if belongs_to(entry.resource, facts.chart.patient_id)}.values()


def _shown_as(entry: ChartEntry, concepts: tuple[str, ...], evidence: frozenset[tuple[str, str]]) -> str:
    """Return the first concept for which an entry belongs on the timeline; empty for none."""
    if entry.assertion not in STATED:
        return ""
    known = (name for name in concepts if name in entry.concepts)
    return next((name for name in known if name not in _ONLY_AS_EVIDENCE or (entry.reference, name) in evidence), "")


def _belongs(lane: Lane, entry: ChartEntry) -> bool:
    kind = entry.resource.resource_type
    if lane is Lane.IMAGING:
        return kind in _DONE
    if lane is Lane.IMPLANT:
        return kind != "Device"  # shown by what it is, without a date
    return lane is not Lane.THERAPY or not entry.of_order


def _mark(entry: ChartEntry, as_of: date) -> Mark:
    suspected = entry.assertion is not Assertion.PRESENT
    if entry.of_order:
        return Mark(exact(as_of), None, entry.reference, suspected=suspected, of_order=True)
    if entry.dated.earliest is not None and entry.dated.earliest > as_of:
        return Mark(entry.dated, None, entry.reference, suspected=suspected, later=True)
    if not isinstance(entry.resource, fhir.Condition):
        return Mark(entry.dated, None, entry.reference, suspected=suspected)
    return _problem(entry, as_of, suspected=suspected)


def _problem(entry: ChartEntry, as_of: date, *, suspected: bool) -> Mark:
    """Return the mark of a problem, which lasts."""
    if entry.ended.is_known:
        contradicts = entry.dated.after(entry.ended) is True
        return Mark(entry.dated, entry.ended, entry.reference, "contradicts" if contradicts else "recorded", suspected)
    if entry.activity is Activity.ACTIVE:
        return Mark(entry.dated, exact(as_of), entry.reference, "goes-on", suspected)
    if entry.activity is Activity.INACTIVE:
        return Mark(entry.dated, None, entry.reference, suspected=suspected)
    begun = min(entry.dated.latest, as_of) if entry.dated.latest else None
    return Mark(entry.dated, DateInterval(begun, as_of), entry.reference, "not-known", suspected)


def _label(entry: ChartEntry, concept: str, lane: Lane, wording: Wording) -> str:
    if lane in (Lane.RED_FLAG, Lane.IMPLANT):
        return _named(concept, _display(entry, concept), wording)
    if concept in (*LUMBAR_MRI, "pt_procedure"):
        return _named(concept, "", wording)
    if concept == "pt_referral":
        return wording.text("suggestions", "orderables", "pt_referral")
    return _display(entry, concept) or _named(concept, "", wording)


def _named(concept: str, fallback: str, wording: Wording) -> str:
    name = wording.find("concepts", concept) or fallback or concept.replace("_", " ")
    return name[:1].upper() + name[1:]


def _display(entry: ChartEntry, concept: str) -> str:
    display = next((code.display for code in entry.codes_of(concept) if code.display), "")
    return _TAG.sub("", display)
