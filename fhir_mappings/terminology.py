"""Which concepts a code belongs to, compiled once at start from the FHIR ValueSets in `value_sets/`.

A chart brings thousands of codings and there are over a hundred value sets, so nothing here walks the value sets per
code: a look-up is a fixed handful of dictionary probes. Clients write the same code in many ways (OIDs, versions,
ICD-10-CM without its dot); `canonical_system` and `canonical_code` are the one place where that is evened out.
"""

from __future__ import annotations

import functools
import re
from importlib import resources
from itertools import product
from string import ascii_uppercase, digits
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import msgspec
from fhir.resources.R4B.valueset import ValueSet
from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from importlib.resources.abc import Traversable
    from pathlib import Path

SNOMED_CT: Final = "http://snomed.info/sct"
LOINC: Final = "http://loinc.org"
ICD_10_CM: Final = "http://hl7.org/fhir/sid/icd-10-cm"
CPT: Final = "http://www.ama-assn.org/go/cpt"
RXNORM: Final = "http://www.nlm.nih.gov/research/umls/rxnorm"
NCIT: Final = "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl"
RADLEX: Final = "http://radlex.org"

# Spellings seen in the field, lower case, as http, without "www." and trailing slash. International ICD-10 is read as
# ICD-10-CM because clients put CM codes under its name; ICD-9-CM and ICD-10-PCS are other systems and stay out.
_SPELLINGS: Final = {
    "http://snomed.info/sct": SNOMED_CT,
    "urn:oid:2.16.840.1.113883.6.96": SNOMED_CT,
    "http://loinc.org": LOINC,
    "urn:oid:2.16.840.1.113883.6.1": LOINC,
    "http://hl7.org/fhir/sid/icd-10-cm": ICD_10_CM,
    "http://hl7.org/fhir/sid/icd-10-us": ICD_10_CM,
    "http://hl7.org/fhir/sid/icd-10": ICD_10_CM,
    "urn:oid:2.16.840.1.113883.6.90": ICD_10_CM,
    "urn:oid:2.16.840.1.113883.6.3": ICD_10_CM,
    "http://ama-assn.org/go/cpt": CPT,
    "urn:oid:2.16.840.1.113883.6.12": CPT,
    "http://nlm.nih.gov/research/umls/rxnorm": RXNORM,
    "urn:oid:2.16.840.1.113883.6.88": RXNORM,
    "http://ncicb.nci.nih.gov/xml/owl/evs/thesaurus.owl": NCIT,
    "urn:oid:2.16.840.1.113883.3.26.1.1": NCIT,
    "http://radlex.org": RADLEX,
    "urn:oid:2.16.840.1.113883.6.256": RADLEX,
}
_WEB: Final = re.compile(r"https?://(?:www\.)?")
_SNOMED_EDITION: Final = "http://snomed.info/sct/"

# Longest system and code, in characters, worth looking at; anything longer is no code, and caching it would let one
# request fill the memory.
_LONGEST_SYSTEM: Final = 200
_LONGEST_CODE: Final = 64

_ICD_CATEGORY: Final = 3  # characters of an ICD-10-CM category, the shortest code there is
_ICD_FULL: Final = 7  # characters of the longest ICD-10-CM code, without its dot
_NONE: Final[frozenset[str]] = frozenset()


class Code(NamedTuple):
    """A code as a value set writes it, an ICD-10-CM code with its dot."""

    system: str
    code: str
    display: str


class KnowledgeError(ValueError):
    """A value set file that cannot be used: which file, where inside it, and why."""

    def __init__(self, file: str, path: str, reason: str) -> None:
        """Keep the three parts for a caller that reports them separately."""
        super().__init__(f"{file}: {path}: {reason}")
        self.file = file
        self.path = path
        self.reason = reason


def canonical_system(system: str) -> str:
    """Return the one URI of a code system that is known by several; another system comes back stripped.

    Bare names ("ICD10", "SNOMED-CT") are not URIs, and which edition they mean is a guess: they stay unknown.
    """
    return _canonical_system(system) if len(system) <= _LONGEST_SYSTEM else system.strip()


@functools.lru_cache(maxsize=512)
def _canonical_system(system: str) -> str:
    stripped = system.strip()
    spelling = _WEB.sub("http://", stripped.lower().partition("|")[0].rstrip("/#"), count=1)
    if spelling.startswith(_SNOMED_EDITION):
        return SNOMED_CT
    return _SPELLINGS.get(spelling, stripped)


