"""The suggestions of each message: what a clinician can accept with one press.

Three rules hold for all of them. Nothing advances the scan while an implant forbids or holds it; nothing is suggested
that is already among the draft orders; and a suggestion that only removes the order never stands beside one that
replaces or changes it, because a client would have to tell two removals of one order apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from cards.decision.assessment import Assessment
from cards.decision.decision import Message
from cards.guideline.guideline import Outcome
from cards.guideline.wording import Wording
from cards.suggestions import drafts
from cards.suggestions.actions import Action, Suggestion
from fhir_mappings.fhir.dates import exact, shifted

_CARE = ("Procedure", "MedicationRequest", "MedicationStatement")


class SuggestionBuilder:
    """Builds the suggestions of one assessment in one language."""

    def __init__(self, assessment: Assessment, wording: Wording) -> None:
        """Bind an assessment; nothing is computed yet."""
        self.assessment = assessment
        self.order = assessment.order
        self.wording = wording
        self.implants = assessment.findings["R-MR"].tags
        self.unscannable = assessment.unscannable
        # An STU3 client gets no R4 resources; removing an order and changing its priority are the same in both.
        self.creates = self.order.resource_type == "ServiceRequest"

    def of(self, messages: tuple[Message, ...]) -> tuple[Suggestion, ...]:
        """Return the suggestions of the messages of one card, the recommended one first."""
        found: dict[str, Suggestion] = {}
        for message in messages:
            builder = _BUILDERS.get(message.id)
            for suggestion in builder(self, message) if builder else ():
                found.setdefault(suggestion.key, suggestion)
        kept = [suggestion for suggestion in found.values() if self.order.id or not suggestion.touches_order]
        if any(suggestion.touches_order and suggestion.key != "remove" for suggestion in kept):
            kept = [suggestion for suggestion in kept if suggestion.key != "remove"]
        return tuple(sorted(kept, key=lambda suggestion: not suggestion.recommended))

    def say(self, key: str, part: str, **values: object) -> str:
        """Return a wording of a suggestion."""
        return self.wording.text("suggestions", key, part, **values)

    def drafted(self, orderable: str) -> bool:
        """Whether an orderable is among the other draft orders."""
        return drafts.concept_of(orderable) in self.order.sibling_concepts

    def create(self, orderable: str, description: str, *, priority: str = "", note: str = "") -> Action:
        """Return the action that adds a new draft order."""
        patient = self.assessment.chart.patient_id
        resource = drafts.new_order(orderable, self.order, patient, self.wording, priority=priority, note=note)
        return Action("create", description, resource, orderable=orderable)

    def delete(self, description: str) -> Action:
        """Return the action that removes the order."""
        return Action("delete", description, resource_id=self.order.reference)

    def update(self, description: str, resource: dict[str, Any], orderable: str = "") -> Action:
        """Return the action that changes the order, to another study if one is named."""
        return Action("update", description, drafts.pruned(resource), orderable=orderable)

    def beside(self, key: str, *orderables: str, priority: str = "", recommended: bool = False) -> Iterator[Suggestion]:
        """Yield a suggestion that adds orders and leaves the MRI as it is."""
        missing = [name for name in orderables if not self.drafted(name)]
        if not missing or not self.creates:
            return
        actions = tuple(
            self.create(name, self.say(key, "create", test=self.say("orderables", name)), priority=priority)
            for name in missing
        )
        yield Suggestion(key, self.say(key, "label"), actions, recommended)

    def instead(
        self, key: str, orderable: str, *, priority: str = "", recommended: bool = False
    ) -> Iterator[Suggestion]:
        """Yield a suggestion that puts another study in the place of the MRI."""
        if self.drafted(orderable) or not self.creates:
            yield from self.remove()
            return
        actions = (
            self.delete(self.say(key, "delete")),
            self.create(orderable, self.say(key, "create"), priority=priority),
        )
        yield Suggestion(key, self.say(key, "label"), actions, recommended, self.say(key, "in-place"))

    def remove(self, *, recommended: bool = False) -> Iterator[Suggestion]:
        """Yield the suggestion that removes the MRI order."""
        yield Suggestion(
            "remove", self.say("remove", "label"), (self.delete(self.say("remove", "delete")),), recommended
        )

    def is_below(self, priority: str) -> bool:
        """Whether the order is less pressing than a priority."""
        return drafts.is_below(self.order.priority, priority)

    def raise_priority(self, priority: str) -> Iterator[Suggestion]:
        """Yield the suggestion that raises the priority, unless the order has it or may not be scanned."""
        if self.unscannable or not self.is_below(priority):
            return
        resource = drafts.with_priority(self.order.resource, priority)
        key = "raise-priority"
        action = self.update(self.say(key, "update", priority=priority), resource)
        yield Suggestion(key, self.say(key, "label", priority=priority), (action,), recommended=True)

    @property
    def urgency(self) -> str:
        """The priority that the assessment asks for; empty where it asks for none."""
        return {Outcome.EMERGENCY: "stat", Outcome.URGENT: "urgent"}.get(self.assessment.outcome, "")


def _emergency(builder: SuggestionBuilder, message: Message) -> Iterator[Suggestion]:
    if "unsafe" in builder.implants:
        yield from builder.instead("ct-instead", "order_ct_lumbar_wo", priority="stat", recommended=True)
        if _may_puncture(builder):
            yield from builder.instead("myelography-instead", "order_ct_myelography_lumbar", priority="stat")
    elif builder.unscannable:
        yield from builder.beside("ct-beside", "order_ct_lumbar_wo", priority="stat", recommended=True)
        if _may_puncture(builder):
            yield from builder.beside("myelography-beside", "order_ct_myelography_lumbar", priority="stat")
    else:
        yield from builder.raise_priority("stat")
        yield from _with_contrast_if_advised(builder)
        yield from _higher_lesion(builder, message)
        if message.id == "C-EMERG-CORD":
            yield from builder.beside("whole-spine", "order_mri_spine_wider", priority="stat")


def _may_puncture(builder: SuggestionBuilder) -> bool:
    """Whether nothing on record speaks against a lumbar puncture: no suspected infection, no risk of bleeding."""
    findings = builder.assessment.findings
    return not findings["R-INFECT"].met and "bleeding" not in findings["R-CES"].tags | findings["R-MOTOR"].tags


def _higher_lesion(builder: SuggestionBuilder, message: Message) -> Iterator[Suggestion]:
    """Yield the whole spine in place of the lumbar one where both legs are weak: the lesion may lie higher."""
    if "both_legs" in message.variants and not builder.unscannable:
        yield from builder.instead("whole-spine-instead", "order_mri_spine_wider", priority=builder.urgency)


def _urgent(builder: SuggestionBuilder, message: Message) -> Iterator[Suggestion]:
    yield from builder.raise_priority("stat" if builder.assessment.outcome is Outcome.EMERGENCY else "urgent")
    yield from _with_contrast_if_advised(builder)
    yield from _higher_lesion(builder, message)
    if message.id == "C-URG-INFECT":
        yield from builder.beside("labs-and-cultures", "esr", "crp", "blood_culture", priority=builder.urgency)


def _trauma(builder: SuggestionBuilder, _message: Message) -> Iterator[Suggestion]:
    if builder.assessment.outcome is Outcome.URGENT:
        # With a deficit or an infection the MRI itself is wanted.
        alone = builder.assessment.trauma_alone
        yield from builder.instead("ct-instead", "order_ct_lumbar_wo", priority="urgent", recommended=alone)
    yield from builder.beside("radiograph", "order_xray_lumbar", priority=builder.urgency)


def _risk(builder: SuggestionBuilder, message: Message) -> Iterator[Suggestion]:
    if "active_cancer" in message.variants:
        if not builder.unscannable:
            yield from builder.instead("whole-spine-instead", "order_mri_spine_wider")
        return
    yield from builder.beside("labs", "esr", "crp")
    if "weight_loss" in message.variants:
        yield from builder.beside("radiograph", "order_xray_lumbar")


def _unsafe(builder: SuggestionBuilder, _message: Message) -> Iterator[Suggestion]:
    if builder.assessment.outcome is not Outcome.EMERGENCY:
        yield from _alternatives(builder, priority=builder.urgency)


def _alternatives(builder: SuggestionBuilder, priority: str) -> Iterator[Suggestion]:
    """Yield CT and CT myelography in place of the MRI, the one that answers the order's question recommended."""
    if _not_indicated(builder):
        yield from builder.remove(recommended=True)
        return
    question = _question(builder)
    yield from builder.instead(
        "myelography-instead", "order_ct_myelography_lumbar", priority=priority, recommended=question == "canal"
    )
    yield from builder.instead("ct-instead", "order_ct_lumbar_wo", priority=priority, recommended=question == "bone")


