"""Reads the guideline document out of the tables that the service runs on.

A document written by hand would drift from the code within weeks, and a reviewer would sign off rules that do not run.
So there is no fact in here: ids, numbers, codes and sentences come from the criteria, the guideline and the wording
catalogue.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

from cards.decision.assessment import AssessmentProfile
from cards.guideline.changelog import load_changelog
from cards.guideline.guideline import (
    FOOTER_STATEMENT,
    GUIDELINE_ID,
    GUIDELINE_VERSION,
    LEADS_TO,
    MESSAGE_TYPES,
    MESSAGES,
    OFFERS,
    RULES,
    MessageType,
    Outcome,
    Rule,
)
from cards.guideline.wording import Wording
from cards.response.markdown import escape
from cds_service.guideline.codes import concept_entries
from cds_service.guideline.document import (
    ConceptName,
    Guideline,
    MessageEntry,
    NumberEntry,
    OutcomeEntry,
    RuleEntry,
    RuleInputs,
    StatementEntry,
)
from fhir_mappings.criteria.registry import CRITERIA, READING_THRESHOLDS, Criterion
from fhir_mappings.criteria.thresholds import Thresholds
from fhir_mappings.terminology.index import TerminologyIndex


def read_guideline(wording: Wording, index: TerminologyIndex, profile: AssessmentProfile) -> Guideline:
    """Return the guideline with the sentences, the codes and the site's changes handed in."""
    return _Reader(wording, index, profile).guideline()


@dataclass(frozen=True, slots=True)
class _Reader:
    wording: Wording
    index: TerminologyIndex
    profile: AssessmentProfile

    def guideline(self) -> Guideline:
        return Guideline(
            id=GUIDELINE_ID,
            version=GUIDELINE_VERSION,
            site=self.profile.site,
            standing=self._standing(),
            outcomes=tuple(self._outcome(position, outcome) for position, outcome in enumerate(Outcome, start=1)),
            rules=(*map(self._criterion, CRITERIA), *map(self._rule, RULES)),
            numbers=tuple(self._number(field.name) for field in fields(Thresholds)),
            reading=tuple(self._sentence("reading", key) for key in self.wording.get("reading")),
            decisions=tuple((key, self._sentence("decisions", key)) for key in self.wording.get("decisions")),
            statements=tuple(self._statement(name) for name in self.wording.get("statements")),
            messages=tuple(map(self._message, MESSAGE_TYPES)),
            concepts=concept_entries(self.index, self.wording),
            releases=load_changelog(),
        )

    def _standing(self) -> str:
        """Return what the advice is and is not, and who has validated it."""
        approval = self.profile.approval
        if approval is None:
            return self.wording.text("criteria-page", "standing")
        by, on = escape(approval.by), approval.on.isoformat()
        return self.wording.text("approval", "standing", by=by, on=on, version=approval.guideline)

    def _sentence(self, *path: str) -> str:
        """Return a sentence with the thresholds that it names."""
        return self.wording.text(*path, **asdict(self.profile.thresholds))

    def _cited(self, keys: Iterable[str]) -> tuple[str, ...]:
        return tuple(self.wording.text("citations", key) for key in keys)

    def _outcome(self, position: int, outcome: Outcome) -> OutcomeEntry:
        messages = tuple(message.id for message in MESSAGE_TYPES if outcome in message.outcomes)
        return OutcomeEntry(position, outcome.value, self._sentence("outcomes", outcome), messages)

    def _criterion(self, criterion: Criterion) -> RuleEntry:
        return RuleEntry(
            id=criterion.id,
            title=criterion.title,
            sentence=self._sentence("rules", criterion.id),
            statements=tuple(map(self._statement, criterion.statements)),
            citations=self._cited(criterion.citations),
            messages=LEADS_TO[criterion.id],
            inputs=RuleInputs(
                sources=tuple(self.wording.text("sources", name) for name in criterion.sources),
                concepts=tuple(ConceptName(name, self.index.value_set(name)["title"]) for name in criterion.concepts),
                numbers=tuple(map(self._number, criterion.thresholds)),
            ),
        )

    def _rule(self, rule: Rule) -> RuleEntry:
        return RuleEntry(
            id=rule.id,
            title=rule.title,
            sentence=self._sentence("rules", rule.id),
            statements=tuple(map(self._statement, rule.statements)),
            citations=self._cited(dict.fromkeys(key for name in rule.messages for key in MESSAGES[name].citations)),
            messages=rule.messages,
        )

    def _number(self, name: str) -> NumberEntry:
        described = next(field.metadata for field in fields(Thresholds) if field.name == name)
        return NumberEntry(
            name=name,
            value=getattr(self.profile.thresholds, name),
            usual=getattr(Thresholds(), name),
            unit=described["unit"],
            source=described["source"],
            rules=tuple(criterion.id for criterion in CRITERIA if name in criterion.thresholds),
            for_reading=name in READING_THRESHOLDS,
        )

    def _statement(self, name: str) -> StatementEntry:
        rules: tuple[Criterion | Rule, ...] = (*CRITERIA, *RULES)
        users = tuple(rule.id for rule in rules if name in rule.statements)
        return StatementEntry(name, self.wording.text("statements", name), users, at_foot=name == FOOTER_STATEMENT)

    def _message(self, message: MessageType) -> MessageEntry:
        wording = self.wording.get("messages", message.id)
        leading = [name for name, messages in LEADS_TO.items() if message.id in messages]
        leading += [rule.id for rule in RULES if message.id in rule.messages]
        return MessageEntry(
            id=message.id,
            title=self.wording.text("messages", message.id, "title"),
            level=message.indicator,
            summaries=tuple(wording.get("summary", {}).items()),
            paragraphs=() if "summary" in wording else tuple(wording["text"]["default"]),
            statements=message.statements,
            citations=self._cited(message.citations),
            rules=tuple(leading),
            suggestions=tuple(self.wording.get("suggestions", key, "label") for key in OFFERS.get(message.id, ())),
            override_reasons=tuple(self.wording.text("overrides", key, "display") for key in message.overrides),
            off=message.id in self.profile.messages_off,
        )
