"""The concepts of the guideline document, with the codes of their value sets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from cards.guideline.wording import Wording
from cards.suggestions.drafts import concept_of
from cds_service.guideline.document import CodeEntry, ConceptEntry
from fhir_mappings.criteria.registry import CRITERIA, ORDER_CONCEPTS, READING_CONCEPTS, UNUSED_CONCEPTS
from fhir_mappings.terminology.code_systems import CPT, canonical_system
from fhir_mappings.terminology.index import TerminologyIndex

_BY_TREE: Final = "is-a"


def concept_entries(index: TerminologyIndex, wording: Wording) -> tuple[ConceptEntry, ...]:
    """Return every bundled concept, by id."""
    suggested = frozenset(concept_of(orderable) for orderable in wording.get("suggestions", "orderables"))
    groups: tuple[tuple[frozenset[str] | tuple[str, ...], str], ...] = (
        (ORDER_CONCEPTS, "recognising orders"),
        (READING_CONCEPTS, "reading records"),
        (suggested, "suggestions"),
        (UNUSED_CONCEPTS, "no rule yet"),
    )
    systems: Mapping[str, str] = wording.get("systems")
    entries = []
    for concept in sorted(index.concept_ids):
        value_set = index.value_set(concept)
        entries.append(
            ConceptEntry(
                id=concept,
                title=value_set["title"],
                description=value_set["description"],
                rules=tuple(criterion.id for criterion in CRITERIA if concept in criterion.concepts),
                uses=tuple(name for members, name in groups if concept in members),
                codes=(*_codes(value_set, "include", systems), *_codes(value_set, "exclude", systems)),
            )
        )
    return tuple(entries)


def _codes(value_set: Mapping[str, Any], part: str, systems: Mapping[str, str]) -> Iterator[CodeEntry]:
    """Yield the codes one by one; CPT as bare numbers in one row, and one spelling of a system that has several."""
    excluded = part == "exclude"
    seen: set[tuple[str, str]] = set()
    numbers = defaultdict[str, list[str]](list)
    for entry in value_set["compose"].get(part, ()):
        system = canonical_system(entry["system"])
        name = systems.get(system, system)
        for item in entry.get("concept", ()):
            if (system, item["code"]) in seen:
                continue
            seen.add((system, item["code"]))
            if system == CPT:
                numbers[name].append(item["code"])
            else:
                yield CodeEntry(name, (item["code"],), item["display"], excluded=excluded)
        for found in entry.get("filter", ()):
            tree = found["op"] == _BY_TREE
            yield CodeEntry(name, (found["value"],), excluded=excluded, below=tree, pattern=not tree)
    for name, codes in numbers.items():
        yield CodeEntry(name, tuple(codes), excluded=excluded)
