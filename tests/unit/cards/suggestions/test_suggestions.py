"""Suggestions: what can be accepted with one press, that it is valid FHIR, and what must never be offered."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest

from cards.suggestions.drafts import code_of, new_order, plain, pruned, with_study
from tests.unit.cards.advice import (
    SITUATIONS,
    WITH_BOTH,
    actions_of,
    cards_of,
    codes_of,
    english,
    messages,
    situation,
    suggestions_of,
)
from tests.unit.fhir_mappings.records import (
    CAUDA_EQUINA,
    FOOT_DROP,
    PAIN,
    PATIENT,
    SUBJECT,
    Resource,
    coded,
    mri,
    read_order,
)

CT, MYELOGRAPHY, THERAPY, RADIOGRAPH, WHOLE_SPINE = "72131", "24965-6", "444831000124102", "24970-6", "36400-0"
ESR, CRP, CULTURE, STANDING, PLEXUS = "30341-2", "1988-5", "600-7", "24971-4", "443078008"
DRAFTS = {
    CT: mri("cpt:72131", id="d-1"),
    MYELOGRAPHY: mri("loinc:24965-6", id="d-2"),
    THERAPY: mri("sct:444831000124102", id="d-3"),
    RADIOGRAPH: mri("cpt:72100", id="d-4"),
    WHOLE_SPINE: mri("sct:411571000119106", id="d-5"),
    ESR: mri("loinc:30341-2", id="d-6"),
    PLEXUS: mri("sct:443078008", id="d-7"),
}
UPDATED = ("cauda equina", "foot drop", "discitis", "after surgery", "failed care, needless contrast", "metastasis")


def updates(name: str, **changes: Any) -> list[Resource]:
    """Return the orders that the updates of a situation would write."""
    return [action["resource"] for action in actions_of(situation(name, **changes), "update")]


def order_of(name: str, **elements: Any) -> Resource:
    """Return the order of a situation, with more elements."""
    return {**(SITUATIONS[name][1].get("order") or mri()), **elements}


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("acute pain", {THERAPY}),
        ("untreated", {THERAPY}),
        ("failed care", set()),
        ("failed care, plexus", {PLEXUS}),
        ("slipped vertebra", {STANDING}),
        ("cauda equina", set()),
        ("cord", {WHOLE_SPINE}),
        ("foot drop", set()),
        ("discitis", {ESR, CRP, CULTURE}),
        ("cancer history", {ESR, CRP}),
        ("weight loss", {ESR, CRP, RADIOGRAPH}),
        ("fracture", {CT, RADIOGRAPH}),
        ("osteoporosis", {RADIOGRAPH}),
        ("age 80", {THERAPY, RADIOGRAPH}),
        ("child", set()),
        ("unsafe implant", {CT, MYELOGRAPHY}),
        ("unsafe implant, cauda equina", {CT, MYELOGRAPHY}),
        ("unsafe implant, acute pain", {THERAPY}),
        ("pacemaker", {CT, MYELOGRAPHY}),
        ("pacemaker, cauda equina", {CT, MYELOGRAPHY}),
        ("pacemaker, acute pain", {THERAPY}),
        ("conditional implant", set()),
        ("nothing known", set()),
        ("chronic pain without care", {THERAPY}),
        ("conditions not readable", set()),
    ],
)
def test_what_is_offered(name: str, codes: set[str]) -> None:
    """Each situation offers the orders that go with it, and no others."""
    offered = codes_of(situation(name))
    known = {CT, MYELOGRAPHY, THERAPY, RADIOGRAPH, WHOLE_SPINE, ESR, CRP, CULTURE, STANDING, PLEXUS}
    assert offered & known == codes


@pytest.mark.parametrize("name", SITUATIONS)
def test_actions_are_valid_and_about_this_patient(name: str) -> None:
    """Every order that a suggestion creates or changes is a valid ServiceRequest for the patient in context."""
    for action in actions_of(situation(name)):
        assert action["description"]
        if action["type"] == "delete":
            assert action["resourceId"] == "ServiceRequest/mri-1"
            continue
        ServiceRequest.model_validate(plain(action["resource"]))
        assert action["resource"]["subject"] == SUBJECT
        if action["type"] == "create":
            assert (action["resource"]["status"], action["resource"]["intent"]) == ("draft", "order")
            assert "id" not in action["resource"]


@pytest.mark.parametrize("name", SITUATIONS)
def test_suggestions_of_a_card_do_not_contradict_each_other(name: str) -> None:
    """One recommendation an order at most, no lone removal beside a replacement, one choice where orders change."""
    found = situation(name)
    assert sum(item.get("isRecommended", False) for item in suggestions_of(found)) <= 1
    for card in cards_of(found):
        kinds = [{action["type"] for action in item["actions"]} for item in card.get("suggestions", [])]
        touching = [kind for kind in kinds if kind & {"delete", "update"}]
        assert {"delete"} not in kinds or len(touching) == 1
        if kinds:
            assert card["selectionBehavior"] == ("at-most-one" if len(touching) > 1 else "any")
        recommended = [item.get("isRecommended", False) for item in card.get("suggestions", [])]
        assert recommended == sorted(recommended, reverse=True)
        labels = [item["label"] for item in card.get("suggestions", [])]
        assert len(labels) == len(set(labels))


@pytest.mark.parametrize("name", [name for name in SITUATIONS if "unsafe" in name or "pacemaker" in name])
def test_nothing_advances_a_forbidden_scan(name: str) -> None:
    """While an implant forbids or holds the scan, the order is never raised or changed, only removed or replaced."""
    assert updates(name) == []
    assert not [item for item in suggestions_of(situation(name)) if "Raise" in item["label"]]


@pytest.mark.parametrize("name", ["unsafe implant, acute pain", "pacemaker, acute pain"])
def test_scan_that_is_not_indicated_is_cancelled(name: str) -> None:
    """An implant is not worked up for a scan that should wait anyway: therapy takes its place, by one press."""
    (removal,) = suggestions_of(situation(name))
    assert removal["isRecommended"]
    assert [action["type"] for action in removal["actions"]] == ["delete", "create"]
    assert not codes_of(situation(name)) & {CT, MYELOGRAPHY}


@pytest.mark.parametrize(
    ("name", "code"),
    [("unsafe implant, cauda equina", CT), ("unsafe implant, fracture", CT), ("fracture", CT)],
)
def test_alternative_that_answers_the_question_is_recommended(name: str, code: str) -> None:
    """Bone is asked of CT, and so is the first picture of an emergency: it is there at once."""
    (best,) = [item for item in suggestions_of(situation(name)) if item.get("isRecommended")]
    assert [action["type"] for action in best["actions"]] == ["delete", "create"]
    assert code in json.dumps(best)


def test_no_alternative_is_recommended_for_a_question_not_asked() -> None:
    """Nobody is nudged towards a lumbar puncture by an order that asks about neither canal nor bone."""
    found = suggestions_of(situation("unsafe implant"))
    assert {CT, MYELOGRAPHY} <= codes_of(situation("unsafe implant"))
    assert not [item for item in found if item.get("isRecommended")]


def test_scan_is_not_replaced_where_it_is_wanted() -> None:
    """After a crash with a new foot drop the MRI is raised, and CT is no recommendation."""
    found = situation("crash with foot drop")
    (best,) = [item for item in suggestions_of(found) if item.get("isRecommended")]
    assert [action["type"] for action in best["actions"]] == ["update"]


@pytest.mark.parametrize(
    ("name", "priority"),
    [("cauda equina", "stat"), ("cord", "stat"), ("foot drop", "urgent"), ("metastasis", "urgent")],
)
def test_priority_is_raised_as_far_as_needed(name: str, priority: str) -> None:
    """An emergency is stat, an urgent reason urgent; an order that has it already is left alone."""
    assert [order["priority"] for order in updates(name)][:1] == [priority]
    assert [order["priority"] for order in updates(name, order=order_of(name, priority="routine"))][:1] == [priority]
    raised = updates(name, order=order_of(name, priority="stat"))
    assert all(order["priority"] == "stat" for order in raised)
    assert not [
        item
        for item in suggestions_of(situation(name, order=order_of(name, priority=priority)))
        if "Raise" in item["label"]
    ]


def test_unknown_priority_is_raised() -> None:
    """A site's own word for a priority is no reason to leave an emergency unraised."""
    (order, *_) = updates("cauda equina", order=mri(priority="soonish"))
    assert order["priority"] == "stat"


