"""Which orders of the past are replayed: lumbar MRI orders, what stands for them, or each back-pain visit.

They are recognised by the code that recognises a draft at the hook. Where a site exports no lumbar MRI order at all, a
lumbar MRI that was done stands for its order; with `what-if` each visit for back pain is asked what the answer would
have been to an MRI ordered there.
"""

from __future__ import annotations

import enum
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from cards.guideline.wording import load_wording
from cards.suggestions.drafts import code_of
from cds_service.replay.moments import Moment, parse_moment
from cds_service.replay.records import plain, relative
from fhir_mappings.orders.contents import objects, references
from fhir_mappings.orders.orders import count_unrecognised_spine_mris
from fhir_mappings.orders.recognition import plain_concepts, recognised
from fhir_mappings.terminology.concepts import PAIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cds_service.replay.records import Record
    from cds_service.replay.rows import Origin
    from fhir_mappings.terminology.index import TerminologyIndex

# Why an order is not replayed, as the summary counts it.
_WITHDRAWN: Final = {
    "entered-in-error": "entered-in-error",
    "revoked": "cancelled",
    "cancelled": "cancelled",
    "draft": "never-signed",
}
_NO_ORDER: Final = frozenset({"proposal", "plan", "option", "directive"})
_DONE_NEVER: Final = frozenset({"entered-in-error", "cancelled", "not-done", "registered", "preparation"})


@cache
def _asked_for() -> dict[str, Any]:
    """Return the code of the MRI that `what-if` asks about: the one that suggestions order."""
    return code_of("order_mri_lumbar_wo", load_wording())


class Kind(enum.StrEnum):
    """What is replayed."""

    ORDERS = "orders"
    STAND_INS = "stand-ins"
    WHAT_IF = "what-if"


@dataclass(frozen=True, slots=True)
class PastOrder:
    """An order of the past: the record that it is or that stands for it, when it was, and the draft of then."""

    record: Record
    moment: Moment
    origin: Origin
    resource: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recogniser:
    """Tells lumbar MRIs and visits for back pain, by the terminology of the site."""

    index: TerminologyIndex
    by_text: bool = True

    def is_lumbar_mri(self, resource: Mapping[str, Any]) -> bool:
        """Whether an order, whatever its status, is one at the hook: by its code, else by its name."""
        concepts = plain_concepts(resource.get("code"), self.index)
        return recognised(resource, concepts, self.index, by_text=self.by_text)[0] is not None

    def looks_like_one(self, resource: Mapping[str, Any]) -> bool:
        """Whether an order is named like an MRI of the spine and nobody can tell which."""
        live = {**resource, "status": "draft", "doNotPerform": False}
        return count_unrecognised_spine_mris(_drafts(live), None, self.index, by_text=self.by_text) > 0

    def is_about_pain(self, resource: Mapping[str, Any]) -> bool:
        """Whether a problem or a visit is about back pain, by its codes."""
        found = [*objects(resource.get("code")), *objects(resource.get("reasonCode"))]
        codings = (coding for concept in found for coding in objects(concept.get("coding")))
        pairs = ((coding.get("system"), coding.get("code")) for coding in codings)
        known = (
            self.index.concepts_of(system, code)
            for system, code in pairs
            if isinstance(system, str) and isinstance(code, str)
        )
        return any(not concepts.isdisjoint(PAIN) for concepts in known)


def _drafts(order: Mapping[str, Any]) -> dict[str, Any]:
    return {"entry": [{"resource": order}]}


def draft_for_study(study: Mapping[str, Any]) -> dict[str, Any]:
    """Return the order of a study that was done: what was done is what was ordered, for the reason that it states."""
    code = next(iter([*objects(study.get("code")), *objects(study.get("procedureCode"))]), {})
    names = ("id", "subject", "encounter", "reasonCode", "reasonReference", "bodySite", "note")
    kept = {name: study[name] for name in names if name in study}
    asked = study.get("referrer") or study.get("asserter")
    requester = {"requester": asked} if isinstance(asked, dict) else {}
    return {"resourceType": "ServiceRequest", "intent": "order", "code": code, **kept, **requester}


