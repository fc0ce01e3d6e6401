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


SPINE = "loinc:24967-2"


@pytest.mark.parametrize(
    ("conclusion", "asked"),
    [
        (None, True),
        ("See attached report.", True),
        ("Refer to PDF", True),
        ("IMPRESSION: see below", True),
        ("Result pending", True),
        ("Normal.", False),
        ("L4/5 disc bulge. See attached report.", False),
    ],
)
@pytest.mark.parametrize("code", [SPINE, "cpt:72148"])
def test_a_known_study_of_unread_findings_asks(code: str, conclusion: str | None, asked: bool) -> None:
    """Which study it is says nothing of what it found, nor does a conclusion that points to a form."""
    found = finding("R-UNREAD", report(code, 20, presentedForm=[FORM], conclusion=conclusion))
    assert bool(found.questions) is asked


@pytest.mark.parametrize(
    ("conclusion", "quote"),
    [
        ("Suspicious osseous lesion L2", "Suspicious osseous lesion L2"),
        ("Degenerative change. Retroperitoneal mass, 4 cm.", "…Retroperitoneal mass, 4 cm."),
        ("No suspicious osseous lesion or paraspinal mass.", None),
        ("Skin lesion.", None),
    ],
)
def test_a_finding_of_imaging_asks_by_its_name(conclusion: str, quote: str | None) -> None:
    """What a report calls a lesion of bone or a mass beside the spine is quoted, and what it denies is not."""
    found = finding("R-UNREAD", report("cpt:72131", 20, conclusion=conclusion))
    assert [bool(item.quote) for item in found.evidence] == ([True] if quote else [])
    assert all("lesion" in item.quote or "mass" in item.quote for item in found.evidence)
    assert finding("R-UNREAD", report("cpt:72131", 200, conclusion=conclusion)).questions == ()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Lytic bone lesion", "icd:M89.9"),
        ("Gait disturbance", "icd:R26.9"),
        ("Multiple sclerosis", "icd:G35"),
        ("Giant cell arteritis", "icd:M31.6"),
        ("Polymyalgia rheumatica", "icd:M35.3"),
        ("Peripheral neuropathy", "icd:G62.9"),
        ("Elevated PSA", "icd:R97.20"),
        ("Lyme disease", "icd:A69.20"),
    ],
)
@pytest.mark.parametrize("day", [5, 2000])
def test_a_name_asks_as_its_code_does(name: str, code: str, day: int) -> None:
    """Readable is not harmless: where the table of ICD-10-CM asks, its words ask, and for as long."""
    by_code = finding("R-UNREAD", condition(code, day))
    by_name = finding("R-UNREAD", condition({"text": name}, day, resource_id="w"))
    assert by_name.questions == by_code.questions
    assert by_code.questions or day == 2000


@pytest.mark.parametrize(
    "name",
    ["Diabetic peripheral neuropathy", "Plantar fasciitis", "Low bone mass", "Sickle cell trait", "Lyme vaccination"],
)
def test_a_name_of_something_else_is_aside(name: str) -> None:
    """The neuropathy of diabetes and a strained sole stand in no chapter that asks."""
    assert finding("R-UNREAD", condition({"text": name}, 5, resource_id="w")).questions == ()


def test_a_diagnosis_that_did_not_come_asks() -> None:
    """A visit for a problem that nobody has seen may be for the red flag; what is no problem is told by its record."""
    unseen = [{"condition": {"reference": "Condition/unseen"}}]
    assert finding("R-UNREAD", encounter(None, 0, diagnosis=unseen)).questions == ("unread",)
    assert finding("R-UNREAD", encounter(None, 100, diagnosis=unseen)).questions == ()
    operation = [{"condition": {"reference": "Procedure/p"}}]
    assert finding("R-UNREAD", encounter(None, 0, diagnosis=operation)).questions == ()


MACHINE = condition("icd:W31.9XXA", 3)


@pytest.mark.parametrize(
    ("injury", "asked"),
    [
        (condition("icd:S30.1XXA", 3), True),
        (condition("icd:S39.012A", 3), True),
        (condition("icd:S20.229A", 3), True),
        (condition("icd:S30.1XXA", 100), False),
        (condition("icd:S60.011A", 3), False),
    ],
)
def test_how_an_injury_of_the_trunk_came_about_asks(injury: Resource, asked: bool) -> None:
    """An accident of the last ninety days asks beside an injury of spine or trunk, and alone it does not."""
    assert bool(finding("R-UNREAD", MACHINE, injury).questions) is asked
    assert finding("R-UNREAD", MACHINE).questions == ()


@pytest.mark.parametrize(
    ("reason", "only"),
    [("icd:G06.2", False), ("icd:D43.4", False), ("icd:G82.50", False), ("icd:G37.3", False), ("icd:Q05.7", True)],
)
def test_a_disease_as_the_reason_is_more_than_another_indication(reason: str, only: bool) -> None:
    """Surveillance of what is there since birth is another indication; an abscess or a paralysis is a question."""
    found = finding("R-UNREAD", order=mri(reasons=[reason]))
    assert ("reason_only" in found.tags) is only
