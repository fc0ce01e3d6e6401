"""Whether care for this pain has only begun (R-FIRST), and who orders: in a hurry, or a specialist.

Six weeks of care cannot be complete where the first contact for the pain is younger than that and nothing is on
record before it. This is the one rule that reads a gap in the record as a fact, so the record must show that it
reaches back, and whatever may be an earlier contact or treatment leaves the answer open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date

from fhir_mappings.chart.entries import Activity, Assertion, ChartEntry, reference_of, words_of
from fhir_mappings.chart.ledger import is_understood
from fhir_mappings.chart.readers import procedure_date
from fhir_mappings.chart.statuses import is_disregarded
from fhir_mappings.criteria.episode import current_pain, episode, is_chronic, is_nearly_over, therapy, therapy_entries
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Evidence, Finding, Status
from fhir_mappings.fhir.datatypes import CodeableConcept, id_in, reference_id
from fhir_mappings.fhir.dates import DateInterval, exact, parse_date, parse_period, shifted
from fhir_mappings.fhir.needs import CORE_SOURCES
from fhir_mappings.fhir.resources import Condition, Encounter, Procedure
from fhir_mappings.orders.contents import references
from fhir_mappings.orders.requesters import is_specialist
from fhir_mappings.terminology.concepts import NONSPECIFIC_PAIN, PAIN, THERAPY_PROCEDURES, TRACES_OF_CARE
from fhir_mappings.words.back_care import says_chronic
from fhir_mappings.words.matcher import said_now
from fhir_mappings.words.vocabulary import is_readable

# Encounters that are plainly about something else, by the words of their type.
_OTHER_CARE = re.compile(
    r"\b(?:dental|dentist|eye|ophthalm\w*|optometr\w*|lab(?:oratory)?|phlebotomy|immuni[sz]ation|vaccin\w*)\b"
)
# HL7 ActEncounterCode: emergency, and inpatient in its kinds.
_PRESSING_CLASSES = frozenset({"EMER", "ACUTE", "IMP"})
_PRESSING_NAME = re.compile(
    r"\b(?<!non-)(?<!non )(?<!sub-)(?<!post-)(?:emergency|emergent|inpatient|acute|hospitali[sz]ation)\b", re.IGNORECASE
)
# A red flag that the order says is there, and does not name.
_RED_FLAG_SAID = re.compile(
    r"\b(?:has|have|having|with|new|multiple|several|positive for|concern(?:s|ed|ing)? for) red[ -]flags?\b"
    r"|(?<!\bno )(?<!\bother )\bred[ -]flags?(?: symptoms?| signs?| features?)?(?: (?:is|are))?"
    r"(?:\s*[:=?]\s*|\s+-\s+|\s+)(?:yes|y\b|present|positive\b(?! for no)|pos\b|identified|\[x\]|\+"
    r"|maybe\b|possibl[ey]\b|unclear\b|unsure\b|not sure\b|equivocal\b|unknown\b|\?)"
)
_PRESSING_PRIORITIES = frozenset({"stat", "asap"})
_UNDER_WAY = frozenset({"arrived", "triaged", "in-progress", "onleave"})


def r_first(facts: Facts) -> Finding:
    """Whether care for this pain began within six weeks, with nothing before it.

    Tags: `first`, with `today` where no earlier contact is on record; `nearly` when six weeks are almost complete.
    """
    reasons, began = _reasons(facts), _first_contact(facts)
    met = bool(reasons) and began is not None and _is_first(facts, began)
    evidence: list[Evidence] = []
    tags: list[str] = []
    if met and began is not None:
        told = sorted(_told(facts), key=lambda entry: _contact(entry).latest or facts.as_of)
        since = [entry for entry in told if _contact(entry).on_or_after(began) is True]
        evidence = [facts.evidence(entry, *PAIN) for entry in (*since, *reasons)]
        tags = ["first", *([] if began < facts.as_of else ["today"])]
        tags += ["nearly"] if is_nearly_over(facts, began) else []
    return facts.finding("R-FIRST", evidence, sources=CORE_SOURCES, tags=tags, met=met)


def _reasons(facts: Facts) -> list[ChartEntry]:
    """Return what makes pain the reason now: the order's own reason, the problem it refers to, a contact of today."""
    named = {id_in(reference, "Condition") for reference in facts.order.reason_references} - {None, ""}
    return [
        entry
        for entry in current_pain(facts)
        if entry.assertion is Assertion.PRESENT
        and not entry.concepts.isdisjoint(NONSPECIFIC_PAIN)
        and (
            entry.of_order
            or (isinstance(entry.resource, Condition) and entry.resource.id in named)
            or (isinstance(entry.resource, Encounter) and entry.dated == exact(facts.as_of))
        )
    ]


def _told(facts: Facts) -> list[ChartEntry]:
    return [entry for entry in facts.asserted(*PAIN) if not entry.of_order and not facts.is_since(entry)]