def canonical_code(system: str, code: str) -> str:
    """Return the form in which a code is compared; the system may be in any spelling."""
    canonical = canonical_system(system)
    if canonical == ICD_10_CM:
        return code.strip().upper().replace(".", "")
    return code.strip().upper() if canonical in (CPT, LOINC) else code.strip()


class _Concept(msgspec.Struct):
    code: str
    display: str = ""


class _Filter(msgspec.Struct):
    property: str
    op: str
    value: str


class _Part(msgspec.Struct, rename="camel"):
    """An include or exclude of a value set's compose."""

    system: str = ""
    concept: tuple[_Concept, ...] = ()
    filter: tuple[_Filter, ...] = ()
    value_set: tuple[str, ...] = ()


class _Compose(msgspec.Struct):
    include: tuple[_Part, ...]
    exclude: tuple[_Part, ...] = ()


class _Document(msgspec.Struct, rename="camel"):
    """What the index reads of a value set; `fhir.resources` checks the rest."""

    resource_type: Literal["ValueSet"]
    id: str
    compose: _Compose


class _Place(NamedTuple):
    """Where in which file, for messages."""

    file: str
    path: str

    def at(self, step: str) -> _Place:
        return _Place(self.file, f"{self.path}.{step}")

    def error(self, reason: str) -> KnowledgeError:
        return KnowledgeError(self.file, self.path, reason)


class _Source(NamedTuple):
    """A value set as it was read: as JSON for publishing, and typed for compiling."""

    file: str
    concept: str
    raw: Mapping[str, Any]
    document: _Document


def _read(file: Traversable | Path) -> _Source:
    """Read and validate one file; KnowledgeError when it is not a FHIR R4 ValueSet with an id and a compose."""
    place = _Place(str(file), "$")
    concept = file.name.removesuffix(".json").replace("-", "_")
    try:
        data = file.read_bytes()
        raw = msgspec.json.decode(data, type=dict[str, Any])
        document = msgspec.convert(raw, _Document)
        ValueSet.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        raise place.at(".".join(map(str, first["loc"]))).error(first["msg"]) from error
    except (OSError, msgspec.DecodeError) as error:
        reason, _, path = str(error).partition(" - at `")
        raise KnowledgeError(place.file, path.rstrip("`") or place.path, reason) from error
    if not document.compose.include:
        raise place.at("compose.include").error("is empty: a concept without codes is never found")
    if document.id != concept.replace("_", "-"):
        raise place.at("id").error(f"{document.id!r} does not go with the name of the file")
    return _Source(place.file, concept, raw, document)


class _Table:
    """Concepts by single code, and by the ICD-10-CM code that stands for itself and everything below it."""

    def __init__(self) -> None:
        self._exact: dict[tuple[str, str], frozenset[str]] = {}
        self._below: dict[str, frozenset[str]] = {}

    def add(self, concept: str, part: _Part, place: _Place) -> None:
        """Enter an include or exclude; KnowledgeError when it says something that cannot be compiled."""
        if part.value_set:
            raise place.at("valueSet").error("references to other value sets are not supported")
        if not part.system:
            raise place.at("system").error("is missing")
        if len(part.filter) + bool(part.concept) != 1:
            raise place.error("needs either concepts or exactly one filter (filters of one include are ANDed)")
        system = canonical_system(part.system)
        for item in part.concept:
            key = system, canonical_code(system, item.code)
            self._exact[key] = self._exact.get(key, _NONE) | {concept}
        for condition in part.filter:
            for root in _roots(system, condition, place.at("filter[0]")):
                self._below[root] = self._below.get(root, _NONE) | {concept}

    def concepts(self, system: str, code: str) -> frozenset[str]:
        """Return the concepts of a code, both canonical, with at most six probes whatever the size of the table."""
        found = self._exact.get((system, code), _NONE)
        if system == ICD_10_CM and len(code) <= _ICD_FULL:
            for length in range(_ICD_CATEGORY, len(code) + 1):
                if more := self._below.get(code[:length]):
                    found |= more
        return found


def _roots(system: str, condition: _Filter, place: _Place) -> list[str]:
    """Return the canonical ICD-10-CM codes that, each with all codes below it, are what a filter selects."""
    if system != ICD_10_CM:
        raise place.error(f"a filter on {system} needs a terminology server; list the codes")
    match condition.property, condition.op:
        case "concept", "is-a":
            root = canonical_code(system, condition.value)
            if not (root.isalnum() and _ICD_CATEGORY <= len(root) <= _ICD_FULL):
                raise place.at("value").error(f"{condition.value!r} is not an ICD-10-CM code")
            return [root]
        case "code", "regex":
            return _categories(condition.value, place.at("value"))
        case unsupported:
            raise place.at("op").error(f"{' '.join(unsupported)!r} is not supported")


