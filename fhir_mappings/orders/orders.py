"""Which draft orders are lumbar-spine MRIs, and what they say.

Orders arrive half-written, with `urn:uuid:` references, under STU3 or R5 names and without the elements FHIR demands.
They are read from plain JSON and kept as received, because an order that goes back in an update must be the same
order.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any, Literal

from fhir_mappings.chart.answer_records import answer_entries, answer_remarks
from fhir_mappings.chart.answers import QuestionAnswer
from fhir_mappings.chart.entries import (
    Assertion,
    ChartEntry,
    ReadingContext,
    by_concept,
    concepts_of,
    order_entry,
    words_of,
)
from fhir_mappings.chart.ledger import Ledger, LedgerLine, Read, Standing, line_of, reason_line
from fhir_mappings.chart.readers import entries_of
from fhir_mappings.chart.remarks import Remark
from fhir_mappings.fhir.datatypes import CodeableConcept, id_in
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, parse_date
from fhir_mappings.fhir.resources import ObservationComponent, Resource
from fhir_mappings.orders.contents import (
    Companion,
    Companions,
    OrderContents,
    OrderText,
    patient_ids,
    read_contents,
)
from fhir_mappings.orders.names import ContrastClass, is_like_spine_mri, names_of
from fhir_mappings.orders.recognition import plain_concepts, recognised
from fhir_mappings.orders.requesters import requester_names
from fhir_mappings.terminology.index import TerminologyIndex
from fhir_mappings.words.matcher import NOTED, asking_names, quote_of, unplaced_suspicions
from fhir_mappings.words.order_text import Statement, stated_emergencies, stated_implants, stated_values

ORDER_TYPES = ("ServiceRequest", "ProcedureRequest")
_EARLIEST_ORDER = date(1970, 1, 1)
_CURRENT_DAYS = 30
# What an action can name: FHIR's characters and those of temporary ids; real clients send ids beyond FHIR's length.
_USABLE_ID = re.compile(r"[A-Za-z0-9._:~-]{1,256}")
_DEAD_STATUSES = frozenset({"entered-in-error", "revoked", "completed", "cancelled"})


@dataclass(frozen=True)
class ImagingOrder:
    """A lumbar-spine MRI order.

    An order without an id is assessed too, but nothing can be suggested that changes it. `resource` is the order as
    received, numbers as Decimal. `recognised_by` is `text` where no code of it is known and its name told what it is.
    `companions` are the resources sent with it (contained, or in the Bundle) by the reference that the order uses for
    them; `entries` is what its reasons, those resources and its answered questions state, by concept. `own_texts` are
    the words of its author about now (reasons and notes), `other_texts` all other words that come with it;
    `sibling_concepts` are the concepts of the other draft orders, so that nothing is suggested twice;
    `requester_names` is what whoever ordered is called, with specialty and department.
    """

    reference: str
    id: str
    resource: Mapping[str, Any]
    contrast: ContrastClass
    recognised_by: Literal["code", "text"] = "code"
    patient_ids: frozenset[str] = frozenset()
    authored: DateInterval = field(default_factory=DateInterval)
    reasons: tuple[CodeableConcept, ...] = ()
    reason_references: tuple[str, ...] = ()
    supporting_references: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    own_texts: tuple[OrderText, ...] = ()
    other_texts: tuple[OrderText, ...] = ()
    answers: tuple[QuestionAnswer, ...] = ()
    companions: Mapping[str, Resource] = field(default_factory=dict)
    entries: Mapping[str, tuple[ChartEntry, ...]] = field(default_factory=dict)
    sibling_concepts: frozenset[str] = frozenset()
    requester_names: tuple[str, ...] = ()
    ledger: Ledger = field(default_factory=Ledger)

    @property
    def resource_type(self) -> str:
        """`ServiceRequest`, or the STU3 `ProcedureRequest`."""
        return str(self.resource.get("resourceType"))

    @property
    def texts(self) -> tuple[str, ...]:
        """All that it says in words, hint or not, wherever it stands."""
        return tuple(dict.fromkeys(said.text for said in (*self.own_texts, *self.other_texts)))

    @property
    def priority(self) -> str:
        """The order's priority, `routine` where none is stated (FHIR's default)."""
        priority = self.resource.get("priority")
        return priority.strip().casefold() if isinstance(priority, str) and priority.strip() else "routine"

    def as_of(self, today: date) -> date:
        """Return the day all windows count back from: the day the order was written.

        Today where that is not known to the day or cannot be true, and for an order of the last weeks: it is being
        acted on now, and what was recorded since it was written, a new red flag say, must not count as future.
        """
        written = self.authored.earliest if self.authored.is_exact else None
        if written is None or not _EARLIEST_ORDER <= written < today - timedelta(days=_CURRENT_DAYS):
            return today
        return written


def read_lumbar_mri_orders(
    draft_orders: Mapping[str, Any], selections: Sequence[str] | None, index: TerminologyIndex, *, by_text: bool = True
) -> tuple[ImagingOrder, ...]:
    """Return the live lumbar MRI orders of a hook's draft orders, in their order.

    `selections` None means all of them (order-sign); otherwise only the selected ones (order-select), named as
    `Type/id`, bare id, absolute URL or the entry's fullUrl. With `by_text` an order of which no code is known is read
    by its name.
    """
    drafts = list(_drafts(draft_orders))
    wanted = _wanted(selections)
    concepts = [plain_concepts(resource.get("code"), index) for _, resource in drafts]
    live = (names for (_, draft), names in zip(drafts, concepts, strict=True) if _is_live(draft))
    ordered = Counter(itertools.chain.from_iterable(live))
    companions = Companions(drafts)
    found: list[ImagingOrder] = []
    for position, (full_url, resource) in enumerate(drafts):
        if not _is_live(resource) or not _is_selected(resource, full_url, wanted):
            continue
        contrast, recognised_by = recognised(resource, concepts[position], index, by_text=by_text)
        if contrast is None:
            continue
        siblings = frozenset(name for name, times in ordered.items() if times > (name in concepts[position]))
        order = _read_order(resource, full_url, contrast, companions.of(resource), siblings, index)
        found.append(order if recognised_by == "code" else replace(order, recognised_by=recognised_by))
    return tuple(found)


def count_unrecognised_spine_mris(
    draft_orders: Mapping[str, Any], selections: Sequence[str] | None, index: TerminologyIndex, *, by_text: bool = True
) -> int:
    """Count the live drafts whose name looks like an MRI of the spine, and which neither code nor name tells apart."""
    wanted = _wanted(selections)
    return sum(
        _is_live(resource)
        and _is_selected(resource, full_url, wanted)
        and not plain_concepts(resource.get("code"), index)
        and is_like_spine_mri(names_of(resource))
        and recognised(resource, frozenset(), index, by_text=by_text)[0] is None
        for full_url, resource in _drafts(draft_orders)
    )


@dataclass(frozen=True, slots=True)
class _Selected:
    """What was selected, in small letters, since clients write UUIDs in either case; and the ids in it, by type."""

    names: frozenset[str]
    ids: Mapping[str, frozenset[str]]


def _wanted(selections: Sequence[str] | None) -> _Selected | None:
    """Return what was selected, each of it taken apart once; None where every draft counts."""
    if selections is None:
        return None
    names = frozenset(selection.casefold() for selection in selections if selection)
    types = [name.casefold() for name in ORDER_TYPES]
    return _Selected(names, {kind: frozenset(filter(None, (id_in(name, kind) for name in names))) for kind in types})


def _drafts(bundle: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    entries = bundle.get("entry")
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict):
            full_url = entry.get("fullUrl")
            yield full_url if isinstance(full_url, str) else "", resource


def _is_live(resource: Mapping[str, Any]) -> bool:
    status = resource.get("status")
    return (
        resource.get("resourceType") in ORDER_TYPES
        and not (isinstance(status, str) and status in _DEAD_STATUSES)
        and resource.get("doNotPerform") is not True
    )


def _is_selected(resource: Mapping[str, Any], full_url: str, wanted: _Selected | None) -> bool:
    if wanted is None:
        return True
    resource_type, resource_id = resource["resourceType"].casefold(), _id_of(resource).casefold()
    names = {full_url.casefold(), full_url.casefold().removeprefix("urn:uuid:")} - {""}
    if resource_id:
        names |= {f"{resource_type}/{resource_id}", resource_id, f"urn:uuid:{resource_id}"}
    return not names.isdisjoint(wanted.names) or resource_id in wanted.ids[resource_type]


def _id_of(resource: Mapping[str, Any]) -> str:
    found = resource.get("id")
    return found if isinstance(found, str) else ""


def _read_order(  # noqa: PLR0913, PLR0917 - all that one draft brings
    resource: dict[str, Any],
    full_url: str,
    contrast: ContrastClass,
    companions: Mapping[str, Companion],
    siblings: frozenset[str],
    index: TerminologyIndex,
) -> ImagingOrder:
    order_id = _id_of(resource)
    if not _USABLE_ID.fullmatch(order_id):
        order_id = ""
    reference = f"{resource['resourceType']}/{order_id}" if order_id else full_url or resource["resourceType"]
    contents = read_contents(reference, resource, companions, index)
    authored = parse_date(resource.get("authoredOn"))
    read = {name: found.resource for name, found in companions.items() if found.resource is not None}
    return ImagingOrder(
        reference=reference,
        id=order_id,
        resource=resource,
        contrast=contrast,
        patient_ids=patient_ids(resource.get("subject")),
        authored=authored,
        reasons=contents.reasons,
        reason_references=contents.reason_references,
        supporting_references=contents.supporting_references,
        remarks=(*contents.remarks, *answer_remarks(contents.answers)),
        own_texts=contents.own_texts,
        other_texts=contents.other_texts,
        answers=contents.answers,
        companions=read,
        entries=_entries(reference, contents, read, index, authored.earliest),
        sibling_concepts=siblings,
        requester_names=requester_names(resource, companions),
        ledger=Ledger(tuple(_lines(reference, contents, read, index))),
    )


def _lines(
    reference: str, contents: OrderContents, companions: Mapping[str, Resource], index: TerminologyIndex
) -> Iterator[LedgerLine]:
    """Yield what became of each reason: as the order codes it, as a resource it brings, or by its name alone.

    A reason that is only referred to stands under the reference, since it may be in the record.
    """
    read = Read(index, remarked=frozenset(remark.text for remark in contents.remarks))
    asked: set[str] = set()
    for reason in contents.reasons:
        line = reason_line(reference, reason, read)
        yield line
        if line.standing is Standing.UNRECOGNISED:
            asked.update(words_of(reason))
    for target, name in contents.reason_names.items():
        found = companions.get(target)
        if found is not None:
            line = line_of(found, UNKNOWN_DATE, replace(read, has_entries=_says(found, index)))
            yield line._replace(source="Order")
        elif name:
            yield reason_line(target or reference, CodeableConcept(text=name), read)
    judged = {text for reason in contents.reasons if not concepts_of(reason, index) for text in words_of(reason)}
    # What our own questions quote in a note was answered there.
    others = (said for said in contents.other_texts if said.place not in ("order_note", "order_reason"))
    yield from _named_beside(said for said in (*contents.own_texts, *others) if said.text not in judged)
    yield from _suspected_beside(said for said in contents.own_texts if said.text not in asked)


def _named_beside(texts: Iterable[OrderText]) -> Iterator[LedgerLine]:
    """Yield what notes, and words beside a known reason, call by a name that asks, as a problem list would.

    Events are left out: "difficulty walking" in a note about back pain is the pain.
    """
    for said in texts:
        if name := next((name for name in asking_names(said.text) if name.topic in NOTED), None):
            called = quote_of(said.text, name)
            yield LedgerLine(
                said.reference, "Order", Standing.UNRECOGNISED, "name", called, said.place, said.when, span=name.topic
            )


def _suspected_beside(texts: Iterable[OrderText]) -> Iterator[LedgerLine]:
    """Yield what the author suspects and nobody can place: the suspicion is why the order was written."""
    for said in texts:
        for suspicion in unplaced_suspicions(said.text):
            called = quote_of(said.text, suspicion)
            yield LedgerLine(said.reference, "Order", Standing.UNRECOGNISED, "suspicion", called, said.place, said.when)


def _stated(contents: OrderContents, written: date | None) -> Iterator[ChartEntry]:
    """Yield the emergencies, values and implants that the author states in words: they count like records of the day.

    What is said beside an emergency tells its side; what is said anywhere tells where an implant may be.
    """
    for said in contents.own_texts:
        for found in stated_emergencies(said.text, written):
            yield _entry(said, found, found.around)
        for found in stated_values(said.text, written):
            value = ObservationComponent(code=CodeableConcept(text=found.quote), value_string=found.value)
            yield replace(_entry(said, found, found.around), part=value)
        for found in stated_implants(said.text):
            yield _entry(said, found, said.text)


def _entry(said: OrderText, found: Statement, words: str) -> ChartEntry:
    return ChartEntry(
        said.reference,
        Resource(resource_type="ServiceRequest"),
        frozenset({found.concept}),
        (),
        Assertion.SUSPECTED if found.doubt else Assertion.PRESENT,
        when=said.when,
        words=words.casefold(),
        of_order=True,
        quote=found.quote,
        place=said.place,
    )


def _says(resource: Resource, index: TerminologyIndex) -> bool:
    return any(entry.concepts for entry in entries_of(resource, ReadingContext(index)))


def _entries(
    reference: str,
    contents: OrderContents,
    companions: Mapping[str, Resource],
    index: TerminologyIndex,
    written: date | None,
) -> dict[str, tuple[ChartEntry, ...]]:
    """Return what the order's reasons, the resources it refers to and its answers state, by concept."""
    context = ReadingContext(index)
    referred = dict.fromkeys((*contents.reason_references, *contents.supporting_references))
    stated: list[Iterable[ChartEntry | None]] = [
        (order_entry(reference, reason, index) for reason in contents.reasons),
        *(entries_of(companions[name], context) for name in referred if name in companions),
        answer_entries(contents.answers),
        _stated(contents, written),
    ]
    return by_concept(entry for entry in itertools.chain.from_iterable(stated) if entry is not None)
