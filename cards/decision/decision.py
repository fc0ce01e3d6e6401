"""The decision: from findings to one outcome and the messages that go with it.

The classes are tried in the order of the guideline, the most dangerous first. "Not appropriate" is the one answer
that has to earn itself: its positive evidence must be there, every red flag must have been looked for in sources
that were read whole, and nothing may be open that could turn it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cards.decision.contrast import ContrastAdvice, contrast_advice
from cards.decision.questions import MISSING_HISTORY, MOST_QUESTIONS, open_questions
from cards.guideline.guideline import MESSAGES, POSITION, Indicator, Outcome
from fhir_mappings.chart.chart import Chart
from fhir_mappings.criteria.findings import Evidence, Finding, Status
from fhir_mappings.criteria.implants import CARDIAC, PASSIVE, SHUNT
from fhir_mappings.fhir.needs import DATA_NEEDS, RED_FLAG_SOURCES
from fhir_mappings.orders.orders import ImagingOrder

Findings = Mapping[str, Finding]

RED_FLAG_CRITERIA = ("R-CES", "R-CORD", "R-MOTOR", "R-MULTI", "R-INFECT", "R-CANCER", "R-TRAUMA", "R-V6", "R-V7")
# Criteria whose open questions matter whatever the order is for.
ASKING_CRITERIA = (
    "R-MIMIC",
    "R-CES",
    "R-BILAT",
    "R-CORD",
    "R-MOTOR",
    "R-INFECT",
    "R-CANCER",
    "R-TRAUMA",
    "R-HINT",
    "R-UNREAD",
    "R-DATE",
)
# What is asked even when the scan is due: the answer may make it due today, or forbid it.
_PRESSING_CRITERIA = ("R-MIMIC", "R-CES", "R-BILAT", "R-CORD", "R-MOTOR")
# The variants of advice to wait, those that give the summary first.
_WAITING = ("nearly", "today", "first", "undertreated", "untreated", "early", "older")
_PRESSING_HINTS = ("hint_ces", "hint_motor", "hint_cord")


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an assessment: what it rests on, and which variants of its wording apply.

    `criteria` are those whose evidence it is.
    """

    id: str
    indicator: Indicator
    evidence: tuple[Evidence, ...] = ()
    variants: tuple[str, ...] = ()
    questions: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    criteria: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """An outcome and its messages, the most important first.

    `timing` says whether the scan is due, whatever implants and the choice of contrast say.
    """

    outcome: Outcome
    messages: tuple[Message, ...]
    timing: Outcome


@dataclass(slots=True)
class _Draft:
    """A decision in the making."""

    findings: Findings
    answered: frozenset[str] = frozenset()
    messages: dict[str, Message] = field(default_factory=dict)

    def say(
        self,
        message_id: str,
        *criteria: str,
        indicator: Indicator | None = None,
        variants: tuple[str, ...] = (),
        questions: tuple[str, ...] = (),
        sources: tuple[str, ...] = (),
    ) -> None:
        """Add a message with the evidence of the criteria it rests on."""
        evidence = tuple(dict.fromkeys(item for name in criteria for item in self.findings[name].evidence))
        pressing = indicator or MESSAGES[message_id].indicator
        self.messages[message_id] = Message(message_id, pressing, evidence, variants, questions, sources, criteria)


def decide(order: ImagingOrder, chart: Chart, findings: Findings, answered: frozenset[str] = frozenset()) -> Decision:
    """Return the outcome of one order and what to say about it.

    `answered` are the questions that were answered today: they are not asked again, and what raised them stands.
    """
    if chart.is_deceased:
        return Decision(Outcome.OUT_OF_SCOPE, (), Outcome.OUT_OF_SCOPE)
    draft = _Draft(findings, answered)
    emergency = _emergency(draft)
    safety = _safety(draft, emergency=emergency)
    urgent = _urgent(draft, emergency=emergency)
    pressing = Outcome.EMERGENCY if emergency else Outcome.URGENT if urgent else None
    timing = pressing or _timing(draft, chart)
    contrast = contrast_advice(order, findings, timing=timing, unscannable=safety is not None)
    _contrast(draft, contrast)
    _protocol(draft, timing, unscannable=safety is not None)
    outcome = _outcome(timing, safety, contrast)
    _accompany(draft, chart, outcome, timing, unscannable=safety is not None)
    return Decision(outcome, _ordered(draft.messages, outcome), timing)


