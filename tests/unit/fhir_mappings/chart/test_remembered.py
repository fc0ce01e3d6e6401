"""What is remembered of a content changes no answer: a record alike is judged as if it had been read."""

from __future__ import annotations

import pytest

from fhir_mappings.chart import chart as reading
from fhir_mappings.chart.chart import Chart, read_chart
from fhir_mappings.fhir.prefetch import read_prefetch
from fhir_mappings.terminology.index import Addition
from fhir_mappings.terminology.value_set_files import Member, Place
from tests.spec.scenarios import PATIENT as SCENARIO_PATIENT
from tests.spec.scenarios import load
from tests.unit.fhir_mappings.records import (
    PATIENT,
    SYSTEMS,
    Record,
    Resource,
    allergy,
    coded,
    condition,
    encoded,
    encounter,
    index,
    observation,
    prescription,
    procedure,
    quantity,
    report,
    request,
)

HYPERTENSION = "icd:I10"
READABLE = {"text": "Seasonal allergy to pollen"}
GLUCOSE = observation("loinc:2345-7", 3, valueQuantity=quantity(90, "mg/dL"))
ASIDE = [
    condition(HYPERTENSION),
    GLUCOSE,
    observation("loinc:8867-4", component=[{"code": coded("loinc:8302-2"), "valueQuantity": quantity(180, "cm")}]),
    procedure("sct:171207006"),
    encounter(HYPERTENSION, 3),
    prescription("rx:351109") | {"medicationCodeableConcept": {"text": "budesonide"}},
    report("loinc:2345-7"),
    request("sct:171207006"),
    allergy("local:1") | {"code": READABLE},
]
# Other elements, by which a record is no longer set aside, or not for the same reason.
OTHERWISE = [
    (condition(HYPERTENSION), {"note": [{"text": "numb in the saddle area"}]}),
    (condition(HYPERTENSION), {"code": coded(HYPERTENSION, text="Cauda equina syndrome")}),
    (condition(HYPERTENSION), {"code": coded("icd:G83.4")}),
    (condition(HYPERTENSION), {"verificationStatus": coded(text="refuted")}),
    (GLUCOSE, {"valueString": "new saddle anaesthesia"}),
    (GLUCOSE, {"code": {"text": "Post void residual"}}),
    (observation({"text": "Zustand"}, valueString="nein"), {"valueString": "ja"}),
    (procedure("sct:171207006"), {"reasonCode": [{"text": "spinal epidural abscess"}]}),
    (procedure("sct:171207006"), {"usedReference": [{"display": "pacemaker"}]}),
    (encounter(HYPERTENSION, 3), {"diagnosis": [{"condition": {"display": "Discitis"}}]}),
    (prescription("rx:351109"), {"medicationCodeableConcept": {"text": "prednisone 20 mg"}}),
]


def anew(*records: Resource) -> Chart:
    """Return a chart that is read with nothing remembered."""
    reading._asides.clear()
    return Record(records).chart()


@pytest.mark.parametrize("resource", ASIDE, ids=lambda resource: resource["resourceType"])
def test_a_record_alike_ends_alike(resource: Resource) -> None:
    """Another record of a content that was set aside has the same line, under its own name and with its own date."""
    dates = ("onsetDateTime", "effectiveDateTime", "performedDateTime", "authoredOn", "recordedDate")
    other = resource | {"id": "other"} | {name: "2024-02-03" for name in dates if name in resource}
    (expected,) = anew(other).ledger.lines
    anew(resource)
    assert reading._asides
    (line,) = Record((other,)).chart().ledger.lines
    assert line == expected


@pytest.mark.parametrize(("resource", "change"), OTHERWISE)
def test_any_word_and_any_code_is_content(resource: Resource, change: Resource) -> None:
    """A record that says anything more or else than one set aside is read for itself."""
    other = resource | change
    expected = anew(other)
    anew(resource)
    assert Record((other,)).chart() == expected
    assert expected.ledger != anew(resource).ledger or expected.remarks


def test_an_inactive_problem_alike_is_still_over() -> None:
    """Whether a problem has ended follows from its own dates, not from those of the one that was read before."""
    ended = condition(HYPERTENSION, abatementDateTime="2025-01-01", clinical=None)
    anew(condition(HYPERTENSION, clinical=None))
    (line,) = Record((ended,)).chart().ledger.lines
    assert line.is_over


def test_scenarios_read_alike_with_a_full_memory() -> None:
    """No scenario's chart differs when all others were read before it."""
    prefetches = [
        {key: encoded(value) for key, value in scenario.request("order-sign")["prefetch"].items()}
        for scenario in load()
    ]
    charts = []
    for sent in prefetches:
        reading._asides.clear()
        charts.append(read_chart(SCENARIO_PATIENT, read_prefetch(sent), index()))
    for sent in prefetches:
        read_chart(SCENARIO_PATIENT, read_prefetch(sent), index())
    assert [read_chart(SCENARIO_PATIENT, read_prefetch(sent), index()) for sent in prefetches] == charts


def test_another_index_is_asked_anew() -> None:
    """A site that maps a code of its own is not told what a code means elsewhere."""
    site = index().extended([Addition("cauda_equina", Member(Place("site.json", "$"), SYSTEMS["icd"], "I10"))])
    anew(condition(HYPERTENSION))
    sent = read_prefetch(Record((condition(HYPERTENSION),)).prefetch())
    assert read_chart(PATIENT, sent, site).entries.keys() == {"cauda_equina"}


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many contents come, no more than a fixed number is kept."""
    monkeypatch.setattr(reading, "_MOST_ASIDES", 3)
    anew(*(procedure("sct:171207006", bodySite=[{"text": f"place {n}"}], resource_id=f"p{n}") for n in range(10)))
    assert 0 < len(reading._asides) <= 3


@pytest.mark.parametrize("name", ["ESR", "CRP", "Post void residual", "Temp", "EHL strength"])
def test_number_is_read_after_a_measurement_that_came_without_one(name: str) -> None:
    """A measurement whose number is missing is none that another may be taken for."""
    without = observation({"text": name}, 3, valueQuantity={"unit": "mL"})
    measured = observation({"text": name}, 3, valueQuantity={"value": 450, "unit": "mL"})
    expected = anew(measured)
    anew(without)
    assert Record((measured,)).chart() == expected
