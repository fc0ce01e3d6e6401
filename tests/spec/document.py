"""Writes the scenarios in short words, as the scenarios page and `/scenarios.json` show them.

Run as `python -m tests.spec.document FILE`; `make docs` does. It stands beside the scenarios because the package
must not depend on its tests.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from cards.guideline.guideline import FOOTER_STATEMENT, GUIDELINE_VERSION, RULES, Outcome
from cards.guideline.wording import load_wording
from fhir_mappings.criteria.registry import CRITERIA
from fhir_mappings.criteria.thresholds import Thresholds
from fhir_mappings.terminology.code_systems import canonical_system
from tests.spec.records import listed
from tests.spec.scenarios import Scenario, load

_WORDING = load_wording()
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


def text() -> str:
    """Return the file: one scenario a line, so that a change of one is a change of one line."""
    meanings = {outcome: _WORDING.text("outcomes", outcome, **asdict(Thresholds())) for outcome in Outcome}
    outcomes = [{"id": outcome.value, "meaning": meaning} for outcome, meaning in meanings.items()]
    lines = ",\n".join(f"  {_json(_entry(scenario))}" for scenario in load())
    head = f'{{\n"version": {_json(GUIDELINE_VERSION)},\n"outcomes": {_json(outcomes)},\n'
    return f'{head}"scenarios": [\n{lines}\n]\n}}\n'


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def required_ids() -> list[str]:
    """Return every statement and rule of the guideline, statements first."""
    statements = {name for criterion in CRITERIA for name in criterion.statements}
    statements |= {name for rule in RULES for name in rule.statements} | {FOOTER_STATEMENT}
    return [*sorted(statements), *(criterion.id for criterion in CRITERIA), *(rule.id for rule in RULES)]


def _entry(scenario: Scenario) -> dict[str, Any]:
    body, expected = scenario.body, scenario.expected
    age = body.get("age")
    return {
        "id": scenario.id,
        "title": scenario.title,
        "patient": f"{body['sex']}, {'age not recorded' if age is None else age}",
        "order": order_words(body["order"]),
        "record": list(dict.fromkeys(fact_words(fact, scenario.order_date) for fact in body["facts"])),
        "outcome": expected["outcome"],
        "level": expected["indicator"] if expected["cards"] else "",
        "messages": expected["cards"],
        "never": expected.get("must_not", []),
        # Sources may name a statement as a whole that the guideline implements in parts.
        "shows": [name for name in body["source"] if name in required_ids()],
    }


def order_words(order: Mapping[str, Any]) -> str:
    """Return the order: the study, its priority, its reasons and what is written beside them."""
    parts = [_coded(order), str(order.get("priority", ""))]
    reasons = [_coded(reason) for reason in listed(order.get("reasonCode"))]
    parts.append(f"for {'; '.join(reasons)}" if reasons else "no coded reason")
    parts += [f"“{order['text']}”"] if order.get("text") else []
    parts += [f"note “{note}”" for note in listed(order.get("note"))]
    parts += [f"by {order['requester']}"] if order.get("requester") else []
    parts += [f"site: {_coded(site)}" for site in listed(order.get("bodySite"))]
    return ", ".join(filter(None, parts))


def fact_words(fact: Mapping[str, Any], order_date: date) -> str:
    """Return one fact: where it is recorded, what it is, its value, its statuses, and when."""
    if fact["resource"] == "error":
        return f"the search for every {_source(fact['search'])} failed"
    said = [_coded(fact)] if "code" in fact or "display" in fact else []
    if fact.get("value") is not None:
        said.append(f"{fact['value']} {fact.get('unit') or ''}".strip())
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
            return str(given)
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
    return str(value)


def _coded(fact: Mapping[str, Any]) -> str:
    """Return display and code."""
    name = str(fact.get("display") or fact.get("concept", "")).removesuffix(" (finding)")
    if "code" not in fact:
        return name
    system = canonical_system(str(fact.get("system", "")))
    label = _WORDING.get("systems").get(system, system or "no system")
    return f"{name} ({label} {fact['code']})" if name else f"{label} {fact['code']}"


def main() -> None:
    """Write the file that the command line names."""
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
