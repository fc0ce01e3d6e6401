"""The episode of back pain, and whether six weeks of conservative care have failed (R-EPISODE, R-6W-NO, R-FAIL6W)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from fhir_mappings.chart.answers import Answered, QuestionAnswer
from fhir_mappings.chart.entries import Activity, Assertion, ChartEntry
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Evidence, Finding, Status
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, shifted
from fhir_mappings.orders.own_answers import CARE, CARE_BEFORE_SURGERY
from fhir_mappings.terminology.concepts import (
    DRUGS,
    NONSPECIFIC_PAIN,
    PAIN,
    PROBLEMS,
    THERAPY_DRUGS,
    THERAPY_PROCEDURES,
)
from fhir_mappings.words.back_care import says_chronic
from fhir_mappings.words.matcher import LONGEST_QUOTE
from fhir_mappings.words.therapy import stated_therapy

_SIX_WEEKS = "six_weeks_of_therapy"
THERAPY_SOURCES = ("Procedure", *DRUGS, "ServiceRequest")


@dataclass(frozen=True, slots=True)
class Episode:
    """When the present episode began, by the records received; `whole` when no earlier record can be missing.

    `entries` are the records of this episode, `unsettled` older problems that are still open, or whose end is not
    known: they may be the same pain.
    """

    start: DateInterval
    entries: tuple[ChartEntry, ...]
    unsettled: tuple[ChartEntry, ...]
    whole: bool

    @property
    def first_day(self) -> date | None:
        """The first day on which pain of this episode is on record; None where no day is."""
        days = [entry.dated.earliest or entry.dated.latest for entry in (*self.entries, *self.unsettled)]
        return min((day for day in days if day), default=None)


@dataclass(frozen=True, slots=True)
class _Event:
    """A time at which back pain was on record: from its beginning (where known) to the day it was last so.

    `may_go_on` when the problem is still open, or its end is not known; `tells_onset` when it says since when.
    """

    began: DateInterval
    last: date
    entry: ChartEntry
    may_go_on: bool = False
    tells_onset: bool = False


def episode(facts: Facts, *, confirmed_only: bool = False) -> Episode:
    """Return the present episode: it reaches back until a gap of 180 days without a back-pain contact.

    A problem that may go on across such a gap leaves the start unsettled: it may be the old pain or a new one. Care
    on record bridges the gap to such a problem. An incomplete list of conditions or encounters may hide an earlier
    start.
    """
    return facts.once(("episode", confirmed_only), lambda: _episode(facts, confirmed_only=confirmed_only))


def _episode(facts: Facts, *, confirmed_only: bool) -> Episode:
    whole = not facts.chart.incomplete(PROBLEMS)
    events = sorted(_events(facts, confirmed_only=confirmed_only), key=lambda event: event.last, reverse=True)
    if not events:
        return Episode(UNKNOWN_DATE, (), (), whole)
    chain, older = _walk_back(facts, events)
    start = _earliest([event.began for event in chain]) if chain else DateInterval(None, facts.as_of)
    if not any(event.tells_onset for event in chain):
        # A contact shows that pain was there, not since when (h.5.1 before c.1); R-FIRST knows what to make of it.
        start = DateInterval(None, start.latest)
    unsettled = [event for event in older if event.may_go_on]
    earlier = [*(event.began for event in unsettled), *_told_in_words(facts, chain)]
    if earlier:
        start = DateInterval(_earliest([*earlier, start]).earliest, start.latest)
    return Episode(start, tuple(event.entry for event in chain), tuple(event.entry for event in unsettled), whole)


def _events(facts: Facts, *, confirmed_only: bool) -> Iterator[_Event]:
    for entry in facts.stated(*PAIN):
        if (confirmed_only and entry.assertion is not Assertion.PRESENT) or facts.is_since(entry):
            continue
        if entry.of_order:
            if is_chronic(entry):
                yield _Event(_long_ago(facts, entry), facts.as_of, entry, may_go_on=True)
            continue
        last, told = entry.dated.latest or facts.as_of, entry.when.is_known
        if entry.resource.resource_type != "Condition":
            yield _Event(entry.dated, last, entry)
        elif entry.activity is Activity.INACTIVE and entry.ended.is_known:
            yield _Event(_onset(facts, entry), entry.ended.latest or facts.as_of, entry, tells_onset=told)
        else:
            yield _Event(_onset(facts, entry), last, entry, may_go_on=True, tells_onset=told)


def _told_in_words(facts: Facts, chain: list[_Event]) -> Iterator[DateInterval]:
    """Yield when pain began that records tell of in words only: it may be this pain, so it unsettles the start.

    A problem that may go on does; a contact, or what is over, where less than a symptom-free interval lies between.
    """
    first = min((event.began.earliest or event.last for event in chain), default=facts.as_of)
    for note in facts.chart.course:
        if note.kind != "pain" or (note.when.on_or_after(facts.as_of) is True and not note.may_go_on):
            continue
        near = note.when.within(facts.thresholds.symptom_free_interval - 1, first) is not False
        if note.may_go_on or note.began.is_known:
            if note.may_go_on or near:
                yield UNKNOWN_DATE if note.is_chronic else note.began
        elif near:
            yield note.when


def _onset(facts: Facts, entry: ChartEntry) -> DateInterval:
    """Return when a problem began; one that was only written down on a day began then or at any time before.

    Chronic pain has by its name lasted longer than six weeks, whatever onset is given.
    """
    if is_chronic(entry):
        return _long_ago(facts, entry)
    return entry.when if entry.when.is_known else DateInterval(None, entry.recorded.latest)


def is_chronic(entry: ChartEntry) -> bool:
    """Whether pain is chronic by the name of its code, ours or the sender's."""
    return says_chronic(entry.words) or any(says_chronic(code.display) for _, code in entry.codes)


