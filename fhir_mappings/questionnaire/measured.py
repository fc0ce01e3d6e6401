"""Measurements that a form asks for by name: "Post void residual (mL)" with a number says what an Observation would."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import CodeableConcept, Quantity
from fhir_mappings.words.record_names import measurement_concept

_NUMBER = re.compile(r"\s*\d{1,5}(?:\.\d{1,3})?\s*")
_UNIT = re.compile(r"\((?:in )?(?P<unit>[^()\s]{1,12})\)")


def measured_answers(response: fhir.QuestionnaireResponse) -> Iterator[fhir.Observation]:
    """Yield the numbers that a form asked for by the name of a measurement, as the Observations that they are.

    A bare number has the unit that its question puts in parentheses.
    """
    pending = list(response.item)
    while pending:
        item = pending.pop()
        pending += item.item
        for answer in item.answer:
            pending += answer.item
            quantity = _quantity(answer, item.text or "")
            if quantity is not None and measurement_concept((item.text or "").casefold(), is_worded=False):
                yield fhir.Observation(
                    resource_type="Observation",
                    id=response.id,
                    code=CodeableConcept(text=item.text),
                    value_quantity=quantity,
                    effective_date_time=response.authored,
                )


def _quantity(answer: fhir.Answer, question: str) -> Quantity | None:
    if answer.value_quantity is not None:
        return answer.value_quantity
    number = answer.value_decimal if answer.value_integer is None else float(answer.value_integer)
    if number is None and answer.value_string and _NUMBER.fullmatch(answer.value_string):
        number = float(answer.value_string)
    if number is None:
        return None
    unit = _UNIT.search(question)
    return Quantity(value=number, unit=unit["unit"] if unit else None)
