"""Which draft orders are lumbar-spine MRIs, and what they say.

Orders arrive half-written, with `urn:uuid:` references, under STU3 names and without the elements FHIR demands.
They are read from plain JSON and kept as received, because an order that goes back in an update must be the same
order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from fhir_mappings.chart.entries import ChartEntry, ReadingContext, order_entry
from fhir_mappings.chart.readers import entries_of
from fhir_mappings.chart.remarks import Remark, order_remarks, order_texts
from fhir_mappings.fhir.datatypes import CodeableConcept, id_in, named_type
from fhir_mappings.fhir.dates import DateInterval, parse_date
from fhir_mappings.fhir.decoding import convert_resource, salvage
from fhir_mappings.fhir.resources import Resource
from fhir_mappings.terminology.index import TerminologyIndex

ORDER_TYPES = ("ServiceRequest", "ProcedureRequest")
_EARLIEST_ORDER = date(1970, 1, 1)
_CURRENT_DAYS = 30
# What an action can name: FHIR's characters and those of temporary ids; real clients send ids beyond FHIR's length.
_USABLE_ID = re.compile(r"[A-Za-z0-9._:~-]{1,256}")
_DEAD_STATUSES = frozenset({"entered-in-error", "revoked", "completed", "cancelled"})


class ContrastClass(StrEnum):
    """What an MRI order says about intravenous contrast."""

    WITHOUT = "without"
    WITH = "with"
    WITHOUT_AND_WITH = "without-and-with"
    UNSPECIFIED = "unspecified"


_CONTRAST = {
    "order_mri_lumbar_wo": ContrastClass.WITHOUT,
    "order_mri_lumbar_wo_w": ContrastClass.WITHOUT_AND_WITH,
    "order_mri_lumbar_w": ContrastClass.WITH,
    "order_mri_lumbar_unspec": ContrastClass.UNSPECIFIED,
}
_BY_BODY_SITE = ("order_mri_generic", "order_mri_spine_wider")


@dataclass(frozen=True)
class ImagingOrder:
    """A lumbar-spine MRI order.

    An order without an id is assessed too, but nothing can be suggested that changes it. `resource` is the order as
    received, numbers as Decimal. `companions` are the resources sent with it (contained, or in the Bundle) by the
    reference that the order uses for them; `entries` is what its reasons and those resources state, by concept;
    `texts` is all it says in words; `sibling_concepts` are the concepts of the other draft orders, so that nothing is
    suggested twice.
    """

    reference: str
    id: str
    resource: Mapping[str, Any]
    contrast: ContrastClass
    patient_ids: frozenset[str] = frozenset()
    authored: DateInterval = field(default_factory=DateInterval)
    reasons: tuple[CodeableConcept, ...] = ()
    reason_references: tuple[str, ...] = ()
    supporting_references: tuple[str, ...] = ()
    remarks: tuple[Remark, ...] = ()
    texts: tuple[str, ...] = ()
    companions: Mapping[str, Resource] = field(default_factory=dict)
    entries: Mapping[str, tuple[ChartEntry, ...]] = field(default_factory=dict)
    sibling_concepts: frozenset[str] = frozenset()

    @property
    def resource_type(self) -> str:
        """`ServiceRequest`, or the STU3 `ProcedureRequest`."""
        return str(self.resource.get("resourceType"))

    @property
    def priority(self) -> str:
        """The order's priority, `routine` where none is stated (FHIR's default)."""
        priority = self.resource.get("priority")
        return priority if isinstance(priority, str) and priority else "routine"

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
    draft_orders: Mapping[str, Any], selections: Sequence[str] | None, index: TerminologyIndex
) -> tuple[ImagingOrder, ...]:
    """Return the live lumbar MRI orders of a hook's draft orders, in their order.

    `selections` None means all of them (order-sign); otherwise only the selected ones (order-select), named as
    `Type/id`, bare id, absolute URL or the entry's fullUrl.
    """
    drafts = list(_drafts(draft_orders))
    wanted = None if selections is None else frozenset(selection for selection in selections if selection)
    concepts = [_concepts(resource.get("code"), index) for _, resource in drafts]
    found: list[ImagingOrder] = []
    for position, (full_url, resource) in enumerate(drafts):
        contrast = _contrast(resource, concepts[position], index)
        if contrast is None or not _is_live(resource) or not _is_selected(resource, full_url, wanted):
            continue
        siblings = [group for other, group in enumerate(concepts) if other != position and _is_live(drafts[other][1])]
        companions = _companions(resource, drafts)
        found.append(_read_order(resource, full_url, contrast, companions, frozenset().union(*siblings), index))
    return tuple(found)


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


def _is_selected(resource: Mapping[str, Any], full_url: str, wanted: frozenset[str] | None) -> bool:
    if wanted is None:
        return True
    resource_type, resource_id = resource["resourceType"], _id_of(resource)
    names = {full_url} - {""}
    if resource_id:
        names |= {f"{resource_type}/{resource_id}", resource_id, f"urn:uuid:{resource_id}"}
    return any(name in names or (resource_id and id_in(name, resource_type) == resource_id) for name in wanted)


def _id_of(resource: Mapping[str, Any]) -> str:
    found = resource.get("id")
    return found if isinstance(found, str) else ""


def _concepts(code: object, index: TerminologyIndex) -> frozenset[str]:
    """Return the concepts of a code in plain JSON."""
    return frozenset(name for system, value in _codings(code) for name in index.concepts_of(system, value))


def _codings(code: object) -> list[tuple[str, str]]:
    """Return the system and code of each coding in plain JSON, also inside an R5 CodeableReference."""
    if isinstance(code, dict) and "concept" in code:
        code = code["concept"]
    codings = code.get("coding") if isinstance(code, dict) else None
    found = []
    for coding in codings if isinstance(codings, list) else ():
        system, value = (coding.get("system"), coding.get("code")) if isinstance(coding, dict) else (None, None)
        value = str(value) if isinstance(value, int) else value
        if isinstance(system, str) and isinstance(value, str):
            found.append((system, value))
    return found


def _contrast(resource: Mapping[str, Any], concepts: frozenset[str], index: TerminologyIndex) -> ContrastClass | None:
    """Return the contrast class of a lumbar MRI order; None for any other order.

    Codings that say more about contrast win over those that leave it open.
    """
    for concept, contrast in _CONTRAST.items():
        if concept in concepts:
            return contrast
    codes = _codings(resource.get("code"))
    names = [index.display_of(name, *code).casefold() for code in codes for name in index.concepts_of(*code)]
    if "order_mri_spine_wider" in concepts and any("lumbar" in name for name in names):
        return _worded_contrast(names)
    if not concepts.isdisjoint(_BY_BODY_SITE):
        sites = resource.get("bodySite")
        for site in sites if isinstance(sites, list) else [sites]:
            if "body_site_lumbar" in _concepts(site, index):
                return _worded_contrast(names)
    return None


def _worded_contrast(names: list[str]) -> ContrastClass:
    """Return the contrast class that this project's display of a study's code states."""
    text = " ".join(names)
    if "wo and w " in text:
        return ContrastClass.WITHOUT_AND_WITH
    if "without contrast" in text or "wo contrast" in text:
        return ContrastClass.WITHOUT
    return ContrastClass.WITH if "with contrast" in text or "w contrast" in text else ContrastClass.UNSPECIFIED


def _companions(resource: Mapping[str, Any], drafts: list[tuple[str, dict[str, Any]]]) -> dict[str, Resource]:
    found: dict[str, Resource] = {}
    for full_url, other in drafts:
        companion = convert_resource(other)
        if companion is not None and other is not resource:
            found[f"{companion.resource_type}/{companion.id}"] = companion
            if full_url:
                found[full_url] = companion
    contained = resource.get("contained")
    for plain in contained if isinstance(contained, list) else ():
        companion = convert_resource(plain)
        if companion is not None and companion.id:
            found[f"#{companion.id}"] = companion
    return found


def _read_order(  # noqa: PLR0913, PLR0917 - all that one draft brings
    resource: dict[str, Any],
    full_url: str,
    contrast: ContrastClass,
    companions: dict[str, Resource],
    siblings: frozenset[str],
    index: TerminologyIndex,
) -> ImagingOrder:
    order_id = _id_of(resource)
    if not _USABLE_ID.fullmatch(order_id):
        order_id = ""
    reference = f"{resource['resourceType']}/{order_id}" if order_id else full_url or resource["resourceType"]
    reasons = tuple(salvage(CodeableConcept, reason) for reason in _objects(resource.get("reasonCode")))
    authored = parse_date(resource.get("authoredOn"))
    reason_references = tuple(_references(resource.get("reasonReference")))
    supporting = _objects(resource.get("supportingInfo")) + _objects(resource.get("supportingInformation"))
    supporting_references = tuple(_references(supporting))
    return ImagingOrder(
        reference=reference,
        id=order_id,
        resource=resource,
        contrast=contrast,
        patient_ids=_patient_ids(resource.get("subject")),
        authored=authored,
        reasons=reasons,
        reason_references=reason_references,
        supporting_references=supporting_references,
        remarks=order_remarks(reference, resource, reasons, index),
        texts=order_texts(resource, reasons),
        companions=companions,
        entries=_entries(
            [order_entry(reference, reason, index) for reason in reasons],
            [companions[name] for name in (*reason_references, *supporting_references) if name in companions],
            index,
        ),
        sibling_concepts=siblings,
    )


def _entries(
    reasons: list[ChartEntry | None], carried: list[Resource], index: TerminologyIndex
) -> dict[str, tuple[ChartEntry, ...]]:
    """Return what the order's reasons and the resources it carries state, by concept."""
    context = ReadingContext(index)
    found: dict[str, tuple[ChartEntry, ...]] = {}
    entries = [entry for entry in reasons if entry is not None]
    for entry in (*entries, *(entry for resource in carried for entry in entries_of(resource, context))):
        for concept in entry.concepts:
            found[concept] = (*found.get(concept, ()), entry)
    return found


def _objects(value: object) -> list[dict[str, Any]]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]


def _references(value: object) -> Iterator[str]:
    for item in _objects(value):
        reference = item.get("reference")
        if isinstance(reference, str) and reference:
            yield reference


def _patient_ids(subject: object) -> frozenset[str]:
    """Return the bare patient ids in an order's subject; empty for contained, logical or temporary references.

    A subject of another type, such as a Group, counts under its whole reference: it is not the patient.
    """
    found = []
    for reference in _references(subject):
        patient_id = id_in(reference, "Patient")
        found.append(patient_id or (reference if named_type(reference) else None))
    return frozenset(name for name in found if name)
