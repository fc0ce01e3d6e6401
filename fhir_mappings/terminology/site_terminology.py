"""What a site adds to the terminology: ValueSets that extend concepts, ConceptMaps that read local codes.

Both only ever add. A ValueSet with the id of a bundled one adds its codes to that concept, and a ConceptMap makes a
local code count as the code that it is mapped to. A code that a bundled value set knows keeps its meaning: it may
become a red flag as well, which can only make an answer more urgent, and nothing else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from fhir_mappings.terminology.code_systems import LONGEST_CODE, LONGEST_SYSTEM
from fhir_mappings.terminology.concepts import RED_FLAGS
from fhir_mappings.terminology.index import Addition, LocalCode, TerminologyIndex
from fhir_mappings.terminology.value_set_files import KnowledgeError, Member, Place, read_resource, read_value_set

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pydantic import BaseModel

# What a known code may become too. Every other concept can also take something back: an order changes its study, an
# implant its class, a finding is ruled out.
_RAISING: Final = frozenset(RED_FLAGS)

# ConceptMap equivalences that say: whatever has the local code also is what the target says. With the others the
# target would claim more than the local code does.
_HOLDS: Final = frozenset({"equal", "equivalent", "wider", "subsumes"})
_NO_MAPPING: Final = frozenset({"unmatched", "disjoint"})


class _Target(msgspec.Struct, rename="camel"):
    equivalence: str
    code: str = ""
    depends_on: tuple[Any, ...] = ()


class _Element(msgspec.Struct):
    code: str
    target: tuple[_Target, ...] = ()


class _Group(msgspec.Struct):
    element: tuple[_Element, ...]
    source: str = ""
    target: str = ""
    unmapped: Any = None


class _Map(msgspec.Struct, rename="camel"):
    resource_type: Literal["ConceptMap"]
    status: str
    group: tuple[_Group, ...] = ()


class _Kind(msgspec.Struct, rename="camel"):
    resource_type: str


@dataclass(frozen=True, slots=True)
class AddedFile:
    """A value set of a site: which concept it extends, by how many codes, and the version that it states."""

    file: str
    concept: str
    codes: int
    version: str = ""


@dataclass(frozen=True, slots=True)
class SiteTerminology:
    """What a site's files add, checked against the bundled value sets."""

    additions: tuple[Addition, ...] = ()
    local_codes: tuple[LocalCode, ...] = ()
    files: tuple[AddedFile, ...] = ()

    def applied_to(self, index: TerminologyIndex) -> TerminologyIndex:
        """Return an index that knows the additions too."""
        return index.extended(self.additions, self.local_codes) if self.additions or self.local_codes else index

    def added(self) -> Mapping[str, int]:
        """Return how many codes, or branches of ICD-10-CM, each concept gains."""
        return dict(sorted(Counter(addition.concept for addition in self.additions).items()))


def load_site_terminology(folder: Path, bundled: TerminologyIndex) -> SiteTerminology:
    """Read every `*.json` of a folder, not of those inside it; KnowledgeError for the first that cannot be used."""
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix == ".json" and not file.name.startswith("."))
    except OSError as error:
        raise KnowledgeError(str(folder), "$", error.strerror or "cannot be read") from error
    if not files:
        raise KnowledgeError(str(folder), "$", "holds no FHIR files (*.json)")
    value_sets, maps = [], []
    for file in files:
        place, _, kind = read_resource(file, None, _Kind)
        match kind.resource_type:
            case "ValueSet":
                value_sets.append(file)
            case "ConceptMap":
                maps.append(file)
            case other:
                raise place.at("resourceType").error(f"{other!r} is neither ValueSet nor ConceptMap")
    additions = _Additions(bundled)
    added = tuple(map(additions.read, value_sets))
    extended = bundled.extended(additions.found)
    local_codes: dict[tuple[str, str], LocalCode] = {}
    for file in maps:
        for local in _mappings(file, extended):
            known = local_codes.setdefault(local.local.key, local)
            if known.standard.key != local.standard.key:
                raise local.local.place.error(
                    f"maps {local.local.code!r} to {local.standard.code!r}, but {known.standard.place.file} maps it to "
                    f"{known.standard.code!r}: a local code is read as one code"
                )
    return SiteTerminology(tuple(additions.found), tuple(local_codes.values()), added)