def _outcome(timing: Outcome, safety: Outcome | None, contrast: ContrastAdvice) -> Outcome:
    if timing is Outcome.EMERGENCY:
        return timing
    if safety is not None:
        return safety
    if timing is not Outcome.URGENT and contrast.decides:
        return Outcome.PROTOCOL_CHANGE
    return timing


def _emergency(draft: _Draft) -> bool:
    findings = draft.findings
    more = _emergency_variants(findings)
    if findings["R-CES"].met:
        draft.say("C-EMERG-CES", "R-CES", variants=(*sorted(findings["R-CES"].tags & {"possible"}), *more))
    elif "bilateral" in findings["R-MULTI"].tags:
        draft.say("C-EMERG-CES", "R-MULTI", variants=("bilateral", *more))
    if findings["R-CORD"].met:
        draft.say("C-EMERG-CORD", "R-CORD", variants=more)
    return bool(draft.messages)


def _emergency_variants(findings: Findings) -> tuple[str, ...]:
    """Return what else is told about a deficit: a bleeding, an operation of the last weeks, a lesion higher up."""
    holding = (
        ("bleeding", "bleeding" in findings["R-CES"].tags | findings["R-MOTOR"].tags),
        ("early_surgery", "deficit" in findings["R-POSTOP-EARLY"].tags),
        ("both_legs", "both_legs" in findings["R-MOTOR"].tags),
    )
    return tuple(name for name, holds in holding if holds)


def _safety(draft: _Draft, *, emergency: bool) -> Outcome | None:
    implants = draft.findings["R-MR"]
    concepts = {item.concept for item in implants.evidence}
    variants = ("cardiac",) if emergency and concepts & set(CARDIAC) else ()
    if "unsafe" in implants.tags:
        draft.say("C-MR-UNSAFE", "R-MR", variants=variants)
        return Outcome.CONTRAINDICATED
    if "hold" in implants.tags:
        draft.say("C-MR-HOLD", "R-MR", variants=variants)
        return Outcome.SAFETY_HOLD
    if "conditional" in implants.tags:
        draft.say("C-MR-COND", "R-MR")
    if implants.tags & {"screen", "removed", "unidentified"}:
        kinds = sorted(implants.tags & {"removed", "external_pump", "unidentified"})
        kinds += ["shunt"] if SHUNT in concepts else []
        # A passive implant is told, and interrupts nobody.
        indicator = Indicator.INFO if concepts <= set(PASSIVE) and not kinds else None
        draft.say("C-MR-UNKNOWN", "R-MR", variants=tuple(kinds), indicator=indicator)
    return None


def _urgent(draft: _Draft, *, emergency: bool) -> bool:
    findings = draft.findings
    before = len(draft.messages)
    by_cord = "C-EMERG-CORD" in draft.messages
    if (findings["R-MOTOR"].met or findings["R-MULTI"].met) and not by_cord:
        draft.say("C-URG-NEURO", "R-MOTOR", "R-MULTI", variants=_neuro_variants(findings))
    if findings["R-INFECT"].met:
        early = ("early_surgery",) if "fever" in findings["R-POSTOP-EARLY"].tags else ()
        draft.say("C-URG-INFECT", "R-INFECT", variants=(*sorted(findings["R-INFECT"].tags), *early))
    if "metastatic" in findings["R-CANCER"].tags and not by_cord:
        draft.say("C-URG-CANCER", "R-CANCER")
    if findings["R-TRAUMA"].met:
        draft.say("C-URG-TRAUMA", "R-TRAUMA", variants=("emergency",) if emergency else ())
    return len(draft.messages) > before


