"""Cauda equina, motor and multifocal deficits, and cord compression (R-CES, R-MOTOR, R-MULTI, R-CORD)."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from fhir_mappings.chart.entries import Activity, Assertion, ChartEntry
from fhir_mappings.chart.measurements import MILLILITRES, Measured, converted, measured, power
from fhir_mappings.chart.remarks import Remark
from fhir_mappings.criteria.cancer import spinal_metastases
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Evidence, Finding
from fhir_mappings.criteria.hints import r_hint
from fhir_mappings.terminology.code_systems import ICD_10_CM, canonical_code
from fhir_mappings.terminology.concepts import CES_ITEMS, CES_SIGN, FINDINGS
from fhir_mappings.terminology.index import is_within
from fhir_mappings.words.back_care import BOTH_LEGS, BOTH_SIDES, says_both_legs
from fhir_mappings.words.matcher import affirms, is_raised, mentions_in, quoted
from fhir_mappings.words.topics import BOTH_LEGS as BOTH_LEGS_TOPIC

_SADDLE = re.compile(r"\b(?:saddle|perianal|perineal|perineum|genital|genitals|buttock|buttocks)\b")
_IN_LEG = re.compile(r"\b(?:lower limb|leg|foot|thigh|calf|shin|toes?)\b")
# Sides as notes have them: "b/l LE weakness", "BLE", "RLE and LLE", "weak legs", "leg weakness R>L".
_OF_A_SIDE = r" (?:leg|foot|le|ehl|ankle|toe|quad\w*|lower|dorsi\w*|ta)\b"
_LEFT = re.compile(rf"\b(?:left|lle|lt)\b|\bl(?={_OF_A_SIDE})")
_RIGHT = re.compile(rf"\b(?:right|rle|rt)\b|\br(?={_OF_A_SIDE})")
_BOTH = re.compile(
    rf"{BOTH_SIDES}|\bparapleg|\bparapares"
    r"|\bweak\w* (?:(?:in|of|the|his|her|their|lower) )*(?:legs|extremities|limbs)\b"
    r"|\b(?:legs|lower extremities|lower limbs) (?:(?:are|is|feel|both|getting|very|more) )*weak"
    r"|\bweak\w*,? \(?r ?[<>=&/] ?l\b|\bweak\w*,? \(?l ?[<>=&/] ?r\b"
)
# The side of a pain is not that of a weakness beside it, unless the two are told together.
_PART = r"(?: (?:sided?|le|leg|legs|low|lower|back|extremity|buttock|foot|hip|hips|knee|knees|thigh|calf))*"
_PAINFUL = r"(?:pain\w*|lbp|sciatica|radic\w*|numb\w*|tingling|paresth\w*|ache\w*)\b"
_A_SIDE = rf"(?:{BOTH_SIDES}|\b(?:left|right|lle|rle|[lr])\b)"
_PAINFUL_SIDE = re.compile(
    rf"(?:{_A_SIDE}{_PART} {_PAINFUL}|\b{_PAINFUL}(?: (?:in|of|down|to|the|his|her))* {_A_SIDE}{_PART})"
    r"(?!,? ?(?:and|&|/|with|\+|,) ?(?:(?!left|right|[lr] )\w+ ){0,2}weak)"
)
_PARAPARESIS = re.compile(r"\bparapleg|\bparapares")
_ROOT_LEVEL = re.compile(r"\b(?:l[1-5]|s[1-4])\b")
# ICD-10-CM: paraplegia is of both legs; foot drop and sciatica end in 1 for the right foot and 2 for the left.
_PARAPLEGIA, _DISC_WITH_MYELOPATHY = "G82.2", "M51.06"
# Foot drop, sciatica, sciatica with lumbago.
_BY_SIDE = ("M21.37", "M54.3", "M54.4")
_SEXUAL = re.compile(r"\b(?:erectile|impoten\w+|erections?|sexual (?:dys)?function)\b")
_NUMB = re.compile(r"numb\w*", re.IGNORECASE)
_NORMAL_POWER = 5  # Medical Research Council grade


def r_ces(facts: Facts) -> Finding:
    """Whether cauda equina syndrome must be suspected: any of its items, new or of unknown date."""
    return facts.once("R-CES", lambda: _r_ces(facts))


def _r_ces(facts: Facts) -> Finding:
    symptoms = _Sorted(facts)
    evidence, questions = symptoms.evidence, symptoms.questions
    for entry in (*facts.stated(*CES_ITEMS, CES_SIGN), *_saddle_numbness(facts)):
        symptoms.file(entry, (*CES_ITEMS, CES_SIGN, "sensory_generic"), "ces_changed")
    asked = _residual_volume(facts, evidence, questions)
    _difficult_voiding(facts, evidence, questions)
    if both_sides(facts):
        evidence += _beside_both_sides(facts)
    asked += _unknown(facts, "ces", *CES_ITEMS, "sensory_generic", "pvr")
    questions += [item.concept for item in asked]
    if (numbness := _unsited_numbness(facts)) and evidence:
        # Alone it asks for its place; beside another sign it counts.
        evidence += numbness
    elif numbness:
        questions.append("numbness_site")
    tags = ["possible"] if evidence and all("possible" in item.notes for item in evidence) else []
    if evidence and is_bleeding_likely(facts):
        tags.append("bleeding")
    if facts.stated("bladder_exclude"):
        tags.append("bladder_other_cause")
    return facts.finding(
        "R-CES", evidence, sources=FINDINGS, questions=questions, tags=tags, asked=asked, met=bool(evidence)
    )


def _beside_both_sides(facts: Facts) -> list[Evidence]:
    """Return the words about bladder, bowel, saddle or sex; numbness without a place is none of these."""
    named = {
        (remark.reference, quoted(remark.text, "ces"))
        for remark in facts.remarks
        if "ces" in remark.topics and _names_an_item(remark.text)
    }
    said = [item for item in r_hint(facts).evidence if item.concept == "hint_ces"]
    found = [item for item in said if (item.reference, item.quote) in named]
    if not found and (sexual := facts.said_by_order(_SEXUAL)):
        found = [sexual]
    return [replace(item, concept="ces_in_words") for item in found]


def _names_an_item(text: str) -> bool:
    return any(
        mention.topic == "ces"
        and is_raised("ces", mention.standing)
        and not _NUMB.fullmatch(text[mention.start : mention.end])
        for mention in mentions_in(text)
    )


def _difficult_voiding(facts: Facts, evidence: list[Evidence], questions: list[str]) -> None:
    """Difficulty in passing urine goes with the prostate: alone it asks, beside another sign it counts."""
    found = _new(facts, facts.stated("bladder_voiding"))
    beside = bool(evidence) or bool(_new(facts, motor_deficits(facts))) or bool(both_sides(facts))
    if beside:
        evidence += [facts.evidence(entry, "bladder_voiding", notes=("possible",)) for entry in found]
    elif found:
        questions.append("bladder_changed")


def r_bilat(facts: Facts) -> Finding:
    """Whether radicular pain is on both sides, which a central disc may cause before anything else is noticed.

    Never MET: it asks for the signs of cauda equina syndrome, which R-CES counts from then on.
    """
    evidence = both_sides(facts)
    questions = ("ces",) if evidence else ()
    return facts.finding("R-BILAT", evidence, sources=FINDINGS, questions=questions, met=False)


def both_sides(facts: Facts) -> list[Evidence]:
    """Return new radicular pain, where it is on both sides by its codes or words, or by the words of the order."""
    new = _new(facts, facts.stated("radiculopathy"))
    evidence = [facts.evidence(entry, "radiculopathy") for entry in new]
    if {side for entry in new for side in _sides(entry, "radiculopathy")} >= {"left", "right"}:
        return evidence
    told = [item] if (item := facts.said_by_order(BOTH_LEGS)) else []
    told += [_in_words(remark) for remark in facts.chart.remarks if _tells_of_both_legs(facts, remark)]
    named = {item.reference for item in told}
    return [*(item for item in evidence if item.reference not in named), *told] if told else []


def _in_words(remark: Remark) -> Evidence:
    quote = says_both_legs(remark.text)
    return Evidence(remark.reference, "radiculopathy", when=remark.when, quote=quote, place=remark.place)


def _tells_of_both_legs(facts: Facts, remark: Remark) -> bool:
    """Whether a problem or a visit tells in words of pain in both legs that is not over, and new or of unknown date."""
    if BOTH_LEGS_TOPIC not in remark.topics or remark.is_over:
        return False
    return remark.when.within(facts.thresholds.neurologic_window, facts.as_of) is not False


@dataclass(slots=True)
class _Sorted:
    """Symptoms filed as evidence, as questions, or (by being in neither) as history."""

    facts: Facts
    evidence: list[Evidence] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    def file(self, entry: ChartEntry, concepts: tuple[str, ...], question: str) -> None:
        """File a symptom.

        Current and new (or undated) counts; still open but old asks whether it changed; resolved within the window
        asks too; resolved before that, or a dated contact outside the window, is history.
        """
        facts, window = self.facts, self.facts.thresholds.neurologic_window
        if entry.activity is Activity.INACTIVE:
            ended = entry.ended if entry.ended.is_known else entry.dated
            if not ended.is_known or ended.within(window, facts.as_of) is not False:
                self.questions.append(question)
        elif facts.is_recent(entry, window) is not False:
            weak = entry.concepts <= {"bladder_weak"}
            self.evidence.append(facts.evidence(entry, *concepts, notes=("possible",) if weak else ()))
        elif entry.resource.resource_type == "Condition":
            self.questions.append(question)


def _unknown(facts: Facts, question: str, *concepts: str) -> list[Evidence]:
    """Return what of now was looked for and has no value, with the question that this raises."""
    window = facts.thresholds.neurologic_window
    return [
        facts.asking(entry, question)
        for entry in facts.entries(*concepts)
        if entry.assertion is Assertion.UNKNOWN and facts.is_recent(entry, window) is not False
    ]


def _saddle_numbness(facts: Facts) -> list[ChartEntry]:
    """Return coded numbness whose own text or body site puts it in the saddle area."""
    return [entry for entry in facts.stated("sensory_generic") if affirms(entry.words, _SADDLE)]


def _unsited_numbness(facts: Facts) -> list[Evidence]:
    """Return new numbness of no told place: not of the saddle area, which is a sign, and not of a leg."""
    return [
        replace(facts.evidence(entry, "sensory_generic"), concept="numbness_unsited")
        for entry in _new(facts, facts.stated("sensory_generic"))
        if not affirms(entry.words, _SADDLE) and not _IN_LEG.search(_all_words(entry))
    ]


def _residual_volume(facts: Facts, evidence: list[Evidence], questions: list[str]) -> list[Evidence]:
    """Return the residuals that cannot be judged, and file the others.

    A high post-void residual fires for a week and asks for the rest of the window; a low one proves nothing.
    """
    unjudged = []
    limits = facts.thresholds
    for entry in facts.entries("pvr"):
        volume = _millilitres(entry)
        high = volume.above(limits.post_void_residual_ml) if volume else None
        if volume is None or high is None:
            # An ultrasound of the residual, or a value that cannot be judged: what did it show?
            if (
                entry.assertion is not Assertion.ABSENT
                and facts.is_recent(entry, limits.neurologic_window) is not False
            ):
                unjudged.append(facts.asking(entry, "ces"))
            continue
        if not high:
            continue
        if facts.is_recent(entry, limits.post_void_residual_window) is not False:
            evidence.append(facts.evidence(entry, "pvr", amount=volume.shown("mL")))
        elif facts.is_recent(entry, limits.neurologic_window) is not False:
            questions.append("ces_changed")
    return unjudged


def _millilitres(entry: ChartEntry) -> Measured | None:
    volume = measured(entry)
    return converted(volume, MILLILITRES) if volume else None


def r_motor(facts: Facts) -> Finding:
    """Whether a leg is newly or progressively weak."""
    return facts.once("R-MOTOR", lambda: _r_motor(facts))


def _r_motor(facts: Facts) -> Finding:
    symptoms = _Sorted(facts)
    evidence, questions = symptoms.evidence, symptoms.questions
    for entry in motor_deficits(facts):
        symptoms.file(entry, ("motor_deficit",), "motor_changed")
    evidence.extend(_falling_power(facts))
    generic = [entry for entry in _new(facts, facts.stated("motor_generic")) if not _is_full(entry)]
    asked = [] if evidence else [facts.asking(entry, "power") for entry in generic]
    asked += _unknown(facts, "power", "motor_deficit", "motor_generic")
    questions += [item.concept for item in asked]
    tags = [
        tag
        for tag, holds in (
            ("both_legs", any(_is_paraparesis(entry) for entry in _new(facts, motor_deficits(facts)))),
            ("bleeding", bool(evidence) and is_bleeding_likely(facts)),
        )
        if holds
    ]
    return facts.finding(
        "R-MOTOR", evidence, sources=FINDINGS, questions=questions, tags=tags, asked=asked, met=bool(evidence)
    )


def _is_paraparesis(entry: ChartEntry) -> bool:
    """Whether both legs are weak or paralysed by name: then the lesion may lie above the lumbar spine."""
    return bool(_PARAPARESIS.search(_all_words(entry))) or any(
        is_within(code, _PARAPLEGIA) for code in entry.codes_of("motor_deficit")
    )


def is_bleeding_likely(facts: Facts) -> bool:
    """Whether an anticoagulant or a bleeding disorder is on record, with which a new deficit may be a haematoma."""
    return bool(facts.current("anticoagulant_drug")) or any(
        line.span == "with_deficit" and not line.is_over for line in facts.chart.ledger.lines
    )


def motor_deficits(facts: Facts) -> list[ChartEntry]:
    """Return the stated lower-limb motor deficits, without those measured as normal power."""
    return [entry for entry in facts.stated("motor_deficit") if not _is_full(entry)]


def _is_full(entry: ChartEntry) -> bool:
    """Whether a power was measured as normal."""
    found = power(entry)
    return found is not None and found.low >= _NORMAL_POWER


def _power(entry: ChartEntry) -> float | None:
    found = power(entry)
    return found.exact if found else None


def _falling_power(facts: Facts) -> list[Evidence]:
    """Return the newest of power measurements of one muscle that fell by a grade within the window."""
    series = defaultdict[str, list[ChartEntry]](list)
    for entry in facts.stated("motor_generic", "motor_deficit"):
        if _power(entry) is not None and entry.when.is_exact:
            series[f"{entry.words} {sorted(entry.codes)}"].append(entry)
    found = []
    for entries in series.values():
        entries.sort(key=lambda entry: entry.when.earliest or facts.as_of)
        newest = entries[-1]
        if newest.when.within(facts.thresholds.neurologic_window, facts.as_of) is False:
            continue
        now = _power(newest) or 0
        before = [_power(entry) or 0 for entry in entries[:-1]]
        if any(then >= now + 1 for then in before):
            amount = f"{max(before):g} -> {now:g}"
            found.append(
                facts.evidence(newest, "motor_deficit", "motor_generic", amount=amount, notes=("progressive",))
            )
    return found


def r_multi(facts: Facts) -> Finding:
    """Whether deficits are at more than one place: both legs, two root levels, or weakness with another sign."""
    return facts.once("R-MULTI", lambda: _r_multi(facts))


def _r_multi(facts: Facts) -> Finding:
    new = _new(facts, motor_deficits(facts))
    other = _new(facts, facts.stated("neuro_other"))
    words = [_all_words(entry) for entry in new]
    sides = {side for entry in new for side in _sides(entry)}
    both = sides >= {"left", "right"}
    levels = {level for text in words for level in _ROOT_LEVEL.findall(text)}
    tags = [
        tag
        for tag, holds in (
            ("bilateral", both),
            ("levels", len(levels) > 1),
            ("motor_and_other", bool(new) and bool(other)),
        )
        if holds
    ]
    involved = [*new, *(other if "motor_and_other" in tags else [])] if tags else []
    evidence = [facts.evidence(entry, "motor_deficit", "neuro_other") for entry in involved]
    return facts.finding("R-MULTI", evidence, sources=FINDINGS, tags=tags, met=bool(tags))


def _new(facts: Facts, entries: Iterable[ChartEntry]) -> list[ChartEntry]:
    """Return the entries that are not over and are of the window, or of unknown date."""
    window = facts.thresholds.neurologic_window
    return [entry for entry in entries if facts.is_current(entry, window)]


def new_other_signs(facts: Facts) -> list[Evidence]:
    """Return neurologic signs other than weakness that are new."""
    return [facts.evidence(entry, "neuro_other") for entry in _new(facts, facts.stated("neuro_other"))]


def _is_myelopathic_disc(entry: ChartEntry) -> bool:
    """Whether a disc disorder is the one with myelopathy, which is more than a disc disorder."""
    return any(
        canonical_code(code.system, code.code) == canonical_code(ICD_10_CM, _DISC_WITH_MYELOPATHY)
        for code in entry.codes_of("disc_disorder")
    )


def _all_words(entry: ChartEntry) -> str:
    """Return the words of an entry and of this project's displays of its codes."""
    return f"{entry.words} {' '.join(code.display.casefold() for _, code in entry.codes)}"


