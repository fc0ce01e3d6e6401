"""Order questions answered in plain words: what counts as an answer, for which day, and what only asks."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.chart.answers import Answered, QuestionAnswer
from fhir_mappings.chart.entries import Assertion
from tests.unit.fhir_mappings.records import (
    DAY,
    PAIN,
    Record,
    Resource,
    condition,
    facts_of,
    finding,
    mri,
    observation,
    record,
    verdict,
)

QUESTION = "Conservative therapy tried?"
NO, YES, UNCLEAR = Answered.NO, Answered.YES, Answered.UNCLEAR


def asked(day: int | None = 1, question: str | None = QUESTION, name: str = "q", **value: Any) -> Resource:
    """Return an order question as an Observation without a code."""
    return observation({"text": question} if question else {}, day, name, **value)


def form(*items: Resource, **elements: Any) -> Resource:
    """Return a completed form."""
    return record(
        "QuestionnaireResponse",
        "form",
        **{"status": "completed", "authored": "2026-06-01", "item": list(items), **elements},
    )


def answers(*resources: Resource) -> tuple[QuestionAnswer, ...]:
    """Return the answers in some resources."""
    return Record(resources).chart().answers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("No", NO),
        ("none", NO),
        ("None tried", NO),
        ("not tried", NO),
        ("N", NO),
        ("false", NO),
        ("yes", YES),
        ("Y", YES),
        ("Failed 8 weeks of PT", YES),
        ("completed", YES),
        ("No relief", UNCLEAR),
        ("No improvement with PT", UNCLEAR),
        ("NSAIDs", UNCLEAR),
        ("", UNCLEAR),
        ("Nothing helped", UNCLEAR),
        ("No benefit from 8 weeks of PT", UNCLEAR),
        ("No lasting relief", UNCLEAR),
        ("Never helped", UNCLEAR),
        ("N/A", UNCLEAR),
    ],
)
def test_words_of_an_answer(text: str, expected: Answered) -> None:
    """Only a plain no means that nothing was tried; therapy that did not help was tried."""
    (answer,) = answers(asked(valueString=text))
    assert (answer.topic, answer.answered) == ("conservative_therapy", expected)
    (answer,) = answers(form({"text": QUESTION, "answer": [{"valueString": text}]}))
    assert answer.answered is expected


@pytest.mark.parametrize(
    "question",
    [
        QUESTION,
        "Prior conservative treatment",
        "Physical therapy done",
        "PHYSICAL  THERAPY tried",
        "Conservative care:",
    ],
)
def test_question_in_other_words(question: str) -> None:
    """Sites word the question differently."""
    assert answers(asked(question=question, valueBoolean=False))


@pytest.mark.parametrize(
    "value",
    [
        {"valueBoolean": False},
        {"valueCodeableConcept": {"text": "No"}},
        {"valueCodeableConcept": {"coding": [{}, {"display": "No"}]}},
    ],
)
def test_answer_in_other_types(value: Resource) -> None:
    """A box, a coded answer and a text are answers."""
    (answer,) = answers(asked(**value))
    assert answer.answered is NO
    assert answer.reference == "Observation/q"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"valueBoolean": True}, YES),
        ({"valueCoding": {"display": "No"}}, NO),
        ({"valueCoding": {"code": "N"}}, NO),
        ({"valueString": "yes"}, YES),
    ],
)
def test_answer_of_a_form(answer: Resource, expected: Answered) -> None:
    """Nested items of a form are read, each answer by its own type."""
    nested = {"linkId": "1", "text": "Section", "item": [{"text": QUESTION, "answer": [answer]}]}
    (found,) = answers(form(nested))
    assert (found.answered, found.reference) == (expected, "QuestionnaireResponse/form")


@pytest.mark.parametrize(
    "resource",
    [
        asked(valueString="No", status="entered-in-error"),
        asked(valueString="No", status="cancelled"),
        asked(question="Pain today?", valueString="No"),
        asked(question=None, valueString="No"),
        asked(),
        observation("icd:R20.0", valueString="No", resource_id="q"),
        form({"text": QUESTION, "answer": [{"valueString": "No"}]}, status="entered-in-error"),
        form({"text": QUESTION, "answer": [{"valueString": "No"}]}, status="stopped"),
        form({"text": QUESTION, "answer": [{"valueString": "No"}]}, status="in-progress"),
        form({"linkId": "1", "answer": [{"valueString": "No"}]}),
        form({"text": QUESTION, "answer": [{"valueAttachment": {}}]}),
        form({"text": QUESTION}),
    ],
)
def test_what_is_no_answer(resource: Resource) -> None:
    """Other questions, void forms and empty answers say nothing."""
    assert answers(resource) == ()


def test_yes_of_a_form_that_is_being_filled_in_counts() -> None:
    """A red flag that was pressed is one before the form is completed."""
    pressed = {"text": "New saddle numbness?", "answer": [{"valueBoolean": True}]}
    (found,) = answers(form(pressed, status="in-progress"))
    assert found.answered is YES


LONG = condition(PAIN, onset=60)


@pytest.mark.parametrize(
    ("resources", "status"),
    [
        ([asked(valueString="None")], "MET"),
        ([asked(valueString="Nothing helped")], "UNKNOWN"),
        ([asked(valueString="Yes")], "UNKNOWN"),
        ([asked(800, valueString="None")], "UNKNOWN"),  # told of another episode
        ([asked(30, name="a", valueString="None"), asked(1, name="b", valueString="Yes, 8 weeks of PT")], "UNKNOWN"),
        ([form({"text": QUESTION, "answer": [{"valueBoolean": False}]})], "MET"),
    ],
)
def test_only_a_current_no_is_evidence_against_the_scan(resources: list[Resource], status: str) -> None:
    """That no therapy was tried counts when it was said of this episode and nobody has said otherwise since."""
    assert verdict("R-6W-NO", LONG, *resources)[0] == status


SADDLE = "New saddle numbness?"


def answered(question: str, value: Any, **elements: Any) -> Resource:
    """Return a form of the order's day with one answer, a boolean or a whole answer element."""
    answer = {"valueBoolean": value} if isinstance(value, bool) else value
    return form({"linkId": "1", "text": question, "answer": [answer]}, **{"authored": DAY.isoformat(), **elements})