def _neuro_variants(findings: Findings) -> tuple[str, ...]:
    progressive = any("progressive" in item.notes for item in findings["R-MOTOR"].evidence)
    return (*(("progressive",) if progressive else ()), *_emergency_variants(findings))


def _timing(draft: _Draft, chart: Chart) -> Outcome:
    """Return whether the scan is due now, later, or cannot be told; nothing urgent is left at this point."""
    findings = draft.findings
    if chart.failed(("Condition",)):
        return Outcome.SERVICE_DEGRADED
    if findings["R-SCOPE"].status is Status.NOT_MET:
        draft.say("C-INFO-NEED", "R-SCOPE", indicator=Indicator.INFO, variants=("minor",))
        return Outcome.OUT_OF_SCOPE
    if _appropriate(draft):
        if pressing := pressing_questions(findings, draft.answered):
            draft.say("C-INFO-NEED", questions=pressing, variants=("beside",))
        return Outcome.APPROPRIATE
    if findings["R-IND"].status is Status.NOT_MET and not _is_anything_open(findings):
        return Outcome.NO_CRITERIA_APPLY
    if _advises_to_wait(draft, chart):
        return Outcome.NOT_APPROPRIATE
    return _pressed(draft) if findings["R-PRIORITY"].met else _undecided(draft, chart)


def _advises_to_wait(draft: _Draft, chart: Chart) -> bool:
    """Say that the scan should wait, where that has earned itself."""
    findings = draft.findings
    waiting = _waiting_rule(findings)
    if not waiting or blockers(findings, chart):
        return False
    tags = findings[waiting].tags | (findings["R-AGE"].tags & {"older"})
    draft.say("C-NOTAPP-6W", waiting, variants=tuple(name for name in _WAITING if name in tags))
    if "bladder_other_cause" in findings["R-CES"].tags and "bladder_changed" not in draft.answered:
        draft.say("C-INFO-NEED", questions=("bladder_changed",), variants=("beside",))
    return True


def _waiting_rule(findings: Findings) -> str:
    """Return the criterion by which six weeks of care are not complete; empty where none says so."""
    return next((name for name in ("R-6W-NO", "R-FIRST") if findings[name].met), "")


def _undecided(draft: _Draft, chart: Chart) -> Outcome:
    """Ask what would settle it; missing history alone interrupts nobody, only what a record or the order raised."""
    findings = draft.findings
    questions = open_questions(findings, chart, draft.answered)
    if not questions or (draft.answered and "stated" in findings["R-MIMIC"].tags):
        _settled(draft)
        return Outcome.CANNOT_DETERMINE
    early = bool(_waiting_rule(findings)) or "early_on_record" in findings["R-6W-NO"].tags
    unseen = bool(chart.incomplete(RED_FLAG_SOURCES))
    by_age = questions == ("age_bone",)
    hints = (item.concept for item in findings["R-MIMIC"].evidence if item.concept.startswith("hint_"))
    mimic = not draft.answered.issuperset({*findings["R-MIMIC"].questions, *hints})
    kinds = (
        ("mimic", mimic),
        ("both_sides", not draft.answered.issuperset(findings["R-BILAT"].questions)),
        ("age", early and by_age),
        ("unseen", early and unseen),
        ("early", early),
    )
    variants = tuple(name for name, holds in kinds if holds)
    raised = _asking(findings, draft.answered) or chart.failed((*RED_FLAG_SOURCES, "Patient"))
    indicator = Indicator.INFO if MISSING_HISTORY.issuperset(questions) and not raised else None
    # What has to be excluded first is told alone: that the back hurts is known.
    first = [name for name in ("R-MIMIC", "R-BILAT") if findings[name].evidence]
    draft.say("C-INFO-NEED", *(first or ["R-6W-NO"]), questions=questions, variants=variants, indicator=indicator)
    if findings["R-AGE"].met:
        draft.say("C-APPROP-V6", variants=("age",))
    return Outcome.CANNOT_DETERMINE


