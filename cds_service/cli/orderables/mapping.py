"""The site mapping for orderables that no code tells: a ConceptMap for the site's terminology folder.

An order that is recognised by its name only gets advice, but no suggestion can change its contrast, and a renamed
orderable is lost. What nobody recognised is listed too, unmapped, for a person to decide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cds_service.cli.orderables.taking import Taken
from fhir_mappings.orders.names import ContrastClass
from fhir_mappings.terminology.code_systems import CPT, LOINC, SNOMED_CT, canonical_system

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cds_service.cli.orderables.taking import Sorted
    from fhir_mappings.terminology.index import TerminologyIndex

# Where a file says no system; to be replaced by the one that the EHR sends.
PLACEHOLDER: Final = "http://hospital.example/orders"
_CONCEPTS: Final = {
    ContrastClass.WITHOUT: "order_mri_lumbar_wo",
    ContrastClass.WITH: "order_mri_lumbar_w",
    ContrastClass.WITHOUT_AND_WITH: "order_mri_lumbar_wo_w",
    ContrastClass.UNSPECIFIED: "order_mri_lumbar_unspec",
}
_PREFERRED: Final = (CPT, LOINC, SNOMED_CT)


def needs_mapping(found: Sorted) -> bool:
    """Whether a map would make more of an orderable; one without a code cannot be mapped."""
    by_another = found.taken is Taken.LUMBAR_MRI and found.by != "code"
    return bool(found.row.code) and (by_another or found.taken is Taken.LIKE_SPINE_MRI)


def concept_map(found: Iterable[Sorted], index: TerminologyIndex) -> dict[str, Any]:
    """Return the ConceptMap for what needs one; `unmatched` marks what a person must decide."""
    groups: dict[tuple[str, str], dict[str, Any]] = {}
    seen: set[tuple[str, str]] = set()
    for one in found:
        source = one.row.system or PLACEHOLDER
        if not needs_mapping(one) or (source, one.row.code) in seen:
            continue
        seen.add((source, one.row.code))
        system, target = _target(one, index)
        group = groups.setdefault((source, system), {"source": source, "target": system, "element": []})
        group["element"].append({"code": one.row.code, "display": one.row.display or one.row.code, "target": [target]})
    return {
        "resourceType": "ConceptMap",
        "url": "urn:lumbar-mri-cds:site:orderables",
        "name": "SiteOrderables",
        "status": "active",
        "group": list(groups.values()),
    }


def _target(found: Sorted, index: TerminologyIndex) -> tuple[str, dict[str, str]]:
    """Return the system and the target of a study, or what says that it is not decided."""
    if found.contrast is None:
        return CPT, {"equivalence": "unmatched", "comment": "To be decided: what is it, and with which contrast?"}
    beside = next((coding for coding in found.row.standard if index.concepts_of(*coding)), None)
    if found.by == "column" and beside:
        return beside[0], {"code": beside[1], "equivalence": "equivalent"}
    codes = index.codes(_CONCEPTS[found.contrast])
    known = {canonical_system(code.system): code for code in reversed(codes)}
    code = next(known[system] for system in _PREFERRED if system in known)
    target = {"code": code.code, "equivalence": "wider"}
    return code.system, target | ({"display": code.display} if code.display and code.system != CPT else {})
