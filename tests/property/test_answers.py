"""What must hold of every answer, whatever the chart: its form, its identifiers, and what it must never do."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from hypothesis import given
from hypothesis import strategies as st

from cards.guideline.guideline import Outcome
from cds_service.protocol import schemas
from fhir_mappings.criteria.findings import Status
from fhir_mappings.fhir.needs import RED_FLAG_SOURCES
from fhir_mappings.orders.names import ContrastClass
from fhir_mappings.orders.orders import read_lumbar_mri_orders
from tests.property.advice import Case, Resource, advise, index
from tests.property.charts import ICD, about, devices
from tests.property.profile import law
from tests.property.stories import cases, red_flags, unclear_cases
from tests.spec.wording_rules import reassurances

_STUDIES = ("order_mri_lumbar_wo", "order_mri_lumbar_wo_w", "order_mri_lumbar_w", "order_mri_lumbar_unspec")
_MRI = {*_STUDIES, "order_mri_plexus", "order_mri_spine_wider", "order_mri_generic"}


def concepts_of(resource: Resource) -> set[str]:
    """Return the concepts of an order's code."""
    codings = resource["code"]["coding"]
    return {name for coding in codings for name in index().concepts_of(coding["system"], coding["code"])}


@law(150)
@given(cases())
def test_every_response_keeps_the_contract(case: Case) -> None:
    """A response fits the schema: summaries under 140 signs, at most three cards, identifiers used once."""
    answer = advise(case)
    assert schemas.HOOK_RESPONSE.errors(answer.response) == []
    assert len(answer.cards) <= 3
    assert all(0 < len(card["summary"]) < 140 for card in answer.cards)
    suggestions = [suggestion for card in answer.cards for suggestion in card.get("suggestions", ())]
    identifiers = [item["uuid"] for item in (*answer.cards, *suggestions)]
    assert [item for item, times in Counter(identifiers).items() if times > 1] == []
    assert sum(suggestion.get("isRecommended", False) for suggestion in suggestions) <= 1


@law(40)
@given(cases())
def test_an_answer_repeats_itself(case: Case) -> None:
    """The same call gives the same response, identifiers included."""
    assert advise(case).response == advise(case).response


@law(120)
@given(cases())
def test_every_action_is_valid_fhir_about_this_order(case: Case) -> None:
    """What is created or changed is valid R4B for the same patient; a changed order differs in one element or two.

    An answer adds a note, and may raise the priority along with it.
    """
    for action in advise(case).actions():
        if action["type"] == "delete":
            assert action["resourceId"] == f"ServiceRequest/{case.order['id']}"
            continue
        resource: dict[str, Any] = action["resource"]
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        assert resource["subject"] == case.order["subject"]
        if action["type"] == "update":
            names = case.order.keys() | resource.keys()
            changed = {name for name in names if case.order.get(name) != resource.get(name)}
            assert changed <= {"priority", "code"} or changed - {"note"} <= {"priority"}


@law(100)
@given(cases())
def test_nothing_reassures(case: Case) -> None:
    """No card says that something dangerous is not there."""
    assert [phrase for card in advise(case).cards for phrase in reassurances(card)] == []


@law(150)
@given(cases())
def test_not_appropriate_is_earned(case: Case) -> None:
    """Only a chart whose sources of red flags were all read whole, of an adult, gives "not appropriate"."""
    answer = advise(case)
    if not answer.discourages:
        return
    assert answer.assessment.chart.incomplete((*RED_FLAG_SOURCES, "Patient")) == ()
    assert answer.assessment.findings["R-SCOPE"].status is Status.MET
    assert answer.outcome in (Outcome.NOT_APPROPRIATE, Outcome.CONTRAINDICATED, Outcome.SAFETY_HOLD)


@law(120)
@given(cases() | unclear_cases(), devices(), st.none() | red_flags())
def test_a_forbidden_scan_is_never_advanced(case: Case, device: Resource, flag: Resource | None) -> None:
    """While an implant forbids or holds the scan, nothing makes it sooner, changes it or adds another MRI."""
    more = case.having("devices", {**device, "id": "device-x"})
    if flag and flag["resourceType"] == "Condition":
        more = more.having("conditions", {**flag, "id": "condition-x"})
    answer = advise(more)
    if not {"unsafe", "hold"} & answer.assessment.findings["R-MR"].tags:
        return
    for action in answer.actions():
        # What answers a question is written beside the order, which stays as it is.
        changed = {name for name, value in action.get("resource", {}).items() if case.order.get(name) != value}
        assert action["type"] != "update" or changed == {"note"}, action["description"]
        if action["type"] == "create":
            assert not _MRI & concepts_of(action["resource"]), action["description"]


@law(50)
@given(cases())
def test_nothing_is_suggested_that_is_drafted(case: Case) -> None:
    """An order that stands among the drafts already is not suggested again, and changes no outcome."""
    alone = advise(case)
    created = [action["resource"] for action in alone.actions() if action["type"] == "create"]
    if not created:
        return
    sibling = {**created[0], "id": "sibling", "status": "draft"}
    beside = advise(replace(case, drafts=(sibling,)))
    assert (beside.outcome, beside.messages) == (alone.outcome, alone.messages)
    again = [action["resource"]["code"] for action in beside.actions() if action["type"] == "create"]
    assert sibling["code"] not in again


@law(60)
@given(st.sampled_from(_STUDIES), st.data())
def test_every_code_of_the_study_is_ours(concept: str, data: st.DataObject) -> None:
    """Each code of each lumbar MRI makes an order ours, also beside codes that nobody knows."""
    code = data.draw(st.sampled_from(index().codes(concept)))
    codings = data.draw(st.permutations([{"system": code.system, "code": code.code}, {"system": ICD, "code": "X"}]))
    order = about("ServiceRequest", id="1", status="draft", intent="order", code={"coding": codings})
    found = read_lumbar_mri_orders({"entry": [{"resource": order}]}, None, index())
    assert [item.reference for item in found] == ["ServiceRequest/1"]
    assert found[0].contrast in ContrastClass
