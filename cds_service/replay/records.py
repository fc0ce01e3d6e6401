"""The records of one patient, each read once for when it was recorded; the resources themselves stay text.

A chart may hold 200,000 resources and a patient several orders, so only what tells the time of a record is decoded
here. Which element tells it best differs by type; the order below is that of trust.
"""

from __future__ import annotations

import re
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from cds_service.replay.moments import Moment, parse_moment
from fhir_mappings.fhir.surrogates import without_lone_surrogates
from fhir_mappings.orders.contents import objects, references

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# When a record was written down, or when what it tells was done: the first that it has.
_BEST_KNOWN: Final = (
    *("recordedDate", "issued", "authoredOn", "dateAsserted", "recordedOn", "authored", "created"),
    *("effectiveInstant", "effectiveDateTime", "effectivePeriod", "performedDateTime", "performedPeriod"),
    *("timingDateTime", "timingPeriod", "started", "period"),
)
# What is left where none of these is known; a problem of a visit was written down at the visit, whenever it began.
_LESS_KNOWN: Final = ("onsetDateTime", "onsetPeriod", "start")
# Types without a time of their own: who the patient is, and what drugs are.
_TIMELESS: Final = frozenset({"Patient", "Medication"})
_URN: Final = re.compile(rb'"urn:uuid:([^"]{1,200})"')


class Head(msgspec.Struct, rename="camel", gc=False):
    """What of a resource tells when it was, to what it belongs, and what changed since; anything may stand anywhere."""

    resource_type: object = None
    id: object = None
    meta: object = None
    status: object = None
    recorded_date: object = None
    issued: object = None
    authored_on: object = None
    date_asserted: object = None
    recorded_on: object = None
    authored: object = None
    created: object = None
    effective_instant: object = None
    effective_date_time: object = None
    effective_period: object = None
    performed_date_time: object = None
    performed_period: object = None
    timing_date_time: object = None
    timing_period: object = None
    started: object = None
    period: object = None
    start: object = None
    onset_date_time: object = None
    onset_period: object = None
    abatement_date_time: object = None
    abatement_period: object = None
    deceased_boolean: object = None
    deceased_date_time: object = None
    encounter: object = None
    based_on: object = None
    imaging_study: object = None
    result: object = None
    device: object = None
    focal_device: object = None
    used_reference: object = None
    dispense_request: object = None
    note: object = None


_HEAD: Final = msgspec.json.Decoder(Head)
_FIELDS: Final = {item.encode_name: item.name for item in msgspec.structs.fields(Head)}
_best_known: Final = attrgetter(*(_FIELDS[name] for name in _BEST_KNOWN))
_less_known: Final = attrgetter(*(_FIELDS[name] for name in _LESS_KNOWN))


class Record(msgspec.Struct, frozen=True, gc=False):
    """One version of a resource: its text, what tells its time, and when it was recorded as far as that is known.

    `is_assumed` tells that nothing better than `meta.lastUpdated` was known, or nothing at all (`recorded` is None).
    """

    type: str
    id: str
    line: bytes
    head: Head
    recorded: Moment | None = None
    is_assumed: bool = False

    def __repr__(self) -> str:
        """Name it, and tell nothing of what it holds."""
        return f"Record({self.type!r}, {self.id!r}, recorded={self.recorded!r}, is_assumed={self.is_assumed!r})"

    @property
    def reference(self) -> str:
        """Its relative reference; empty for one without an id."""
        return f"{self.type}/{self.id}" if self.id else ""

    @property
    def updated(self) -> Moment | None:
        """When this version was written."""
        meta = self.head.meta
        return parse_moment(meta.get("lastUpdated")) if isinstance(meta, dict) else None

    def named(self, element: str) -> frozenset[str]:
        """Return what an element refers to, as relative references."""
        return frozenset(map(relative, references(getattr(self.head, _FIELDS[element]))))

    def end_of(self, element: str) -> Moment | None:
        """Return the end of a Period, or a moment that stands alone."""
        value = getattr(self.head, _FIELDS[element])
        return parse_moment(value.get("end") if isinstance(value, dict) else value)


