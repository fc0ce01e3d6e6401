"""What a criterion may ask: the chart and the order together, as of the day the order was written.

Criteria stay short because the rules for reading records live here: future dates are not believed, a newer negative
outweighs an older positive unless two clinicians disagree within a short time, and what the order itself gives as
its reason counts like a record of that day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

from fhir_mappings.chart.answer_records import answer_entries, answer_remarks
from fhir_mappings.chart.answers import QuestionAnswer
from fhir_mappings.chart.chart import Chart, belongs_to
from fhir_mappings.chart.entries import Activity, Assertion, ChartEntry, by_concept
from fhir_mappings.chart.ledger import LedgerLine, said_of
from fhir_mappings.chart.remarks import Remark
from fhir_mappings.criteria.findings import Evidence, Finding, Status
from fhir_mappings.criteria.thresholds import Thresholds
from fhir_mappings.fhir.datatypes import id_in, named_type
from fhir_mappings.fhir.dates import DateInterval, shifted, years_between
from fhir_mappings.fhir.resources import Appointment, Device
from fhir_mappings.orders.orders import ImagingOrder
from fhir_mappings.orders.own_answers import OwnAnswers
from fhir_mappings.terminology.concepts import RED_FLAGS
from fhir_mappings.words.matcher import LONGEST_QUOTE, affirms, said_now

# Types of which an unrecognised record keeps "not appropriate" from being said. Devices ask for safety only, and a
# measurement that cannot be judged is asked about by its own criterion.
ASKING_SOURCES = ("Condition", "Encounter", "DiagnosticReport", "QuestionnaireResponse")
# Of any other source: a finding that was affirmed and nobody can read, a note that calls a disease by its name.
_ASKING_REASONS = frozenset({"finding", "name"})
# Codes that matter only together with something that other criteria look for (a new deficit), or to R-MR.
_WITH_ANOTHER = frozenset({"with_deficit", "safety"})
# Injuries of spine and trunk: concepts, and reasons by which the table of ICD-10-CM names the others.
_INJURIES = ("trauma_spine", "trauma_generic", "lbp_strain")
_OF_TRUNK = frozenset({"injury of the trunk", "strain"})
T = TypeVar("T")
STATED = (Assertion.PRESENT, Assertion.SUSPECTED)


@dataclass(frozen=True)
class Facts:
    """The order, the chart and the day; all that a criterion knows.

    `as_of` is the day of the order, `called_on` that of the call where it is later.
    """

    order: ImagingOrder
    chart: Chart
    as_of: date
    thresholds: Thresholds
    treat_conditional_as: str = "warn"
    called_on: date | None = None
    _entries: dict[tuple[str, ...], tuple[ChartEntry, ...]] = field(default_factory=dict, repr=False)
    _stated: dict[tuple[str, ...], tuple[ChartEntry, ...]] = field(default_factory=dict, repr=False)
    _denials: dict[str, _Denials] = field(default_factory=dict, repr=False)
    _made: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def once(self, what: Hashable, make: Callable[[], T]) -> T:
        """Return what several criteria rest on, made when the first of them asks."""
        if what not in self._made:
            self._made[what] = make()
        found: T = self._made[what]
        return found

    @cached_property
    def age(self) -> tuple[int | None, int | None]:
        """The lowest and the highest age in years that the birth date allows; nothing for one in the future."""
        birth = self.chart.birth
        if birth.earliest is not None and birth.earliest > self.as_of:
            return None, None
        return years_between(birth, self.as_of)

    def at_least(self, years: int) -> bool | None:
        """Whether the patient is at least this old."""
        low, high = self.age
        if low is not None and low >= years:
            return True
        return False if high is not None and high < years else None

    def entries(self, *concepts: str) -> tuple[ChartEntry, ...]:
        """Return every entry of some concepts that is not dated in the future, each once."""
        if self._recorded.isdisjoint(concepts):
            return ()
        found = self._entries.get(concepts)
        if found is None:
            found = self._entries_of(*concepts) if len(concepts) == 1 else _each_once(map(self.entries, concepts))
            self._entries[concepts] = found
        return found

    @cached_property
    def _recorded(self) -> frozenset[str]:
        """The concepts of all entries there are; of most that are asked for there is none."""
        return frozenset((*self.chart.entries, *self.order.entries, *self._answered))

    def _entries_of(self, concept: str) -> tuple[ChartEntry, ...]:
        found = (
            *self.chart.entries.get(concept, ()),
            *self.order.entries.get(concept, ()),
            *self._answered.get(concept, ()),
        )
        return _each_once([[entry for entry in found if self._is_usable(entry)]])

    @cached_property
    def answers(self) -> tuple[QuestionAnswer, ...]:
        """The answered questions of the order and of the chart, those of the order's day as the order's own."""
        return (*self.order.answers, *self._chart_answers)

    @cached_property
    def _chart_answers(self) -> tuple[QuestionAnswer, ...]:
        named = (*self.order.reason_references, *self.order.supporting_references)
        referred = {f"{named_type(name)}/{id_in(name, named_type(name) or '')}" for name in named}
        return tuple(
            replace(answer, of_order=True) if answer.reference in referred or self._is_of_day(answer.when) else answer
            for answer in self.chart.answers
        )

    def _is_of_day(self, when: DateInterval) -> bool:
        """Whether something was said on the day of the call, which the server's day may have passed by hours."""
        days = {self.called_day}
        written = self.order.authored.earliest
        if self.order.authored.is_exact and written == shifted(self.called_day, -1):
            days.add(written)
        return when.is_exact and when.earliest in days

    @cached_property
    def own_answers(self) -> OwnAnswers:
        """The answers to our own questions, those of the day of the call apart from all others."""
        return OwnAnswers.of(self.answers, self.called_day, self.order.authored)

    @cached_property
    def _answered(self) -> dict[str, tuple[ChartEntry, ...]]:
        """What the answers in the chart state, by concept; the order's own are among its entries."""
        return by_concept((*answer_entries(self._chart_answers), *self.own_answers.stated()))

    @cached_property
    def remarks(self) -> tuple[Remark, ...]:
        """What the order, the chart and the answers in it say in words that no code settles."""
        asked = (*answer_remarks(self._chart_answers), *self.own_answers.remarks())
        return (*self.order.remarks, *self.chart.remarks, *asked)

    def _is_usable(self, entry: ChartEntry) -> bool:
        if entry.of_order and entry.place == "order_note" and entry.dated.on_or_after(self.as_of) is False:
            # A note older than the signature may no longer hold: its words ask, they state nothing.
            return False
        return not self.is_future(entry) and belongs_to(entry.resource, self.chart.patient_id)

    @property
    def called_day(self) -> date:
        """The day of the call: an old order is signed with all that has become known since it was written."""
        return max(self.called_on or self.as_of, self.as_of)

    def is_future(self, entry: ChartEntry) -> bool:
        """Whether an entry is dated after today: a data error, unless somebody answered today that it holds."""
        return self._is_after(entry, self.called_day) and not (
            self.own_answers.affirmed("future_date") and any(map(_is_believed, entry.concepts))
        )

    def is_since(self, entry: ChartEntry) -> bool:
        """Whether an entry is dated after the day of the order."""
        return self._is_after(entry, self.as_of)

    def _is_after(self, entry: ChartEntry, day: date) -> bool:
        """Whether an entry is dated after a day, and not by a slip of time zones."""
        if isinstance(entry.resource, Appointment):
            return False
        found = entry.when if entry.when.is_known else entry.recorded
        return found.earliest is not None and found.earliest > shifted(day, self.thresholds.data_error_after)

    def _denials_of(self, concept: str) -> _Denials:
        """Return what denies a concept; asked for with each piece of evidence, so looked up once."""
        if concept not in self._denials:
            self._denials[concept] = _Denials.of(self.entries(concept))
        return self._denials[concept]

    def stated(self, *concepts: str) -> tuple[ChartEntry, ...]:
        """Return the entries that assert a concept, at least as a suspicion, and that no newer negative outweighs."""
        if self._recorded.isdisjoint(concepts):
            return ()
        found = self._stated.get(concepts)
        if found is None:
            found = self._stated_of(*concepts) if len(concepts) == 1 else _each_once(map(self.stated, concepts))
            self._stated[concepts] = found
        return found

    def _stated_of(self, concept: str) -> tuple[ChartEntry, ...]:
        entries = self.entries(concept)
        return tuple(
            entry for entry in entries if entry.assertion in STATED and not self._is_outweighed(entry, concept)
        )

    def current(self, *concepts: str, within: int | None = None) -> list[ChartEntry]:
        """Return the stated entries that are not over; with a window in days, those in it or of unknown date."""
        return [entry for entry in self.stated(*concepts) if self.is_current(entry, within)]

    def is_current(self, entry: ChartEntry, within: int | None = None) -> bool:
        """Whether an entry is not over and, with a window in days, may be of it."""
        is_open = entry.activity is not Activity.INACTIVE
        return is_open and (within is None or self.is_recent(entry, within) is not False)

    def asserted(self, *concepts: str) -> tuple[ChartEntry, ...]:
        """Return the entries that assert a concept, whatever newer records deny it."""
        return tuple(entry for entry in self.entries(*concepts) if entry.assertion in STATED)

    def _is_outweighed(self, entry: ChartEntry, concept: str) -> bool:
        """Whether a newer negative cancels an entry about the same thing; soon after it, only from the same author."""
        latest = entry.asserted.latest
        denials = self._denials_of(concept)
        if not denials.newest or entry.of_order or latest is None:
            return False
        own = denials.newest_of(entry, entry.author) if entry.author is not None else None
        if own is not None and own > latest:
            return True
        newest = denials.newest_of(entry)
        return newest is not None and newest > latest and newest >= shifted(latest, self.thresholds.disagreement)

    def conflicting(self, entry: ChartEntry, concept: str) -> bool:
        """Whether a newer record denies what an entry states."""
        newest, latest = self._denials_of(concept).newest_of(entry), entry.asserted.latest
        return newest is not None and latest is not None and newest > latest

    def entries_since(self, *but: str) -> tuple[ChartEntry, ...]:
        """Return the entries that are dated after the day of the order, but for those of some concepts."""
        sources = (self.chart.entries, self.order.entries, self._answered)
        found = (
            entry
            for source in sources
            for concept, entries in sorted(source.items())
            if concept not in but
            for entry in entries
            if belongs_to(entry.resource, self.chart.patient_id)
        )
        return tuple({id(entry): entry for entry in found if self.is_since(entry)}.values())

    @cached_property
    def unread(self) -> tuple[LedgerLine, ...]:
        """The records of now that nobody recognised: problems, reasons, reports, and findings that were affirmed."""
        own = [line for line in self.order.ledger.unrecognised() if self.chart.by_reference(line.reference) is None]
        others = [line for line in self.chart.ledger.unrecognised() if line.reason in _ASKING_REASONS]
        lines = dict.fromkeys((*own, *self.chart.ledger.unrecognised(*ASKING_SOURCES), *others))
        return tuple(line for line in lines if self._is_of_now(line))

    def _is_of_now(self, line: LedgerLine) -> bool:
        """Whether an unrecognised record may still hold: by the rule of age that goes with its code, or its type."""
        limits = self.thresholds
        days = {
            "event": limits.neurologic_window,
            "named": limits.neurologic_window,
            "with_injury": limits.trauma_window,
            "infection": limits.infection_history if line.is_over or line.source not in ASKING_SOURCES else None,
            "report": limits.repeat_imaging_window,
        }.get(line.span)
        if line.source in ("Encounter", "Observation", "QuestionnaireResponse"):
            days = limits.neurologic_window
        elif days is None and line.is_over:
            # What is over and of a kind that nobody knows asks for as long as an infection would.
            days = 0 if line.span == "lasting" else limits.infection_history
        if line.span in _WITH_ANOTHER or (line.span == "with_injury" and not self._is_trunk_injured):
            return False
        return days is None or not line.when.is_known or line.when.within(days, self.as_of) is not False

    @cached_property
    def _is_trunk_injured(self) -> bool:
        """Whether an injury of the spine or the trunk is on record within the window of injuries."""
        window = self.thresholds.trauma_window
        named = (line.when for line in self.chart.ledger.lines if line.reason in _OF_TRUNK)
        return any(self.is_recent(entry, window) is not False for entry in self.stated(*_INJURIES)) or any(
            not when.is_known or when.within(window, self.as_of) is not False for when in named
        )

    def order_says(self, phrase: re.Pattern[str]) -> bool:
        """Whether a text of the order affirms a phrase."""
        return any(affirms(text, phrase) for text in self.order.texts)

    def said_by_order(self, phrase: re.Pattern[str]) -> Evidence | None:
        """Return the words of the order that say a phrase of now, as they were written; None where none do."""
        for said in (*self.order.own_texts, *self.order.other_texts):
            if quote := said_now(said.text, phrase):
                notes = ("stated",) if said in self.order.own_texts else ()
                return Evidence(said.reference, "order_text", (), said.when, "", notes, quote, said.place)
        return None

    def devices(self) -> tuple[Device, ...]:
        """Return the devices of the chart and those that the order brings with it."""
        carried = [self.order.companions.get(name) for name in self.order.supporting_references]
        own = [device for device in carried if device is not None and belongs_to(device, self.chart.patient_id)]
        both = (*self.chart.resources.get("Device", ()), *own)
        return tuple(device for device in both if isinstance(device, Device))

    def is_recent(self, entry: ChartEntry, days: int) -> bool | None:
        """Whether an entry applies within a window before the order; an undated one does (red flags err that way)."""
        return True if not entry.dated.is_known else entry.dated.within(days, self._day_for(entry))

    def _day_for(self, entry: ChartEntry) -> date:
        """Return the day that the windows of an entry count back from.

        That of the order; for what became known after an old order, which is signed anew, the day of the call.
        """
        return self.called_day if self.is_since(entry) else self.as_of

    def evidence(self, entry: ChartEntry, *concepts: str, amount: str = "", notes: Iterable[str] = ()) -> Evidence:
        """Return an entry as evidence for the first of some concepts that it codes, or else that it names in words."""
        held = [name for name in concepts if name in entry.concepts]
        concept = next((name for name in held if entry.codes_of(name)), held[0] if held else concepts[0])
        said = list(notes)
        if entry.assertion is Assertion.SUSPECTED:
            said.append("suspected")
        if entry.activity is Activity.INACTIVE:
            said.append("inactive")
        if getattr(entry.resource, "status", None) == "preliminary":
            said.append("preliminary")
        if self.conflicting(entry, concept):
            said.append("conflicting")
        if entry.of_order and entry.quote:
            said.append("stated")
        codes = entry.codes_of(concept)
        return Evidence(entry.reference, concept, codes, entry.dated, amount, tuple(said), entry.quote, entry.place)

    def answered(self, concept: str, *questions: str) -> tuple[Evidence, ...]:
        """Return the answers of today to some of our own questions as evidence for a concept."""
        return tuple(self.evidence(entry, concept) for entry in self.own_answers.given(concept, *questions))

    def asking(self, entry: ChartEntry, question: str) -> Evidence:
        """Return a measurement that cannot be judged as what raises a question, by what its sender calls it."""
        code = entry.part.code if entry.part is not None else None
        said = entry.quote or said_of([code] if code else [])[:LONGEST_QUOTE]
        return Evidence(entry.reference, question, when=entry.dated, quote=said, place=entry.place or "observation")

    def finding(  # noqa: PLR0913 - the parts of a finding, all named by their callers
        self,
        criterion: str,
        evidence: Iterable[Evidence] = (),
        *,
        sources: tuple[str, ...],
        questions: Iterable[str] = (),
        tags: Iterable[str] = (),
        asked: Iterable[Evidence] = (),
        weighed: Iterable[Evidence] = (),
        met: bool,
    ) -> Finding:
        """Return a finding whose status follows from the evidence, the open questions and the state of the sources.

        Not being met, it is NOT_MET only if nothing is left to ask, every source was complete, and every record of
        now in it was recognised or set aside.
        """
        evidence, questions = merged(evidence), tuple(dict.fromkeys(questions))
        unavailable = self.chart.incomplete(sources)
        unread = tuple(line.reference for line in self.unread if line.source in ("Order", *sources))
        open_still = bool(questions or unavailable or unread)
        status = Status.MET if met else Status.UNKNOWN if open_still else Status.NOT_MET
        return Finding(
            criterion,
            status,
            evidence,
            sources,
            unavailable,
            questions,
            frozenset(tags),
            unread,
            merged(asked),
            tuple(weighed),
        )


