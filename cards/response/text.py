"""The texts of a card: its one-line summary and its detail in Markdown.

Everything shown comes from the wording catalogue and from this project's own displays, codes and ids that a client
sent being escaped. The one text of the record that is repeated is what raised a question and no code says: at most 60
characters, escaped, with where and when it was said, since a question about something unnamed cannot be answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from cards.decision.assessment import Assessment
from cards.decision.decision import Message
from cards.guideline.guideline import MESSAGES, statements_of
from cards.guideline.wording import Wording
from cards.response.markdown import escape, reference
from cards.suggestions.suggestions import followup
from fhir_mappings.criteria.findings import Evidence
from fhir_mappings.criteria.implants import IMPLANTS
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.sources import SourceState
from fhir_mappings.orders.names import ContrastClass
from fhir_mappings.terminology.code_systems import canonical_system

LONGEST_SUMMARY = 139  # CDS Hooks asks for less than 140 characters
_MOST_EVIDENCE = 6
_MOST_NAMES = 2
_MOST_QUOTES = 2
_OF_IMPLANTS = ("Device", "DeviceUseStatement", "Procedure", "Condition", "Encounter", "Observation")
_OF_FLAGS = tuple(need.resource_type for need in DATA_NEEDS if need.can_show_red_flags)
_ABOUT_CONTRAST = frozenset({"C-CONTRAST-ADD", "C-CONTRAST-DROP", "C-MR-UNSAFE", "C-MR-HOLD"})
# Variants whose text stands instead of the default, not after it.
_REPLACING = frozenset(
    {"blocked", "minor", "beside", "age", "possible", "bilateral", "candidate", "not_indicated", "with"}
)
# Concepts that are the very thing their message suspects: its summary then names it once.
_NAMED = ("cauda_equina", "cord_compression", "spinal_infection")
# SNOMED CT's fully specified names end in a tag that says nothing to a clinician.
_SEMANTIC_TAG = re.compile(r" \((?:[a-z]+(?: [a-z]+)?|regime/therapy)\)$")


@dataclass(frozen=True, slots=True)
class CardText:
    """Writes the texts of the cards of one assessment in one language."""

    assessment: Assessment
    wording: Wording

    def summary(self, message: Message) -> str:
        """Return the one-line summary of a card led by a message."""
        wording = str(self.wording.variant(message.id, "summary", self._variants(message)))
        dated, bare = (
            wording.format(finding=self._finding(message, dated=dated), **self._values(message))
            for dated in (True, False)
        )
        text = dated if len(dated) <= LONGEST_SUMMARY else bare
        return text if len(text) <= LONGEST_SUMMARY else text[: LONGEST_SUMMARY - 1].rstrip() + "…"

    def detail(self, messages: Sequence[Message], *, first: bool) -> str:
        """Return the detail of a card; the first card of an order also says what was not looked at."""
        order = escape(self.wording.text("orders", self.assessment.order.contrast.value))
        named = reference(self.assessment.order.shown_reference)
        parts = [self.wording.text("card", "order", order=order, reference=named)]
        for position, message in enumerate(messages):
            parts += self._block(message, leading=position == 0)
        if first:
            parts += [*self._limits(), self._changed_numbers()]
        parts += [self._basis(messages), self.wording.text("card", "footer")]
        return "\n\n".join(part for part in parts if part)

    def _block(self, message: Message, *, leading: bool) -> Iterator[str]:
        paragraphs = self._paragraphs(message)
        title = self.wording.text("messages", message.id, "title")
        if leading:
            yield from paragraphs
        else:
            yield " ".join([f"**{title}.**", *paragraphs])
        if message.id.startswith("C-APPROP-") and self.assessment.order.contrast is ContrastClass.UNSPECIFIED:
            yield self.wording.text("card", "no_contrast_stated")
        elif message.id == "C-APPROP-6W" and not {other.id for other in self.assessment.messages} & _ABOUT_CONTRAST:
            yield self.wording.text("card", "without_contrast")
        if message.questions:
            lines = [f"- {line}" for question in message.questions for line in self._asked(question)]
            heading = self.wording.text("card", "questions")
            yield "\n".join([heading, "", *lines] if leading else lines)
        lines = self._lines(self._worth_showing(message))
        if len(lines) > _MOST_EVIDENCE:
            more = self.wording.text("card", "more", count=len(lines) - _MOST_EVIDENCE)
            lines = [*lines[:_MOST_EVIDENCE], more]
        if lines:
            yield "\n".join([self.wording.text("card", "why"), "", *lines] if leading else lines)

    def _asked(self, question: str) -> Iterator[str]:
        """Yield the line of a question: after the record that raised it, where one did, by what its sender calls it."""
        criterion = "R-UNREAD" if question == "unread" else "R-HINT" if question.startswith("hint_") else ""
        raised = [
            item
            for item in (self.assessment.findings[criterion].evidence if criterion else ())
            if item.quote and item.concept in (question, "unread")
        ]
        findings = self.assessment.findings.values()
        raised += [item for finding in findings for item in finding.asked if item.quote and item.concept == question]
        if not raised:
            yield self.wording.text("questions", question)
            return
        shown = [self._quoted(item) for item in raised[:_MOST_QUOTES]]
        if len(raised) > _MOST_QUOTES:
            shown.append(self.wording.text("card", "more_records", count=len(raised) - _MOST_QUOTES))
        yield f"{'; '.join(shown)}: {self.wording.text('questions', question)}"

    def _quoted(self, item: Evidence) -> str:
        """Return where something was said, in which words, and when."""
        place = self.wording.find("places", item.place, default=self.wording.text("places", "record"))
        words = self.wording.text("card", "quote", place=place, words=escape(item.quote))
        return f"{words} ({self.wording.day(item.when)})" if item.when.is_known else words

    def _worth_showing(self, message: Message) -> list[Evidence]:
        """Return the evidence, newest first, without reasons of the order that the record states as well."""
        order = self.assessment.order.reference
        recorded = {code.display for item in message.evidence if item.reference != order for code in item.codes}
        kept = [
            item
            for item in message.evidence
            if item.reference != order or not recorded.issuperset(code.display for code in item.codes)
        ]
        return sorted(kept, key=lambda item: item.when.latest or date.max, reverse=True)

    def _paragraphs(self, message: Message) -> list[str]:
        """Return the paragraphs of every variant that applies, the default first where there is one."""
        table = self.wording.get("messages", message.id, "text")
        variants = self._variants(message)
        chosen = [table[name] for name in variants if name in table]
        replaces = _REPLACING & set(variants)
        if "default" in table and not replaces:
            chosen.insert(0, table["default"])
        values = self._values(message)
        return [paragraph.format(**values) for paragraphs in chosen for paragraph in paragraphs]

    def _variants(self, message: Message) -> tuple[str, ...]:
        """Return the variants of a message, with those that follow from the rest of the assessment."""
        others = self.assessment.decided
        if message.id.startswith("C-EMERG-") and others & {"C-MR-UNSAFE", "C-MR-HOLD"}:
            return ("blocked", *message.variants)
        if message.evidence and message.evidence[0].concept in _NAMED:
            return ("named", *message.variants)
        if message.id in ("C-MR-HOLD", "C-MR-UNSAFE") and "C-NOTAPP-6W" in others:
            return ("not_indicated", *message.variants)
        if message.id == "C-NOTAPP-6W" and self.assessment.order.contrast.value != "without":
            return ("contrast", *message.variants)
        return message.variants

    def _values(self, message: Message) -> dict[str, str]:
        """Return what the placeholders of a message stand for."""
        newest = next((item.when for item in message.evidence if item.when.is_known), None)
        sources = self._sources(message.sources)
        return {
            "days": str(self.assessment.profile.thresholds.conservative_care),
            "followup": followup(self.assessment, self.wording),
            "when": self.wording.day(newest) if newest else self.wording.text("meta", "undated"),
            "reason": self._reason(message),
            "sources": sources,
            "count": self._count(message),
            "red_flags": self.wording.text(
                "card", "no_red_flag_read" if self._leaves_open(_OF_FLAGS) else "no_red_flag"
            ),
        }

    def _reason(self, message: Message) -> str:
        names = (self.wording.find("messages", message.id, "reasons", variant) for variant in message.variants)
        return next(filter(None, names), "")

    def _count(self, message: Message) -> str:
        if message.id != "C-INFO-NEED":
            return ""
        if len(message.questions) == 1:
            return self.wording.text("messages", message.id, "count_one")
        return self.wording.text("messages", message.id, "count_many", number=len(message.questions))

    def _finding(self, message: Message, *, dated: bool) -> str:
        """Return what was found, in a few words, for the summary: up to two things, and when the first was."""
        if not message.evidence:
            return self.wording.text("messages", message.id, "title")
        names = list(dict.fromkeys(self._name(item) for item in message.evidence))[:_MOST_NAMES]
        joined = self.wording.text("card", "and", first=names[0], second=names[-1]) if len(names) > 1 else names[0]
        when = message.evidence[0].when
        return f"{joined} ({self.wording.day(when)})" if dated and when.is_known else joined

    def _name(self, item: Evidence) -> str:
        return self.wording.find("concepts", item.concept, default=item.concept.replace("_", " "))

    def _lines(self, evidence: Sequence[Evidence]) -> list[str]:
        """Return a line for each thing found: what, code, date, remarks, and every resource that says so."""
        said: dict[str, list[str]] = {}
        for item in evidence:
            said.setdefault(self._statement(item), []).append(reference(item.reference))
        return [f"- {statement}, {', '.join(dict.fromkeys(names))}" for statement, names in said.items()]

    def _statement(self, item: Evidence) -> str:
        if item.quote and not item.codes:
            return ", ".join([self._quoted(item), *(self.wording.text("notes", note) for note in item.notes)])
        names = dict.fromkeys(_SEMANTIC_TAG.sub("", code.display) for code in item.codes)
        name = " / ".join(names) or self._name(item)
        codes = ", ".join(f"{self._system(code.system)} {escape(code.code)}".strip() for code in item.codes)
        notes = [self.wording.text("notes", note) for note in item.notes]
        parts = [
            f"{escape(name)} ({codes})" if codes else escape(name),
            escape(item.amount),
            escape(self.wording.day(item.when)),
            *notes,
        ]
        return ", ".join(part for part in parts if part)

    def _system(self, system: str) -> str:
        systems = self.wording.get("systems")
        return str(systems.get(canonical_system(system), ""))

    def _limits(self) -> Iterator[str]:
        """Yield what the advice could not take into account."""
        chart = self.assessment.chart
        for heading, state in (
            ("not_sent", SourceState.NOT_PROVIDED),
            ("not_read", SourceState.UNAVAILABLE),
            ("partly_read", SourceState.PARTIAL),
        ):
            names = [need.resource_type for need in DATA_NEEDS if chart.state(need.resource_type) is state]
            if names:
                yield self.wording.text("card", heading, sources=self._sources(names))
        if chart.withheld:
            yield self.wording.text("card", "withheld")
        yield from self._devices()
        if chart.foreign:
            yield self.wording.text("card", "foreign", sources=self._sources(chart.foreign))
        if chart.damaged:
            yield self.wording.text("card", "damaged", count=len(chart.damaged))

    def _changed_numbers(self) -> str:
        """Return the numbers of the guideline that the site has changed, since the sentences name the usual ones."""
        profile = self.assessment.profile
        changes = [
            self.wording.text(
                "card",
                "site_change",
                name=change.name.replace("_", " "),
                value=change.new,
                unit=change.unit,
                usual=change.old,
            )
            for change in profile.thresholds.changes
        ]
        if not changes:
            return ""
        return self.wording.text("card", "site", site=escape(profile.site), changes="; ".join(changes))

    def _devices(self) -> Iterator[str]:
        """Yield what the device records leave open; nothing where a card is about an implant anyway."""
        chart, findings = self.assessment.chart, self.assessment.findings
        if ahead := [item for item in findings["R-DATE"].evidence if item.concept in IMPLANTS]:
            what = "; ".join(line.removeprefix("- ") for line in self._lines(ahead))
            yield self.wording.text("card", "implant_dated_ahead", what=what)
            return
        if findings["R-MR"].evidence:
            return
        if chart.incomplete(("Device", "DeviceUseStatement", "Procedure")):
            yield self.wording.text("card", "no_device_records")
        else:
            yield self.wording.text("card", "no_implant_read" if self._leaves_open(_OF_IMPLANTS) else "no_implant_data")

    def _leaves_open(self, sources: Sequence[str]) -> bool:
        """Whether a record was not understood that could show what a sentence says was not found.

        What the table of diagnoses knows is understood: it is asked about, and is nothing else.
        """
        ledgers = (self.assessment.chart.ledger, self.assessment.order.ledger)
        return any(not line.span for ledger in ledgers for line in ledger.unrecognised(*sources, "Order"))

    def _sources(self, names: Sequence[str]) -> str:
        return ", ".join(self.wording.find("sources", name, default=escape(name)) for name in names)

    def _basis(self, messages: Sequence[Message]) -> str:
        types = [MESSAGES[message.id] for message in messages]
        citations = dict.fromkeys(key for kind in types for key in kind.citations)
        statements = dict.fromkeys(name for message in messages for name in statements_of(message.id, message.variants))
        if not citations:
            return ""
        named = "; ".join(self.wording.text("citations", key) for key in citations)
        if not statements:
            return self.wording.text("card", "basis_without_statements", citations=named)
        return self.wording.text("card", "basis", citations=named, statements=", ".join(statements))