RICH: dict[str, Any] = {
    "identifier": [{"system": "urn:x", "value": "17"}],
    "encounter": {"reference": "Encounter/e-1"},
    "requester": {"reference": "Practitioner/p-1"},
    "extension": [{"url": "http://vendor/x", "valueDecimal": 1.5}],
    "_status": {"extension": [{"url": "http://vendor/y", "valueString": "z"}]},
    "vendorElement": {"a": [1, {"b": False}], "c": 0},
    "quantityQuantity": {"value": 1.5, "unit": "x"},
    "bodySite": [coded("sct:122496007")],
    "note": [{"text": "please call"}],
}


@pytest.mark.parametrize("name", UPDATED)
def test_update_changes_priority_or_study_only(name: str) -> None:
    """The order that goes back is the order as received, unknown elements and extensions included."""
    sent = order_of(name, **RICH)
    found = updates(name, order=sent)
    assert found
    for order in found:
        changed = {key for key in sent.keys() | order.keys() if sent.get(key) != order.get(key)}
        assert changed <= {"priority", "code"}
        assert changed


def test_update_keeps_the_digits_of_numbers() -> None:
    """A number with trailing zeros comes back as it was written."""
    exact = {"value": Decimal("1.50"), "n": [Decimal("1E+3")]}
    order = read_order(mri(reasons=[CAUDA_EQUINA]))
    changed = pruned({**order.resource, "quantityQuantity": exact})
    assert str(changed["quantityQuantity"]["value"]) == "1.50"
    assert str(changed["quantityQuantity"]["n"][0]) == "1E+3"
    (update,) = updates("cauda equina", order=order_of("cauda equina", quantityQuantity={"value": 1.5}))[:1]
    assert isinstance(update["quantityQuantity"]["value"], Decimal)


