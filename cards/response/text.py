"""The texts of a card: its one-line summary and its detail in Markdown, to be read in five seconds.

The detail says why, in plain words with dates, what to do and what would change it. Ids, codes, sources and limits are
the explanation's. A detail has a limit of words: what presses least gives way first.

Everything shown comes from the wording catalogue and from this project's own displays, codes and ids that a client
sent being escaped. The one text of the record that is repeated is what raised a question and no code says: at most 60
characters, escaped, with where and when it was said, since a question about something unnamed cannot be answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from cards.decision.assessment import Assessment
from cards.decision.decision import Message
from cards.decision.questions import MOST_QUOTES, raised_by
from cards.guideline.guideline import MESSAGES
from cards.guideline.wording import Wording
from cards.response.limits import leaves_open, named_sources
from cards.response.markdown import escape
from cards.response.measure import Measure, counted_words, measures, most_words
from cards.response.memory import Answer, answered_before
from cards.suggestions.answers import words_of_answers, words_to_object
from cards.suggestions.suggestions import followup
from fhir_mappings.criteria.findings import Evidence
from fhir_mappings.criteria.implants import IMPLANTS
from fhir_mappings.fhir.needs import RED_FLAG_SOURCES
from fhir_mappings.orders.names import ContrastClass
from fhir_mappings.questionnaire.fixed_words import day_in_words

LONGEST_SUMMARY = 139  # CDS Hooks asks for less than 140 characters
_LONGEST_NAME = 6  # words of a code's display; what is longer is called by its concept
_MOST_NAMES = 2
_ABOUT_CONTRAST = frozenset({"C-CONTRAST-ADD", "C-CONTRAST-DROP", "C-MR-UNSAFE", "C-MR-HOLD"})
# Told in full on every card: whom to call now, what must not enter the scanner, and what the patient has to know.
_NEVER_SHORT = frozenset({"C-EMERG-CES", "C-EMERG-CORD", "C-MR-UNSAFE", "C-MR-HOLD", "C-EDU"})
# Variants whose text gives way where the words run out.
_SPARE = frozenset({"contrast"})
# Variants whose text stands instead of the default, not after it.
_REPLACING = frozenset(
    {"blocked", "minor", "beside", "age", "possible", "bilateral", "candidate", "not_indicated", "held", "with"}
    | {"emergency", "answered"}
)
# Concepts that are the very thing their message suspects: its summary then names it once.
_NAMED = ("cauda_equina", "cord_compression", "spinal_infection")
# SNOMED CT's fully specified names end in a tag that says nothing to a clinician.
_SEMANTIC_TAG = re.compile(r" \((?:[a-z]+(?: [a-z]+)?|regime/therapy)\)$")


@dataclass(frozen=True, slots=True)
class CardText:
    """Writes the texts of the cards of one assessment in one language.

    With `typed` answers have no buttons: the card says in which words they are understood.
    """

    assessment: Assessment
    wording: Wording
    typed: bool = False

    def summary(self, message: Message, *, answered: bool = False) -> str:
        """Return the one-line summary of a card led by a message; once answered, what is done is not asked for."""
        variants = self._variants(message)
        if answered and self.assessment.order.priority == "stat" and "blocked" not in variants:
            variants = ("stat_named" if "named" in variants else "stat", *variants)
        wording = str(self.wording.variant(message.id, "summary", variants))
        dated, bare = (
            wording.format(finding=self._finding(message, dated=dated), **self._values(message))
            for dated in (True, False)
        )
        text = dated if len(dated) <= LONGEST_SUMMARY else bare
        return text if len(text) <= LONGEST_SUMMARY else text[: LONGEST_SUMMARY - 1].rstrip() + "…"

    def detail(
        self,
        messages: Sequence[Message],
        *,
        several: bool = False,
        equal: int = 1,
        short: bool = False,
        by_hand: Sequence[str] = (),
    ) -> str:
        """Return the detail of a card; `several` orders in one call are told apart by their study.

        `equal` is how many equal orders the card is about. A `short` one tells its first message in full and the
        others, but for what is never short, by title. `by_hand` are suggestions that this client gives no button for.
        """
        helpful = tuple(message for message in messages if self._helps(message))
        parts = [self._order(equal)] if several or equal > 1 else []
        told = helpful or tuple(messages)
        parts += self._paragraphs_of(told, Measure(1, 1)) if short else self._fitted(told)
        parts += [self.wording.text("shaping", "by_hand", labels="; ".join(by_hand))] if by_hand else []
        parts += [self._foreign(), self._footer]
        return "\n\n".join(part for part in parts if part)

    @property
    def _footer(self) -> str:
        """The sentence that every card ends with."""
        return self.wording.text("card", "footer_approved" if self.assessment.profile.approval else "footer")

    def _foreign(self) -> str:
        """Return that somebody else's records came along, which a clinician may want to look into at once."""
        foreign = self.assessment.chart.foreign
        return self.wording.text("card", "foreign", sources=named_sources(foreign, self.wording)) if foreign else ""

    def reminder(self, messages: Sequence[Message], answer: Answer, *, several: bool = False, equal: int = 1) -> str:
        """Return the one line of a card that was answered: what else it is about, and what was answered."""
        parts = [self._order(equal)] if several or equal > 1 else []
        if others := [self.wording.text("messages", message.id, "title") for message in messages[1:]]:
            parts.append(self.wording.text("card", "also", titles="; ".join(others)))
        parts += [answered_before(answer, self.wording), self._footer]
        return " ".join(parts)

    def _order(self, equal: int) -> str:
        order = escape(self.wording.text("orders", self.assessment.order.contrast.value))
        return self.wording.text("card", "equal_orders" if equal > 1 else "order", order=order, count=equal)

    def _helps(self, message: Message) -> bool:
        """Whether a message helps at this moment: how to read a picture does where the scan is a close call.

        That contrast shows infection is what a suspected infection says itself.
        """
        said = {other.id: other for other in self.assessment.messages}
        if message.id == "C-CONTRAST-ADD" and "C-URG-INFECT" in said:
            return message.variants[1:] != ("infection",)
        if message.id != "C-PITFALL":
            return True
        waited = said.get("C-APPROP-6W")
        return "C-APPROP-UNCERTAIN-DX" in said or (waited is not None and "candidate" not in waited.variants)

    def _fitted(self, messages: Sequence[Message]) -> list[str]:
        """Return the paragraphs within the limit of words: less evidence first, then remarks, then titles for texts."""
        limit = most_words(messages)
        parts: list[str] = []
        for measure in measures(len(messages)):
            parts = list(self._paragraphs_of(messages, measure))
            if counted_words(parts) <= limit:
                break
        return parts

    def _paragraphs_of(self, messages: Sequence[Message], measure: Measure) -> Iterator[str]:
        """Yield the paragraphs of a card of a measure."""
        short: list[str] = []
        told: set[str] = set()  # what was found is told once, with the first message that rests on it
        for position, message in enumerate(messages):
            if position < measure.whole or message.id in _NEVER_SHORT or message.questions:
                yield from self._block(message, measure, told, leading=position == 0)
            else:
                short += [self._titled(message)] if MESSAGES[message.id].lead else []
        if short:
            yield self.wording.text("card", "also", titles="; ".join(short))

    def _titled(self, message: Message) -> str:
        title = self.wording.text("messages", message.id, "title")
        about = self._reason(message)
        if not about and message.id.startswith("C-MR-"):
            about = self._finding(message, dated=False)
        return f"{title}: {about}" if about else title

    def _block(self, message: Message, measure: Measure, told: set[str], *, leading: bool) -> Iterator[str]:
        found = [sentence for sentence in self._found(message, measure.evidence) if sentence not in told]
        told.update(found)
        said = [
            *found,
            *self._paragraphs(message, spare=measure.spare),
            *self._asides(message),
        ]
        if leading:
            yield " ".join(said)
        else:
            yield " ".join([f"**{self.wording.text('messages', message.id, 'title')}.**", *said])
        if self.typed and (words := words_to_object(self.assessment, message)):
            yield f"- {self._to_type('type_also', words)}"
        if message.questions:
            lines = [f"- {line}" for question in message.questions for line in self._asked(question)]
            heading = self.wording.text("card", "questions")
            yield "\n".join([heading, "", *lines] if leading else lines)

    def _asides(self, message: Message) -> Iterator[str]:
        """Yield what follows from the rest of the assessment and changes what to do."""
        if message.id.startswith("C-APPROP-") and self.assessment.order.contrast is ContrastClass.UNSPECIFIED:
            yield self.wording.text("card", "no_contrast_stated")
        elif message.id == "C-APPROP-6W" and not {other.id for other in self.assessment.messages} & _ABOUT_CONTRAST:
            yield self.wording.text("card", "without_contrast")
        if message.id == "C-INFO-NEED" and "unseen" in message.variants:
            unseen = self.assessment.chart.incomplete(RED_FLAG_SOURCES)
            yield self.wording.text("card", "unseen", sources=named_sources(unseen, self.wording))
        if message is self.assessment.messages[0]:
            ahead = [item for item in self.assessment.findings["R-DATE"].evidence if item.concept in IMPLANTS]
            if ahead:
                what = "; ".join(dict.fromkeys(map(self._statement, ahead)))
                yield self.wording.text("card", "implant_dated_ahead", what=what)

    def _found(self, message: Message, most: int) -> Iterator[str]:
        """Yield what the message rests on, each thing once, the newest first."""
        newest: dict[str, str] = {}
        for item in self._worth_showing(message):
            said_once = item.quote if self._is_said(item) else self._named(item)
            if said_once not in newest:
                newest[said_once] = self._statement(item)
        found = list(newest.values())
        if not found or not most:
            return
        shown = "; ".join(found[:most])
        if len(found) > most > 1:
            shown = self.wording.text("card", "more", shown=shown, count=len(found) - most)
        yield self.wording.text("card", "found", what=shown)

    def _asked(self, question: str) -> Iterator[str]:
        """Yield the line of a question: after the record that raised it, where one did, by what its sender calls it."""
        yield self._with_words_to_type(question, self._asked_plainly(question))

    def _asked_plainly(self, question: str) -> str:
        asked = self.wording.text("questions", question)
        raised = raised_by(self.assessment.findings, question)
        if not raised:
            return asked
        shown = [self._quoted(item) for item in raised[:MOST_QUOTES]]
        if len(raised) > MOST_QUOTES:
            shown.append(self.wording.text("card", "more_records", count=len(raised) - MOST_QUOTES))
        return f"{'; '.join(shown)}: {asked}"

    def _with_words_to_type(self, question: str, asked: str) -> str:
        """Return a question with the words that answer it, where they cannot be pressed."""
        words = words_of_answers(self.assessment, question) if self.typed else ()
        if len(words) == 2 and words[0].removesuffix("yes") == words[1].removesuffix("no"):  # noqa: PLR2004 - yes, no
            day = day_in_words(self.assessment.answered_on)
            return self.wording.text("answers", "type_either", question=asked, yes=escape(words[0]), day=day)
        return self._to_type("type", words, question=asked) if words else asked

    def _to_type(self, key: str, words: Sequence[str], **values: str) -> str:
        quoted = [self.wording.text("answers", "typed", words=escape(each)) for each in words]
        answers = reduce(lambda first, second: self.wording.text("answers", "or", first=first, second=second), quoted)
        day = day_in_words(self.assessment.answered_on)
        return self.wording.text("answers", key, answers=answers, day=day, **values)

    def _quoted(self, item: Evidence) -> str:
        """Return where something was said, in which words, and when."""
        place = self.wording.find("places", item.place, default=self.wording.text("places", "record"))
        if item.quote:
            words = self.wording.text("card", "quote", place=place, words=escape(item.quote))
        else:
            words = self.wording.text("card", "without_words", place=place)
        return f"{words} ({self.wording.day(item.when)})" if item.when.is_known else words

    def _worth_showing(self, message: Message) -> list[Evidence]:
        """Return the evidence, newest first, without reasons of the order that the record states as well.

        What the order says in its own words is always shown. What bears no date may be of today, unless another record
        of the same thing says when.
        """
        order = self.assessment.order.reference
        recorded = {code.display for item in message.evidence if item.reference != order for code in item.codes}
        kept = [
            item
            for item in message.evidence
            if item.reference != order or item.quote or not recorded.issuperset(code.display for code in item.codes)
        ]
        dated = {item.concept for item in kept if item.when.latest}
        return sorted(
            kept,
            key=lambda item: item.when.latest or (date.min if item.concept in dated else date.max),
            reverse=True,
        )

    def _paragraphs(self, message: Message, *, spare: bool) -> list[str]:
        """Return the paragraphs of every variant that applies, the default first where there is one."""
        table = self.wording.get("messages", message.id, "text")
        variants = [name for name in self._variants(message) if spare or name not in _SPARE]
        chosen = [table[name] for name in variants if name in table]
        replaces = _REPLACING.intersection(variants, table)
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
            return (self._certainty(message.evidence), *message.variants)
        if message.id in ("C-MR-HOLD", "C-MR-UNSAFE") and "C-NOTAPP-6W" in others:
            return ("not_indicated", *message.variants)
        if message.id == "C-NOTAPP-6W":
            return (*self._beside_waiting(others), *message.variants)
        if message.id == "C-APPROP-6W" and others & {"C-MR-UNSAFE", "C-MR-HOLD"}:
            return ("held", *message.variants)
        return message.variants

    def _beside_waiting(self, others: frozenset[str]) -> Iterator[str]:
        if others & {"C-MR-UNSAFE", "C-MR-HOLD"}:
            yield "held"
        elif self.assessment.order.contrast is not ContrastClass.WITHOUT:
            yield "contrast"

    def _certainty(self, evidence: Sequence[Evidence]) -> str:
        """Return whether what a message suspects is on record, stated in the order, or only a suspicion."""
        named = [item for item in evidence if item.concept in _NAMED and "suspected" not in item.notes]
        own = [item for item in named if item.reference == self.assessment.order.reference]
        answered = [item for item in named if item.reference.startswith("QuestionnaireResponse")]
        if len(named) > len(own) + len(answered):
            return "named"
        return "stated" if own else "suspected"

    def _values(self, message: Message) -> dict[str, str]:
        """Return what the placeholders of a message stand for."""
        newest = next((item.when for item in message.evidence if item.when.is_known), None)
        sources = named_sources(message.sources, self.wording)
        return {
            "days": str(self.assessment.profile.thresholds.conservative_care),
            "followup": followup(self.assessment, self.wording),
            "when": self.wording.day(newest) if newest else self.wording.text("meta", "undated"),
            "reason": self._reason(message),
            "sources": sources,
            "count": self._count(message),
            "red_flags": self.wording.text(
                "card", "no_red_flag_read" if leaves_open(self.assessment, RED_FLAG_SOURCES) else "no_red_flag"
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
        found = message.evidence
        if message.id == "C-MR-COND":
            # What lies beside the device is not conditional for that.
            labelled = (item for item in found if any(note.endswith("mr_conditional") for note in item.notes))
            found = tuple(labelled) or found
        names = list(dict.fromkeys(map(self._name, found)))[:_MOST_NAMES]
        joined = self.wording.text("card", "and", first=names[0], second=names[-1]) if len(names) > 1 else names[0]
        when = found[0].when
        return f"{joined} ({self.wording.day(when)})" if dated and when.is_known else joined

    def _name(self, item: Evidence) -> str:
        return self.wording.find("concepts", item.concept, default=item.concept.replace("_", " "))

    def _statement(self, item: Evidence) -> str:
        """Return one thing found in plain words, and when."""
        return (
            self._named(item) if self._is_said(item) else f"{self._named(item)} ({escape(self.wording.day(item.when))})"
        )

    def _named(self, item: Evidence) -> str:
        """Return what was found, how much of it, and how certain."""
        notes = [self.wording.note(note, self.assessment.chart.labels.released) for note in item.notes]
        if self._is_said(item):
            quoted = self.wording.text("card", "own_words", words=escape(item.quote))
            return ", ".join([quoted if "stated" in item.notes else self._quoted(item), *notes])
        names = [_SEMANTIC_TAG.sub("", code.display) for code in item.codes]
        fitting = [name for name in names if name and len(name.split()) <= _LONGEST_NAME and not item.amount]
        name = fitting[0] if fitting else self._name(item)
        return ", ".join(part for part in (escape(name), escape(item.amount), *notes) if part)

    @staticmethod
    def _is_said(item: Evidence) -> bool:
        """Whether only the words of the record say it."""
        return bool(item.quote) and not item.codes
