"""Draft orders: which are lumbar MRIs, which of them count, and what they carry with them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from fhir_mappings.orders.names import ContrastClass
from fhir_mappings.orders.orders import ImagingOrder, count_unrecognised_spine_mris, read_lumbar_mri_orders
from tests.unit.fhir_mappings.records import (
    CAUDA_EQUINA,
    DAY,
    FOOT_DROP,
    PAIN,
    SUBJECT,
    Resource,
    coded,
    condition,
    drafts,
    finding,
    index,
    mri,
    observation,
    prescription,
    read_order,
)

WITHOUT, WITH = ContrastClass.WITHOUT, ContrastClass.WITH
BOTH, UNSPECIFIED = ContrastClass.WITHOUT_AND_WITH, ContrastClass.UNSPECIFIED
LUMBAR = coded("sct:122496007")
CPT_OID = {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.12", "code": "72148"}]}


def orders(*resources: Resource, selections: list[str] | None = None, **bundle: Any) -> tuple[ImagingOrder, ...]:
    """Return the lumbar MRI orders among some drafts."""
    return read_lumbar_mri_orders(drafts(*resources) | bundle, selections, index())


@pytest.mark.parametrize(
    ("code", "contrast"),
    [
        ("cpt:72148", WITHOUT),
        ("cpt:72149", WITH),
        ("cpt:72158", BOTH),
        ("cpt:72148-26", WITHOUT),
        ("cpt:72148TC", WITHOUT),
        ("loinc:30679-5", WITHOUT),
        ("loinc:30678-7", WITH),
        ("loinc:24967-2", BOTH),
        ("loinc:24968-0", UNSPECIFIED),
        ("loinc:24977-1", UNSPECIFIED),
        ("loinc:36111-3", WITHOUT),
        ("sct:394451000119106", WITHOUT),
        ("sct:41333006", WITH),
        ("sct:433141005", UNSPECIFIED),
        (CPT_OID, WITHOUT),
        (coded("local:17", "loinc:24968-0", "cpt:72158"), BOTH),
        (coded("loinc:24968-0", "cpt:72148"), WITHOUT),
        ({"coding": [None, 7, {"code": "72148"}, {"system": 1, "code": 2}, *CPT_OID["coding"]]}, WITHOUT),
        ({"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": 72148}]}, WITHOUT),
        ({"concept": CPT_OID}, WITHOUT),
    ],
    ids=str,
)
def test_lumbar_mri_is_recognised_by_any_coding(code: str | Resource, contrast: ContrastClass) -> None:
    """Whatever system an order is coded in, it is ours, and the coding that says most of contrast wins."""
    (order,) = orders(mri(code))
    assert (order.contrast, order.recognised_by) == (contrast, "code")


LOCAL = {"system": "https://hospital.example/orders", "code": "IMG269"}
NAME = "MRI L-SPINE WO CONTRAST"


@pytest.mark.parametrize(
    "code",
    [
        {"text": NAME},
        {"coding": [LOCAL | {"display": NAME}]},
        {"coding": [LOCAL], "text": NAME},
        {"coding": [{"display": NAME}]},
        {"concept": {"coding": [LOCAL | {"display": NAME}]}},
        {"reference": {"reference": "ActivityDefinition/1", "display": NAME}},
        NAME,
    ],
)
def test_order_without_a_known_code_is_known_by_its_name(code: Any) -> None:
    """A site's own code or none at all: the name tells, and the order says that it was the name."""
    (order,) = orders(mri() | {"code": code})
    assert (order.contrast, order.recognised_by) == (WITHOUT, "text")
    assert read_lumbar_mri_orders(drafts(mri() | {"code": code}), None, index(), by_text=False) == ()


@pytest.mark.parametrize(
    "code",
    [
        coded("cpt:72131", text=NAME),
        coded("sct:443078008", text=NAME),
        {"coding": [LOCAL | {"display": NAME}, {"system": "http://www.ama-assn.org/go/cpt", "code": "72131"}]},
        coded("cpt:72141", text="MRI cervical spine"),
        coded("rx:5640", text=NAME),
    ],
)
def test_known_code_wins_over_the_name(code: Resource) -> None:
    """An order that is coded as something else is that, whatever it is called."""
    assert orders(mri(code)) == ()


def test_name_and_body_site_tell_together() -> None:
    """An "MRI SPINE" of a lumbar body site in words is a lumbar MRI; the site alone is none."""
    site = [{"text": "Lumbar spine"}]
    assert [order.recognised_by for order in orders(mri({"text": "MRI SPINE"}, bodySite=site))] == ["text"]
    assert orders(mri({"text": "Consult"}, bodySite=site)) == ()
    assert orders(mri({}, bodySite=[{"text": NAME}])) == ()


