"""What an orderable is taken for, by the same reading that an order of it would get."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from fhir_mappings.orders.names import ContrastClass, is_like_spine_mri, lumbar_mri_contrast, names_of
from fhir_mappings.orders.recognition import is_another_procedure, plain_concepts, recognised

if TYPE_CHECKING:
    from cds_service.cli.orderables.reading import Orderable
    from fhir_mappings.terminology.index import TerminologyIndex

# Studies that are lumbar only where the order says so.
_BY_BODY_SITE: Final = frozenset({"order_mri_generic", "order_mri_spine_wider"})


class Taken(StrEnum):
    """What the service takes an order for."""

    LUMBAR_MRI = "lumbar-mri"
    LIKE_SPINE_MRI = "spine-mri-not-recognised"
    KNOWN_OTHER = "known-other"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Sorted:
    """An orderable and what it is taken for.

    `by` is what told: its `code`, a standard code in a `column` beside it, or its `name`. `concepts` are those of its
    codes, `remark` is what a person must see.
    """

    row: Orderable
    taken: Taken
    contrast: ContrastClass | None = None
    by: str = ""
    concepts: tuple[str, ...] = ()
    remark: str = ""


def sort_orderable(row: Orderable, index: TerminologyIndex, *, by_text: bool) -> Sorted:
    """Return what an order of an orderable would be taken for; `by_text` as the site file says."""
    order = _order(row)
    concepts = plain_concepts(order["code"], index)
    contrast, by = recognised(order, concepts, index, by_text=by_text)
    named = lumbar_mri_contrast(names_of(order))
    known = tuple(sorted(concepts))
    if contrast is not None:
        if by == "text":
            return Sorted(row, Taken.LUMBAR_MRI, contrast, "name", known)
        told = "code" if not row.code or index.concepts_of(row.system, row.code) else "column"
        return Sorted(row, Taken.LUMBAR_MRI, contrast, told, known, _disagreement(contrast, named, row))
    if concepts or is_another_procedure(order):
        remark = "its name says MRI of the lumbar spine, and its code another study: the code counts" if named else ""
        if concepts & _BY_BODY_SITE:
            remark = "a lumbar MRI only where the order's body site says so"
        return Sorted(row, Taken.KNOWN_OTHER, None, "code", known, remark)
    like = is_like_spine_mri(names_of(order))
    return Sorted(row, Taken.LIKE_SPINE_MRI if like else Taken.OTHER)


def _order(row: Orderable) -> dict[str, Any]:
    """Return the order that a client would send for an orderable."""
    coding = [{"system": row.system, "code": row.code, "display": row.display}] if row.code and row.system else []
    coding += [{"system": system, "code": code} for system, code in row.standard]
    return {"resourceType": "ServiceRequest", "code": {"coding": coding, "text": row.display}}


def _disagreement(contrast: ContrastClass, named: ContrastClass | None, row: Orderable) -> str:
    if named is None:
        return "its name does not say MRI of the lumbar spine: is the code right?" if row.display else ""
    if named is contrast or ContrastClass.UNSPECIFIED in (named, contrast):
        return ""
    return f"its name says {named} contrast, and its code {contrast}: the code counts"