def _question(builder: SuggestionBuilder) -> str:
    """Return what the order asks about: `canal` (stenosis, cauda equina, cord), `bone` (trauma), or nothing it says."""
    findings, order = builder.assessment.findings, builder.order
    if findings["R-CES"].met or findings["R-CORD"].met:
        return "canal"
    if findings["R-TRAUMA"].met or findings["R-V6"].tags & {"fracture", "fall"}:
        return "bone"
    return "canal" if "spinal_stenosis" in order.entries else ""


def _not_indicated(builder: SuggestionBuilder) -> bool:
    return "C-NOTAPP-6W" in builder.assessment.decided


def _hold(builder: SuggestionBuilder, _message: Message) -> Iterator[Suggestion]:
    if builder.assessment.outcome is Outcome.EMERGENCY:
        return
    if _not_indicated(builder):
        yield from builder.remove(recommended=True)
        return
    # The order is kept: once the implant is cleared, the MRI may be done after all.
    yield from builder.beside("ct-beside", "order_ct_lumbar_wo", priority=builder.urgency)
    yield from builder.beside("myelography-beside", "order_ct_myelography_lumbar", priority=builder.urgency)


def _add_contrast(builder: SuggestionBuilder, _message: Message) -> Iterator[Suggestion]:
    """Yield the change to without-and-with, unless it stands beside the raised priority on a more pressing card."""
    if not builder.urgency:
        yield from _contrast_change(builder)