@pytest.mark.parametrize(
    ("code", "elements", "count"),
    [
        ({"text": "MRI WHOLE SPINE"}, {}, 1),
        ({"coding": [LOCAL | {"display": "MR back"}]}, {}, 1),
        ({"text": "MRI SPINE"}, {"status": "revoked"}, 0),
        ({"text": "MRI SPINE"}, {"id": "other"}, 0),
        ({"text": NAME}, {}, 0),
        ({"text": "MRI CERVICAL SPINE"}, {}, 0),
        ({"text": "MRI KNEE"}, {}, 0),
        (coded("sct:241645008", text="MRI of spine"), {}, 0),
    ],
)
def test_spine_mri_that_was_missed_is_counted(code: Resource, elements: Resource, count: int) -> None:
    """A selected, live order that may be an MRI of the lumbar spine and that nothing tells is counted."""
    assert count_unrecognised_spine_mris(drafts(mri(code, **elements)), ["mri-1"], index()) == count


def test_lumbar_name_that_a_site_does_not_want_is_counted() -> None:
    """A site that reads codes only is told how many orders that lets go."""
    assert count_unrecognised_spine_mris(drafts(mri({"text": NAME})), None, index(), by_text=False) == 1


def test_an_order_whose_code_and_name_disagree_is_counted() -> None:
    """A code of CPT that is no lumbar MRI settles what is ordered; that the name looks like one is told the site."""
    order = mri({"coding": [{**coded("cpt:99999")["coding"][0], "display": NAME}]})
    assert not read_lumbar_mri_orders(drafts(order), None, index())
    assert count_unrecognised_spine_mris(drafts(order), None, index()) == 1


@pytest.mark.parametrize(
    ("code", "site", "is_lumbar"),
    [
        ("sct:113091000", LUMBAR, True),
        ("sct:113091000", [coded("sct:12738006"), LUMBAR], True),
        ("cpt:76498", [coded("radlex:RID34573")], True),
        ("loinc:36400-0", [LUMBAR], True),
        ("sct:113091000", [coded("sct:12738006")], False),
        ("sct:113091000", [{"text": "lumbar spine"}, 7, None], False),
        ("sct:113091000", None, False),
        ("loinc:36400-0", None, False),
        ("sct:443078008", [LUMBAR], False),
        ("cpt:72131", [LUMBAR], False),
    ],
)
def test_generic_mri_is_ours_by_its_body_site(code: str, site: Any, is_lumbar: bool) -> None:
    """An MRI without a region is a lumbar MRI where its coded body site is lumbar, and only there."""
    found = orders(mri(code, bodySite=site))
    assert bool(found) is is_lumbar
    assert code.startswith("loinc") or all(order.contrast is UNSPECIFIED for order in found)


@pytest.mark.parametrize("code", [None, {}, {"coding": [{}]}, {"coding": "72148"}, "72148", 7, ["x"], {"concept": 7}])
def test_order_without_a_readable_code_is_not_ours(code: Any) -> None:
    """A half-written order is let go without a crash."""
    assert orders(mri() | {"code": code}) == ()


@pytest.mark.parametrize(
    ("elements", "live"),
    [
        *(({"status": status}, False) for status in ("entered-in-error", "revoked", "completed", "cancelled")),
        *(({"status": status}, True) for status in ("draft", "active", "on-hold", None, 7)),
        ({"doNotPerform": True}, False),
        ({"doNotPerform": False}, True),
        ({"resourceType": "ProcedureRequest"}, True),
        ({"resourceType": "MedicationRequest"}, False),
        ({"resourceType": "Task"}, False),
    ],
)
def test_only_live_orders_count(elements: Resource, live: bool) -> None:
    """An order that is over, void or says not to scan is let go; a status of any other kind is not needed."""
    assert bool(orders(mri(**elements))) is live


@pytest.mark.parametrize(
    ("selection", "chosen"),
    [
        ("ServiceRequest/mri-1", True),
        ("mri-1", True),
        ("https://ehr.example/fhir/ServiceRequest/mri-1", True),
        ("ServiceRequest/mri-1/_history/2", True),
        ("urn:uuid:mri-1", True),
        ("MRI-1", True),
        ("servicerequest/Mri-1", True),
        ("URN:UUID:MRI-1", True),
        ("ServiceRequest/mri-2", False),
        ("ProcedureRequest/mri-1", False),
        ("MedicationRequest/mri-1", False),
        ("", False),
    ],
)
def test_selection_in_every_form(selection: str, chosen: bool) -> None:
    """A selected order is found by its reference, its bare id, its address, its version or its temporary id."""
    assert bool(orders(mri(), selections=[selection])) is chosen


