"""Every statement and rule is in the metadata, on the criteria page and in scenarios; and the metadata is true.

What a criterion declares to read is compared with what it really asks for while the scenarios run.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cards.decision import decision
from cards.decision.assessment import Assessment, AssessmentProfile, assess
from cards.guideline.guideline import FOOTER_STATEMENT, LEADS_TO, OFFERS, RULES, Rule
from cards.guideline.wording import load_wording
from cards.suggestions.suggestions import SuggestionBuilder
from fhir_mappings.chart.chart import read_chart
from fhir_mappings.chart.entries import ChartEntry
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.registry import CRITERIA, READING_THRESHOLDS, UNREAD_THRESHOLDS, Criterion
from fhir_mappings.criteria.thresholds import Thresholds
from fhir_mappings.fhir.prefetch import read_prefetch
from fhir_mappings.orders.orders import read_lumbar_mri_orders
from fhir_mappings.terminology.concepts import STATED_BY_ANSWERS
from tests.spec.document import required_ids
from tests.spec.scenarios import ORDER, PATIENT, load
from tests.terminology import bundled_index

_WORD = re.compile(r"\S+")
# As the guidance and its operational rules number them, written out here so that dropping one from the code is noticed.
STATEMENTS = _WORD.findall("""
    S01 S02 S02a S02b S02c S03a S03b S04a S04b S04c S05 S05a S05b S05c S06a S06b S07a S07b S08a S08b S09 S09a S09b
    S10a S10b S10c S11a S11b S11c S12a S12b S12c S12d S13a S13b S13c S14a S14b S15
""")
RULE_IDS = _WORD.findall("""
    R-6W-NO R-6W-YES R-AGE R-ALT-CT R-ALT-MYELO R-ARTIFACT R-CANCER R-CES R-CLAUS R-CON-MIT R-CON-NONDIAG
    R-CON-POSTOP R-CON-SAFE R-CON-WO R-CORR R-DEG R-DUP R-DX R-EDU R-EPISODE R-FAIL6W R-IND R-INFECT R-MOTOR R-MR
    R-MR-SEED-READING R-MULTI R-PREG R-SCOPE R-TRAUMA R-UPRIGHT R-V6 R-V7
