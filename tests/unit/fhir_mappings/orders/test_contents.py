"""The places of an order where words stand, whose words they are, and what comes with it."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.fhir.dates import parse_date
from tests.unit.fhir_mappings.records import (
    CAUDA_EQUINA,
    PAIN,
    SUBJECT,
    Resource,
    ago,
    coded,
    condition,
    finding,
    mri,
    observation,
    read_order,
)

TEXT = "new saddle numbness"


def told(**elements: Any) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return the place and the words of an order's own texts, and of the others."""
    order = read_order(mri(**elements))
    own, others = order.own_texts, order.other_texts
    return [(said.place, said.text) for said in own], [(said.place, said.text) for said in others]


@pytest.mark.parametrize(
    ("elements", "place"),
    [
        ({"reasonCode": [{"text": TEXT}]}, "order_reason"),
        ({"reasonCode": {"text": TEXT}}, "order_reason"),
        ({"reasonCode": [TEXT]}, "order_reason"),
        ({"reasonCode": [{"coding": [{"display": TEXT}]}]}, "order_reason"),
        ({"reason": [{"concept": {"text": TEXT}}]}, "order_reason"),
        ({"reason": [{"concept": {"coding": [{"display": TEXT}]}}]}, "order_reason"),
        ({"note": [{"text": TEXT}]}, "order_note"),
        ({"note": {"text": TEXT}}, "order_note"),
        ({"note": TEXT}, "order_note"),
    ],
)
def test_reasons_and_notes_are_the_authors_own_words(elements: Resource, place: str) -> None:
    """What the author says of now, in R4 and R5 and half-written forms, is known as the author's."""
    assert told(**elements) == ([(place, TEXT)], [])


@pytest.mark.parametrize(
    ("elements", "place"),
    [
        ({"patientInstruction": TEXT}, "order_instruction"),
        ({"patientInstruction": [{"instructionMarkdown": TEXT}]}, "order_instruction"),
        ({"orderDetail": [{"text": TEXT}]}, "order_detail"),
        ({"orderDetail": [{"coding": [{"display": TEXT}]}]}, "order_detail"),
        ({"orderDetail": [{"parameter": [{"code": {}, "valueString": TEXT}]}]}, "order_detail"),
        ({"reasonReference": [{"display": TEXT}]}, "order_reference"),
        ({"reasonReference": [{"reference": "Condition/not-sent", "display": TEXT}]}, "order_reference"),
        ({"reason": [{"reference": {"reference": "Condition/x", "display": TEXT}}]}, "order_reference"),
        ({"supportingInfo": [{"display": TEXT}]}, "order_reference"),
        ({"supportingInfo": [{"concept": {"text": TEXT}}]}, "order_reference"),
        ({"contained": [condition({"text": TEXT}, resource_id="c")]}, "contained"),
        ({"contained": [condition({"text": TEXT}) | {"id": None}]}, "contained"),
        ({"contained": [observation({"text": TEXT}, valueBoolean=True)]}, "contained"),
        (
            {"contained": [{"resourceType": "ClinicalImpression", "id": "i", "description": TEXT}]},
            "contained",
        ),
        (
            {"contained": [{"resourceType": "DiagnosticReport", "id": "r", "conclusion": TEXT}]},
            "contained",
        ),
        (
            {
                "contained": [
                    {"resourceType": "Goal", "id": "g", "target": [{"detailString": 7}, {"x": {"text": TEXT}}]}
                ]
            },
            "contained",
        ),
    ],
)
def test_other_words_are_kept_apart(elements: Resource, place: str) -> None:
    """Advice, details, references and carried records are read, each known by its place, and ask."""
    assert told(**elements) == ([], [(place, TEXT)])
    found = finding("R-HINT", order=mri(**elements))
    assert (found.questions, found.met) == (("hint_ces",), False)


@pytest.mark.parametrize(
    "contained",
    [
        observation({"text": TEXT}, valueBoolean=False),
        condition({"text": TEXT}, verification="refuted"),
        condition({"text": TEXT}) | {"subject": {"reference": "Patient/pat-2"}},
        {"resourceType": "Practitioner", "id": "p", "name": [{"text": TEXT}]},
        {"resourceType": "Goal", "id": "g", "subject": {"display": TEXT}, "expressedBy": {"display": TEXT}},
        {"resourceType": "Goal", "id": "g", "text": {"status": "generated", "div": TEXT}},
        {
            "resourceType": "QuestionnaireResponse",
            "id": "q",
            "item": [{"text": TEXT, "answer": [{"valueBoolean": False}]}],
        },
    ],
)
def test_what_a_carried_record_does_not_say(contained: Resource) -> None:
    """Denied findings, other patients, names of people and mere questions are no words of it."""
    order = mri(contained=[contained])
    assert read_order(order).other_texts == ()
    assert finding("R-HINT", order=order).questions == ()