def _categories(pattern: str, place: _Place) -> list[str]:
    """Return the ICD-10-CM categories that a regular expression selects with all of their codes."""
    try:
        matcher = re.compile(pattern)
    except re.error as error:
        raise place.error(f"is not a regular expression: {error}") from error
    every = map("".join, product(ascii_uppercase, digits, digits + ascii_uppercase))
    chosen = [category for category in every if matcher.fullmatch(category)]
    if not chosen or not all(matcher.fullmatch(f"{category}.9XXA") for category in chosen):
        raise place.error("must match whole categories: the category itself and every code below it")
    return chosen


class TerminologyIndex:
    """All concepts and the codes that belong to them; never changes once built, so threads may share it."""

    def __init__(self, sources: Iterable[_Source]) -> None:
        """Compile what `from_directory` has read."""
        by_concept = {source.concept: source for source in sources}
        self.concept_ids: frozenset[str] = frozenset(by_concept)
        self._raw = {concept: source.raw for concept, source in by_concept.items()}
        self._included, self._excluded = _Table(), _Table()
        for concept, source in by_concept.items():
            place, compose = _Place(source.file, "$.compose"), source.document.compose
            for number, part in enumerate(compose.include):
                self._included.add(concept, part, place.at(f"include[{number}]"))
            for number, part in enumerate(compose.exclude):
                self._excluded.add(concept, part, place.at(f"exclude[{number}]"))
        self._codes = {concept: tuple(self._listed(source)) for concept, source in by_concept.items()}
        self._displays = {
            (concept, canonical_system(code.system), canonical_code(code.system, code.code)): code.display
            for concept, codes in self._codes.items()
            for code in codes
        }
        self._cached = functools.lru_cache(maxsize=8192)(self._look_up)

    @classmethod
    def from_directory(cls, directory: Traversable | Path) -> TerminologyIndex:
        """Read every `*.json` of a directory; KnowledgeError when there is none, or one cannot be used."""
        by_id: dict[str, _Source] = {}
        for file in sorted(directory.iterdir(), key=lambda entry: entry.name):
            if file.name.endswith(".json"):
                source = _read(file)
                other = by_id.setdefault(source.document.id, source)
                if other is not source:
                    raise KnowledgeError(source.file, "$.id", f"{source.document.id!r} is also the id of {other.file}")
        if not by_id:
            raise KnowledgeError(str(directory), "$", "holds no value sets")
        return cls(by_id.values())

    def concepts_of(self, system: str | None, code: str | None) -> frozenset[str]:
        """Return the concepts a coding belongs to; none for an unknown code or one that names no system.

        A code without its system says nothing: the same digits mean different things in different systems.
        """
        if not system or not code or len(system) > _LONGEST_SYSTEM or len(code) > _LONGEST_CODE:
            return _NONE
        return self._cached(system, code)

    def codes(self, concept: str) -> tuple[Code, ...]:
        """Return the codes a value set lists one by one, as written; KeyError for an unknown concept.

        What it selects by a filter is not among them, so the answer is the whole concept only for concepts of
        orders, measurements and drugs.
        """
        return self._codes[concept]

    def display_of(self, concept: str, system: str, code: str) -> str:
        """Return the display of a code as the value set words it, or the value set's title for one under a filter.

        What a sender calls a code is never shown to anybody, so this is where all displays come from.
        """
        key = (concept, canonical_system(system), canonical_code(system, code))
        return self._displays.get(key) or str(self._raw[concept].get("title", concept))

    def value_set(self, concept: str) -> Mapping[str, Any]:
        """Return the ValueSet resource for publishing; KeyError for an unknown concept."""
        return self._raw[concept]

    def _look_up(self, system: str, code: str) -> frozenset[str]:
        system = canonical_system(system)
        code = canonical_code(system, code)
        found = self._included.concepts(system, code)
        return found - self._excluded.concepts(system, code) if found else _NONE

    def _listed(self, source: _Source) -> Iterator[Code]:
        for part in source.document.compose.include:
            for item in part.concept:
                if source.concept in self._look_up(part.system, item.code):
                    yield Code(part.system, item.code, item.display)


def bundled_value_sets() -> Traversable:
    """Return the directory of the value sets that come with the package."""
    return resources.files("fhir_mappings") / "value_sets"