def test_update_leaves_out_what_is_empty() -> None:
    """Nulls and empty lists, which no client may be sent, are not sent back."""
    sent = mri() | {"note": [], "insurance": None, "x": {"y": [None, ""], "z": {}}, "w": [{"v": []}, 0, False]}
    (order, *_) = updates("cauda equina", order=sent)
    assert not {"note", "insurance", "x"} & set(order)
    assert order["w"] == [0, False]


@pytest.mark.parametrize("name", [name for name in SITUATIONS if codes_of(situation(name))])
@pytest.mark.parametrize("code", DRAFTS)
def test_what_is_drafted_is_not_suggested_again(name: str, code: str) -> None:
    """An order that lies among the drafts already is never offered a second time."""
    assert code not in codes_of(situation(name, others=[DRAFTS[code]]))


def test_drafted_alternative_leaves_the_removal() -> None:
    """With the CT drafted already, only the removal of the MRI is left to do."""
    (removal,) = [
        item
        for item in suggestions_of(situation("acute pain", others=[DRAFTS[THERAPY]]))
        if item["actions"][0]["type"] == "delete"
    ]
    assert len(removal["actions"]) == 1


@pytest.mark.parametrize("name", SITUATIONS)
def test_old_client_gets_no_new_orders(name: str) -> None:
    """A client that drafts STU3 ProcedureRequests is offered removals and changes, never an R4 order."""
    old = order_of(name) | {"resourceType": "ProcedureRequest"}
    for action in actions_of(situation(name, order=old)):
        assert action["type"] in ("delete", "update")
        if action["type"] == "delete":
            assert action["resourceId"] == "ProcedureRequest/mri-1"
        else:
            assert action["resource"]["resourceType"] == "ProcedureRequest"


@pytest.mark.parametrize("name", SITUATIONS)
def test_order_without_an_id_is_not_touched(name: str) -> None:
    """An order that cannot be named is neither changed nor removed; orders beside it can still be added."""
    nameless = {key: value for key, value in order_of(name).items() if key != "id"}
    kinds = {action["type"] for action in actions_of(situation(name, order=nameless))}
    assert kinds <= {"create"}


@pytest.mark.parametrize("name", ["discitis", "metastasis with weakness"])
def test_contrast_change_keeps_the_raised_priority(name: str) -> None:
    """Whoever presses both "raise" and "contrast" keeps both, in whichever order."""
    contrast = [order for order in updates(name) if "72158" in json.dumps(order["code"])]
    assert contrast
    urgency = "stat" if name.startswith("metastasis") else "urgent"
    assert {order["priority"] for order in contrast} == {urgency}
    higher = updates(name, order=mri(priority="stat"))
    assert {order["priority"] for order in higher} == {"stat"}