def test_no_selection_is_none_and_all_is_all() -> None:
    """Nothing selected means no order; at the signature, where nothing is selected, all orders count."""
    assert orders(mri(), selections=[]) == ()
    assert [order.id for order in orders(mri(), mri(id="mri-2"))] == ["mri-1", "mri-2"]


def test_order_without_an_id_is_known_by_its_place() -> None:
    """An order that is not saved yet is named by its temporary address, and can be selected by it."""
    url = "urn:uuid:6f8c2c3e-0000-4000-8000-000000000009"
    entry = [{"fullUrl": url, "resource": mri(id=None)}]
    (order,) = orders(entry=entry, selections=[url])
    assert (order.id, order.reference) == ("", url)
    assert orders(entry=entry, selections=["mri-1"]) == ()
    for written in (url.upper(), url.removeprefix("urn:uuid:"), url.removeprefix("urn:uuid:").upper()):
        assert orders(entry=entry, selections=[written])
    (nameless,) = orders(entry=[{"fullUrl": 7, "resource": mri(id=17)}])
    assert (nameless.id, nameless.reference) == ("", "ServiceRequest")


@pytest.mark.parametrize("entry", [None, "x", 7, [7, None, {}, {"resource": "x"}, {"resource": None}]])
def test_bundle_without_orders_is_empty(entry: Any) -> None:
    """Drafts in no readable form hold no order."""
    assert orders(entry=entry) == ()


@pytest.mark.parametrize(
    ("subject", "ids"),
    [
        (SUBJECT, {"pat-1"}),
        ([SUBJECT, {"reference": "Patient/pat-2"}], {"pat-1", "pat-2"}),
        ({"reference": "#p"}, set()),
        ({"reference": 7}, set()),
        ("Patient/pat-1", set()),
        (None, set()),
    ],
)
def test_patients_of_an_order(subject: Any, ids: set[str]) -> None:
    """Whom an order is for is known only where its subject says so."""
    assert read_order(mri(subject=subject)).patient_ids == ids


@pytest.mark.parametrize(
    ("authored", "expected"),
    [
        ("2026-03-01", date(2026, 3, 1)),
        ("2026-06-02", DAY),
        ("2026-06-04", DAY),
        ("2099-01-01", DAY),
        ("1969-12-31", DAY),
        ("2026-05", DAY),
        ("soon", DAY),
        (None, DAY),
    ],
)
def test_day_of_an_order(authored: str | None, expected: date) -> None:
    """Windows count back from the day an order was written, or from today where that cannot be true."""
    assert read_order(mri(authoredOn=authored)).as_of(DAY) == expected


@pytest.mark.parametrize(
    ("priority", "expected"), [("stat", "stat"), (None, "routine"), ("", "routine"), (7, "routine")]
)
def test_priority_is_routine_unless_stated(priority: Any, expected: str) -> None:
    """An order without a priority is routine."""
    assert read_order(mri() | {"priority": priority}).priority == expected


@pytest.mark.parametrize(
    ("reason", "codes"),
    [
        ([coded(PAIN)], ["M54.50"]),
        (coded(PAIN), ["M54.50"]),
        ([7, "pain", {"text": "pain"}, coded(PAIN)], ["M54.50"]),
        (None, []),
    ],
)
def test_reasons_are_read_in_any_form(reason: Any, codes: list[str]) -> None:
    """A reason that is a list, a single object or half nonsense is read as far as it can be."""
    order = read_order(mri(reasonCode=reason))
    assert [coding.code for item in order.reasons for coding in item.coding] == codes
    assert bool(order.entries) is bool(codes)


def test_reason_of_the_order_is_current() -> None:
    """What the order gives as its reason is stated by the order, now."""
    (entry,) = read_order(mri(reasons=[FOOT_DROP])).entries["motor_deficit"]
    assert (entry.of_order, entry.reference) == (True, "ServiceRequest/mri-1")


@pytest.mark.parametrize(
    ("elements", "asked"),
    [
        ({"reasonCode": [{"text": "Low back pain, r/o AVN"}]}, ["AVN"]),
        ({"note": [{"text": "Concern for a collection."}]}, ["Concern for a collection"]),
        ({"reasonCode": [coded(PAIN) | {"text": "?mass effect"}]}, ["?mass effect"]),
        ({"reasonCode": [{"text": "r/o xyzzy"}]}, ["r/o xyzzy"]),
        ({"reasonCode": [{"text": "r/o disc herniation"}], "note": [{"text": "no concern for a mass"}]}, []),
    ],
)
def test_suspicion_that_nobody_can_place_asks(elements: Resource, asked: list[str]) -> None:
    """What the author suspects is why the order was written: it is asked about, unless it is plain back trouble."""
    said = [line.said for line in read_order(mri(**elements)).ledger.unrecognised("Order")]
    assert len(said) == len(asked)
    assert all(one in text or text in one for one, text in zip(said, asked, strict=True))