def _contact(entry: ChartEntry) -> DateInterval:
    """Return when a record of pain was made; a problem without that day was told at some time since it began."""
    if not isinstance(entry.resource, Condition):
        return entry.dated
    return entry.recorded if entry.recorded.is_known else DateInterval(entry.when.earliest, entry.ended.latest)


def _first_contact(facts: Facts) -> date | None:
    """Return the day of the first contact of this episode, today where there is none; None where it is not known."""
    gap = facts.thresholds.symptom_free_interval
    first = facts.as_of
    contacts = sorted(map(_contact, _told(facts)), key=lambda found: found.latest or facts.as_of, reverse=True)
    for contact in contacts:
        if (first - (contact.latest or facts.as_of)).days >= gap:
            break
        if contact.earliest is None:
            return None
        first = min(first, contact.earliest)
    return first


def _is_first(facts: Facts, began: date) -> bool:
    """Whether nothing speaks against care having begun on a day."""
    limits = facts.thresholds
    line = shifted(facts.as_of, -limits.conservative_care)
    if began <= line or facts.chart.incomplete(CORE_SOURCES) or therapy(facts)[0] is Status.MET:
        return False
    earlier = DateInterval(shifted(began, -limits.symptom_free_interval), shifted(began, -1))
    care = [entry.dated for entry in _care(facts)] + [note.when for note in facts.chart.course]
    if any(_may_lie_in(when, earlier) for when in (*care, *_mute_procedures(facts))) or _mute_encounters(
        facts, earlier
    ):
        return False
    # What is only suspected shows no beginning, and may be as old as it says.
    starts = [episode(facts, confirmed_only=confirmed).start for confirmed in (True, False)]
    recent = all(start.on_or_before(line) is False for start in starts)
    return recent or _is_told_by_the_record(facts, began, line)


def _is_told_by_the_record(facts: Facts, began: date, line: date) -> bool:
    """Whether a record may be trusted where the pain is older than six weeks, or its age is not known."""
    counted = (found for found in facts.chart.ledger.lines if found.reason != "status")
    reaches_back = any(found.when.on_or_before(line) is True for found in counted)
    notes = facts.chart.course
    chronic = any(map(is_chronic, facts.stated(*PAIN))) or any(map(says_chronic, facts.order.texts))
    chronic = chronic or any(note.is_chronic for note in notes)
    care = [entry.dated for entry in _back_treatment(facts)] + [note.when for note in notes if note.kind == "care"]
    treated = any(when.on_or_before(shifted(began, -1)) is not False for when in (*care, *_mute_procedures(facts)))
    told = any(note.kind == "pain" and note.may_go_on and note.when.on_or_after(began) is not True for note in notes)
    return reaches_back and not (chronic or treated or told or _is_known_from_before(facts, began))


def _is_known_from_before(facts: Facts, began: date) -> bool:
    """Whether a problem that is still open was told of before this contact: then it is one episode, untreated."""
    opened = [
        entry
        for entry in _told(facts)
        if isinstance(entry.resource, Condition) and entry.activity is not Activity.INACTIVE
    ]
    starts = [entry.when.earliest for entry in opened]
    contacts = [found for found in map(_contact, _told(facts)) if found.on_or_after(began) is not True]
    return any(start is None or found.on_or_after(start) is not False for start in starts for found in contacts)


def _care(facts: Facts) -> Iterable[ChartEntry]:
    """Return every trace of treatment, a referral to it included; what is taken still counts as of today."""
    traces = (entry for entry in facts.stated(*TRACES_OF_CARE) if not facts.is_since(entry))
    return (*therapy_entries(facts), *traces)


def _back_treatment(facts: Facts) -> list[ChartEntry]:
    """Return the treatment that was for the back: procedures, and drugs given after pain was told or had begun."""
    days = facts.thresholds.conservative_care
    contacts = [found for found in map(_contact, _told(facts)) if found.is_known]
    start = episode(facts).start.earliest
    return [
        entry
        for entry in _care(facts)
        if not entry.concepts.isdisjoint((*THERAPY_PROCEDURES, *TRACES_OF_CARE))
        or not entry.dated.is_known
        or (start is not None and entry.dated.on_or_after(start) is not False)
        or any(_may_lie_in(entry.dated, DateInterval(found.earliest, _later(found.latest, days))) for found in contacts)
    ]


def _later(day: date | None, days: int) -> date | None:
    return None if day is None else shifted(day, days)


def _may_lie_in(when: DateInterval, span: DateInterval) -> bool:
    """Whether a date may lie in a span of days, ends included; an unknown one may."""
    before = span.earliest is not None and when.latest is not None and when.latest < span.earliest
    after = span.latest is not None and when.earliest is not None and when.earliest > span.latest
    return not before and not after


def _mute_encounters(facts: Facts, span: DateInterval) -> list[str]:
    """Return the encounters of some days of which nobody can tell what they were about."""
    conditions = [found for found in facts.chart.resources.get("Condition", ()) if isinstance(found, Condition)]
    told = {reference_id(found.encounter, "Encounter") for found in conditions}
    return [
        found.id or ""
        for found in facts.chart.resources.get("Encounter", ())
        if isinstance(found, Encounter)
        and not is_disregarded(found)
        and _may_lie_in(_day_of(found), span)
        and not (found.id and found.id in told)
        and not _says_why(facts, found)
    ]