YESES = [
    True,
    {"valueString": "Yes"},
    {"valueString": "yes, since Monday"},
    {"valueCoding": {"code": "Y"}},
    {"valueCoding": {"display": "Present"}},
    {"valueCoding": {"system": "http://snomed.info/sct", "code": "52101004"}},
]


@pytest.mark.parametrize("value", YESES, ids=str)
def test_yes_of_today_counts_like_a_record(value: Any) -> None:
    """A red flag that the clinician affirmed minutes ago fires, in whatever type the answer came."""
    found = finding("R-CES", answered(SADDLE, value))
    assert found.met
    assert [(item.reference, item.concept) for item in found.evidence] == [
        ("QuestionnaireResponse/form", "saddle_anaesthesia")
    ]


@pytest.mark.parametrize(
    ("value", "questions"),
    [
        (False, ()),
        ({"valueString": "No"}, ()),
        ({"valueString": "denies"}, ()),
        ({"valueString": "No saddle numbness"}, ()),
        ({"valueString": "N/A"}, ()),
        ({"valueString": ""}, ()),
        ({"valueAttachment": {}}, ()),
        ({"valueString": "yes, 10 years ago"}, ("hint_ces",)),
        ({"valueString": "perineum feels odd"}, ("hint_ces",)),
        ({"valueString": "some"}, ("hint_ces",)),
        ({"valueDate": "2026-06-01"}, ("hint_ces",)),
        ({"valueInteger": 3}, ("hint_ces",)),
        ({"valueDecimal": 0.5}, ("hint_ces",)),
        ({"valueQuantity": {"value": 2, "unit": "d"}}, ("hint_ces",)),
        ({"valueReference": {"display": "Condition, see there"}}, ("hint_ces",)),
    ],
    ids=str,
)
def test_answer_that_is_no_plain_yes(value: Any, questions: tuple[str, ...]) -> None:
    """A no ends it; an answer that nobody can weigh asks, and fires nothing."""
    resource = answered(SADDLE, value)
    assert not finding("R-CES", resource).met
    assert finding("R-HINT", resource).questions == questions