def _is_believed(concept: str) -> bool:
    """Whether R-DATE asks about a concept: a red flag or an implant, which counts once somebody says that it holds."""
    return concept in RED_FLAGS or concept in ("fever", "retained_metal", "external_pump") or "implant_" in concept


def _each_once(found: Iterable[Iterable[ChartEntry]]) -> tuple[ChartEntry, ...]:
    return tuple({id(entry): entry for entries in found for entry in entries}.values())


_SIDES = (frozenset[str](), frozenset({"left"}), frozenset({"right"}), frozenset({"left", "right"}))


@dataclass(frozen=True, slots=True)
class _Denials:
    """The day from which each thing was denied at the latest: by code, by side of the body, and by author or anybody.

    Two entries speak of the same thing where they share a code and name no different side.
    """

    newest: Mapping[tuple[str, str, frozenset[str], str | None], date]

    @classmethod
    def of(cls, entries: Iterable[ChartEntry]) -> _Denials:
        """Take the entries that deny."""
        newest: dict[tuple[str, str, frozenset[str], str | None], date] = {}
        for entry in entries:
            day = entry.asserted.earliest
            if entry.assertion is Assertion.ABSENT and day is not None:
                for _, code in entry.codes:
                    for author in {None, entry.author}:
                        key = (code.system, code.code, _sides(entry), author)
                        newest[key] = max(day, newest.get(key, day))
        return cls(newest)

    def newest_of(self, entry: ChartEntry, author: str | None = None) -> date | None:
        """Return the newest day of what denies the same thing, by an author or by anybody."""
        if not self.newest:
            return None
        own = _sides(entry)
        sides = [side for side in _SIDES if not (side and own and side != own)]
        keys = ((code.system, code.code, side, author) for _, code in entry.codes for side in sides)
        return max((self.newest[key] for key in keys if key in self.newest), default=None)


def _sides(entry: ChartEntry) -> frozenset[str]:
    return frozenset(side for side in ("left", "right") if side in entry.words)


def merged(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Drop repeats, so that one thing recorded in two code systems is one line with both codes."""
    unique: dict[tuple[str, str], Evidence] = {}
    for item in evidence:
        unique.setdefault((item.reference, item.concept), item)
    return tuple(unique.values())
