"""What one record more costs: reading it, once, however many criteria ask for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator

import pytest

from tests.property.advice import Case, Resource, advise, index
from tests.property.charts import ICD, LOINC, about
from tests.property.findings import LATELY, deferred


def calls_of(case: Case) -> int:
    """Return how many calls an answer takes: a number that no busy machine changes."""
    count = 0

    def step(_frame: object, event: str, _value: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(step)
    try:
        advise(case)
    finally:
        sys.setprofile(before)
    return count


def _many(case: Case, key: str, found: Iterator[Resource]) -> Case:
    return case.having(key, *({**resource, "id": f"many-{number}"} for number, resource in enumerate(found)))


def _conditions(number: int) -> Case:
    names = (f"Disease number {each} of the foot" for each in range(number))
    found = (about("Condition", code={"coding": [{"system": ICD, "code": "I10"}], "text": name}) for name in names)
    return _many(deferred(), "conditions", found)


def _observations(number: int) -> Case:
    code = {"coding": [{"system": LOINC, "code": "2345-7"}], "text": "Glucose"}
    value = {"value": 5.4, "unit": "mmol/L"}
    shape = about("Observation", status="final", code=code, valueQuantity=value, effectiveDateTime=LATELY)
    return _many(deferred(), "observations", (shape for _ in range(number)))


def _pains(number: int) -> Case:
    code = {"coding": [{"system": ICD, "code": "M54.50"}], "text": "Low back pain, unspecified"}
    shape = about("Condition", code=code, onsetDateTime=LATELY)
    return _many(deferred(), "conditions", (shape for _ in range(number)))


@pytest.mark.parametrize(
    ("grown", "most"),
    [(_conditions, 900), (_observations, 260), (_pains, 1_100)],
    ids=["conditions", "observations", "pain"],
)
def test_a_record_is_weighed_once_however_many_criteria_ask(grown: Callable[[int], Case], most: int) -> None:
    """One record more costs what reading it takes: what several criteria rest on is made once."""
    index()
    advise(grown(400))
    assert calls_of(grown(400)) - calls_of(grown(200)) <= 200 * most
