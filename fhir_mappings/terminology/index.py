"""Which concepts a code belongs to, compiled once at start from the FHIR ValueSets in `value_sets/`.

A chart brings thousands of codings and there are over a hundred value sets, so nothing here walks the value sets per
code: a look-up is a fixed handful of dictionary probes. What a site adds goes into the same dictionaries.
"""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fhir_mappings.terminology.code_systems import (
    ICD_10_CM,
    LONGEST_CODE,
    LONGEST_SYSTEM,
    canonical_code,
    canonical_system,
)
from fhir_mappings.terminology.value_set_files import (
    ICD_CATEGORY,
    ICD_FULL,
    KnowledgeError,
    Member,
    ValueSetFile,
    read_value_set,
)
from fhir_mappings.terminology.written_codes import codes_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from importlib.resources.abc import Traversable
    from pathlib import Path

_NONE: Final[frozenset[str]] = frozenset()


class Code(NamedTuple):
    """A code as a value set writes it, an ICD-10-CM code with its dot."""

    system: str
    code: str
    display: str


def is_within(code: Code, root: str) -> bool:
    """Whether a code is an ICD-10-CM code at or below another."""
    if canonical_system(code.system) != ICD_10_CM:
        return False
    return canonical_code(ICD_10_CM, code.code).startswith(canonical_code(ICD_10_CM, root))


class Addition(NamedTuple):
    """A code, or a branch of ICD-10-CM, that a site adds to a concept."""

    concept: str
    member: Member


class LocalCode(NamedTuple):
    """A site's own code, and the code of a value set that it is read as."""

    local: Member
    standard: Member


class _Table:
    """Concepts by single code, and by the ICD-10-CM code that stands for itself and everything below it."""

    def __init__(self) -> None:
        self._exact: dict[tuple[str, str], frozenset[str]] = {}
        self._below: dict[str, frozenset[str]] = {}
        self._above: dict[str, frozenset[str]] = {}

    def add(self, concept: str, member: Member) -> None:
        """Enter a member of a value set."""
        system, code = member.key
        if member.branch:
            self._below[code] = self._below.get(code, _NONE) | {concept}
        else:
            self._exact[system, code] = self._exact.get((system, code), _NONE) | {concept}
        if system == ICD_10_CM:
            for length in range(ICD_CATEGORY, len(code)):
                self._above[code[:length]] = self._above.get(code[:length], _NONE) | {concept}

    def below(self, code: str) -> frozenset[str]:
        """Return the concepts of the ICD-10-CM codes below a canonical one."""
        return self._above.get(code, _NONE)

    def concepts(self, system: str, code: str) -> frozenset[str]:
        """Return the concepts of a code, both canonical, with at most six probes whatever the size of the table."""
        found = self._exact.get((system, code), _NONE)
        if system == ICD_10_CM and len(code) <= ICD_FULL:
            for length in range(ICD_CATEGORY, len(code) + 1):
                if more := self._below.get(code[:length]):
                    found |= more
        return found

    def touching(self, root: str) -> frozenset[str]:
        """Return the concepts of any ICD-10-CM code at, above or below a canonical one; walks the table."""
        listed = (
            names for (system, code), names in self._exact.items() if (system, code[: len(root)]) == (ICD_10_CM, root)
        )
        branches = (names for code, names in self._below.items() if code.startswith(root))
        return self.concepts(ICD_10_CM, root).union(*listed, *branches)