@pytest.mark.parametrize(
    ("question", "value", "criterion", "tag"),
    [
        ("Leg weakness?", True, "R-MOTOR", None),
        ("Fever?", True, "R-INFECT", None),
        ("History of cancer?", True, "R-V7", "cancer"),
        ("IV drug use?", True, "R-V7", "drug_use"),
        ("Pacemaker or ICD?", True, "R-MR", "hold"),
        ("Does the patient have a pacemaker?", True, "R-MR", "hold"),
        ("Pregnant?", True, "R-PREG", None),
        ("Gadolinium allergy?", True, "R-CON-SAFE", "allergy_gadolinium"),
        ("Red flags (check all that apply)", {"valueCoding": {"display": "Saddle numbness"}}, "R-CES", None),
        ("Red flags", {"valueCoding": {"system": "http://snomed.info/sct", "code": "192970008"}}, "R-CES", None),
    ],
)
def test_each_red_flag_and_implant_can_be_answered(question: str, value: Any, criterion: str, tag: str | None) -> None:
    """Yes to any question of the table is seen by the criterion that asks for it."""
    found = finding(criterion, answered(question, value))
    assert found.met
    assert tag is None or tag in found.tags


def test_yes_to_several_things_at_once() -> None:
    """Yes to one of the cauda equina signs is that suspicion; yes to unlike things only asks which."""
    several = facts_of(answered("Saddle numbness, bladder or bowel dysfunction?", value=True))
    (entry,) = several.entries("ces_sign")
    assert (entry.assertion, entry.of_order) == (Assertion.SUSPECTED, True)
    unlike = answered("Fever, cancer or leg weakness?", value=True)
    assert finding("R-HINT", unlike).questions == ("hint_motor", "hint_infection", "hint_cancer")
    assert not finding("R-MOTOR", unlike).met


def test_no_denies_what_was_asked_and_nothing_else() -> None:
    """A no is a dated denial of its items; a record of another thing, and a coded one of the same, stay."""
    facts = facts_of(answered("Saddle numbness or leg weakness?", value=False), condition("icd:G83.4"))
    denied = {
        name: [entry.assertion for entry in facts.entries(name)] for name in ("saddle_anaesthesia", "motor_deficit")
    }
    assert denied == {"saddle_anaesthesia": [Assertion.ABSENT], "motor_deficit": [Assertion.ABSENT]}
    assert facts.stated("cauda_equina")


@pytest.mark.parametrize(
    ("question", "value", "questions"),
    [
        ("Is bladder function normal?", True, ()),
        ("Is bladder function normal?", False, ("hint_ces",)),
        ("History of urinary retention?", True, ("hint_ces",)),
        ("Recent fall?", True, ("hint_trauma",)),
        ("Recent fall?", False, ()),
        ("Red flags?", True, ("hint_ces",)),
        ("Reason for exam", {"valueString": "new foot drop"}, ("hint_motor",)),
        ("Comments", {"valueString": "feeling well"}, ()),
    ],
)
def test_question_that_may_only_ask(question: str, value: Any, questions: tuple[str, ...]) -> None:
    """What is asked the other way round, of the past, or in unknown words raises a question and fires nothing."""
    found = finding("R-HINT", answered(question, value))
    assert (found.questions, found.met) == (questions, False)


def test_question_that_takes_an_implant_for_granted_asks_for_safety() -> None:
    """Whoever is asked about the pacemaker has one, or may have one."""
    found = finding("R-MR", answered("Is the pacemaker MRI compatible?", False))
    assert found.tags == {"unidentified"}