def _pressed(draft: _Draft) -> Outcome:
    """Ask one question of somebody who is in a hurry: the weightiest of a record, else which red flag it is.

    Whoever says that a red flag is there is asked which.
    """
    findings = draft.findings
    flagged = "flagged" in findings["R-PRIORITY"].tags
    raised = [*pressing_questions(findings), *(item for name in ASKING_CRITERIA for item in findings[name].questions)]
    asked = ["which_red_flag", *raised] if flagged else [*raised, "which_red_flag"]
    question = next((item for item in asked if item not in draft.answered), "")
    if not question:
        _settled(draft)
        return Outcome.CANNOT_DETERMINE
    variants: tuple[str, ...] = ("pressed_asked", "pressed")
    if question == "which_red_flag":
        variants = ("flagged",) if flagged else ("pressed",)
    draft.say("C-INFO-NEED", "R-PRIORITY", questions=(question,), variants=variants)
    return Outcome.CANNOT_DETERMINE


def _settled(draft: _Draft) -> None:
    """Say that nothing is left to ask today, or what an answer makes the first thing to do."""
    if "stated" in draft.findings["R-MIMIC"].tags:
        draft.say("C-INFO-NEED", "R-MIMIC", variants=("mimic_stated",))
    else:
        draft.say("C-INFO-NEED", variants=("answered",), indicator=Indicator.INFO)


def _is_anything_open(findings: Findings) -> bool:
    """Whether any question is open that matters whatever the order is for: more than what its own reason means."""
    asking = _asking(findings)
    return bool(asking) and not (asking == ["R-UNREAD"] and "reason_only" in findings["R-UNREAD"].tags)


def _asking(findings: Findings, answered: frozenset[str] = frozenset()) -> list[str]:
    """Return the criteria with a question that a record or the order raised, and that nobody answered today."""
    return [name for name in ASKING_CRITERIA if not answered.issuperset(findings[name].questions)]