def _sides(entry: ChartEntry, concept: str = "motor_deficit") -> frozenset[str]:
    """Return the sides of the body an entry is about: by its words, by the code's last character, or both by name."""
    words = _all_words(entry)
    if entry.of_order and concept == "motor_deficit":
        words = _PAINFUL_SIDE.sub(" ", words)
    found = {side for side, pattern in (("left", _LEFT), ("right", _RIGHT)) if pattern.search(words)}
    for code in entry.codes_of(concept):
        if is_within(code, _PARAPLEGIA):
            found |= {"left", "right"}
        if any(is_within(code, root) for root in _BY_SIDE):
            found |= {"1": {"right"}, "2": {"left"}}.get(canonical_code(code.system, code.code)[-1], set())
    return frozenset(["left", "right"] if _BOTH.search(words) else found)


def r_cord(facts: Facts) -> Finding:
    """Whether cord compression must be suspected: recorded as such, or a spinal metastasis with a new deficit."""
    symptoms = _Sorted(facts)
    for entry in facts.stated("cord_compression"):
        symptoms.file(entry, ("cord_compression",), "cord_changed")
    evidence, questions = symptoms.evidence, symptoms.questions
    spread = [facts.evidence(entry, "cancer_metastatic_spine") for entry in spinal_metastases(facts)]
    deficits = [*r_motor(facts).evidence, *new_other_signs(facts)] if spread else []
    if deficits:
        evidence += [*spread, *deficits]
    if not evidence and any(_is_myelopathic_disc(entry) for entry in facts.stated("disc_disorder")):
        questions.append("cord_changed")
    return facts.finding("R-CORD", evidence, sources=FINDINGS, questions=questions, met=bool(evidence))