class _Additions:
    """Collects what a site's value sets add."""

    def __init__(self, bundled: TerminologyIndex) -> None:
        self._bundled = bundled
        self._orders: dict[tuple[str, str], str] = {}
        self._seen: set[tuple[str, str, str]] = set()
        self.found: list[Addition] = []

    def read(self, file: Path) -> AddedFile:
        """Read a value set and return what it adds; KnowledgeError when it would do more than add."""
        before = len(self.found)
        value_set = read_value_set(file)
        place, concept = value_set.place, value_set.concept
        if concept not in self._bundled.concept_ids:
            near = get_close_matches(concept, self._bundled.concept_ids, n=1)
            hint = f"; did you mean {near[0].replace('_', '-')!r}?" if near else ""
            raise place.at("id").error(f"{value_set.document.id!r} is the id of no bundled value set{hint}")
        if value_set.document.status == "retired":
            raise place.at("status").error("is retired; remove the file if its codes are not to count")
        if value_set.document.compose.exclude:
            raise place.at("compose.exclude").error("is not possible: a site can add codes and never remove any")
        for member in value_set.included():
            self._add(concept, member)
        return AddedFile(file.name, concept, len(self.found) - before, value_set.document.version)

    def _add(self, concept: str, member: Member) -> None:
        _check_length(member)
        known = (
            self._bundled.concepts_touching(member.code)
            if member.branch
            else self._bundled.concepts_of(member.system, member.code)
        )
        entry = (concept, *member.key)
        if entry in self._seen or (concept in known and not member.branch):
            return
        if known - {concept} and concept not in _RAISING:
            names = ", ".join(sorted(known - {concept}))
            reason = f"{member.code!r} belongs to {names} already, and a known code can only become a red flag as well"
            raise member.place.error(reason)
        if self._bundled.excludes(concept, member.system, member.code):
            raise member.place.error(f"{member.code!r} is excluded from {concept} by its bundled value set")
        if concept.startswith("order_") and self._orders.setdefault(member.key, concept) != concept:
            other = self._orders[member.key]
            raise member.place.error(f"{member.code!r} is also added to {other}: an order is for one kind of study")
        self._seen.add(entry)
        self.found.append(Addition(concept, member))


def _concept_map() -> type[BaseModel]:
    from fhir.resources.R4B.conceptmap import ConceptMap  # noqa: PLC0415 - slow to import, and only some sites have one

    return ConceptMap


def _mappings(file: Path, index: TerminologyIndex) -> Iterator[LocalCode]:
    """Yield the mappings of a ConceptMap; KnowledgeError for one that cannot be relied on."""
    place, _, document = read_resource(file, _concept_map, _Map)
    if document.status == "retired":
        raise place.at("status").error("is retired; remove the file if its mappings are not to count")
    for number, group in enumerate(document.group):
        where = place.at(f"group[{number}]")
        for name in ("source", "target"):
            if not getattr(group, name):
                raise where.at(name).error("is missing")
        if group.unmapped is not None:
            raise where.at("unmapped").error("is not supported: map each code by itself")
        for position, element in enumerate(group.element):
            spot = where.at(f"element[{position}]")
            local = Member(spot, group.source, element.code)
            for order, target in enumerate(element.target):
                if target.equivalence not in _NO_MAPPING:
                    yield _checked(local, group.target, target, spot.at(f"target[{order}]"), index)


def _checked(local: Member, system: str, target: _Target, place: Place, index: TerminologyIndex) -> LocalCode:
    if target.equivalence not in _HOLDS:
        accepted = ", ".join(sorted(_HOLDS))
        raise place.at("equivalence").error(f"{target.equivalence!r} does not make the codes one; use {accepted}")
    if target.depends_on:
        raise place.at("dependsOn").error("is not supported: a mapping must hold without conditions")
    _check_length(local)
    if known := index.concepts_of(local.system, local.code):
        raise local.place.at("code").error(f"{local.code!r} is known already, as {', '.join(sorted(known))}")
    if not index.concepts_of(system, target.code):
        raise place.at("code").error(f"{target.code!r} of {system} belongs to no value set")
    return LocalCode(local, Member(place, system, target.code))


def _check_length(member: Member) -> None:
    """Refuse what could never be found, because codings of such length are not looked up."""
    if not member.system.strip() or not member.code.strip():
        raise member.place.error("has an empty system or code")
    if len(member.system) > LONGEST_SYSTEM or len(member.code) > LONGEST_CODE:
        raise member.place.error(f"is longer than {LONGEST_CODE} characters, or its system than {LONGEST_SYSTEM}")