def pressing_questions(findings: Findings, answered: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return the open questions whose answers could make the scan an emergency, or forbid it."""
    asked = [question for name in _PRESSING_CRITERIA for question in findings[name].questions]
    asked += [question for question in findings["R-HINT"].questions if question in _PRESSING_HINTS]
    asked += findings["R-DATE"].questions
    asked += ["which_red_flag"] if "flagged" in findings["R-PRIORITY"].tags else []
    return tuple(question for question in dict.fromkeys(asked) if question not in answered)[:MOST_QUESTIONS]


def _appropriate(draft: _Draft) -> bool:
    findings = draft.findings
    before = len(draft.messages)
    pain = "pain" in findings["R-IND"].tags
    if findings["R-V7"].met and pain:
        active = {"active_cancer"} if "active" in findings["R-CANCER"].tags else set()
        risks = sorted(findings["R-V7"].tags | findings["R-INFECT"].tags | active)
        draft.say("C-V7-RISK", "R-V7", variants=tuple(risks))
    if findings["R-FAIL6W"].met:
        if findings["R-DX"].met:
            draft.say("C-APPROP-UNCERTAIN-DX", "R-DX", "R-FAIL6W", variants=tuple(sorted(findings["R-DX"].tags)))
        else:
            signs = any(item.concept in ("neuro_other", "sensory_generic") for item in findings["R-FAIL6W"].evidence)
            variants = (("candidate", findings["R-CANDIDATE"].met), ("root_signs", signs))
            draft.say("C-APPROP-6W", "R-FAIL6W", variants=tuple(name for name, holds in variants if holds))
    if findings["R-CON-POSTOP"].met:
        draft.say("C-APPROP-PRIOR-SURG", "R-CON-POSTOP")
    if findings["R-V6"].met and pain:
        draft.say("C-APPROP-V6", "R-V6", variants=tuple(sorted(findings["R-V6"].tags)))
    return len(draft.messages) > before


def blockers(findings: Findings, chart: Chart) -> tuple[str, ...]:
    """Return what keeps "not appropriate" from being said: criteria that are not settled, sources not read whole."""
    open_criteria = [name for name in RED_FLAG_CRITERIA if findings[name].status is not Status.NOT_MET]
    open_criteria += [name for name in ("R-AGE",) if findings[name].status is not Status.NOT_MET]
    open_criteria += [name for name in ("R-SCOPE",) if not findings[name].met]
    open_criteria += [name for name in ("R-CANDIDATE", "R-DX", "R-CON-MIT", "R-PRIORITY") if findings[name].met]
    open_criteria += [
        name
        for name in ("R-CON-POSTOP", "R-BILAT", "R-MIMIC", "R-HINT", "R-UNREAD", "R-DATE")
        if findings[name].questions or "stated" in findings[name].tags
    ]
    return (*open_criteria, *chart.incomplete(RED_FLAG_SOURCES))


def _contrast(draft: _Draft, advice: ContrastAdvice) -> None:
    if advice.add:
        draft.say("C-CONTRAST-ADD", *advice.criteria, variants=advice.variants)
    if advice.drop:
        draft.say("C-CONTRAST-DROP", variants=advice.variants)
    if advice.safety:
        draft.say("C-CONTRAST-SAFETY", "R-CON-SAFE", variants=advice.safety)


def _protocol(draft: _Draft, timing: Outcome, *, unscannable: bool) -> None:
    findings = draft.findings
    due = timing not in (Outcome.NOT_APPROPRIATE, Outcome.OUT_OF_SCOPE)
    if findings["R-ARTIFACT"].met and due:
        draft.say("C-MR-ARTIFACT", "R-ARTIFACT")
    about_imaging = timing not in (Outcome.EMERGENCY, Outcome.OUT_OF_SCOPE, Outcome.NO_CRITERIA_APPLY)
    if findings["R-DUP"].met and not unscannable and about_imaging:
        tags = findings["R-DUP"].tags
        useful = tags & {"recent", "unchanged"} if "nondiagnostic" not in tags else frozenset[str]()
        indicator = Indicator.WARNING if useful and timing is not Outcome.URGENT else Indicator.INFO
        draft.say("C-DUP", "R-DUP", indicator=indicator, variants=tuple(useful & {"unchanged"}))
    if findings["R-CLAUS"].met and due and not unscannable:
        draft.say("C-CLAUSTRO", "R-CLAUS")
    if findings["R-UPRIGHT"].met and timing is Outcome.APPROPRIATE and not unscannable:
        draft.say("C-UPRIGHT", "R-UPRIGHT")


def _accompany(draft: _Draft, chart: Chart, outcome: Outcome, timing: Outcome, *, unscannable: bool) -> None:
    """Add what goes with the outcome: the limits of the picture, education, and what could not be read."""
    if timing in (Outcome.APPROPRIATE, Outcome.NOT_APPROPRIATE) and not unscannable:
        draft.say("C-PITFALL")
    if timing is Outcome.NOT_APPROPRIATE:
        draft.say("C-EDU")
    failed = chart.failed([need.resource_type for need in DATA_NEEDS])
    blind = outcome in (Outcome.CANNOT_DETERMINE, Outcome.SERVICE_DEGRADED)
    if failed:
        indicator = Indicator.WARNING if blind else Indicator.INFO
        draft.say("C-DEGRADED", indicator=indicator, sources=failed, variants=("blind",) if blind else ())


def _ordered(messages: Mapping[str, Message], outcome: Outcome) -> tuple[Message, ...]:
    """Sort by indicator, then the messages of the outcome, then the guideline's order."""
    ranks = list(Indicator)
    return tuple(
        sorted(
            messages.values(),
            key=lambda message: (
                ranks.index(message.indicator),
                # An equal study with nothing new since is the first thing to know.
                "unchanged" not in message.variants,
                outcome not in MESSAGES[message.id].outcomes,
                POSITION[message.id],
            ),
        )
    )