@pytest.mark.parametrize(
    ("authored", "order", "counts"),
    [
        (DAY.isoformat(), {}, True),
        ("2026-06-02T20:10:00-05:00", {}, True),
        ("2026-06-01", {}, False),
        ("2026-06-01", {"authoredOn": "2026-06-01"}, True),
        ("2026-05-20", {}, False),
        ("2026-05-20", {"supportingInfo": [{"reference": "QuestionnaireResponse/form"}]}, True),
        ("2026-05-20", {"supportingInfo": [{"reference": "https://ehr.example/r4/QuestionnaireResponse/form"}]}, True),
        (None, {}, False),
    ],
)
def test_answer_counts_on_its_day(authored: str | None, order: dict[str, Any], counts: bool) -> None:
    """An answer of the order, or of its day, fires; an older one asks again."""
    resource = answered(SADDLE, value=True, authored=authored)
    assert finding("R-CES", resource, order=mri(**order)).met is counts
    assert finding("R-HINT", resource, order=mri(**order)).questions == (() if counts else ("hint_ces",))


def test_older_allergy_stays_and_older_pregnancy_is_possible() -> None:
    """What does not pass by itself counts after its day."""
    old = {"authored": "2026-03-01"}
    assert finding("R-CON-SAFE", answered("Gadolinium allergy?", value=True, **old)).met
    assert finding("R-PREG", answered("Pregnant?", value=True, **old)).questions == ("pregnancy",)


def test_nested_items_and_link_ids_are_read() -> None:
    """Questions below answers, and those that only their link id or definition names, are questions."""
    below = {"text": SADDLE, "answer": [{"valueBoolean": True}]}
    nested = form({"text": "Back pain?", "answer": [{"valueBoolean": True, "item": [below]}]}, authored=DAY.isoformat())
    assert finding("R-CES", nested).met
    for name in ({"linkId": "saddle-numbness"}, {"definition": "http://x.example/Questionnaire/q#saddleNumbness"}):
        assert finding("R-CES", form({**name, "answer": [{"valueBoolean": True}]}, authored=DAY.isoformat())).met


@pytest.mark.parametrize(
    ("order", "others"),
    [
        ({"contained": [answered(SADDLE, value=True, authored=None)]}, []),
        (
            {"supportingInfo": [{"reference": "QuestionnaireResponse/form"}]},
            [answered(SADDLE, value=True, authored=None)],
        ),
        ({}, [answered(SADDLE, value=True, authored=None)]),
        ({}, [answered(SADDLE, value=True, basedOn=[{"reference": "ServiceRequest/mri-1"}])]),
    ],
)
def test_answers_sent_with_the_order_are_the_orders(order: dict[str, Any], others: list[Resource]) -> None:
    """A form inside the order, or drafted beside it, speaks for it."""
    assert finding("R-CES", order=mri(**order), others=others).met


@pytest.mark.parametrize(
    "elements",
    [{"basedOn": [{"reference": "ServiceRequest/other"}]}, {"subject": {"reference": "Patient/pat-2"}}],
)
def test_answers_for_another_order_or_patient_are_not(elements: dict[str, Any]) -> None:
    """A form beside the order that says that it belongs elsewhere is left alone."""
    form_of_other = answered(SADDLE, value=True, **elements)
    assert not finding("R-CES", others=[form_of_other]).met
    assert finding("R-HINT", others=[form_of_other]).questions == ()


@pytest.mark.parametrize(
    ("answer", "text", "fires", "asks"),
    [
        ({"valueDecimal": 650}, "Post void residual (mL)", True, ()),
        ({"valueInteger": 650}, "PVR (in mL)", True, ()),
        ({"valueQuantity": {"value": 0.65, "unit": "L"}}, "Post-void residual volume", True, ()),
        ({"valueString": "650"}, "Post void residual (mL)", True, ()),
        ({"valueDecimal": 50}, "Post void residual (mL)", False, ()),
        ({"valueDecimal": 650}, "Post void residual", True, ()),
        ({"valueDecimal": 650}, "Post void residual (mmol)", False, ("ces",)),
        ({"valueDecimal": 650}, "Pulmonary vascular resistance PVR (mL)", False, ()),
    ],
    ids=str,
)
def test_measurement_of_a_form_is_one_of_the_record(
    answer: Resource, text: str, fires: bool, asks: tuple[str, ...]
) -> None:
    """A form that asks for a residual volume says what an Observation would; in an unknown unit it asks."""
    found = finding("R-CES", answered(text, answer))
    assert (found.met, found.questions) == (fires, asks)
    assert {item.reference for item in found.evidence} <= {"QuestionnaireResponse/form"}


