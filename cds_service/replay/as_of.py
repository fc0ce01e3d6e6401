"""As of then: the chart that an EHR could have shown at a moment, made from the records as they are today.

The one place that decides what was known. Its rules, which the tests prove one by one:

- A record counts if it was recorded by then: by `recordedDate`, `issued`, `authoredOn`, `dateAsserted` and their like,
  else by when it happened, a problem else by the visit that it belongs to, a device by the operation that it was used
  in. `meta.lastUpdated` counts only where nothing better is known, and a record of which nothing is known counts;
  both are counted as assumed. What is left out for its last update alone may have been there, an implant among it,
  so that is counted by type. The patient and the drugs themselves have no time.
- Only what certainly came later is left out: a record of the same day counts unless both say at what time.
- A status is taken back where the data tell that it changed later: a problem that ended later was active, a visit that
  ended later was under way, an operation too, a prescription or use of a drug that ended later was active, a patient
  who died later was alive. What has an end without a day stays as it is, because the data do not tell. Of several
  versions of one resource the one in force then counts; one that was written by then needs nothing taken back.
- An order's own results are not there yet: what is based on it, and imaging on its day that is of the same code or that
  the caller knows for the same kind, and does not say that it was earlier. Notes of a later time are not there yet.
- The order itself is a draft.

So replaying an order on its day gives what the hook gave, and records that come later change nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import msgspec

from cds_service.replay.moments import Moment, parse_moment
from cds_service.replay.records import Record, plain, relative
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.orders.contents import objects, references

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

# Types that can be the result of an order, or its fulfilment; answers to questions of the order are not among them.
_RESULTS: Final = frozenset(
    {"Appointment", "DiagnosticReport", "Encounter", "ImagingStudy", "Observation", "Procedure", "ServiceRequest"}
)
_IMAGING: Final = frozenset({"DiagnosticReport", "ImagingStudy", "Procedure"})
_STILL_ACTIVE: Final = ("completed", "stopped", "ended")
_VISITED: Final = ("arrived", "checked-in", "fulfilled", "noshow")
_ACTIVE: Final = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}


@dataclass(frozen=True, slots=True)
class ChartThen:
    """What an EHR could have shown: the resources as they were, by type, and how many rest on an assumed time.

    `updated_later` counts by type what was left out only because its last update, all that is known of it, came later.
    """

    resources: Mapping[str, tuple[bytes, ...]]
    assumed: int = 0
    updated_later: Mapping[str, int] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many resources it has."""
        return sum(map(len, self.resources.values()))

    def prefetch(self, sources: Collection[str]) -> dict[str, bytes]:
        """Return it as a client would send it, with the sources that it has, empty or not, by prefetch key."""
        found: dict[str, bytes] = {}
        for need in DATA_NEEDS:
            own = self.resources.get(need.resource_type, ())
            if need.resource_type == "Patient":
                found |= {need.key: own[0]} if own else {}
            elif own or need.resource_type in sources:
                included = self.resources.get("Medication", ()) if need.include else ()
                found[need.key] = _searchset(own, included)
        return found


def as_of(
    records: Sequence[Record],
    moment: Moment,
    order: Record | None = None,
    is_alike: Callable[[Mapping[str, Any]], bool] = lambda _: False,
) -> ChartThen:
    """Return the chart of a moment, in which an order (or the study that stands for it) is not yet there.

    `is_alike` tells imaging of the order's kind whatever its code: orders, studies and reports are coded differently.
    """
    own = _own(records, moment, order, is_alike) if order is not None else frozenset[int]()
    versions = defaultdict[str, list[Record]](list)
    assumed = 0
    for record in records:
        if id(record) not in own:
            versions[record.reference or f"{record.type}/#{id(record)}"].append(record)
    kept: list[Record] = []
    absent: set[str] = set()
    updated_later = Counter[str]()
    for reference, found in versions.items():
        then = [record for record in _in_force(found, moment) if not _is_later(record, moment)]
        kept += then
        is_assumed = any(record.is_assumed for record in found)
        assumed += is_assumed
        if not then:
            absent.add(reference)
            updated_later[found[0].type] += is_assumed
    by_type = defaultdict[str, list[bytes]](list)
    for record in kept:
        by_type[record.type].append(_as_it_was(record, moment, absent))
    return ChartThen({name: tuple(lines) for name, lines in by_type.items()}, assumed, +updated_later)


def draft_of(order: Mapping[str, Any], moment: Moment) -> dict[str, Any]:
    """Return an order as the draft that was signed."""
    found = {**order, "status": "draft"}
    if isinstance(notes := found.get("note"), list):
        found["note"] = [note for note in notes if not _is_later_note(note, moment)]
    return found


def _is_later(record: Record, moment: Moment) -> bool:
    return record.recorded is not None and record.recorded.certainly_after(moment)


def _in_force(versions: Sequence[Record], moment: Moment) -> Sequence[Record]:
    """Return the version of a resource that was in force, or the first; several without a time are all kept."""
    if len(versions) == 1:
        return versions
    dated = sorted(
        ((updated, record) for record in versions if (updated := record.updated)),
        key=lambda pair: (str(pair[0].instant or pair[0].days.earliest), pair[1].line),
    )
    if not dated:
        return versions
    by_then = [record for updated, record in dated if not updated.certainly_after(moment)]
    return by_then[-1:] or [dated[0][1]]


