"""The whole way from a site's SNOMED CT to what each concept gains, whichever way the hierarchy is told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cds_service.cli.snomed.descent import Descent, descend, roots_of
from cds_service.cli.snomed.release import Hierarchy, Release, active_concepts, names

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cds_service.cli.snomed.server import TerminologyServer
    from fhir_mappings.terminology.index import TerminologyIndex


@dataclass(frozen=True, slots=True)
class Expansion:
    """What was found, under which names, in which edition; `absent` are our codes that are not in use there.

    `sizes` says how much is below each of our codes that has descendants.
    """

    descent: Descent
    names: Mapping[str, str]
    source: str
    roots: Mapping[str, frozenset[str]]
    absent: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)


def from_release(folder: Path, index: TerminologyIndex) -> Expansion:
    """Return what an RF2 release has below our codes; ReleaseError when it cannot be read."""
    release, roots = Release.find(folder), roots_of(index)
    hierarchy = Hierarchy(release, roots)
    active = active_concepts(release, {str(code) for code in hierarchy.reached} | set(roots))
    sizes: Counter[str] = Counter()

    def below() -> list[tuple[str, set[str]]]:
        found = []
        for root in roots:
            descendants = hierarchy.descendants(root) & active
            sizes[root] = len(descendants)
            found.append((root, descendants))
        return found

    descent = descend(roots, below(), index)
    absent = tuple(root for root in roots if root not in active)
    return Expansion(descent, names(release, descent.codes), f"RF2 {release.version}".strip(), roots, absent, +sizes)


def from_server(server: TerminologyServer, index: TerminologyIndex) -> Expansion:
    """Return what a terminology server has below our codes; ServerError when it does not tell all of it."""
    roots, displays = roots_of(index), dict[str, str]()
    found = []
    for root in roots:
        descendants = server.descendants(root)
        displays |= descendants
        found.append((root, tuple(descendants)))
    sizes = {root: len(descendants) for root, descendants in found if descendants}
    return Expansion(descend(roots, found, index), displays, server.version or "server", roots, (), sizes)


def narrowed(found: Expansion, descent: Descent, only: frozenset[str], without: frozenset[str]) -> Expansion:
    """Return an expansion with another descent, of some concepts only, or without some."""
    added = {
        concept: codes
        for concept, codes in descent.added.items()
        if (not only or concept in only) and concept not in without
    }
    return replace(found, descent=replace(descent, added=added))