@pytest.mark.parametrize("authored", ["2030-01-01", "2025", "1960-01-01", "2020-05", "soon", None])
def test_reason_of_the_order_counts_whatever_its_date(authored: str | None) -> None:
    """A cauda equina syndrome that is the reason now is an emergency, also in an order dated by a typing error."""
    assert finding("R-CES", order=mri(reasons=[CAUDA_EQUINA], authoredOn=authored)).met


def test_drug_of_a_companion_is_not_the_order() -> None:
    """A prescription drafted beside the MRI is neither an MRI nor a reason for it."""
    order = read_order(mri(), prescription("rx:5640"))
    assert order.entries == {}
    assert order.resource_type == "ServiceRequest"


CAUDA = condition(CAUDA_EQUINA, resource_id="cauda")


@pytest.mark.parametrize("element", ["reasonReference", "supportingInfo", "supportingInformation"])
@pytest.mark.parametrize(
    ("reference", "contained", "others"),
    [("#cauda", [CAUDA], []), ("Condition/cauda", None, [CAUDA]), ("Condition/cauda", [7, {"id": "x"}], [CAUDA])],
)
def test_resource_that_an_order_refers_to_counts(
    element: str, reference: str, contained: Any, others: list[Resource]
) -> None:
    """A reason or supporting record that is contained in the order, or drafted beside it, is evidence."""
    order = mri(contained=contained) | {element: [{"reference": reference}]}
    assert finding("R-CES", order=order, others=others).met


def test_resource_by_its_temporary_address_counts() -> None:
    """A reason that points at another entry of the drafts is followed."""
    url = "urn:uuid:6f8c2c3e-0000-4000-8000-00000000000a"
    entry = [
        {"resource": mri(reasonReference={"reference": url})},
        {"fullUrl": url, "resource": CAUDA},
    ]
    (order,) = orders(entry=entry)
    assert order.reason_references == (url,)
    assert "cauda_equina" in order.entries


@pytest.mark.parametrize("reference", ["Condition/cauda", "https://ehr.example/fhir/Condition/cauda"])
def test_reason_in_the_chart_is_the_reason(reference: str) -> None:
    """A reason that stands in the prefetch tells what the order is for, however old it is."""
    old = condition(PAIN, resource_id="cauda", onset=900)
    order = mri(reasonReference=[{"reference": reference}, {"display": "x"}, {"reference": ""}])
    assert finding("R-IND", old, order=order).met


def test_companion_of_another_patient_does_not_count() -> None:
    """A record of somebody else that an order carries is not used."""
    foreign = CAUDA | {"subject": {"reference": "Patient/pat-2"}}
    order = mri(contained=[foreign], reasonReference=[{"reference": "#cauda"}])
    assert not finding("R-CES", order=order).met


def test_unreferenced_companion_does_not_count() -> None:
    """Only what the order refers to is a reason for it."""
    order = read_order(mri(contained=[CAUDA]), observation(FOOT_DROP))
    assert set(order.companions) == {"#cauda", "Observation/observation-sct-6077001"}
    assert order.entries == {}


def test_other_drafts_are_known() -> None:
    """What is drafted already is known, so that it is not suggested again; dead drafts do not count."""
    ct = mri("cpt:72131", id="ct-1")
    assert "order_ct_lumbar_wo" in read_order(mri(), ct).sibling_concepts
    assert read_order(mri(), ct | {"status": "revoked"}).sibling_concepts == frozenset()


def test_long_id_is_used() -> None:
    """An id of 190 characters names the order in actions."""
    assert read_order(mri(id="e" * 190)).reference == f"ServiceRequest/{'e' * 190}"


def test_order_is_kept_as_received() -> None:
    """Numbers keep their digits and unknown elements stay, because the order may go back in an update."""
    order = read_order(mri(quantityQuantity={"value": 1}, vendor={"x": [None, {}]}))
    assert order.resource["vendor"] == {"x": [None, {}]}
    decimal = {"resourceType": "ServiceRequest", "code": coded("cpt:72148"), "n": Decimal("1.10")}
    assert str(orders(decimal)[0].resource["n"]) == "1.10"