@pytest.mark.parametrize(("ended", "questions"), [(90, ("hint_ces",)), (91, ())])
def test_a_carried_record_keeps_its_dates(ended: int, questions: tuple[str, ...]) -> None:
    """A carried sign that is over asks for as long as it would in the record."""
    over = condition({"text": TEXT}, 200, "resolved", abatementDateTime=ago(ended))
    assert finding("R-HINT", order=mri(contained=[over])).questions == questions


def test_drafted_record_is_read_where_it_is_referred_to() -> None:
    """A record drafted beside the order speaks for it only where the order names it."""
    beside = condition({"text": TEXT}, resource_id="c")
    assert finding("R-HINT", order=mri(), others=[beside]).questions == ()
    named = mri(reasonReference=[{"reference": "Condition/c"}])
    assert finding("R-HINT", order=named, others=[beside]).questions == ("hint_ces",)


def test_note_keeps_its_time() -> None:
    """A note that was written earlier is not of today."""
    (note,) = read_order(mri(note=[{"text": TEXT, "time": "2026-03-01T10:00:00Z"}])).own_texts
    assert note.when == parse_date("2026-03-01")


def test_words_beside_a_code_that_says_it_ask_no_second_time() -> None:
    """The display of a coded reason is covered by its code."""
    order = mri(reasons=[coded(CAUDA_EQUINA, text="cauda equina syndrome")])
    assert finding("R-HINT", order=order).questions == ()


@pytest.mark.parametrize(
    "reason",
    [
        {"concept": coded(CAUDA_EQUINA)},
        {"reference": {"reference": "#c"}},
        {"reference": {"reference": "Condition/c"}},
    ],
)
def test_r5_reason_counts_like_an_older_one(reason: Resource) -> None:
    """R5 has one element for coded reasons and reasons elsewhere; both fire."""
    cauda = condition(CAUDA_EQUINA, resource_id="c")
    order = mri(reason=[reason], contained=[cauda], code={"concept": coded("cpt:72148")})
    assert finding("R-CES", order=order, others=[cauda]).met
    assert finding("R-IND", order=mri(reason=[{"concept": coded(PAIN)}])).met


def test_deeply_nested_and_foreign_shapes_do_no_harm() -> None:
    """Whatever stands in the place of a text is passed over."""
    deep: Any = "end"
    for _ in range(200):
        deep = [{"x": deep}]
    order = mri(note=[7, None, {"text": 7}], orderDetail=deep, reason=[7, {"concept": 7}, {"reference": 7}])
    assert read_order(order | {"contained": [7, {"resourceType": 7, "id": 7}], "subject": SUBJECT}).texts == ()


@pytest.mark.parametrize(
    ("note", "questions"),
    [
        ("“new urinary retention” (2 Mar 2026): is a leg weak now? no", ("hint_ces",)),
        ("“new foot drop” (2 Mar 2026): is a leg weak now? no", ()),
        ("New leg weakness: no (asked 16 Mar 2026, new foot drop found after)", ("hint_motor",)),
        ("Not behind this pain: “urinary retention”", ("hint_ces",)),
    ],
)
def test_a_no_denies_only_what_was_asked(note: str, questions: tuple[str, ...]) -> None:
    """Whatever else stands in the quotation or beside the day of an answer goes on asking, and states nothing."""
    found = finding("R-HINT", order=mri(note=[{"text": note}]))
    assert found.questions == questions
    assert not finding("R-CES", order=mri(note=[{"text": note}])).met


@pytest.mark.parametrize(
    ("elements", "asks"),
    [
        ({"note": [{"text": "lytic lesion L3 on CT"}]}, True),
        ({"reasonCode": [{**coded(PAIN), "text": "back pain, syrinx"}]}, True),
        ({"note": [{"text": "no bony lesion"}]}, False),
        ({"note": [{"text": "difficulty walking from the pain"}]}, False),
    ],
)
def test_names_that_ask_do_so_beside_a_known_reason(elements: dict[str, Any], asks: bool) -> None:
    """What asks on a problem list asks in the order's own words too, unless it is how pain shows."""
    assert ("unread" in finding("R-UNREAD", order=mri(**elements)).questions) is asks