@pytest.mark.parametrize(
    ("item", "asks"),
    [
        ({"linkId": "1.2", "answer": [{"valueBoolean": True}]}, True),
        ({"linkId": "q7", "answer": [{"valueCoding": {"display": "Yes"}}]}, True),
        ({"answer": [{"valueBoolean": True}]}, True),
        ({"text": "Blasenstörung?", "answer": [{"valueBoolean": True}]}, True),
        ({"linkId": "lumbar-mri.of-another-edition", "answer": [{"valueBoolean": True}]}, True),
        ({"linkId": "lumbar-mri.onset", "answer": [{"valueBoolean": True}]}, False),
        ({"linkId": "1.2", "answer": [{"valueBoolean": False}]}, False),
        ({"linkId": "1.2", "answer": [{"valueString": "blue"}]}, False),
        ({"linkId": "1.2", "text": "Do you smoke?", "answer": [{"valueBoolean": True}]}, False),
    ],
    ids=str,
)
def test_yes_to_a_question_that_nobody_can_read_asks(item: Resource, asks: bool) -> None:
    """What was affirmed, and not said what, was received all the same (h.1.1); a no to it is nothing."""
    found = finding("R-UNREAD", form(item, authored=DAY.isoformat()))
    assert (found.questions == ("unread",)) is asks
    assert not asks or found.evidence[0].place == "questionnaire"


@pytest.mark.parametrize(("value", "status"), [(True, "NOT_MET"), (False, "MET")])
def test_six_weeks_of_treatment_answered_yes_and_no_differ(value: bool, status: str) -> None:
    """Pain of weeks, with six weeks of treatment behind it, is not told that none was tried."""
    resource = answered("Has the patient had 6 weeks of conservative treatment?", value)
    assert verdict("R-6W-NO", LONG, resource)[0] == status
    said = finding("R-FAIL6W", LONG, resource, order=mri(reasons=[PAIN]))
    assert [item.concept for item in said.evidence if item.reference == "QuestionnaireResponse/form"] == [
        "six_weeks_of_therapy" if value else "care_not_complete"
    ]


def test_new_bladder_or_bowel_trouble_is_a_sign_and_no_diagnosis() -> None:
    """A yes to one of two signs names neither the syndrome nor one of them as on record."""
    found = finding("R-CES", answered("New bowel or bladder incontinence?", value=True))
    assert [item.concept for item in found.evidence] == ["ces_sign"]


@pytest.mark.parametrize(
    ("value", "asks"),
    [
        ({"valueString": "since noon"}, True),
        ({"valueString": "ja"}, True),
        ({"valueCoding": {"system": "http://loinc.org", "code": "LA33-6"}}, True),
        ({"valueString": "unknown"}, True),
        ({"valueString": "n/a"}, False),
        ({"valueString": "no"}, False),
    ],
    ids=str,
)
def test_unclear_answer_to_our_own_question_asks(value: Resource, asks: bool) -> None:
    """What is neither yes nor no is no denial: what was asked is open."""
    found = finding("R-HINT", form({"linkId": "lumbar-mri.ces", "answer": [value]}, authored=DAY.isoformat()))
    assert (found.questions == ("hint_ces",)) is asks


def test_text_of_an_item_tells_what_was_asked() -> None:
    """A form that names our item and asks the other way round is read by its words, any other by the item's name."""
    normal, other = "Are bladder, bowel and saddle sensation normal?", "Taubheit im Schritt?"
    for text, value, met in ((normal, False, True), (normal, True, False), (other, True, True)):
        item = {"linkId": "lumbar-mri.ces", "text": text, "answer": [{"valueBoolean": value}]}
        assert finding("R-CES", form(item, authored=DAY.isoformat())).met is met
