"""What is on record and no code settles: what words hint at (R-HINT), and what nobody recognised (R-UNREAD)."""

from __future__ import annotations

import re

from fhir_mappings.chart.answers import Answered
from fhir_mappings.chart.entries import Activity
from fhir_mappings.chart.remarks import Remark
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Evidence, Finding
from fhir_mappings.orders.own_answers import place_of, quoted_answer
from fhir_mappings.questionnaire.fixed_words import plain_name
from fhir_mappings.words.matcher import LONGEST_QUOTE, is_raised, judged, quoted
from fhir_mappings.words.phrases import Span
from fhir_mappings.words.tokens import Words, read
from fhir_mappings.words.topics import BOTH_LEGS

SOURCES = ("Condition", "Observation", "Encounter", "Procedure", "DiagnosticReport")
# Topics that other criteria ask about (R-BILAT; of safety, R-MR and R-CON-SAFE).
_OF_OTHERS = frozenset({"implant", "contrast_allergy", BOTH_LEGS})
# Things that stay with a patient, and things of which a problem asks while it is open; the others are events.
_LASTING = frozenset({"cancer", "risk", "surgery", "vascular"})
_WHILE_OPEN = frozenset({"ces", "motor", "cord", "infection"})
# What asks as a symptom does, by its date, however long it stands on the list.
_SPINE = re.compile(
    r"\b(?:vertebra|spin(?:e|al)\b|spondyl|dis[ck](?:s|itis)?\b|intervertebral|epidural)", re.IGNORECASE
)
# By this the table of ICD-10-CM names what is there since birth.
_CONGENITAL = "congenital"
_DIALYSIS = re.compile(r"dialysis", re.IGNORECASE)
_SYMPTOM = re.compile(r"(?:numb|tingl|para?esthes|sens|weak|fever|chill|rigor)\w*", re.IGNORECASE)


def r_hint(facts: Facts) -> Finding:
    """Whether a text hints at a red flag or an operation; tags are the topics, each with its question.

    Never MET: a text asks, it does not answer.
    """
    return facts.once("R-HINT", lambda: _r_hint(facts))


def _r_hint(facts: Facts) -> Finding:
    topics: dict[str, list[Evidence]] = {}
    for remark in facts.remarks:
        for topic in sorted(remark.topics - _OF_OTHERS):
            if _counts(facts, remark, topic) and not _is_quoted(facts, remark):
                topics.setdefault(topic, []).append(_said_of(facts, remark, topic))
    if dialysis := _dialysis(facts):
        topics.setdefault("risk", []).extend(dialysis)
    evidence = [item for topic in _BY_WEIGHT for item in topics.get(topic, ())]
    questions = [f"hint_{topic}" for topic in _BY_WEIGHT if topic in topics]
    return facts.finding(
        "R-HINT", evidence, sources=SOURCES, questions=questions, tags=topics, weighed=evidence, met=False
    )


def _said_of(facts: Facts, remark: Remark, topic: str) -> Evidence:
    """Return a remark as what raises a topic, with a note where an answer of today is about it."""
    question, quote = f"hint_{topic}", quoted(remark.text, topic)
    answered = facts.own_answers.names(question, quote) or facts.own_answers.are(remark)
    notes = ("answered",) if answered else ()
    return Evidence(remark.reference, question, when=remark.when, notes=notes, quote=quote, place=remark.place)


def _dialysis(facts: Facts) -> list[Evidence]:
    """Return dialysis by its codes, a risk of infection of the spine as it is in words."""
    found = []
    for entry in facts.current("renal_severe"):
        displays = (code.display for code in entry.codes_of("renal_severe"))
        if quote := next(filter(_DIALYSIS.search, displays), "")[:LONGEST_QUOTE]:
            notes = ("answered",) if facts.own_answers.names("hint_risk", quote) else ()
            found.append(
                Evidence(entry.reference, "hint_risk", when=entry.dated, notes=notes, quote=quote, place=entry.place)
            )
    return found


_BY_WEIGHT = (
    "ces",
    "motor",
    "cord",
    "infection",
    "cancer",
    "vascular",
    "trauma",
    "risk",
    "mimic",
    "surgery",
)


def _counts(facts: Facts, remark: Remark, topic: str) -> bool:
    """Whether a remark counts for its topic for as long as a code of it would; an undated one does.

    A sign, a disease of the cord or an infection asks while its problem is open, and for a window after it has ended;
    an injury or a colic asks for its window, whatever its status.
    """
    if topic in _LASTING or (topic in _WHILE_OPEN and remark.is_open and _is_more_than_a_symptom(remark.text, topic)):
        return True
    if remark.is_over and topic == "infection" and _is_of_spine(remark.text):
        return True
    limits = facts.thresholds
    windows = {"infection": limits.infection_history, "mimic": limits.mimic_window, "trauma": limits.trauma_window}
    when = remark.ended if remark.ended.is_known and topic in _WHILE_OPEN else remark.when
    return not when.is_known or when.within(windows.get(topic, limits.neurologic_window), facts.as_of) is not False


