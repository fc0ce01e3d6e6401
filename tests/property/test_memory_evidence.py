"""Nothing new is ever silenced by what somebody answered before it came: a new record, a newer value, a new note."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.advice import Case, Resource, advise
from tests.property.charts import AUTHORED, about
from tests.property.findings import CPT, PLACES, deferred
from tests.property.profile import law
from tests.property.test_memory import answers_to, said, told

_PHRASES = ("foot drop", "numb saddle", "hx of MS", "night sweats", "Gleason 9", "on tamoxifen", "fell off a ladder")
_CONTRAST = {"coding": [{"system": CPT, "code": "72158"}]}


def _lab(name: str, identity: str, amount: float, unit: str, days: int) -> Resource:
    return about(
        "Observation",
        id=identity,
        status="final",
        code={"text": name},
        valueQuantity={"value": amount, "unit": unit, "code": unit},
        effectiveDateTime=(AUTHORED - timedelta(days=days)).isoformat(),
    )


def _egfr(identity: str, amount: float, days: int) -> Resource:
    return _lab("eGFR", identity, amount, "mL/min/{1.73_m2}", days)


def _silenced(first: Case, second: Case) -> set[str]:
    """Return what is told in full of a case, but not where the other one was answered before."""
    answers = answers_to(told(advise(first), verbosity="all"), "overridden")
    usual, after = told(advise(second), verbosity="all"), told(advise(second), *answers, verbosity="all")
    return {item.message for item in after.sent[0].not_repeated} | (said(usual) - said(after))


def _with_contrast(*values: Resource) -> Case:
    return deferred(code=_CONTRAST, reasonCode=[{"text": "Low back pain, discitis?"}]).having("observations", *values)


@law(150)
@given(st.integers(10, 95), st.integers(10, 95), st.integers(0, 80), st.integers(0, 80), st.booleans())
def test_a_new_kidney_value_is_told_after_any_answer(old: int, new: int, before: int, days: int, amended: bool) -> None:
    """Whatever the eGFR was when contrast was answered for, another one, or an amended one, is told."""
    second = [_egfr("b", new, days)] if amended else [_egfr("a", old, before), _egfr("b", new, days)]
    identity = "b" if amended else "a"
    first = _with_contrast(_egfr(identity, old, before))
    if (old, before) == (new, days) and amended:
        return
    after = _with_contrast(*second)
    assert "C-CONTRAST-SAFETY" not in _silenced(first, after)


def test_a_kidney_value_that_cannot_be_read_is_told() -> None:
    """An eGFR came that nobody can judge: what was answered while there was none does not stand for it."""
    unread = _egfr("a", 1, 3) | {"valueString": "see comment"}
    del unread["valueQuantity"]
    assert "C-CONTRAST-SAFETY" not in _silenced(_with_contrast(), _with_contrast(unread))
    known = _egfr("k", 25, 20)
    assert "C-CONTRAST-SAFETY" not in _silenced(_with_contrast(known), _with_contrast(known, unread))


@law(150)
@given(
    st.sampled_from(_PHRASES),
    st.sampled_from(_PHRASES),
    st.sampled_from(sorted(PLACES)),
    st.sampled_from(sorted(PLACES)),
)
def test_words_that_are_new_are_asked_about(one: str, other: str, place: str, where: str) -> None:
    """A question that was answered for one record is asked again for another, whatever it says and wherever."""
    first = PLACES[place](one)
    more = PLACES[where](other)
    both = Case(
        more.order if more.order != deferred().order else first.order,
        first.today,
        {key: _merged(first, more, key) for key in {*first.records, *more.records}},
    )
    if both.prefetch() == first.prefetch() and both.order == first.order:
        return
    assert "C-INFO-NEED" not in _silenced(first, both)


def _merged(first: Case, more: Case, key: str) -> tuple[Resource, ...]:
    new = [dict(found, id="newer") for found in more.records.get(key, ()) if found.get("id") == "more"]
    return (*first.records.get(key, more.records.get(key, ())), *new)


@pytest.mark.parametrize("text", ["new foot drop", "bilateral foot drop", "a weak leg"])
def test_another_note_on_the_same_record_is_asked_about(text: str) -> None:
    """What is written beside a note that was answered for is new, though it is the same record and the same topic."""

    def noted(*texts: str) -> Case:
        notes: list[dict[str, Any]] = [{"text": said} for said in texts]
        return deferred().having("conditions", about("Condition", id="more", code={"text": "Back pain"}, note=notes))

    assert "C-INFO-NEED" not in _silenced(noted("leg weakness"), noted("leg weakness", text))