def _mute_procedures(facts: Facts) -> list[DateInterval]:
    """Return when procedures were done of which nobody can tell what they were: each may have been for the back."""
    known = {entry.reference for entries in facts.chart.entries.values() for entry in entries}
    return [
        procedure_date(found)
        for found in facts.chart.resources.get("Procedure", ())
        if isinstance(found, Procedure)
        and not is_disregarded(found)
        and reference_of(found) not in known
        and not any(map(is_readable, words_of(found.code)))
    ]


def _day_of(encounter: Encounter) -> DateInterval:
    return parse_period(encounter.period.start, encounter.period.end) if encounter.period else DateInterval()


def _says_why(facts: Facts, encounter: Encounter) -> bool:
    """Whether all reasons and diagnoses of an encounter can be read, or it is plainly other care."""
    if any(_OTHER_CARE.search(kind.casefold()) for kind in encounter.kinds):
        return True
    named = [*encounter.reason_code]
    for reference in (*encounter.reason_reference, *(found.condition for found in encounter.diagnosis)):
        if reference is not None:
            target = facts.chart.by_reference(reference.reference or "")
            code = target.code if isinstance(target, Condition) else None
            named.append(code or CodeableConcept(text=reference.display))
    return bool(named) and all(is_understood(concept, facts.chart.index) for concept in named)


def r_priority(facts: Facts) -> Finding:
    """Whether somebody already treats this as pressing: a stat order, or a patient in an emergency or on a ward.

    Tag `flagged` where somebody answered, or the order says, that a red flag is there, without saying which.
    """
    evidence = [
        Evidence(f"Encounter/{found.id}", "pressing_encounter", when=_day_of(found))
        for found in facts.chart.resources.get("Encounter", ())
        if isinstance(found, Encounter) and _is_pressing(found) and _is_now(facts, found)
    ]
    if facts.order.priority in _PRESSING_PRIORITIES:
        evidence.append(Evidence(facts.order.reference, "pressing_order"))
    flagged = [*_flagged_in_words(facts)]
    if facts.own_answers.affirmed("red_flags"):
        flagged += facts.answered("red_flag_stated", "red_flags")
    evidence += flagged
    tags = ("flagged",) if flagged else ()
    return facts.finding("R-PRIORITY", evidence, sources=("Encounter",), tags=tags, met=bool(evidence))


def _flagged_in_words(facts: Facts) -> Iterator[Evidence]:
    """Yield where the author of the order says of today that a red flag is there."""
    for said in facts.order.own_texts:
        if said.when.on_or_after(facts.as_of) is not False and (quote := said_now(said.text, _RED_FLAG_SAID)):
            yield Evidence(said.reference, "red_flag_stated", (), said.when, "", ("stated",), quote, said.place)


def _is_pressing(encounter: Encounter) -> bool:
    """Whether an encounter is an emergency or a stay, by the code of its class or else by what that is called."""
    codes = {code.upper() for code in encounter.act_class}
    return bool(codes & _PRESSING_CLASSES) or any(map(_PRESSING_NAME.search, encounter.class_names))


def r_specialist(facts: Facts) -> Finding:
    """Whether a spine clinic, a pain clinic or a surgeon orders, as the requester or the visit of the order tells."""
    evidence = [
        Evidence(f"Encounter/{found.id}", "specialist_visit", when=_day_of(found))
        for found in _visits_of_order(facts)
        if is_specialist((*found.kinds, *found.departments))
    ]
    if is_specialist(facts.order.requester_names):
        evidence.append(Evidence(facts.order.reference, "specialist_order"))
    return facts.finding("R-SPECIALIST", evidence, sources=("Encounter",), met=bool(evidence))


def _visits_of_order(facts: Facts) -> list[Encounter]:
    """Return the visit that the order names; where it names none, those of the day."""
    named = facts.order.resource.get("encounter") or facts.order.resource.get("context")
    visit = next((id_in(text, "Encounter") for text in references(named)), None)
    visits = [found for found in facts.chart.resources.get("Encounter", ()) if isinstance(found, Encounter)]
    if visit:
        return [found for found in visits if found.id == visit and not is_disregarded(found)]
    return [found for found in visits if _is_now(facts, found)]


def _is_now(facts: Facts, encounter: Encounter) -> bool:
    """Whether the patient is there on the day: the encounter is under way, or its days hold this one."""
    if is_disregarded(encounter):
        return False
    period = encounter.period
    if encounter.status in _UNDER_WAY:
        # A stay that nobody closed years ago is over.
        return _day_of(encounter).within(facts.thresholds.neurologic_window, facts.as_of) is not False
    if period is None:
        return False
    began, ended = parse_date(period.start), parse_date(period.end)
    return (
        began.on_or_before(facts.as_of) is True
        and (ended if ended.is_known else began).on_or_after(facts.as_of) is True
    )