@pytest.mark.parametrize("name", ["discitis", "metastasis with weakness"])
def test_raised_priority_keeps_the_study(name: str) -> None:
    """Raising the priority does not change what is scanned."""
    raised = [order for order in updates(name) if "72158" not in json.dumps(order["code"])]
    assert [order["code"] for order in raised] == [coded("cpt:72148")]


@pytest.mark.parametrize(
    ("sent", "systems"),
    [
        (coded("cpt:72158"), {"http://www.ama-assn.org/go/cpt"}),
        (coded("cpt:72158", "loinc:24967-2"), {"http://www.ama-assn.org/go/cpt", "http://loinc.org"}),
        (coded("local:mri-w"), {"http://www.ama-assn.org/go/cpt", "http://loinc.org", "http://snomed.info/sct"}),
        ({"text": "MRI"}, {"http://www.ama-assn.org/go/cpt", "http://loinc.org", "http://snomed.info/sct"}),
        (
            {"coding": [7, {"system": 7}]},
            {"http://www.ama-assn.org/go/cpt", "http://loinc.org", "http://snomed.info/sct"},
        ),
        ("MRI", {"http://www.ama-assn.org/go/cpt", "http://loinc.org", "http://snomed.info/sct"}),
    ],
)
def test_changed_study_is_coded_as_the_order_was(sent: Any, systems: set[str]) -> None:
    """The other study is named in the systems the order uses, and in all known ones where it uses none of them."""
    code = with_study({"code": sent}, "order_mri_lumbar_wo", english())["code"]
    assert {coding["system"] for coding in code["coding"]} == systems
    assert all(coding["display"] == code["text"] for coding in code["coding"])


def test_contrast_change_never_leaves_both_studies() -> None:
    """An order is for one study: the old code is gone."""
    (order,) = updates("after surgery")
    assert "72148" not in json.dumps(order["code"])
    (order,) = updates("failed care, needless contrast")
    assert WITH_BOTH.partition(":")[2] not in json.dumps(order["code"])


NAMED = {"text": "MRI L-SPINE WO CONTRAST", "coding": [{"system": "https://hospital.example/orders", "code": "7"}]}


@pytest.mark.parametrize(("name", "text"), [("after surgery", "WO"), ("failed care, needless contrast", "W WO")])
def test_study_that_only_a_name_told_is_not_exchanged(name: str, text: str) -> None:
    """Nobody here knows the code of such an order, so a change of contrast is advised in words alone."""
    order = order_of(name, code={"text": f"MRI LUMBAR SPINE {text} CONTRAST"})
    assert updates(name, order=order) == []
    assert set(messages(situation(name, order=order))) == set(messages(situation(name)))


def test_priority_of_a_named_order_is_raised() -> None:
    """What a suggestion does not exchange stays as it came."""
    (order,) = updates("discitis", order=order_of("discitis", code=NAMED))
    assert (order["priority"], order["code"]) == ("urgent", NAMED)


def test_changed_r5_order_keeps_its_form() -> None:
    """The code of an R5 order is a concept inside a CodeableReference, before and after."""
    (order,) = updates("after surgery", order=order_of("after surgery", code={"concept": coded("cpt:72148")}))
    assert list(order["code"]) == ["concept"]
    assert [coding["code"] for coding in order["code"]["concept"]["coding"]] == ["72158"]


def carried(**elements: Any) -> Resource:
    """Return a new order on behalf of an order with some elements."""
    return new_order("pt_referral", read_order(mri(**elements)), PATIENT, english(), note="n", priority="urgent")


def test_new_order_carries_over_what_belongs_to_it() -> None:
    """Encounter, requester, date and reasons go with a new order; identifiers and notes of the MRI do not."""
    reason = [coded(PAIN)]
    made = carried(**RICH, reasonCode=reason, reasonReference=[{"reference": "Condition/c"}])
    assert made["encounter"] == RICH["encounter"]
    assert made["requester"] == RICH["requester"]
    assert made["reasonCode"] == reason
    assert made["reasonReference"] == [{"reference": "Condition/c"}]
    assert made["authoredOn"] == "2026-06-02"
    assert made["note"] == [{"text": "n"}]
    assert made["priority"] == "urgent"
    assert not {"identifier", "extension", "vendorElement", "bodySite"} & set(made)


