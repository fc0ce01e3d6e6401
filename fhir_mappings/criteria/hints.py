"""What is on record and no code settles: what words hint at (R-HINT), and what nobody recognised (R-UNREAD)."""

from __future__ import annotations

from fhir_mappings.chart.entries import Activity
from fhir_mappings.chart.remarks import Remark
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Evidence, Finding
from fhir_mappings.words.matcher import LONGEST_QUOTE, quoted

SOURCES = ("Condition", "Observation", "Encounter", "Procedure", "DiagnosticReport")
# Topics of safety, which other criteria ask about (R-MR, R-CON-SAFE): they never speak about the time of the scan.
_OF_SAFETY = frozenset({"implant", "contrast_allergy"})
# Things that stay with a patient; the others are events, and count within the window only.
_LASTING = frozenset({"cancer", "risk", "surgery", "vascular"})


def r_hint(facts: Facts) -> Finding:
    """Whether a text hints at a red flag or an operation; tags are the topics, each with its question.

    Never MET: a text asks, it does not answer.
    """
    topics: dict[str, list[Evidence]] = {}
    for remark in facts.remarks:
        for topic in sorted(remark.topics - _OF_SAFETY):
            if _counts(facts, remark, topic):
                quote = quoted(remark.text, topic)
                said = Evidence(remark.reference, f"hint_{topic}", when=remark.when, quote=quote, place=remark.place)
                topics.setdefault(topic, []).append(said)
    evidence = [item for topic in _BY_WEIGHT for item in topics.get(topic, ())]
    questions = [f"hint_{topic}" for topic in _BY_WEIGHT if topic in topics]
    return facts.finding("R-HINT", evidence, sources=SOURCES, questions=questions, tags=topics, met=False)


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
    """Whether a remark is not over and not too old for its topic; an undated one counts.

    An infection counts for as long as its code would: while it goes on, and for a year after it.
    """
    if topic in _LASTING:
        return True
    limits = facts.thresholds
    if topic == "infection":
        return not remark.when.is_known or remark.when.within(limits.infection_history, facts.as_of) is not False
    window = limits.mimic_window if topic == "mimic" else limits.neurologic_window
    return not remark.is_over and (not remark.when.is_known or remark.when.within(window, facts.as_of) is not False)


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
    `reason_only`: nothing but reasons of the order that are known to be about something else than back pain.
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
    questions = ("unread",) if evidence else ()
    # A reason that the table knows is about something; whether that is the pain is the question.
    tags = ["reason_only"] if lines and all(line.source == "Order" and line.span for line in lines) else []
    return facts.finding("R-UNREAD", evidence, sources=SOURCES, questions=questions, tags=tags, met=False)