def _long_ago(facts: Facts, entry: ChartEntry) -> DateInterval:
    """Return when chronic pain began: six weeks before today at the latest, the day itself not being known."""
    line = shifted(facts.as_of, -facts.thresholds.conservative_care)
    return DateInterval(None, min(entry.when.latest or line, line))


def is_nearly_over(facts: Facts, began: date) -> bool:
    """Whether six weeks of care that began on a day are complete within a week."""
    limits = facts.thresholds
    return (facts.as_of - began).days >= limits.conservative_care - limits.nearly_complete


def _earliest(intervals: list[DateInterval]) -> DateInterval:
    """Return the earliest of some dates: unknown on a side where one of them is."""
    lows = [found.earliest for found in intervals]
    highs = [found.latest for found in intervals if found.latest is not None]
    known = [day for day in lows if day is not None]
    return DateInterval(min(known) if known and len(known) == len(lows) else None, min(highs) if highs else None)


def _walk_back(facts: Facts, events: list[_Event]) -> tuple[list[_Event], list[_Event]]:
    """Split events into those of the present episode and those before a symptom-free gap."""
    gap = timedelta(days=facts.thresholds.symptom_free_interval)
    care = sorted({day for entry in therapy_entries(facts) if (day := entry.when.latest)}, reverse=True)
    reached = facts.as_of
    for position, event in enumerate(events):
        bridged = reached
        for day in care if event.may_go_on else ():
            if event.last < day < bridged and bridged - day < gap:
                bridged = day
        if bridged - event.last >= gap:
            return events[:position], events[position:]
        reached = min(bridged, event.began.earliest or event.last)
    return events, []


def therapy_entries(facts: Facts) -> tuple[ChartEntry, ...]:
    """Return the records of conservative care that was really given: therapy, manipulation and analgesics."""
    return facts.once("therapy_entries", lambda: _therapy_entries(facts))


