"""Writes docs/scenarios.md: every scenario in short words, and which scenarios show each statement and rule.

Run as `python -m tests.spec.document FILE`; `make docs` does. It stands beside the scenarios because the package
must not depend on its tests.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from cards.guideline.guideline import FOOTER_STATEMENT, GUIDELINE_VERSION, RULES, Outcome
from cards.guideline.wording import load_wording
from cards.response.markdown import escape
from fhir_mappings.criteria.registry import CRITERIA
from fhir_mappings.terminology.code_systems import canonical_system
from tests.spec.records import listed
from tests.spec.scenarios import Scenario, load

_WORDING = load_wording()
_INTRODUCTION = """\
The scenarios that the service is tested with: what the record says, and what must be answered. Each one is sent to the
service for both hooks on every test run. All patients are invented. Whoever wrote the rules wrote the scenarios, so
agreement shows that the service does what was meant, not that it is right; no clinician has reviewed them.

Days are counted from the order. What is not said is the usual: a confirmed, active problem, a finished contact, a final
result. *First card* is the level of the first card; more messages may be given than are named. Rules and statements are
explained in [criteria.md](criteria.md)."""
# What a fact says beside its code, in the order in which it is told: the key, and how its value is worded.
_DETAILS = (
    ("text", "“{}”"),
    ("valueCodeableConcept", "{}"),
    ("valueString", "“{}”"),
    ("interpretation", "interpretation {}"),
    ("referenceRange", "normal {}"),
    ("bodySite", "site: {}"),
    ("safety", "label: {}"),
    ("conclusionCode", "conclusion: {}"),
    ("conclusion", "conclusion “{}”"),
    ("question", "question “{}”"),
    ("answer", "answer “{}”"),
    ("relationship", "of the {}"),
    ("verificationStatus", "{}"),
    ("clinicalStatus", "{}"),
    ("status", "{}"),
    ("class", "{}"),
    ("criticality", "criticality {}"),
    ("dataAbsentReason", "not available: {}"),
    ("daysSupply", "{} days supplied"),
    ("doNotPerform", "must not be done"),
)
# What is so by default says nothing.
_USUAL = (
    "verificationStatus confirmed",
    "clinicalStatus active",
    "status final",
    "status finished",
    "status completed",
    "class AMB",
)


def scenarios_page() -> str:
    """Return the whole page."""
    return "\n\n".join(_blocks(load())) + "\n"


def _blocks(scenarios: list[Scenario]) -> Iterator[str]:
    yield "# Scenarios"
    yield f"Guideline version {GUIDELINE_VERSION}, {len(scenarios)} scenarios. Written by `make docs`; do not edit."
    yield _INTRODUCTION
    by_outcome = defaultdict[str, list[Scenario]](list)
    for scenario in scenarios:
        by_outcome[scenario.expected["outcome"]].append(scenario)
    found = [outcome.value for outcome in Outcome if by_outcome[outcome.value]]
    yield "\n".join(
        ["- [What shows what](#what-shows-what)"]
        + [f"- [{outcome}](#{outcome.lower()}) ({len(by_outcome[outcome])})" for outcome in found]
    )
    yield "## What shows what"
    yield _coverage(scenarios)
    for outcome in found:
        yield f"## {outcome}"
        yield _WORDING.text("outcomes", outcome)
        for scenario in by_outcome[outcome]:
            yield f"### {scenario.id}"
            yield f"**{escape(scenario.title)}**"
            yield "\n".join(f"- {line}" for line in _scenario(scenario))


def required_ids() -> list[str]:
    """Return every statement and rule of the guideline, statements first."""
    statements = {name for criterion in CRITERIA for name in criterion.statements}
    statements |= {name for rule in RULES for name in rule.statements} | {FOOTER_STATEMENT}
    return [*sorted(statements), *(criterion.id for criterion in CRITERIA), *(rule.id for rule in RULES)]


def _coverage(scenarios: list[Scenario]) -> str:
    lines = ["| Statement or rule | Scenarios |", "| --- | --- |"]
    for name in required_ids():
        shown = [f"[{item.id}](#{item.id.lower()})" for item in scenarios if name in item.body["source"]]
        lines.append(f"| {name} | {', '.join(shown) or 'none'} |")
    return "\n".join(lines)


def _scenario(scenario: Scenario) -> Iterator[str]:
    body, expected = scenario.body, scenario.expected
    age = body.get("age")
    yield f"Patient: {escape(body['sex'])}, {'age not recorded' if age is None else age}"
    yield f"Order: {_order(body['order'])}"
    facts = list(dict.fromkeys(_fact(fact, scenario.order_date) for fact in body["facts"]))
    if not facts:
        yield "Record: empty"
    elif len(facts) == 1:
        yield f"Record: {facts[0]}"
    else:
        yield "\n".join(["Record:", *(f"  - {fact}" for fact in facts)])
    cards = ", ".join(f"`{message}`" for message in expected["cards"])
    yield f"Expected: **{expected['outcome']}**" + (f", {cards}" if cards else ", no card")
    if cards:
        yield f"First card: {expected['indicator']}"
    if expected.get("must_not"):
        yield f"Must not be given: {escape('; '.join(expected['must_not']))}"
    yield f"Shows: {', '.join(body['source'])}"


def _order(order: Mapping[str, Any]) -> str:
    parts = [_coded(order), escape(str(order.get("priority", "")))]
    reasons = [_coded(reason) for reason in listed(order.get("reasonCode"))]
    parts.append(f"for {'; '.join(reasons)}" if reasons else "no coded reason")
    parts += [f"“{escape(order['text'])}”"] if order.get("text") else []
    parts += [f"note “{escape(note)}”" for note in listed(order.get("note"))]
    parts += [f"site: {_coded(site)}" for site in listed(order.get("bodySite"))]
    return ", ".join(filter(None, parts))


def _fact(fact: Mapping[str, Any], order_date: date) -> str:
    """Return one fact: where it is recorded, what it is, its value, its statuses, and when."""
    if fact["resource"] == "error":
        return f"the search for every {_source(fact['search'])} failed"
    said = [_coded(fact)] if "code" in fact or "display" in fact else []
    if fact.get("value") is not None:
        said.append(escape(f"{fact['value']} {fact.get('unit') or ''}".strip()))
    for key, worded in _DETAILS:
        value = fact.get(key)
        if value not in (None, "", [], False) and f"{key} {value}" not in _USUAL:
            said.append(worded.format(_value(value)))
    said += _days(fact, order_date)
    return f"{_kind(fact)}: {', '.join(said)}"


def _kind(fact: Mapping[str, Any]) -> str:
    return "order question" if fact["resource"].endswith("order question") else _source(fact["resource"])


def _source(resource_type: str) -> str:
    """Return a resource type in plain words: `DiagnosticReport` is a diagnostic report."""
    return re.sub(r"(?<!^)(?=[A-Z])", " ", resource_type).lower()


def _days(fact: Mapping[str, Any], order_date: date) -> Iterator[str]:
    """Yield when it began, was done, written down and ended."""
    for word, day, given in (
        ("began", "onset_day", "onset"),
        ("", "day", "date"),
        ("recorded", "recorded_day", "recordedDate"),
        ("ended", "abatement_day", "abatement"),
    ):
        if when := _day(fact.get(day), fact.get(given), order_date):
            yield f"{word} {when}".strip()
    for form in ("DateTime", "Age", "Period", "Range", "String"):
        if fact.get(f"onset{form}") is not None:
            yield f"began “{_value(fact[f'onset{form}'])}”"


def _day(offset: int | None, given: object, order_date: date) -> str:
    """Return a day counted from the order; a partial date, which stands before an offset, as it is."""
    if given is not None:
        try:
            offset = (date.fromisoformat(str(given)) - order_date).days
        except ValueError:
            return escape(str(given))
    if not offset:
        return "" if offset is None else "on the day"
    return f"{abs(offset)} day{'' if abs(offset) == 1 else 's'} {'before' if offset < 0 else 'after'}"


def _value(value: Any) -> str:
    """Return a value of a fact: coded, listed, a range, or as it stands."""
    if isinstance(value, list):
        return "; ".join(_value(item) for item in value)
    if isinstance(value, Mapping):
        if "code" in value or "display" in value:
            return _coded(value)
        return ", ".join(f"{name} {_value(item)}" for name, item in value.items())
    return escape(str(value))


def _coded(fact: Mapping[str, Any]) -> str:
    """Return display and code."""
    name = escape(str(fact.get("display") or fact.get("concept", "")).removesuffix(" (finding)"))
    if "code" not in fact:
        return name
    system = canonical_system(str(fact.get("system", "")))
    label = _WORDING.get("systems").get(system, "no system" if not system else escape(system))
    return f"{name} ({label} {escape(str(fact['code']))})" if name else f"{label} {escape(str(fact['code']))}"


def main() -> None:
    """Write the page to the file that the command line names."""
    Path(sys.argv[1]).write_text(scenarios_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