def _contrast_change(builder: SuggestionBuilder) -> Iterator[Suggestion]:
    """Yield the change to without-and-with; it raises the priority too where that is asked for.

    A client that applied one update after the other would undo the first: each carries the whole order. The code of an
    order that its name told cannot be exchanged: nobody here knows it, so the advice stays in words.
    """
    if builder.order.recognised_by == "text":
        return
    urgency = builder.urgency
    raised = bool(urgency) and builder.is_below(urgency)
    resource = drafts.with_priority(builder.order.resource, urgency) if raised else builder.order.resource
    key = "add-contrast"
    label, part = ("label-prioritised", "update-prioritised") if raised else ("label", "update")
    study = "order_mri_lumbar_wo_w"
    changed = drafts.with_study(resource, study, builder.wording)
    action = builder.update(builder.say(key, part, priority=urgency), changed, study)
    yield Suggestion(key, builder.say(key, label, priority=urgency), (action,))


def _with_contrast_if_advised(builder: SuggestionBuilder) -> Iterator[Suggestion]:
    if any(message.id == "C-CONTRAST-ADD" for message in builder.assessment.messages):
        yield from _contrast_change(builder)


def _drop_contrast(builder: SuggestionBuilder, _message: Message) -> Iterator[Suggestion]:
    if builder.order.recognised_by == "text":
        return
    key, study = "drop-contrast", "order_mri_lumbar_wo"
    resource = drafts.with_study(builder.order.resource, study, builder.wording)
    action = builder.update(builder.say(key, "update"), resource, study)
    yield Suggestion(key, builder.say(key, "label"), (action,), recommended=True)


def _uncertain(builder: SuggestionBuilder, message: Message) -> Iterator[Suggestion]:
    if "plexopathy" in message.variants and not builder.unscannable:
        yield from builder.beside("plexus", "order_mri_plexus")


def _fragile(builder: SuggestionBuilder, _message: Message) -> Iterator[Suggestion]:
    yield from builder.beside("radiograph", "order_xray_lumbar")


def _not_appropriate(builder: SuggestionBuilder, message: Message) -> Iterator[Suggestion]:
    if "nearly" in message.variants and not builder.unscannable:
        due = reassessment(builder.assessment)
        day, key = builder.wording.day(exact(due)), "redate"
        action = builder.update(
            builder.say(key, "update", followup=day), drafts.with_occurrence(builder.order.resource, due)
        )
        yield Suggestion(key, builder.say(key, "label", followup=day), (action,), recommended=True)
        return
    yield from _therapy_instead(builder, "label", recommended=True)