def _therapy_entries(facts: Facts) -> tuple[ChartEntry, ...]:
    given = [entry for entry in facts.stated(*THERAPY_PROCEDURES) if entry.resource.resource_type == "Procedure"]
    drugs = [
        entry
        for entry in facts.stated(*THERAPY_DRUGS)
        if entry.resource.resource_type in ("MedicationRequest", "MedicationStatement")
    ]
    return tuple(entry for entry in (*given, *drugs) if not facts.is_since(entry))


def r_episode(facts: Facts) -> Finding:
    """Whether the present episode has lasted six weeks: MET, NOT_MET, or UNKNOWN when the start is not known.

    Who says that six weeks of care have failed answers for its length, and contradicts a record that says less: that
    is unknown, and nobody is asked for it. Tag `early_on_record`: the records received say less than six weeks, but
    not all records were received.
    """
    return facts.once("R-EPISODE", lambda: _r_episode(facts))


def _r_episode(facts: Facts) -> Finding:
    found = episode(facts)
    line = shifted(facts.as_of, -facts.thresholds.conservative_care)
    long_enough = found.start.on_or_before(line) if found.entries or found.unsettled else None
    evidence = [facts.evidence(entry, *PAIN) for entry in (*found.entries, *found.unsettled)]
    if long_enough is None and (recent := facts.own_answers.said("onset")) is not None:
        long_enough = not recent
        evidence += facts.answered("onset_stated", "onset")
    if claimed := _claimed_care(facts):
        long_enough = None if long_enough is False else True
        evidence += claimed
    status = {True: Status.MET, False: Status.NOT_MET, None: Status.UNKNOWN}[long_enough]
    questions = ("onset",) if status is Status.UNKNOWN and not claimed else ()
    tags = frozenset[str]()
    if status is Status.NOT_MET and not found.whole:
        status, tags = Status.UNKNOWN, frozenset(["early_on_record"])
    return Finding("R-EPISODE", status, _unique(evidence), PROBLEMS, facts.chart.incomplete(PROBLEMS), questions, tags)


def _unique(evidence: list[Evidence]) -> tuple[Evidence, ...]:
    return tuple(dict.fromkeys(evidence))


def therapy(facts: Facts) -> tuple[Status, tuple[Evidence, ...]]:
    """Return whether six weeks of conservative care are on record, and the evidence.

    MET: care that began at least 42 days ago within the episode, or an order question answered so. NOT_MET: care that
    certainly began later, or an order question answered with "none". UNKNOWN: nothing on record, because
    over-the-counter drugs and outside therapy leave none.
    """
    return facts.once("therapy", lambda: _therapy(facts))


def _therapy(facts: Facts) -> tuple[Status, tuple[Evidence, ...]]:
    line = shifted(facts.as_of, -facts.thresholds.conservative_care)
    began = episode(facts).first_day
    entries = [
        entry for entry in therapy_entries(facts) if began is None or entry.dated.on_or_after(began) is not False
    ]
    evidence = tuple(facts.evidence(entry, *sorted(entry.concepts)) for entry in entries)
    if told := _answered_today(facts, evidence) or _told(facts, began, evidence):
        return told
    reached = [entry.dated.on_or_before(line) if entry.dated.is_known else None for entry in entries]
    if True in reached:
        return Status.MET, evidence
    whole = not facts.chart.incomplete(("Procedure", *DRUGS, "QuestionnaireResponse"))
    if entries and None not in reached and whole:
        return Status.NOT_MET, evidence
    return Status.UNKNOWN, evidence


def _claimed_care(facts: Facts) -> tuple[Evidence, ...]:
    """Return who says that six weeks of care were completed, which records of that care need not show."""
    treated, care = therapy(facts)
    return tuple(item for item in care if item.concept == _SIX_WEEKS) if treated is Status.MET else ()