def _own(
    records: Sequence[Record], moment: Moment, order: Record, is_alike: Callable[[Mapping[str, Any]], bool]
) -> frozenset[int]:
    """Return the order and what came of it, as identities of records."""
    own = {order.reference} - {""}
    found = {id(order)}
    codes = codes_of(plain(order.line))
    for record in records:
        if record.type not in _IMAGING or not _is_of_its_day(record, moment):
            continue
        done = plain(record.line)
        if codes & codes_of(done) or is_alike(done):
            own |= {record.reference} - {""}
            found.add(id(record))
    linked = [
        (record, record.named("basedOn") | record.named("imagingStudy"))
        for record in records
        if record.type in _RESULTS and (record.head.based_on is not None or record.head.imaging_study is not None)
    ]
    grew = True
    while grew:
        more = [record for record, targets in linked if id(record) not in found and not own.isdisjoint(targets)]
        grew = bool(more)
        found |= set(map(id, more))
        own |= {record.reference for record in more} - {""}
    results = frozenset[str]().union(*(record.named("result") for record in records if id(record) in found))
    return frozenset(found | {id(record) for record in records if record.reference in own | results})


def _is_of_its_day(record: Record, moment: Moment) -> bool:
    """Whether a study was done on the day of the order and does not say that it was before it."""
    done = record.recorded
    return done is not None and done.days == moment.days and not moment.certainly_after(done)


def codes_of(resource: Mapping[str, Any]) -> frozenset[tuple[object, object]]:
    """Return the codings that say what an order, a study or a report is, as (system, code)."""
    concepts = [*objects(resource.get("code")), *objects(resource.get("procedureCode"))]
    codings = (coding for concept in concepts for coding in objects(concept.get("coding")))
    return frozenset((coding.get("system"), code) for coding in codings if isinstance(code := coding.get("code"), str))


def _searchset(matches: Iterable[bytes], included: Iterable[bytes]) -> bytes:
    entries = [b'{"resource":' + line + b"}" for line in matches]
    entries += [b'{"resource":' + line + b',"search":{"mode":"include"}}' for line in included]
    return b'{"resourceType":"Bundle","type":"searchset","entry":[' + b",".join(entries) + b"]}"


def _as_it_was(record: Record, moment: Moment, absent: AbstractSet[str]) -> bytes:
    """Return a resource with what changed later taken back; nearly always nothing did."""
    updated = record.updated
    if updated is not None and not updated.certainly_after(moment):
        return record.line
    changes = dict(_changes(record, moment, absent))
    if not changes:
        return record.line
    resource = plain(record.line)
    for element, value in changes.items():
        if value is None:
            resource.pop(element, None)
        else:
            resource[element] = value
    return msgspec.json.encode(resource)


def _changes(record: Record, moment: Moment, absent: AbstractSet[str]) -> Iterator[tuple[str, Any]]:
    """Yield the elements that were different then, None for one that was not there."""
    head = record.head
    notes = head.note if isinstance(head.note, list) else []
    if any(_is_later_note(note, moment) for note in notes):
        yield "note", [note for note in notes if not _is_later_note(note, moment)]

    def ended(*elements: str) -> bool:
        ends = (record.end_of(element) for element in elements)
        return any(end is not None and end.certainly_after(moment) for end in ends)

    match record.type:
        case "Patient" if head.deceased_boolean is True or ended("deceasedDateTime"):
            yield from (("deceasedBoolean", None), ("deceasedDateTime", None))
        case "Condition" if ended("abatementDateTime", "abatementPeriod"):
            yield from (("abatementDateTime", None), ("abatementPeriod", None), ("clinicalStatus", _ACTIVE))
        case "Encounter":
            yield from _visit_then(record, absent, is_over=not ended("period"))
        case "Procedure" if ended("performedPeriod"):
            yield from (("status", "in-progress"), ("performedPeriod", _begun(head.performed_period)))
            yield from (("outcome", None), ("complication", None), ("followUp", None))
        case "MedicationRequest" if head.status in _STILL_ACTIVE and _supply_lasts(record, moment):
            yield "status", "active"
        case "MedicationStatement" if ended("effectivePeriod"):
            yield from (("status", "active"), ("effectivePeriod", _begun(head.effective_period)))
        case "Appointment" if head.status in _VISITED and _starts_later(record, moment):
            yield "status", "booked"
        case _:
            pass


def _visit_then(record: Record, absent: AbstractSet[str], *, is_over: bool) -> Iterator[tuple[str, Any]]:
    """Yield how a visit was told while it lasted: not how it ended, and no diagnosis that was not recorded yet."""
    if not is_over:
        yield from (("status", "in-progress"), ("period", _begun(record.head.period)))
        yield from ((name, None) for name in ("hospitalization", "length", "statusHistory", "classHistory"))
    if not absent:
        return
    visit = plain(record.line)
    for element in ("diagnosis", "reasonReference"):
        told = objects(visit.get(element))
        kept = [part for part in told if absent.isdisjoint(map(relative, references(part.get("condition") or part)))]
        if len(kept) < len(told):
            yield element, kept


def _begun(period: object) -> dict[str, Any] | None:
    return {name: value for name, value in period.items() if name != "end"} if isinstance(period, dict) else None


def _supply_lasts(record: Record, moment: Moment) -> bool:
    dispense = record.head.dispense_request
    validity = dispense.get("validityPeriod") if isinstance(dispense, dict) else None
    end = parse_moment(validity.get("end")) if isinstance(validity, dict) else None
    return end is not None and end.certainly_after(moment)


def _starts_later(record: Record, moment: Moment) -> bool:
    start = parse_moment(record.head.start)
    return start is not None and start.certainly_after(moment)


def _is_later_note(note: object, moment: Moment) -> bool:
    written = parse_moment(note.get("time")) if isinstance(note, dict) else None
    return written is not None and written.certainly_after(moment)
