"""Whether a draft orders an MRI of the lumbar spine, and with what contrast: by its codes, else by its name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from fhir_mappings.orders.names import ContrastClass, lumbar_mri_contrast, names_of
from fhir_mappings.terminology.code_systems import CPT, canonical_system
from fhir_mappings.terminology.index import TerminologyIndex

_CONTRAST = {
    "order_mri_lumbar_wo": ContrastClass.WITHOUT,
    "order_mri_lumbar_wo_w": ContrastClass.WITHOUT_AND_WITH,
    "order_mri_lumbar_w": ContrastClass.WITH,
    "order_mri_lumbar_unspec": ContrastClass.UNSPECIFIED,
}
_CPT_CODE = re.compile(r"[0-9]{5}")
_BY_BODY_SITE = ("order_mri_generic", "order_mri_spine_wider")


def plain_concepts(code: object, index: TerminologyIndex) -> frozenset[str]:
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


def recognised(
    resource: Mapping[str, Any], concepts: frozenset[str], index: TerminologyIndex, *, by_text: bool
) -> tuple[ContrastClass | None, Literal["code", "text"]]:
    """Return the contrast class of a lumbar MRI order and what told that it is one; None for any other order.

    A known code wins over any words, also where it says that this is something else.
    """
    if concepts or not by_text or is_another_procedure(resource):
        return _contrast(resource, concepts, index), "code"
    return lumbar_mri_contrast(names_of(resource)), "text"


def is_another_procedure(resource: Mapping[str, Any]) -> bool:
    """Whether a code of CPT settles what is ordered: its list is closed, and all its lumbar MRIs are known.

    The other systems grow, and have national extensions.
    """
    return any(
        canonical_system(system) == CPT and _CPT_CODE.fullmatch(code.strip())
        for system, code in _codings(resource.get("code"))
    )


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
            if "body_site_lumbar" in plain_concepts(site, index):
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
