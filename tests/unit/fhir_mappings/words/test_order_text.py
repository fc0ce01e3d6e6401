"""What an order states for its author: emergencies, implants, and six weeks of care."""

from __future__ import annotations

from datetime import date

import pytest

from fhir_mappings.words.order_text import Statement, stated_emergencies, stated_implants, stated_values
from fhir_mappings.words.therapy import stated_therapy
from tests.unit.fhir_mappings.words.test_matcher import table

TODAY = date(2026, 6, 2)


@pytest.mark.parametrize(("text", "concepts"), table("statements_table.tsv"))
def test_stated_emergencies(text: str, concepts: str) -> None:
    """Present and said, or one named suspicion, is stated; advice, answers of no, the past and long lists are not."""
    stated = {each.concept + "?" * each.doubt for each in stated_emergencies(text, TODAY)}
    assert stated == set(concepts.replace("-", "").split())


def test_without_the_day_whatever_bears_a_date_is_past() -> None:
    """Who does not know the day fires nothing that bears a date."""
    assert stated_emergencies("urinary retention 2026") == ()
    assert stated_emergencies("6/2/2026: urinary retention") == ()


@pytest.mark.parametrize(("text", "values"), table("values_table.tsv"))
def test_stated_values(text: str, values: str) -> None:
    """A value with its name is stated as it was written, whatever is denied beside it; the past and advice are not."""
    stated = " | ".join(f"{each.concept} {each.value}" for each in stated_values(text, TODAY))
    assert stated == values.replace("-", "", 1 if values == "-" else 0)


def test_statement_quotes_the_order() -> None:
    """A statement carries the words that say so."""
    said = Statement("cauda_equina", "LBP, ?CES", doubt=True, around="LBP, ?CES")
    assert stated_emergencies("LBP, ?CES") == (said,)


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("aneurysm clip 1994, type unknown", "implant_aneurysm_clip"),
        ("has pacemaker", "implant_pacemaker"),
        ("PPM in situ", "implant_pacemaker"),
        ("s/p AICD placement 2015", "implant_icd"),
        ("h/o cochlear implant", "implant_cochlear"),
        ("Pacemaker: yes", "implant_pacemaker"),
        ("? pacemaker", "implant_pacemaker"),
        ("spinal cord stimulator and intrathecal pump", "implant_neurostimulator implant_pump"),
        ("VP shunt", "implant_csf_shunt"),
        ("LVAD", "implant_vad"),
        ("shrapnel in the thigh", "retained_metal"),
        ("insulin pump", "external_pump"),
        ("mechanical aortic valve", "implant_cardiac_passive"),
        ("no pacemaker", ""),
        ("Pacemaker: no", ""),
        ("denies pacemaker, aneurysm clip", ""),
        ("pacemaker removed 2019", ""),
        ("removal of pacemaker", ""),
        ("pacemaker not removed", "implant_pacemaker"),
        ("mother has a pacemaker", ""),
        ("hx cerebral aneurysm coiling 2010", "implant_embolization_coil"),
        ("clip in brain", "implant_aneurysm_clip"),
        ("considering SCS removal", "implant_neurostimulator"),
        ("scheduled for pacemaker removal", "implant_pacemaker"),
        ("pacemaker to be removed, pending", "implant_pacemaker"),
        ("candidate for spinal cord stimulator", ""),
        ("SCS trial planned", ""),
        ("considering stimulator", ""),
        ("eval for SCS", ""),
        ("referred for pacemaker", ""),
        ("may benefit from an intrathecal pump", ""),
        ("awaiting pacemaker placement", ""),
        ("pacemaker placement scheduled", ""),
        ("declined SCS", ""),
        ("SCS trial 2022", "implant_neurostimulator"),
        ("SCS in place, considering revision", "implant_neurostimulator"),
        ("considering SCS revision", "implant_neurostimulator"),
        ("plan pacemaker battery change", "implant_pacemaker"),
        ("eval for pacemaker malfunction", "implant_pacemaker"),
        ("planned MRI with pacemaker protocol", "implant_pacemaker"),
        ("considering injection, has pacemaker", "implant_pacemaker"),
        ("candidate for surgery, pacemaker", "implant_pacemaker"),
        ("pacemaker, surgery planned", "implant_pacemaker"),
        ("pt with pacemaker considering injection", "implant_pacemaker"),
        ("ICD-10 M54.50", ""),
        ("breast pump", ""),
    ],
)
def test_stated_implants(text: str, concepts: str) -> None:
    """An implant that the order names holds like a record, unless it is denied, another's, planned, or out again."""
    assert {each.concept for each in stated_implants(text)} == set(concepts.split())


@pytest.mark.parametrize(("text", "answer"), table("therapy_table.tsv"))
def test_stated_therapy(text: str, answer: str) -> None:
    """Six weeks of care without success, now: a plan, a copy, or the length of the pain says nothing."""
    assert stated_therapy(text) is (answer == "yes")