def _told(
    facts: Facts, began: date | None, evidence: tuple[Evidence, ...]
) -> tuple[Status, tuple[Evidence, ...]] | None:
    """Return what the order or an answered question says of the care, which outweighs the records; None for nothing."""
    answers = _answers(facts, began)
    if len({answer.answered for answer in answers}) > 1 and any(not answer.when.is_known for answer in answers):
        # Which of them came last cannot be told.
        return Status.UNKNOWN, evidence
    if stated := _stated_therapy(facts):
        return Status.MET, (*evidence, stated)
    answer = max(answers, key=lambda item: (item.when.latest or date.max, item.reference), default=None)
    if answer is None:
        return None
    topic = "care_not_complete" if answer.answered is Answered.NO and answer.topic == _SIX_WEEKS else answer.topic
    said = (*evidence, Evidence(answer.reference, topic, (), answer.when))
    if answer.answered is Answered.YES and answer.topic == _SIX_WEEKS:
        return Status.MET, said
    if answer.answered is Answered.NO:
        return (Status.UNKNOWN if evidence else Status.NOT_MET), said
    return None


def _answered_today(facts: Facts, evidence: tuple[Evidence, ...]) -> tuple[Status, tuple[Evidence, ...]] | None:
    """Return what today's answers to our own questions say of the care; None where there are none."""
    before_surgery = facts.own_answers.affirmed(CARE_BEFORE_SURGERY)
    care = (*CARE, CARE_BEFORE_SURGERY) if before_surgery else CARE
    failed, said = facts.own_answers.said(*care), facts.answered(_SIX_WEEKS, *care)
    if not said:
        return None
    if failed:
        return Status.MET, (*evidence, *said)
    denied = facts.answered("care_not_complete", *care)
    return (Status.UNKNOWN if failed is None or evidence else Status.NOT_MET), (*evidence, *denied)


def _stated_therapy(facts: Facts) -> Evidence | None:
    """Return what the order itself says of six weeks of care that failed: its author knows what left no trace."""
    for said in facts.order.own_texts:
        if stated_therapy(said.text) and said.when.on_or_after(facts.as_of) is not False:
            quote = said.text if len(said.text) <= LONGEST_QUOTE else f"{said.text[: LONGEST_QUOTE - 1].rstrip()}…"
            return Evidence(said.reference, _SIX_WEEKS, (), said.when, "", ("stated",), quote, said.place)
    return None


def _answers(facts: Facts, began: date | None) -> list[QuestionAnswer]:
    """Return the answers about conservative care that can be about this episode."""
    last = shifted(facts.called_day, facts.thresholds.data_error_after)
    return [
        answer
        for answer in facts.answers
        if answer.topic
        and (began is None or answer.when.on_or_after(began) is not False)
        and answer.when.on_or_before(last) is not False
    ]


def has_pain(facts: Facts) -> bool:
    """Whether back pain, radicular pain or a disc or stenosis diagnosis is on record now."""
    return bool(current_pain(facts))


def current_pain(facts: Facts) -> tuple[ChartEntry, ...]:
    """Return what shows pain now: the order's reason, an open problem, or a recent contact."""
    window = facts.thresholds.neurologic_window
    return tuple(
        entry
        for entry in facts.stated(*PAIN)
        if entry.of_order
        or (entry.resource.resource_type == "Condition" and entry.activity is not Activity.INACTIVE)
        or (entry.activity is not Activity.INACTIVE and entry.dated.within(window, facts.as_of) is True)
    )


