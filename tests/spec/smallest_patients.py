"""Writes the smallest patient of each rule, for the review sheet: a scenario without what the rule does not need.

Run as `python -m tests.spec.smallest_patients FILE`; `make docs` does. It stands beside the scenarios because the
package must not depend on its tests.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from cards.decision.assessment import Assessment
from cards.guideline.guideline import RULES
from cards.response.response import Response
from cds_service.clients.profile import ClientProfile
from cds_service.config.settings import load_settings
from cds_service.hooks.adviser import Adviser
from cds_service.pages.review.patients import fires, messages_of
from cds_service.protocol.envelope import read_hook_request
from fhir_mappings.chart.chart import read_chart
from fhir_mappings.criteria.registry import CRITERIA
from fhir_mappings.fhir.prefetch import read_prefetch
from tests.spec.document import fact_words, order_words
from tests.spec.gallery import HOOK, terse
from tests.spec.scenarios import Scenario, load
from tests.terminology import bundled_index

_ADVISER = Adviser.of(ClientProfile("sheet"), load_settings({}), bundled_index())
_TRIED = 6  # scenarios that are stripped for each rule, the smallest first
# What a line leaves out: codes, tags of names, and what is so by default.
_NOISE = re.compile(
    r" \((?:SNOMED CT|ICD-10-CM|CPT|LOINC|RxNorm|NCIt|RadLex|no system|https?:\S+|urn:\S+)[^)]*\)"
    r"| \((?:procedure|finding|disorder)\)|, routine|, unspecified|, initial encounter|\bUnspecified "
)
_PLAINER = {"medication request:": "prescription:", "mL/min/{1.73_m2}": "mL/min/1.73 m2", "service request:": "order:"}
_PARTIAL = re.compile(r"\b\d{4}(?:-\d\d)?\b(?!-)")
_PAINS = ("for Low back pain", "for Sciatica", "for Radiculopathy")
_ADULT = 18
_PERSON = {("female", True): "Woman", ("male", True): "Man", ("female", False): "Girl", ("male", False): "Boy"}


@dataclass(frozen=True)
class Candidate:
    """A scenario as somebody's whole record."""

    scenario: Scenario

    @cached_property
    def request(self) -> dict[str, Any]:
        """The hook request."""
        return terse(self.scenario.request(HOOK))

    @cached_property
    def answered(self) -> tuple[Assessment, Response] | None:
        """What is said of the order; None where it is none of ours."""
        read = read_hook_request(json.dumps(self.request).encode(), HOOK)
        chart = read_chart(read.patient_id, read_prefetch(read.prefetch), _ADVISER.index)
        assessments = _ADVISER.assess(_ADVISER.orders(read), chart, self.scenario.order_date)
        return (assessments[0], _ADVISER.respond(assessments, read)) if assessments else None

    def rank(self, rule: str) -> int | None:
        """Return how well a rule is seen: by the message that leads, in the order of the rule's; None if not at all."""
        if self.answered is None:
            return None
        assessment, response = self.answered
        if not fires(rule, assessment):
            return None
        wanted = messages_of(rule)
        leads = [card.messages[0] for card in response.sent[0].cards]
        ranks = [wanted.index(lead) for lead in leads if lead in wanted]
        if ranks:
            return min(ranks)
        beside = {message for card in response.sent[0].cards for message in card.messages} & set(wanted)
        return len(wanted) if beside else None

    def size(self, rule: str) -> tuple[bool, int, int, bool, int, str]:
        """How much there is to take in: an unusual order, what else speaks to the same end, what there is to read."""
        unusual = not any(pain in self.line for pain in _PAINS)
        about = set(messages_of(rule)) - {"C-INFO-NEED"}
        rivals = [criterion.id for criterion in CRITERIA if about & set(messages_of(criterion.id))]
        speaking = sum(fires(name, self.answered[0]) for name in rivals) if self.answered else 0
        partial = bool(_PARTIAL.search(self.line))  # makes one think
        return unusual, speaking, len(self.scenario.body["facts"]), partial, len(self.line), self.scenario.id

    @cached_property
    def line(self) -> str:
        """The patient in one line, without codes."""
        body, day = self.scenario.body, self.scenario.order_date
        age = body.get("age")
        person = _PERSON.get((body["sex"], age is None or age >= _ADULT), "Patient")
        facts = list(dict.fromkeys(_plain(fact_words(fact, day)) for fact in body["facts"]))
        aged = "age not recorded" if age is None else age
        record = f"; on record {'; '.join(facts)}" if facts else "; nothing on record"
        return f"{person}, {aged}: {_plain(order_words(body['order']))}{record}."


def _plain(words: str) -> str:
    for word, plainer in _PLAINER.items():
        words = words.replace(word, plainer)
    return _NOISE.sub("", words)


def smallest(rule: str, candidates: list[Candidate]) -> Candidate:
    """Return the patient with the least beside what a rule needs; an error where no scenario shows the rule."""
    ranked = [(rank, candidate) for candidate in candidates if (rank := candidate.rank(rule)) is not None]
    best = min(rank for rank, _ in ranked)
    shown = sorted((candidate for rank, candidate in ranked if rank == best), key=lambda item: item.size(rule))
    return min((_stripped(rule, best, candidate) for candidate in shown[:_TRIED]), key=lambda item: item.size(rule))


def _stripped(rule: str, rank: int, candidate: Candidate) -> Candidate:
    """Return a candidate without the facts that the rule does not need to speak as loudly."""
    for smaller in _smaller(candidate):
        if smaller.rank(rule) == rank:
            return _stripped(rule, rank, smaller)
    return candidate


def _smaller(candidate: Candidate) -> Iterator[Candidate]:
    body = candidate.scenario.body
    for position in range(len(body["facts"])):
        facts = [fact for at, fact in enumerate(body["facts"]) if at != position]
        yield Candidate(replace(candidate.scenario, body=body | {"facts": facts}))


def patients() -> dict[str, Any]:
    """Return the patients by rule."""
    candidates = [Candidate(scenario) for scenario in load()]
    found = {}
    for rule in [*(criterion.id for criterion in CRITERIA), *(rule.id for rule in RULES)]:
        best = smallest(rule, candidates)
        found[rule] = {"scenario": best.scenario.id, "patient": best.line, "request": best.request}
    return found


def text() -> str:
    """Return the file, one rule a line."""
    lines = (f"  {json.dumps(name)}: {json.dumps(entry, ensure_ascii=False)}" for name, entry in patients().items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    """Write the file that the command line names."""
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
