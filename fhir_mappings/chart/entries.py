"""One shape for what the chart says: which concept, asserted how, active or not, and when.

Each resource type has its own status elements, dates and places for codes. Here they become `ChartEntry` objects,
so that a criterion asks for a concept and never cares where it was recorded. Resources that are no evidence of
anything (entered in error, not done, cancelled) end here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import CodeableConcept, Coding
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval
from fhir_mappings.terminology.index import Code, TerminologyIndex
from fhir_mappings.words.matcher import topics_in


class Assertion(StrEnum):
    """How a record asserts what it codes."""

    PRESENT = "present"
    SUSPECTED = "suspected"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Activity(StrEnum):
    """Whether a record says that something goes on."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class ChartEntry:
    """One coded statement of the chart.

    `codes` are the codings that belong to a known concept, with this project's displays; `words` is everything a
    person could read in it, lower-cased, and is used as a hint only. `when` is when it began or was observed,
    `recorded` when it was written down, `ended` when it stopped. `part` is the Observation, or the component of one,
    that holds the value. `quote` is what was read where no code says it, as the sender wrote it, and `place` where.
    """

    reference: str
    resource: fhir.Resource
    concepts: frozenset[str]
    codes: tuple[tuple[str, Code], ...]
    assertion: Assertion = Assertion.PRESENT
    activity: Activity = Activity.UNKNOWN
    when: DateInterval = UNKNOWN_DATE
    recorded: DateInterval = UNKNOWN_DATE
    ended: DateInterval = UNKNOWN_DATE
    author: str | None = None
    words: str = ""
    part: fhir.Observation | fhir.ObservationComponent | None = None
    of_order: bool = False
    quote: str = ""
    place: str = ""

    @property
    def dated(self) -> DateInterval:
        """When it applies: its own date, else when it was written down."""
        return self.when if self.when.is_known else self.recorded

    @property
    def asserted(self) -> DateInterval:
        """When somebody last said so: the day it was written down, else the day it is about."""
        if not self.recorded.is_known or self.recorded.after(self.when) is False:
            return self.dated
        return self.recorded

    def codes_of(self, concept: str) -> tuple[Code, ...]:
        """Return the codings that belong to a concept."""
        return tuple(code for name, code in self.codes if name == concept)


@dataclass(frozen=True, slots=True)
class ReadingContext:
    """What reading an entry needs beside the resource."""

    index: TerminologyIndex
    birth: DateInterval = UNKNOWN_DATE
    medications: dict[str, fhir.Medication] = field(default_factory=dict)
    conditions: dict[str, fhir.Condition] = field(default_factory=dict)
    visits: dict[str, DateInterval] = field(default_factory=dict)
    _topics: dict[tuple[str, str | None], frozenset[str]] = field(default_factory=dict, repr=False)

    def topics_in(self, text: str, about: str | None = None) -> frozenset[str]:
        """Return the topics that a text raises; a chart says the same few names many times."""
        if (text, about) not in self._topics:
            self._topics[text, about] = topics_in(text, about)
        return self._topics[text, about]


@dataclass(frozen=True, slots=True)
class Coded:
    """The part of an entry that comes from CodeableConcepts."""

    concepts: frozenset[str]
    codes: tuple[tuple[str, Code], ...]
    words: str


NOTHING_CODED = Coded(frozenset(), (), "")


def code_up(index: TerminologyIndex, *concepts: CodeableConcept | None) -> Coded:
    """Look up every coding of some CodeableConcepts that describe one thing."""
    if concepts == (None,):
        return NOTHING_CODED
    codes: dict[tuple[str, Code], None] = {}
    words: list[str] = []
    for concept in concepts:
        if concept is None:
            continue
        words.append(concept.text or "")
        for coding in concept.coding:
            words.append(coding.display or "")
            for name in index.concepts_of(coding.system, coding.code):
                codes[name, _own_code(index, name, coding)] = None
    if not codes and not any(words):
        return NOTHING_CODED
    ordered = tuple(sorted(codes))
    return Coded(frozenset(name for name, _ in ordered), ordered, " ".join(filter(None, words)).casefold())


def only(coded: Coded, starts: tuple[str, ...]) -> Coded:
    """Return what a resource type can state, of all that its codes could mean elsewhere."""
    codes = tuple((name, code) for name, code in coded.codes if name.startswith(starts))
    return Coded(frozenset(name for name, _ in codes), codes, coded.words)


def concepts_of(concept: CodeableConcept | None, index: TerminologyIndex) -> frozenset[str]:
    """Return every concept that the codings of a CodeableConcept belong to."""
    codings = concept.coding if concept else []
    return frozenset(name for coding in codings for name in index.concepts_of(coding.system, coding.code))


def words_of(concept: CodeableConcept | None) -> list[str]:
    """Return the text and the displays of a CodeableConcept."""
    if concept is None:
        return []
    found = [concept.text, *[coding.display for coding in concept.coding]]
    return [text for text in dict.fromkeys(found) if text]


def _own_code(index: TerminologyIndex, concept: str, coding: Coding) -> Code:
    """Return the coding, a site's own as what it is read as, with our display: no text of the sender is ever shown."""
    system, code = index.read_as(coding.system or "", (coding.code or "").strip())
    return Code(system, code, index.display_of(concept, system, code))


def reference_of(resource: fhir.Resource) -> str:
    """Return `Type/id`, or the bare type where a resource has no id."""
    return f"{resource.resource_type}/{resource.id}" if resource.id else resource.resource_type


def by_concept(entries: Iterable[ChartEntry]) -> dict[str, tuple[ChartEntry, ...]]:
    """Return entries by each concept that they state, in their order."""
    found: dict[str, list[ChartEntry]] = {}
    for entry in entries:
        for concept in entry.concepts:
            found.setdefault(concept, []).append(entry)
    return {concept: tuple(stated) for concept, stated in found.items()}


def words_with_sites(coded: Coded, sites: list[CodeableConcept]) -> str:
    """Add what a body site says to the words of an entry."""
    if not sites:
        return coded.words
    said = [coded.words]
    for site in sites:
        said += [site.text or "", *(coding.display or "" for coding in site.coding)]
    return " ".join(filter(None, said)).casefold()


def order_entry(reference: str, reason: CodeableConcept, index: TerminologyIndex) -> ChartEntry | None:
    """Return the entry for a reason of the order: undated, and so current, whatever date the order bears."""
    coded = code_up(index, reason)
    if not coded.concepts:
        return None
    return ChartEntry(
        reference,
        fhir.Resource(resource_type="ServiceRequest"),
        coded.concepts,
        coded.codes,
        words=coded.words,
        of_order=True,
    )