def past_orders(
    records: Sequence[Record], kind: Kind, recogniser: Recogniser
) -> tuple[tuple[PastOrder, ...], Counter[str]]:
    """Return a patient's orders of the past, and how many were left out for what reason."""
    left_out: Counter[str] = Counter()
    if kind is Kind.ORDERS:
        found = list(_ordered(records, recogniser, left_out))
    elif kind is Kind.STAND_INS:
        found = list(_done(records, recogniser, left_out))
    else:
        found = list(_visits(records, recogniser))
    left_out["undated"] += sum(moment is None for _, moment, _, _ in found)
    orders = (PastOrder(record, moment, origin, draft) for record, moment, origin, draft in found if moment)
    return tuple(orders), +left_out


_Found = tuple["Record", "Moment | None", "Origin", dict[str, Any]]


def _ordered(records: Iterable[Record], recogniser: Recogniser, left_out: Counter[str]) -> Iterable[_Found]:
    lumbar = [
        (record, resource)
        for record in _newest(records, "ServiceRequest")
        if recogniser.is_lumbar_mri(resource := plain(record.line))
    ]
    known = {record.reference for record, _ in lumbar} - {""}
    for record, resource in lumbar:
        status, intent = resource.get("status"), resource.get("intent")
        if isinstance(status, str) and status in _WITHDRAWN:
            left_out[_WITHDRAWN[status]] += 1
        elif resource.get("doNotPerform") is True or (isinstance(intent, str) and intent in _NO_ORDER):
            left_out["no-order"] += 1
        elif not known.isdisjoint(record.named("basedOn")):
            left_out["part-of-another-order"] += 1
        else:
            yield record, _signed(record), "ServiceRequest", resource


def _signed(record: Record) -> Moment | None:
    """Return when an order was signed, or what comes nearest to it."""
    return parse_moment(record.head.authored_on) or record.recorded or record.updated


def _done(records: Sequence[Record], recogniser: Recogniser, left_out: Counter[str]) -> Iterable[_Found]:
    """Yield lumbar MRIs that were done; where a study and a procedure tell of the same day, the study alone counts."""
    days = set()
    for name, origin in (("ImagingStudy", "ImagingStudy"), ("Procedure", "Procedure")):
        for record in _newest(records, name):
            draft = draft_for_study(plain(record.line))
            if not recogniser.is_lumbar_mri(draft):
                continue
            if record.head.status in _DONE_NEVER:
                left_out["not-done"] += 1
                continue
            day = record.recorded.day if record.recorded else None
            if day is not None and day in days:
                left_out["told-twice"] += 1
                continue
            days.add(day)
            yield record, record.recorded, origin, draft  # type: ignore[misc] # both are origins


def _visits(records: Sequence[Record], recogniser: Recogniser) -> Iterable[_Found]:
    """Yield visits for back pain: by their own reason, or by a problem that was recorded there."""
    painful = {
        name
        for record in _newest(records, "Condition")
        if recogniser.is_about_pain(resource := plain(record.line))
        for name in (record.reference, *map(relative, references(resource.get("encounter"))))
        if name
    }
    for record in _newest(records, "Encounter"):
        visit = plain(record.line)
        told = [part.get("condition") or part for part in objects(visit.get("diagnosis"))]
        named = {relative(name) for name in references([*told, *objects(visit.get("reasonReference"))])}
        is_painful = record.reference in painful or not painful.isdisjoint(named)
        if visit.get("status") in ("entered-in-error", "cancelled", "planned"):
            continue
        if is_painful or recogniser.is_about_pain(visit):
            yield record, record.recorded, "what-if", _draft_at(record, visit)


def _draft_at(record: Record, visit: Mapping[str, Any]) -> dict[str, Any]:
    reasons = {name: visit[name] for name in ("reasonCode", "reasonReference") if visit.get(name)}
    return {
        "resourceType": "ServiceRequest",
        "id": f"what-if-{record.id}"[:64],
        "intent": "order",
        "code": _asked_for(),
        "subject": visit.get("subject"),
        "encounter": {"reference": record.reference},
        **reasons,
    }


def _newest(records: Iterable[Record], resource_type: str) -> Iterable[Record]:
    """Return the records of a type, of several versions of one resource the newest."""
    found: dict[str, Record] = {}
    for record in records:
        if record.type == resource_type:
            key = record.reference or str(id(record))
            if key not in found or _version(found[key]) <= _version(record):
                found[key] = record
    return found.values()


def _version(record: Record) -> tuple[str, bytes]:
    updated = record.updated
    return (str((updated.instant or updated.days.earliest) if updated else ""), record.line)