def _therapy_instead(builder: SuggestionBuilder, label: str, *, recommended: bool = False) -> Iterator[Suggestion]:
    key, day = "therapy-instead", followup(builder.assessment, builder.wording)
    if builder.drafted("pt_referral") or not builder.creates:
        yield from builder.remove(recommended=recommended)
        return
    note, only_if = builder.say(key, "note", followup=day), label.removeprefix("label")
    actions = (
        builder.delete(builder.say(key, f"delete{only_if}")),
        builder.create("pt_referral", builder.say(key, f"create{only_if}", followup=day), note=note),
    )
    in_place = builder.say(key, f"in-place{only_if}", followup=day)
    yield Suggestion(key, builder.say(key, label, followup=day), actions, recommended, in_place)


# Where something else comes first, or is decided, therapy is not what a press should begin.
_NO_THERAPY = frozenset({"beside", "minor", "mimic", "mimic_stated", "both_sides", "pressed", "flagged"})


def _has_failed_elsewhere(builder: SuggestionBuilder) -> bool:
    """Whether somebody says that six weeks of treatment were done, which no record needs to show."""
    evidence = builder.assessment.findings["R-FAIL6W"].evidence
    return any(item.concept == "six_weeks_of_therapy" for item in evidence)


def _information(builder: SuggestionBuilder, message: Message) -> Iterator[Suggestion]:
    if _NO_THERAPY & set(message.variants) or "future_date" in message.questions:
        return
    if _has_failed_elsewhere(builder):
        pass
    elif "early" in message.variants:
        yield from _therapy_instead(builder, "label-unanswered")
    elif "pain" in builder.assessment.findings["R-IND"].tags:
        yield from builder.beside("therapy-beside", "pt_referral")
    if "age_bone" in message.questions:
        yield from builder.beside("radiograph", "order_xray_lumbar")


def _upright(builder: SuggestionBuilder, _message: Message) -> Iterator[Suggestion]:
    yield from builder.beside("standing-radiograph", "order_xray_lumbar_standing")


def _duplicate(builder: SuggestionBuilder, _message: Message) -> Iterator[Suggestion]:
    if "nondiagnostic" not in builder.assessment.findings["R-DUP"].tags:
        yield from builder.remove()


def followup(assessment: Assessment, wording: Wording) -> str:
    """Return the day of the reassessment in words."""
    return wording.day(exact(reassessment(assessment)))


def reassessment(assessment: Assessment) -> date:
    """Return the day six weeks after care began, or after the order where that is not known or is past.

    Care begins with the episode; where the episode is old and care is recent, it began with the care, or with the
    first contact. Of the days on which it may have begun the latest counts.
    """
    days = assessment.profile.thresholds.conservative_care
    finding = assessment.findings["R-6W-NO"]
    first = assessment.findings["R-FIRST"]
    evidence = assessment.findings["R-EPISODE"].evidence
    if "undertreated" in finding.tags:
        evidence = tuple(item for item in finding.evidence if item.reference.split("/")[0] in _CARE)
    elif not finding.met and first.met:
        evidence = () if "today" in first.tags else first.evidence
    starts = [item.when.latest for item in evidence if item.when.latest and item.when.latest <= assessment.as_of]
    in_six_weeks = shifted(assessment.as_of, days)
    known = starts and (finding.tags & {"early", "undertreated"} or (first.met and not finding.met))
    due = shifted(min(starts), days) if known else in_six_weeks
    return due if due > assessment.as_of else in_six_weeks


_BUILDERS: dict[str, Callable[[SuggestionBuilder, Message], Iterator[Suggestion]]] = {
    "C-EMERG-CES": _emergency,
    "C-EMERG-CORD": _emergency,
    "C-URG-NEURO": _urgent,
    "C-URG-INFECT": _urgent,
    "C-URG-CANCER": _urgent,
    "C-URG-TRAUMA": _trauma,
    "C-V7-RISK": _risk,
    "C-MR-UNSAFE": _unsafe,
    "C-MR-HOLD": _hold,
    "C-CONTRAST-ADD": _add_contrast,
    "C-CONTRAST-DROP": _drop_contrast,
    "C-APPROP-UNCERTAIN-DX": _uncertain,
    "C-APPROP-V6": _fragile,
    "C-NOTAPP-6W": _not_appropriate,
    "C-INFO-NEED": _information,
    "C-UPRIGHT": _upright,
    "C-DUP": _duplicate,
}