@pytest.mark.parametrize(
    ("elements", "missing"),
    [
        ({"encounter": "Encounter/e"}, "encounter"),
        ({"encounter": {"reference": 7}}, "encounter"),
        ({"encounter": {"unknown": "x"}}, "encounter"),
        ({"requester": {"reference": "#p"}}, "requester"),
        ({"requester": {}}, "requester"),
        ({"authoredOn": "soon"}, "authoredOn"),
        ({"reasonCode": [{"vendor": 1}]}, "reasonCode"),
        ({"reasonReference": [{"reference": "#c"}]}, "reasonReference"),
    ],
)
def test_what_is_not_valid_is_not_carried_over(elements: Resource, missing: str) -> None:
    """An element in a wrong form, or one that points into the order itself, stays behind; the rest is valid."""
    made = carried(**elements)
    assert missing not in made
    ServiceRequest.model_validate(plain(made))


def test_new_order_is_routine_unless_urgent() -> None:
    """A priority that FHIR does not know is not written."""
    made = new_order("esr", read_order(), PATIENT, english(), priority="soonish")
    assert not {"priority", "note"} & set(made)


def test_referral_says_when_to_look_again() -> None:
    """The referral of a scan that should wait notes the day of the re-check and what must come sooner."""
    (create,) = actions_of(situation("acute pain"), "create")
    note = create["resource"]["note"][0]["text"]
    assert "4 Jul 2026" in note  # six weeks after the pain began
    assert "weakness" in note


@pytest.mark.parametrize("orderable", ["order_ct_lumbar_wo", "pt_referral", "order_xray_lumbar_standing"])
def test_orderable_is_named_in_the_language(orderable: str) -> None:
    """Every coding of an order has the catalogue's name for it."""
    code = code_of(orderable, english())
    assert code["text"]
    assert {coding["display"] for coding in code["coding"]} == {code["text"]}


def test_duplicate_study_offers_the_removal() -> None:
    """A fresh study without a new question offers to remove the order; one that left it open does not."""
    assert "C-DUP" in messages(situation("recent study"))
    assert [action["type"] for action in actions_of(situation("recent study"), "delete")] == ["delete"]
    assert list(actions_of(situation("unclear study"), "delete")) == []


def test_recommendation_goes_to_the_most_pressing_card() -> None:
    """Two cards of one order never recommend two different things."""
    found = situation("unsafe implant, acute pain")
    cards = cards_of(found)
    assert [any(item.get("isRecommended") for item in card.get("suggestions", [])) for card in cards].count(True) == 1
    assert any(item.get("isRecommended") for item in cards[0]["suggestions"])


def test_emergency_with_weakness_is_raised_once() -> None:
    """An emergency beside an urgent message raises the priority once, to the higher of the two."""
    found = situation("cauda equina", order=mri(reasons=[FOOT_DROP]))
    raised = [item for item in suggestions_of(found) if "Raise" in item["label"]]
    assert len(raised) == 1
    assert raised[0]["actions"][0]["resource"]["priority"] == "stat"


@pytest.mark.parametrize(
    "name", ["unsafe implant", "pacemaker", "unsafe implant, cauda equina", "pacemaker, cauda equina"]
)
def test_myelography_is_never_offered_without_its_risks(name: str) -> None:
    """Whoever accepts CT myelography has read that it needs a lumbar puncture and a look at anticoagulation."""
    offers = [
        action for action in actions_of(situation(name), "create") if MYELOGRAPHY in json.dumps(action["resource"])
    ]
    assert offers
    for action in offers:
        assert "lumbar puncture" in action["description"]
        assert "anticoagulation" in action["description"]


@pytest.mark.parametrize("name", ["cord", "pacemaker, cauda equina", "pacemaker, cord", "unsafe implant, cauda equina"])
def test_what_is_added_in_an_emergency_is_stat(name: str) -> None:
    """What is done beside or instead of the MRI is as pressing as the MRI was."""
    added = [action["resource"] for action in actions_of(situation(name), "create")]
    assert added
    assert {order.get("priority") for order in added} == {"stat"}


def test_stenosis_asks_about_the_canal() -> None:
    """An order for spinal stenosis that may not be scanned is pointed to CT myelography."""
    found = situation("unsafe implant", order=mri(reasons=["icd:M48.061"]))
    (best,) = [item for item in suggestions_of(found) if item.get("isRecommended")]
    assert MYELOGRAPHY in json.dumps(best)