def relative(reference: str) -> str:
    """Return a literal reference without its base and its version."""
    return "/".join(reference.split("|", maxsplit=1)[0].strip().split("/_history/")[0].split("/")[-2:])


def read_records(lines: Iterable[bytes]) -> tuple[Record, ...]:
    """Return a patient's records, every version of a resource once, in an order that their arrival does not change.

    msgspec.DecodeError where a line is no JSON object.
    """
    unique = sorted({bytes(line).strip() for line in lines})
    text = b"\n".join(unique)  # searched as a whole for what hardly any chart holds
    if rb"\u" in text:
        unique = sorted(set(map(without_lone_surrogates, unique)))
    heads = [(line, _HEAD.decode(line)) for line in unique]
    types = {head.id: head.resource_type for _, head in heads if isinstance(head.id, str)}
    if b'"urn:uuid:' in text:
        lines = {_without_urns(line, types) for line in unique}
        heads = [(line, _HEAD.decode(line)) for line in sorted(lines)]
    found = [
        Record(head.resource_type, head.id if isinstance(head.id, str) else "", line, head)
        for line, head in heads
        if isinstance(head.resource_type, str)
    ]
    visits = {record.reference: _first(_best_known(record.head)) for record in found if record.type == "Encounter"}
    dated = [_dated(record, visits) for record in found]
    uses = dict(_uses_of_devices(dated))
    return tuple(_of_device(record, uses) if record.type == "Device" else record for record in dated)


def _without_urns(line: bytes, types: Mapping[str, object]) -> bytes:
    """Write a temporary reference as a relative one where it is known to what it leads."""

    def written(found: re.Match[bytes]) -> bytes:
        name = found[1].decode()
        kind = types.get(name)
        return f'"{kind}/{name}"'.encode() if isinstance(kind, str) else found[0]

    return _URN.sub(written, line)


def _dated(record: Record, visits: Mapping[str, Moment | None]) -> Record:
    head = record.head
    if record.type in _TIMELESS:
        return record
    recorded = _first(_best_known(head))
    if recorded is None and record.type != "Encounter":
        recorded = next((found for name in record.named("encounter") if (found := visits.get(name))), None)
    recorded = recorded or _first(_less_known(head))
    if recorded is not None:
        return Record(record.type, record.id, record.line, head, recorded)
    return Record(record.type, record.id, record.line, head, record.updated, is_assumed=True)


def _first(values: Iterable[object]) -> Moment | None:
    for value in values:
        if value is None:
            continue
        stated = (value.get("start") or value.get("end")) if isinstance(value, dict) else value
        if found := parse_moment(stated):
            return found
    return None


def _uses_of_devices(records: Iterable[Record]) -> Iterator[tuple[str, Moment]]:
    """Yield the devices that a dated record speaks of: a Device has no time of its own. The earliest comes last."""
    found: list[tuple[str, Moment]] = []
    for record in records:
        if record.recorded is None or record.is_assumed or record.type not in ("Procedure", "DeviceUseStatement"):
            continue
        put_in = [item.get("manipulated") for item in objects(record.head.focal_device)]
        for value in (record.head.device, record.head.used_reference, put_in):
            found += ((relative(name), record.recorded) for name in references(value))
    yield from sorted(found, key=lambda pair: str(pair[1].days.earliest), reverse=True)


def _of_device(record: Record, uses: Mapping[str, Moment]) -> Record:
    used = uses.get(record.reference)
    return Record(record.type, record.id, record.line, record.head, used) if used and record.is_assumed else record


def plain(line: bytes) -> dict[str, Any]:
    """Return a resource decoded, to be changed."""
    found: dict[str, Any] = msgspec.json.decode(line)
    return found