class TerminologyIndex:
    """All concepts and the codes that belong to them; never changes once built, so threads may share it."""

    def __init__(
        self,
        value_sets: Iterable[ValueSetFile],
        additions: Iterable[Addition] = (),
        local_codes: Iterable[LocalCode] = (),
    ) -> None:
        """Compile what `from_directory` has read, and what a site adds; the caller has checked the latter."""
        self._parts = tuple(value_sets), tuple(additions), tuple(local_codes)
        by_concept = {value_set.concept: value_set for value_set in self._parts[0]}
        self.concept_ids: frozenset[str] = frozenset(by_concept)
        self._raw = {concept: value_set.raw for concept, value_set in by_concept.items()}
        self._included, self._excluded = _Table(), _Table()
        self._cached = functools.lru_cache(maxsize=8192)(self._look_up)
        members: dict[str, list[Member]] = {concept: [] for concept in by_concept}
        for concept, value_set in by_concept.items():
            members[concept] += value_set.included()
            for member in value_set.excluded():
                self._excluded.add(concept, member)
        for concept, member in self._parts[1]:
            members[concept].append(member)
        for concept, listed in members.items():
            for member in listed:
                self._included.add(concept, member)
        self._codes = {
            concept: tuple(
                Code(member.system, member.code, member.display)
                for member in listed
                if not member.branch and concept in self._look_up(member.system, member.code)
            )
            for concept, listed in members.items()
        }
        self._displays = {
            (concept, canonical_system(code.system), canonical_code(code.system, code.code)): code.display
            for concept, codes in self._codes.items()
            for code in codes
        }
        self._standard: dict[tuple[str, str], Member] = {}
        for local, standard in self._parts[2]:
            for concept in self._look_up(standard.system, standard.code):
                self._included.add(concept, local)
            self._standard[local.key] = standard

    @classmethod
    def from_directory(cls, directory: Traversable | Path, *, is_ours: bool = False) -> TerminologyIndex:
        """Read every `*.json` of a directory, as `read_value_set`; KnowledgeError when there is none, or one is bad."""
        by_id: dict[str, ValueSetFile] = {}
        for file in sorted(directory.iterdir(), key=lambda entry: entry.name):
            if file.name.endswith(".json"):
                value_set = read_value_set(file, is_ours=is_ours)
                place, name = value_set.place, value_set.document.id
                if name.replace("-", "_") != file.name.removesuffix(".json").replace("-", "_"):
                    raise place.at("id").error(f"{name!r} does not go with the name of the file")
                other = by_id.setdefault(name, value_set)
                if other is not value_set:
                    raise place.at("id").error(f"{name!r} is also the id of {other.place.file}")
        if not by_id:
            raise KnowledgeError(str(directory), "$", "holds no value sets")
        return cls(by_id.values())

    def extended(self, additions: Iterable[Addition] = (), local_codes: Iterable[LocalCode] = ()) -> TerminologyIndex:
        """Return an index that knows more: codes added to concepts, and local codes read as codes known here."""
        value_sets, added, mapped = self._parts
        return TerminologyIndex(value_sets, (*added, *additions), (*mapped, *local_codes))

    def concepts_of(self, system: str | None, code: str | None) -> frozenset[str]:
        """Return the concepts a coding belongs to; none for an unknown code or one that names no system.

        A code without its system says nothing: the same digits mean different things in different systems. In a code
        that is unknown as it is written, the codes that can be read in it count.
        """
        if not system or not code or len(system) > LONGEST_SYSTEM or len(code) > LONGEST_CODE:
            return _NONE
        return self._cached(system, code)

    def concepts_touching(self, root: str) -> frozenset[str]:
        """Return the concepts of any ICD-10-CM code at, above or below one; slow, for checks at start."""
        return self._included.touching(canonical_code(ICD_10_CM, root))

    def concepts_below(self, code: str) -> frozenset[str]:
        """Return the concepts of the ICD-10-CM codes below one that may have been cut short."""
        return self._included.below(canonical_code(ICD_10_CM, code))

    def excludes(self, concept: str, system: str, code: str) -> bool:
        """Whether the value set of a concept says that a code does not belong to it."""
        return concept in self._excluded.concepts(canonical_system(system), canonical_code(system, code))

    def read_as(self, system: str, code: str) -> tuple[str, str]:
        """Return the system and code that a site's own or a badly written code is read as; another stays as it is."""
        known, plain = canonical_system(system), canonical_code(system, code)
        if standard := self._standard.get((known, plain)):
            return standard.system, standard.code
        if len(code) > LONGEST_CODE or self._concepts(known, plain):
            return system, code
        return next((found for found in codes_in(system, code) if self._look_up(*found)), (system, code))

    def codes(self, concept: str) -> tuple[Code, ...]:
        """Return the codes a value set or its site lists one by one, as written; KeyError for an unknown concept.

        What is selected by a filter is not among them, so the answer is the whole concept only for concepts of
        orders, measurements and drugs.
        """
        return self._codes[concept]

    def display_of(self, concept: str, system: str, code: str) -> str:
        """Return the display of a code as the value set words it, or the value set's title for one under a filter.

        What a sender calls a code is never shown to anybody, so this is where all displays come from. A site's own
        or a badly written code has the display of the code it is read as.
        """
        system, code = self.read_as(system, code)
        key = (concept, canonical_system(system), canonical_code(system, code))
        return self._displays.get(key) or str(self._raw[concept].get("title", concept))

    def value_set(self, concept: str) -> Mapping[str, Any]:
        """Return the ValueSet resource for publishing, without what a site adds; KeyError for an unknown concept."""
        return self._raw[concept]

    def _look_up(self, system: str, code: str) -> frozenset[str]:
        found = self._concepts(canonical_system(system), canonical_code(system, code))
        return found or _NONE.union(
            *(self._concepts(known, canonical_code(known, focus)) for known, focus in codes_in(system, code))
        )

    def _concepts(self, system: str, code: str) -> frozenset[str]:
        """Return the concepts of a canonical code as it is written."""
        found = self._included.concepts(system, code)
        return found - self._excluded.concepts(system, code) if found else _NONE


def bundled_value_sets() -> Traversable:
    """Return the directory of the value sets that come with the package."""
    return resources.files("fhir_mappings.terminology") / "value_sets"