""")
pytestmark = pytest.mark.xdist_group("statements")  # the scenarios are watched once

CRITERIA_PAGE = Path(__file__).parents[2] / "docs" / "criteria.md"
SCENARIOS = load()
BY_ID = pytest.mark.parametrize("criterion", CRITERIA, ids=lambda criterion: criterion.id)
# They ask and are never met.
ASKING = ("R-HINT", "R-UNREAD", "R-DATE", "R-BILAT", "R-MIMIC")


@dataclass
class Observed:
    """What was seen while the scenarios ran."""

    concepts: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    numbers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    sources: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    fired: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    said: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    offered: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


class WatchedThresholds:
    """Thresholds that note which of them are looked at."""

    def __init__(self, seen: set[str]) -> None:
        """Note into a set."""
        self._usual, self._seen = Thresholds(), seen

    def __getattr__(self, name: str) -> Any:
        self._seen.add(name)
        return getattr(self._usual, name)


class WatchedFacts(Facts):
    """Facts that note which concepts are asked for, but not those that only describe evidence already found."""

    def entries(self, *concepts: str) -> tuple[ChartEntry, ...]:
        """Return the entries of some concepts."""
        self.__dict__["asked"].update(concepts)
        return super().entries(*concepts)

    def conflicting(self, entry: ChartEntry, concept: str) -> bool:
        """Whether a newer record denies what an entry states."""
        asked = self.__dict__["asked"]
        self.__dict__["asked"] = set()
        try:
            return super().conflicting(entry, concept)
        finally:
            self.__dict__["asked"] = asked


def _assessments() -> Iterator[tuple[str, Assessment]]:
    index = bundled_index()
    for scenario in SCENARIOS:
        request = scenario.request("order-sign")
        prefetch = {key: json.dumps(value).encode() for key, value in request["prefetch"].items()}
        chart = read_chart(PATIENT, read_prefetch(prefetch), index)
        for order in read_lumbar_mri_orders(request["context"]["draftOrders"], None, index):
            yield scenario.id, assess(order, chart, scenario.order_date, AssessmentProfile())


@pytest.fixture(scope="module")
def observed() -> Observed:
    """What the scenarios show of criteria, messages and suggestions."""
    seen, wording, say = Observed(), load_wording(), decision._Draft.say

    def watched(draft: Any, message: str, *criteria: str, **options: Any) -> None:
        seen.said[message].update(criteria)
        say(draft, message, *criteria, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decision._Draft, "say", watched)
        found = list(_assessments())
    for scenario, assessment in found:
        for criterion in CRITERIA:
            _watch(seen, criterion, assessment, scenario)
        given = {message.id for message in assessment.messages}
        for rule in RULES:
            if given & (set(rule.messages) - {"C-INFO-NEED"}):
                seen.fired[rule.id].add(scenario)
        builder = SuggestionBuilder(assessment, wording)
        for message in assessment.messages:
            seen.offered[message.id].update(suggestion.key for suggestion in builder.of((message,)))
    return seen


def _watch(seen: Observed, criterion: Criterion, assessment: Assessment, scenario: str) -> None:
    """Compute a criterion once more, noting what it asks for and where its evidence comes from."""
    numbers: Any = WatchedThresholds(seen.numbers[criterion.id])
    facts = WatchedFacts(assessment.order, assessment.chart, assessment.as_of, numbers)
    facts.__dict__["asked"] = seen.concepts[criterion.id]
    finding = criterion.evaluate(facts)
    used = {item.reference.split("/")[0] for item in finding.evidence if item.reference != f"ServiceRequest/{ORDER}"}
    seen.sources[criterion.id] |= used | set(finding.looked_at)
    if finding.met or (criterion.id in ASKING and finding.questions):
        seen.fired[criterion.id].add(scenario)


@BY_ID
def test_criterion_declares_what_it_reads(observed: Observed, criterion: Criterion) -> None:
    """Concepts, numbers and sources that a criterion uses are those that the criteria page names for it."""
    assert observed.concepts[criterion.id] - {*STATED_BY_ANSWERS} <= set(criterion.concepts)
    assert observed.numbers[criterion.id] <= {*criterion.thresholds, *READING_THRESHOLDS, *UNREAD_THRESHOLDS}
    assert observed.sources[criterion.id] <= set(criterion.sources)


def test_messages_follow_from_the_rules_that_say_so(observed: Observed) -> None:
    """A message rests on no criterion that does not name it."""
    for message, criteria in observed.said.items():
        assert {name for name in criteria if message not in LEADS_TO[name]} == set(), message


def test_suggestions_are_those_that_a_message_names(observed: Observed) -> None:
    """A message brings no suggestion that the criteria page does not list for it."""
    for message, suggestions in observed.offered.items():
        assert suggestions <= set(OFFERS.get(message, ())), message


@pytest.mark.parametrize("name", [*STATEMENTS, *RULE_IDS])
def test_is_in_the_metadata_and_on_the_page(name: str) -> None:
    """A reviewer finds every rule in the table, and every statement beside the rules that implement it."""
    assert name in required_ids()
    if name == FOOTER_STATEMENT:
        return
    rows = [line for line in CRITERIA_PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `R-")]
    assert any(row.startswith(f"| `{name}` |") or name in _WORD.findall(row.replace(",", " ")) for row in rows)


@pytest.mark.parametrize("name", required_ids())
def test_is_shown_by_two_scenarios(name: str) -> None:
    """Every statement and rule is shown at work more than once."""
    shown = [scenario.id for scenario in SCENARIOS if name in scenario.body["source"]]
    assert len(shown) >= 2, f"{name} is shown by {shown}; write scenarios for it"


@pytest.mark.parametrize("name", [name for name in required_ids() if name != "S15"])
def test_fires_and_nearly_fires(observed: Observed, name: str) -> None:
    """One of its scenarios fires the rule and another is a near miss; S15 goes with every card."""
    rules: tuple[Criterion | Rule, ...] = (*CRITERIA, *RULES)
    involved = [rule.id for rule in rules if name == rule.id or name in rule.statements]
    fired = {scenario for rule in involved for scenario in observed.fired[rule]}
    shown = {scenario.id for scenario in SCENARIOS if name in scenario.body["source"]}
    assert shown & fired, "no scenario fires it"
    assert shown - fired, "no scenario is a near miss"
