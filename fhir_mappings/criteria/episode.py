"""The episode of back pain, and whether six weeks of conservative care have failed (R-EPISODE, R-6W-NO, R-FAIL6W)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from fhir_mappings.answers import Answered
from fhir_mappings.criteria.concepts import NONSPECIFIC_PAIN, PAIN, PROBLEMS, THERAPY_DRUGS
from fhir_mappings.dates import UNKNOWN_DATE, DateInterval, shifted
from fhir_mappings.entries import Activity, Assertion, ChartEntry
from fhir_mappings.facts import Facts
from fhir_mappings.findings import Evidence, Finding, Status

THERAPY_SOURCES = ("Procedure", "MedicationRequest", "MedicationStatement", "ServiceRequest")


@dataclass(frozen=True, slots=True)
class Episode:
    """When the present episode began, by the records received; `whole` when no earlier record can be missing."""

    start: DateInterval
    entries: tuple[ChartEntry, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class _Event:
    """A point at which back pain, or care for it, was on record."""

    when: DateInterval
    entry: ChartEntry
    is_ongoing_onset: bool = False


def episode(facts: Facts) -> Episode:
    """Return the present episode: it reaches back until a gap of 180 days without a back-pain contact.

    A problem that is still open across such a gap leaves the start unsettled: it may be the old pain or a new one.
    An incomplete list of conditions or encounters may hide an earlier start.
    """
    whole = not facts.chart.incomplete(PROBLEMS)
    events = sorted(_events(facts), key=_day, reverse=True)
    if not events:
        return Episode(UNKNOWN_DATE, (), whole)
    care = sorted({day for entry in therapy_entries(facts) if (day := entry.when.latest)}, reverse=True)
    chain, older = _walk_back(facts, events, care)
    start = _earliest([event.when for event in chain]) if chain else DateInterval(None, facts.as_of)
    still_open = [event.when for event in older if event.is_ongoing_onset]
    if still_open:
        start = DateInterval(_earliest([*still_open, start]).earliest, start.latest)
    return Episode(start, tuple(event.entry for event in (*chain, *older)), whole)


def _events(facts: Facts) -> list[_Event]:
    events = []
    for entry in facts.stated(*PAIN):
        if entry.of_order:
            continue
        if entry.activity is Activity.INACTIVE:
            events.append(_Event(entry.ended if entry.ended.is_known else entry.dated, entry))
        elif entry.resource.resource_type == "Condition":
            # A problem that was only written down on a day began on that day or at any time before.
            onset = entry.when if entry.when.is_known else DateInterval(None, entry.recorded.latest)
            events.append(_Event(onset, entry, is_ongoing_onset=True))
        else:
            events.append(_Event(entry.dated, entry))
    return events


def _day(event: _Event) -> date:
    return event.when.latest or date.max


def _earliest(intervals: list[DateInterval]) -> DateInterval:
    """Return the earliest of some dates: unknown on a side where one of them is."""
    lows, highs = [found.earliest for found in intervals], [found.latest for found in intervals]
    known_highs = [day for day in highs if day is not None]
    known_lows = [day for day in lows if day is not None]
    low = min(known_lows) if len(known_lows) == len(lows) and lows else None
    return DateInterval(low, min(known_highs) if known_highs else None)


def _walk_back(facts: Facts, events: list[_Event], care: list[date]) -> tuple[list[_Event], list[_Event]]:
    """Split events into those of the present episode and those before a symptom-free gap; care bridges gaps."""
    gap = timedelta(days=facts.thresholds.symptom_free_interval)
    reached = facts.as_of
    for position, event in enumerate(events):
        day = _day(event)
        if day != date.max:
            for bridge in care:
                if day < bridge < reached and reached - bridge < gap:
                    reached = bridge
            if reached - day >= gap:
                return events[:position], events[position:]
            reached = min(reached, event.when.earliest or day)
    return events, []


def therapy_entries(facts: Facts) -> tuple[ChartEntry, ...]:
    """Return the records of conservative care that was really given: physical therapy, analgesics, exercise."""
    given = [
        entry
        for entry in facts.stated("pt_procedure", "exercise_advice", "manual_therapy")
        if entry.resource.resource_type == "Procedure" and getattr(entry.resource, "status", None) != "not-done"
    ]
    drugs = [
        entry
        for entry in facts.stated(*THERAPY_DRUGS)
        if entry.resource.resource_type in ("MedicationRequest", "MedicationStatement")
    ]
    return (*given, *drugs)


def r_episode(facts: Facts) -> Finding:
    """Whether the present episode has lasted six weeks: MET, NOT_MET, or UNKNOWN when the start is not known.

    Tag `early_on_record`: the records received say less than six weeks, but not all records were received.
    """
    found = episode(facts)
    line = shifted(facts.as_of, -facts.thresholds.conservative_care)
    long_enough = found.start.on_or_before(line) if found.entries else None
    evidence = [facts.evidence(entry, *PAIN) for entry in found.entries]
    status = {True: Status.MET, False: Status.NOT_MET, None: Status.UNKNOWN}[long_enough]
    questions = ("onset",) if status is Status.UNKNOWN else ()
    tags = frozenset[str]()
    if status is Status.NOT_MET and not found.whole:
        status, tags = Status.UNKNOWN, frozenset(["early_on_record"])
    return Finding("R-EPISODE", status, _unique(evidence), PROBLEMS, facts.chart.incomplete(PROBLEMS), questions, tags)


def _unique(evidence: list[Evidence]) -> tuple[Evidence, ...]:
    return tuple(dict.fromkeys(evidence))


def therapy(facts: Facts) -> tuple[Status, tuple[Evidence, ...]]:
    """Return whether six weeks of conservative care are on record, and the evidence.

    MET: care that began at least 42 days ago within the episode. NOT_MET: care that certainly began later, or an
    order question answered with "none". UNKNOWN: nothing on record, because over-the-counter drugs and outside
    therapy leave none.
    """
    line = shifted(facts.as_of, -facts.thresholds.conservative_care)
    began = _episode_floor(facts)
    entries = [
        entry for entry in therapy_entries(facts) if began is None or entry.dated.on_or_after(began) is not False
    ]
    evidence = tuple(facts.evidence(entry, *entry.concepts) for entry in entries)
    denied = [
        answer
        for answer in facts.chart.answers
        if answer.topic == "conservative_therapy" and answer.answered is Answered.NO
    ]
    if denied:
        said = tuple(Evidence(answer.reference, "conservative_therapy", (), answer.when) for answer in denied)
        return (Status.UNKNOWN, (*evidence, *said)) if entries else (Status.NOT_MET, said)
    reached = [entry.dated.on_or_before(line) if entry.dated.is_known else None for entry in entries]
    if True in reached:
        return Status.MET, evidence
    whole = not facts.chart.incomplete(("Procedure", "MedicationRequest"))
    if entries and None not in reached and whole:
        return Status.NOT_MET, evidence
    return Status.UNKNOWN, evidence


def _episode_floor(facts: Facts) -> date | None:
    """Return the first day on which back pain of this episode is on record; care before it was for something else."""
    days = [entry.dated.earliest or entry.dated.latest for entry in episode(facts).entries if entry.dated.is_known]
    return min((day for day in days if day), default=None)


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
    evidence = (*(facts.evidence(entry, *NONSPECIFIC_PAIN) for entry in confirmed), *care)
    sources = (*PROBLEMS, *THERAPY_SOURCES)
    if not confirmed:
        return facts.finding("R-6W-NO", sources=sources, questions=("indication",), met=False)
    early = lasted.status is Status.NOT_MET
    untreated = lasted.met and treated is Status.NOT_MET
    questions = () if early or untreated or lasted.met else lasted.questions
    if lasted.met and treated is Status.UNKNOWN:
        questions = ("therapy_response" if facts.stated("pt_referral") else "therapy",)
    tags = ("early",) if early else ("untreated",) if untreated else tuple(lasted.tags)
    return facts.finding("R-6W-NO", evidence, sources=sources, questions=questions, tags=tags, met=early or untreated)


def r_fail6w(facts: Facts) -> Finding:
    """Whether pain persists after six weeks of conservative care."""
    lasted, (treated, care) = r_episode(facts), therapy(facts)
    persists = _persists(facts)
    evidence = (*(lasted.evidence if lasted.met else ()), *care)
    parts = (lasted.status, treated, Status.MET if persists else Status.UNKNOWN)
    sources = (*PROBLEMS, *THERAPY_SOURCES)
    unavailable = facts.chart.incomplete(sources)
    if all(part is Status.MET for part in parts):
        return Finding("R-FAIL6W", Status.MET, evidence, sources, unavailable)
    if Status.NOT_MET in parts:
        return Finding("R-FAIL6W", Status.NOT_MET, evidence, sources, unavailable)
    asked = [*lasted.questions]
    if treated is not Status.MET and not lasted.tags:
        asked.append("therapy_response" if facts.stated("pt_referral") else "therapy")
    if not persists:
        asked.append("indication")
    return Finding("R-FAIL6W", Status.UNKNOWN, evidence, sources, unavailable, tuple(asked))


def _persists(facts: Facts) -> bool:
    """Symptoms persist when the problem is open and pain is the reason now or was a reason within the last weeks."""
    recent = facts.thresholds.recent_contact
    pain = current_pain(facts)
    now = any(entry.of_order for entry in pain) or any(
        entry.dated.within(recent, facts.as_of) is True for entry in pain
    )
    return now and bool(pain)
