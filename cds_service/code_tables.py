"""The codes of every concept as Markdown, for the criteria page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cards.drafts import concept_of
from cards.markdown import escape
from cards.wording import Wording
from fhir_mappings.code_systems import CPT, canonical_system
from fhir_mappings.criteria.registry import CRITERIA, ORDER_CONCEPTS, READING_CONCEPTS, UNUSED_CONCEPTS
from fhir_mappings.terminology import TerminologyIndex

_BY_TREE: Final = "is-a"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table; cells come as Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def link(heading: str) -> str:
    """Return a link to a heading that is nothing but an id."""
    return f"[`{heading}`](#{heading.lower()})"


def links(headings: tuple[str, ...]) -> str:
    """Return links to several headings, in one line."""
    return ", ".join(link(heading) for heading in headings)


def suggested_concepts(wording: Wording) -> frozenset[str]:
    """Return the concepts of what suggestions can order."""
    return frozenset(concept_of(orderable) for orderable in wording.get("suggestions", "orderables"))


@dataclass(frozen=True, slots=True)
class CodeTables:
    """Writes the section on codes: one part for each concept."""

    index: TerminologyIndex
    wording: Wording

    def sections(self) -> Iterator[str]:
        """Yield heading, meaning, use and codes of every concept, by its id."""
        for concept in sorted(self.index.concept_ids):
            value_set = self.index.value_set(concept)
            yield f"### {concept}"
            yield f"**{escape(value_set['title'])}.** {escape(value_set['description'])}"
            yield f"Used by: {self._use(concept)}."
            rows = [*self._rows(value_set, "include"), *self._rows(value_set, "exclude", "not ")]
            yield table(("System", "Code", "Meaning"), rows)

    def _use(self, concept: str) -> str:
        uses = [link(criterion.id) for criterion in CRITERIA if concept in criterion.concepts]
        groups: tuple[tuple[frozenset[str] | tuple[str, ...], str], ...] = (
            (ORDER_CONCEPTS, "recognising orders"),
            (READING_CONCEPTS, "reading records"),
            (suggested_concepts(self.wording), "suggestions"),
            (UNUSED_CONCEPTS, "no rule yet"),
        )
        return ", ".join([*uses, *(name for members, name in groups if concept in members)])

    def _rows(self, value_set: Mapping[str, Any], part: str, prefix: str = "") -> Iterator[tuple[str, ...]]:
        """Yield the codes one by one; CPT as bare numbers in one row, and one spelling of a system that has several."""
        seen: set[tuple[str, str]] = set()
        numbers = defaultdict[str, list[str]](list)
        for entry in value_set["compose"].get(part, ()):
            system = canonical_system(entry["system"])
            name = self.wording.get("systems").get(system, escape(system))
            for item in entry.get("concept", ()):
                if (system, item["code"]) in seen:
                    continue
                seen.add((system, item["code"]))
                if system == CPT:
                    numbers[f"{prefix}{name}"].append(f"`{item['code']}`")
                else:
                    yield f"{prefix}{name}", f"`{item['code']}`", escape(item["display"])
            for found in entry.get("filter", ()):
                if found["op"] == _BY_TREE:
                    yield f"{prefix}{name}", f"`{found['value']}` *and below*", ""
                else:
                    yield f"{prefix}{name}", "*all codes of the form* " + _pattern(found["value"]), ""
        for name, codes in numbers.items():
            yield name, ", ".join(codes), ""


def _pattern(expression: str) -> str:
    """Return a regular expression as a code span that a table can hold."""
    return f"`{expression}`".replace("|", "\\|")