def _is_more_than_a_symptom(text: str, topic: str) -> bool:
    """Whether a text names a disease or a deficit, and not only numbness or weakness of no told place."""
    words = read(text)
    return any(
        found.span.concept or not _SYMPTOM.fullmatch(_said(words, found.span))
        for found in judged(words)
        if found.span.kind == topic and is_raised(topic, found.standing)
    )


def _is_quoted(facts: Facts, remark: Remark) -> bool:
    """Whether a note only quotes another record: whoever answers for a record names it by its words."""
    said = remark.text.strip("“”… ")
    return (
        remark.place == "order_note"
        and remark.text.startswith("“")
        and any(said in other.text for other in facts.remarks if other is not remark and other.place != "order_note")
    )


def _is_of_spine(text: str) -> bool:
    """Whether a text about an infection tells of the spine, which asks however long it has been over."""
    return _SPINE.search(text) is not None or any(
        found.span.concept == "spinal_infection" for found in judged(read(text))
    )


def _said(words: Words, span: Span) -> str:
    return words.text[words.starts[span.start] : words.ends[span.end - 1]]


def r_mimic(facts: Facts) -> Finding:
    """Whether the aorta, a kidney or the bowel may be the pain: an aneurysm while it is open, the others lately.

    Never MET: it asks first whether the back is the cause at all. Tag `stated` where the answer was yes.
    """
    aorta = [entry for entry in facts.stated("aortic_disease") if entry.activity is not Activity.INACTIVE]
    recent = facts.thresholds.mimic_window
    belly = [entry for entry in facts.stated("abdominal_mimic") if facts.is_recent(entry, recent) is not False]
    said = [item for item in r_hint(facts).evidence if item.concept in ("hint_vascular", "hint_mimic")]
    evidence = [*(facts.evidence(entry, "aortic_disease", "abdominal_mimic") for entry in (*aorta, *belly)), *said]
    questions = ("mimic",) if aorta or belly else ()
    tags = ("stated",) if facts.own_answers.affirmed("mimic", "hint_mimic", "hint_vascular") else ()
    return facts.finding("R-MIMIC", evidence, sources=SOURCES, questions=questions, tags=tags, met=False)


def r_unread(facts: Facts) -> Finding:
    """Whether a record of now was received and not recognised: an unknown problem, reason, or report.

    Never MET: it asks, by the name that the record bears. What R-HINT quotes already is not asked for twice. Tag
    `reason_only`: nothing but reasons of the order that are congenital: what is followed up since birth.
    """
    quoted_already = {item.reference for item in r_hint(facts).evidence}
    lines = [line for line in facts.unread if line.reference not in quoted_already or line.source == "Order"]
    evidence = [
        Evidence(
            line.reference,
            "unread",
            when=line.when,
            notes=("answered",) if facts.own_answers.names("unread", line.said[:LONGEST_QUOTE]) else (),
            quote=line.said[:LONGEST_QUOTE],
            place=line.place,
        )
        for line in lines
    ]
    evidence += _affirmed_unfound(facts, frozenset(item.quote for item in evidence))
    questions = ("unread",) if evidence else ()
    # Surveillance of spina bifida is about something else than new pain; an abscess or a tumour is not.
    congenital = (line.source == "Order" and line.reason.startswith(_CONGENITAL) for line in lines)
    tags = ["reason_only"] if lines and all(congenital) and len(lines) == len(evidence) else []
    return facts.finding(
        "R-UNREAD", evidence, sources=SOURCES, questions=questions, tags=tags, weighed=evidence, met=False
    )


def _affirmed_unfound(facts: Facts, found: frozenset[str]) -> list[Evidence]:
    """Return the answers that a record is behind this pain, of a record that is not among those that ask.

    It may have been renamed, or not have come: somebody said that it matters. One of an earlier day asks again.
    """
    own = facts.own_answers
    said = [(answer, ("answered",)) for answer in own.counted] + [(answer, ()) for answer in own.earlier]
    known = frozenset(plain_name(quote).casefold() for quote in found)
    return [
        Evidence(
            answer.reference,
            "unread",
            when=answer.when,
            notes=notes,
            quote=quoted_answer(answer),
            place=place_of(answer),
        )
        for answer, notes in said
        if answer.own == "unread"
        and answer.answered is Answered.YES
        and known.isdisjoint(named.casefold() for named in answer.named)
    ]
