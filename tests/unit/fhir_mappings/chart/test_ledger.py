"""The ledger: every record ends as recognised, as set aside for a reason, or as unrecognised."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.chart.ledger import Standing
from fhir_mappings.criteria.findings import Status
from tests.unit.fhir_mappings.records import (
    FOOT_DROP,
    PAIN,
    Record,
    Resource,
    coded,
    condition,
    device,
    encounter,
    finding,
    mri,
    observation,
    procedure,
    quantity,
    record,
    report,
)

ICD = "http://hl7.org/fhir/sid/icd-10-cm"
GERMAN = {"coding": [{"system": "urn:local", "code": "1", "display": "Querschnittsyndrom"}]}
FORM = {"contentType": "application/pdf", "url": "Binary/1"}
IMAGING = [{"coding": [{"code": "RAD"}]}]


def visit(day: int) -> Resource:
    """Return a visit for a reason that nobody can read."""
    return encounter(None, day, reasonCode=[GERMAN])


def named_report(name: str, day: int) -> Resource:
    """Return a report of imaging that came as PDF."""
    return report("local:9", day, category=IMAGING, presentedForm=[FORM]) | {"code": {"text": name}}


def standing(resource: Resource) -> tuple[Standing, str]:
    """Return what became of the only record of a chart, and why."""
    (line,) = Record((resource,)).chart().ledger.lines
    return line.standing, line.reason


def test_each_record_has_one_line() -> None:
    """Nothing received goes without an end, and the counts add up."""
    records = [condition(PAIN), condition(GERMAN, resource_id="g"), observation("local:1", 3), procedure("local:2", 3)]
    chart = Record((*records, device({"text": "Azure"}), encounter(PAIN, 3))).chart()
    assert len(chart.ledger.lines) == 6
    assert sum(sum(counts.values()) for counts in chart.ledger.counts.values()) == 6


@pytest.mark.parametrize(
    ("resource", "ended"),
    [
        (condition(FOOT_DROP), Standing.RECOGNISED),
        (condition({"text": "foot drop"}), Standing.RECOGNISED),
        (condition(FOOT_DROP, verification="entered-in-error"), Standing.SET_ASIDE),
        (condition({"text": "Essential hypertension"}), Standing.SET_ASIDE),
        (condition(GERMAN), Standing.UNRECOGNISED),
        (visit(3), Standing.UNRECOGNISED),
        (device({"text": "Wheelchair"}), Standing.SET_ASIDE),
        (device({"text": "Azure XT"}), Standing.UNRECOGNISED),
        (observation("loinc:718-7", 3, valueQuantity=quantity(14, "g/dL")), Standing.SET_ASIDE),
        (report("local:9", 3, category=IMAGING, presentedForm=[FORM]), Standing.UNRECOGNISED),
        (report("local:9", 3, category=IMAGING, presentedForm=[FORM], conclusion="Normal."), Standing.SET_ASIDE),
        (report("local:9", 3, presentedForm=[FORM]), Standing.SET_ASIDE),
        (named_report("CT head", 3), Standing.SET_ASIDE),
    ],
)
def test_how_a_record_ends(resource: Resource, ended: Standing) -> None:
    """By its code, by its words, or as something that somebody has to be asked about."""
    assert standing(resource)[0] is ended


def test_one_reason_of_a_visit_does_not_hide_another() -> None:
    """A visit for back pain and for something nobody recognised is not recognised whole."""
    both = encounter(PAIN, 3) | {"reasonCode": [coded(PAIN), GERMAN]}
    assert standing(both) == (Standing.UNRECOGNISED, "unreadable")


@pytest.mark.parametrize(
    ("elements", "asked"),
    [
        ({}, True),
        ({"onset": 3000}, True),
        ({"clinical": "resolved", "onset": 100}, True),
        ({"clinical": "resolved", "onset": 3000}, False),
        ({"verification": "refuted"}, False),
    ],
)
def test_an_unknown_problem_asks_while_it_may_hold(elements: dict[str, Any], asked: bool) -> None:
    """What nobody recognised may be the red flag: it asks by its name, however old, unless it is long over."""
    found = finding("R-UNREAD", condition(GERMAN, resource_id="g", **elements))
    assert [item.quote for item in found.evidence] == (["Querschnittsyndrom"] if asked else [])
    assert found.questions == (("unread",) if asked else ())


@pytest.mark.parametrize("day", [3, 80])
def test_an_unknown_reason_of_a_visit_asks_for_the_window_of_symptoms(day: int) -> None:
    """A visit is an event; an old one is no reason for today."""
    assert finding("R-UNREAD", visit(day)).questions == ("unread",)
    assert finding("R-UNREAD", visit(200)).questions == ()


@pytest.mark.parametrize(
    ("value", "asked"),
    [
        ({"valueBoolean": True}, True),
        ({"valueString": "ja"}, True),
        ({"valueCodeableConcept": {"text": "Positiv"}}, True),
        ({"valueQuantity": {"value": 450, "unit": "ml"}}, True),
        ({"valueBoolean": False}, False),
        ({"valueString": "ledig"}, False),
        ({"valueQuantity": {"value": 4.1, "unit": "mmol/L"}}, False),
    ],
)
def test_an_unknown_finding_asks_where_it_was_affirmed(value: dict[str, Any], asked: bool) -> None:
    """A finding that nobody can read asks by its name where its value says yes, or is a volume of urine perhaps."""
    code = {"coding": [{"system": "urn:local", "code": "77"}], "text": "Querschnittsyndrom"}
    found = finding("R-UNREAD", observation(code, 3, "g", **value))
    assert [item.quote for item in found.evidence] == (["Querschnittsyndrom"] if asked else [])
    assert finding("R-UNREAD", observation(code, 200, "g", **value)).questions == ()


def test_an_unknown_reason_of_the_order_asks() -> None:
    """The reason of the order is the first thing that has to be understood."""
    assert finding("R-UNREAD", order=mri(reasons=[GERMAN])).questions == ("unread",)


@pytest.mark.parametrize("criterion", ["R-CES", "R-MOTOR", "R-INFECT", "R-CANCER", "R-TRAUMA", "R-V6", "R-V7"])
def test_no_red_flag_is_denied_past_an_unknown_problem(criterion: str) -> None:
    """A red flag is "not met" only when it was looked for in everything received."""
    assert finding(criterion, condition(PAIN)).status is Status.NOT_MET
    assert finding(criterion, condition(PAIN), condition(GERMAN, resource_id="g")).status is Status.UNKNOWN


def test_a_report_that_nobody_can_read_asks_for_half_a_year() -> None:
    """A report of the spine as PDF may say anything."""
    unread = named_report("MR lumbar spine", 100)
    assert finding("R-UNREAD", unread).questions == ("unread",)
    old = named_report("MR lumbar spine", 300)
    assert finding("R-UNREAD", old).questions == ()


def test_what_words_ask_already_is_not_asked_twice() -> None:
    """A problem with a code that asks and words that ask is one question."""
    worded = record("Condition", "w", code={"coding": [{"system": ICD, "code": "Z99.99", "display": "foot drop"}]})
    assert finding("R-HINT", worded).questions == ("hint_motor",)
    assert finding("R-UNREAD", worded).questions == ()