def r_6w_no(facts: Facts) -> Finding:
    """Whether this is nonspecific pain within six weeks of conservative care, the positive evidence against MRI now."""
    confirmed = [
        entry
        for entry in current_pain(facts)
        if entry.assertion is Assertion.PRESENT and not entry.concepts.isdisjoint(NONSPECIFIC_PAIN)
    ]
    lasted, (treated, care) = r_episode(facts), therapy(facts)
    line = shifted(facts.as_of, -facts.thresholds.conservative_care)
    sure = episode(facts, confirmed_only=True).start.on_or_before(line)
    evidence = (*(facts.evidence(entry, *NONSPECIFIC_PAIN) for entry in confirmed), *care)
    sources = (*PROBLEMS, *THERAPY_SOURCES)
    if not confirmed:
        return facts.finding("R-6W-NO", sources=sources, questions=("indication",), met=False)
    if sure is None and facts.own_answers.said("onset"):
        sure = False
    claimed = bool(_claimed_care(facts))
    early = lasted.status is Status.NOT_MET and sure is False and treated is not Status.MET
    untreated = lasted.met and treated is Status.NOT_MET
    is_told = early or untreated or claimed or lasted.met
    questions = () if is_told else lasted.questions or (() if lasted.tags else ("onset",))
    if lasted.met and treated is Status.UNKNOWN:
        questions = ("therapy_response" if facts.stated("pt_referral") else "therapy",)
    tags = ("early",) if early else ("untreated",) if untreated else tuple(lasted.tags)
    if untreated and any(item.codes for item in care):
        tags = (*tags, "undertreated")
    began = lasted_since(facts, care if "undertreated" in tags else lasted.evidence)
    if tags and (early or "undertreated" in tags) and began and is_nearly_over(facts, began):
        tags = (*tags, "nearly")
    return facts.finding("R-6W-NO", evidence, sources=sources, questions=questions, tags=tags, met=early or untreated)


def lasted_since(facts: Facts, evidence: Iterable[Evidence]) -> date | None:
    """Return the latest day on which what is on record can have begun."""
    days = [item.when.latest for item in evidence if item.when.latest and item.when.latest <= facts.as_of]
    return min(days, default=None)


def r_fail6w(facts: Facts) -> Finding:
    """Whether pain persists after six weeks of conservative care."""
    lasted, (treated, care) = r_episode(facts), therapy(facts)
    persists = _persists(facts) or _is_said_to_persist(facts)
    evidence = (*(lasted.evidence if lasted.met else ()), *care, *root_signs(facts))
    parts = (lasted.status, treated, Status.MET if persists else Status.UNKNOWN)
    sources = (*PROBLEMS, *THERAPY_SOURCES)
    met = all(part is Status.MET for part in parts)
    if met or Status.NOT_MET in parts:
        return facts.finding("R-FAIL6W", evidence, sources=sources, met=met)
    asked = [*lasted.questions]
    if treated is not Status.MET and not lasted.tags:
        asked.append("therapy_response" if facts.stated("pt_referral") else "therapy")
    if not persists and not current_pain(facts):
        asked.append("indication")
    # Care of six weeks is on record and the pain may be over: unknown, though nothing is asked.
    return replace(
        facts.finding("R-FAIL6W", evidence, sources=sources, questions=asked, met=False), status=Status.UNKNOWN
    )


def root_signs(facts: Facts) -> list[Evidence]:
    """Return recorded signs of nerve-root irritation; their absence from the record is no negative examination."""
    window = facts.thresholds.neurologic_window
    return [
        facts.evidence(entry, "neuro_other", "sensory_generic")
        for entry in facts.stated("neuro_other", "sensory_generic")
        if entry.activity is not Activity.INACTIVE and facts.is_recent(entry, window) is not False
    ]


def _is_said_to_persist(facts: Facts) -> bool:
    """Whether pain is on record of which the care is said today to have failed."""
    said = (item.when.on_or_after(facts.as_of) is not False for item in _claimed_care(facts))
    return any(said) and has_pain(facts)


def _persists(facts: Facts) -> bool:
    """Whether symptoms persist: the problem is open, and pain is the reason now or was one within the last weeks."""
    problems = [entry for entry in facts.stated(*PAIN) if entry.resource.resource_type == "Condition"]
    if problems and all(entry.activity is Activity.INACTIVE for entry in problems):
        return False
    recent = facts.thresholds.recent_contact
    return any(entry.of_order or entry.dated.within(recent, facts.as_of) is True for entry in current_pain(facts))
