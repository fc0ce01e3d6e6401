"""What must hold for one record more on a chart of which the answer was to wait: nothing received goes unread."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.chart.ledger import LedgerLine, Standing
from fhir_mappings.criteria.implants import IMPLANTS
from fhir_mappings.words.matcher import asking_names, topics_in
from tests.property.advice import Answer, Case, Resource, advise, wording
from tests.property.charts import AUTHORED, BLOCKING, ICD, LOINC, SNOMED, about, status
from tests.property.charts import coded as coded_as
from tests.property.findings import CURRENT, LATELY, PLACES, candidates, deferred, problem, reassurance, recorded
from tests.property.profile import law

# Topics that only speak of the safety of the scan, not of its time.
_OF_SAFETY = frozenset({"implant", "contrast_allergy"})
_PHRASES = candidates()["phrases"]
_CODES = [(ICD, *pair) for pair in candidates()["icd10cm"]] + [(SNOMED, *pair) for pair in candidates()["snomed"]]
_HABITS = ("{}", "h/o {}", "{}, s/p", "?{}", "r/o {}", "PMH: {}", "Assessment:\n- {}\nPlan: PT", "{} - see letter")
# What others' systems send: other languages, typing errors, abbreviations of their own.
UNREADABLE = (
    "Bandscheibenabszess",
    "Rückenmarkskompression",
    "absceso epidural",
    "compression médullaire",
    "spinall absces",
    "Z.n. Querschnitt",
    "XQRT 17",
    "Herzschrittmacher",
)


def line_of(answer: Answer, reference: str) -> LedgerLine:
    """Return what became of a record."""
    return next(line for line in answer.assessment.chart.ledger.lines if line.reference == reference)


def coded(system: str, code: str, display: str = "") -> Resource:
    """Return a CodeableConcept as clients write it."""
    return {"coding": [{"system": system, "code": code} | ({"display": display} if display else {})]}


def concepts_on(answer: Answer, reference: str) -> set[str]:
    """Return the concepts that were recognised in a record."""
    found = answer.assessment.chart.entries.items()
    return {concept for concept, entries in found if any(entry.reference == reference for entry in entries)}


def test_the_chart_that_the_laws_begin_with_defers_the_scan() -> None:
    """Two weeks of pain and nothing else: everything below adds one thing to this."""
    assert advise(deferred()).discourages


@law(400)
@given(st.sampled_from(_CODES), st.booleans())
def test_a_problem_more_asks_unless_it_is_aside_for_a_reason(found: tuple[str, str, str], named: bool) -> None:
    """With one diagnosis more the scan is put off only where the ledger says why it cannot matter, or what it is."""
    system, code, name = found
    after = advise(problem(coded(system, code, name if named else "")))
    if not after.discourages:
        return
    line = line_of(after, "Condition/more")
    if line.standing is Standing.UNRECOGNISED:
        assert line.span in {"safety", "with_injury", "with_deficit"}, (code, name)
    elif line.standing is Standing.SET_ASIDE:
        assert line.reason, (code, name)
    else:
        assert not concepts_on(after, line.reference) & set(BLOCKING) - {*IMPLANTS, "trauma_low_energy"}, (code, name)


@pytest.mark.parametrize("phrase", _PHRASES)
def test_a_phrase_that_was_missed_once_asks_or_warns(phrase: str) -> None:
    """What a clinician writes of a red flag or an implant is asked about, whatever its place in the problem list."""
    after = advise(problem({"text": phrase}))
    if topics_in(phrase) <= _OF_SAFETY:
        assert any(message.startswith("C-MR-") for message in after.messages)
    else:
        assert not after.discourages


@law(300)
@given(st.sampled_from(_CODES))
def test_a_code_written_worse_reassures_no_more(found: tuple[str, str, str]) -> None:
    """A code of an unknown system, without one, cut, or with a text in it, is no better news than the code itself."""
    system, code, name = found
    before = reassurance(advise(problem(coded(system, code))))
    for worse in (
        coded("urn:oid:1.2.3.4", code),
        coded("", code),
        coded(system, f"{code} - {name}"),
        coded(system, f"{code}??x{code}"),
        coded("http://fhir.de/CodeSystem/bfarm/icd-10-gm", code),
        {"coding": [{"code": code}]},
        {"text": code},
    ):
        assert reassurance(advise(problem(worse))) <= before, worse


@law(60)
@given(st.sampled_from([pair for pair in _CODES if pair[0] == ICD]), st.sampled_from(("text", "display")))
def test_a_red_flag_by_its_name_reassures_no_more(found: tuple[str, str, str], where: str) -> None:
    """A red flag whose title raises a topic is asked about by the title alone."""
    _, _, name = found
    written = {"text": name} if where == "text" else coded("urn:local", "17", name)
    if topics_in(name) - _OF_SAFETY:
        assert not advise(problem(written)).discourages


_AGES = st.sampled_from((0, 20, 89, 91, 200, 364, 366, 700, 3000))
_STATES = st.sampled_from(("active", "active", "resolved"))


@law(300)
@given(st.sampled_from([pair for pair in _CODES if pair[0] == ICD]), _AGES, _AGES, _STATES)
def test_a_code_replaced_by_its_words_reassures_no_more(
    found: tuple[str, str, str], onset: int, recorded_on: int, clinical: str
) -> None:
    """What words raise asks for as long as the code would, whatever its dates and its status."""
    system, code, name = found
    if not (topics_in(name) - _OF_SAFETY or asking_names(name)):
        return
    dates = {"onsetDateTime": _ago(max(onset, recorded_on)), "recordedDate": _ago(recorded_on)}
    told = {"clinicalStatus": status("condition-clinical", clinical), **dates}
    by_code = reassurance(advise(recorded("Condition", code=coded(system, code), **told)))
    assert reassurance(advise(recorded("Condition", code={"text": name}, **told))) <= by_code, (code, name)


def _ago(days: int) -> str:
    return (AUTHORED - timedelta(days=days)).isoformat()


@law(200)
@given(st.sampled_from(BLOCKING), st.data(), st.integers(2, 59), st.booleans())
def test_a_red_flag_after_an_old_order_is_not_passed_over(
    concept: str, data: st.DataObject, after: int, mistyped: bool
) -> None:
    """What became known since the order was written, or bears a date that cannot be true, keeps "wait" unsaid."""
    case = replace(deferred(), today=AUTHORED + timedelta(days=60))
    assert advise(case).discourages
    finding = data.draw(coded_as(concept).filter(lambda code: LOINC not in str(code)))
    day = "2062-05-01" if mistyped else (AUTHORED + timedelta(days=after)).isoformat()
    flag = about("Condition", id="more", code=finding, **{**CURRENT, "recordedDate": day})
    assert not advise(case.having("conditions", flag)).discourages


@law(400)
@given(st.sampled_from(_PHRASES), st.sampled_from(_HABITS), st.sampled_from(sorted(PLACES)))
def test_no_place_reassures_more_than_another(phrase: str, habit: str, place: str) -> None:
    """What asks in the problem list asks in every place where people write."""
    text = habit.format(phrase)
    if topics_in(text) - _OF_SAFETY:
        assert not advise(PLACES[place](text)).discourages, (place, text)


_NAMING = ("Condition text", "Condition display", "Encounter reason", "Encounter diagnosis")
_ORDERING = ("Order reason text", "Order reason display", "Order reason reference", "Order contained")


@pytest.mark.parametrize("place", [*_NAMING, *_ORDERING])
@pytest.mark.parametrize("text", UNREADABLE)
def test_a_problem_that_nobody_can_read_is_asked_about(text: str, place: str) -> None:
    """A diagnosis or a reason in another language, misspelt or abbreviated keeps "wait" from being said."""
    assert not advise(PLACES[place](text)).discourages


_CLAIMS = ("no_implant_data", "no_red_flag")


@pytest.mark.parametrize("text", [text for text in UNREADABLE if not topics_in(text)])
@pytest.mark.parametrize("kind", ["Condition", "Encounter", "Procedure", "Observation", "Device", "DeviceUseStatement"])
def test_no_absence_is_claimed_beside_what_nobody_could_read(kind: str, text: str) -> None:
    """No card says that no implant, or no red flag, was found while a record that may be one was not understood."""
    by_kind: dict[str, dict[str, Any]] = {
        "Condition": {"code": {"text": text}, "recordedDate": LATELY},
        "Encounter": {"status": "finished", "period": {"start": LATELY}, "reasonCode": [{"text": text}]},
        "Procedure": {"status": "completed", "performedDateTime": LATELY, "code": {"text": text}},
        "Observation": {"status": "final", "effectiveDateTime": LATELY, "code": {"text": text}, "valueBoolean": True},
        "Device": {"status": "active", "type": {"text": text}},
        "DeviceUseStatement": {"status": "active", "device": {"display": text}},
    }
    after = advise(recorded(kind, **by_kind[kind]))
    claims = [wording().text("card", claim) for claim in (_CLAIMS[:1] if kind.startswith("Device") else _CLAIMS)]
    told = json.dumps(after.response, ensure_ascii=False)
    assert after.assessment.chart.ledger.unrecognised(kind)
    assert not [claim for claim in claims if claim in told]


@pytest.mark.parametrize("name", ["dye", "contrast dye", "IV contrast", "gadolinium: anaphylaxis", "Omniscan"])
def test_an_allergy_in_words_keeps_contrast_from_being_offered(name: str) -> None:
    """A contrast agent in the list of allergies, as people call it, is warned of where contrast is ordered."""
    case = _with_contrast(recorded("AllergyIntolerance", code={"text": name}, recordedDate=LATELY))
    assert "C-CONTRAST-SAFETY" in advise(case).messages


def _with_contrast(case: Case) -> Case:
    order = {**case.order, "code": coded("http://www.ama-assn.org/go/cpt", "72158")}
    return Case(order, case.today, {**case.records, "conditions": ()}, case.drafts)
