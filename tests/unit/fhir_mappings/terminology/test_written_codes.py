"""Codes as senders really write them: modifiers, expressions, text glued on, and other editions of ICD-10."""

from __future__ import annotations

import pytest

from fhir_mappings.terminology.code_systems import CPT, ICD_10_CM, LOINC, RXNORM, SNOMED_CT
from fhir_mappings.terminology.index import TerminologyIndex
from fhir_mappings.terminology.written_codes import codes_in
from tests.terminology import bundled_index

# Numbers from 7000001 on stand for codes that no concept knows.
ICD_10_GM = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
EQUINA = {"cauda_equina"}
CANCER = {"cancer_active"}
WITHOUT_CONTRAST = {"order_mri_lumbar_wo"}


@pytest.fixture(scope="module")
def index() -> TerminologyIndex:
    """The index as the service builds it."""
    return bundled_index()


@pytest.mark.parametrize(
    ("system", "code", "concepts"),
    [
        (CPT, "72148-26", WITHOUT_CONTRAST),
        (CPT, "72148TC", WITHOUT_CONTRAST),
        (CPT, "72148 26", WITHOUT_CONTRAST),
        (CPT, "72148-26-LT", WITHOUT_CONTRAST),
        (CPT, "7214826", WITHOUT_CONTRAST),
        (CPT, "72148: MRI lumbar", WITHOUT_CONTRAST),
        (CPT, "CPT 72148", WITHOUT_CONTRAST),
        (CPT, "721489", set()),
        (CPT, "7214", set()),
        (SNOMED_CT, "192970008 |Cauda equina syndrome (disorder)|", EQUINA),
        (SNOMED_CT, "192970008|Cauda equina syndrome: acute + severe|", EQUINA),
        (SNOMED_CT, "=== 192970008 |Cauda equina syndrome| : 7000001 |Severity| = 7000002 |Severe|", EQUINA),
        (SNOMED_CT, "(279039007 + 192970008):7000001=7000002", EQUINA | {"lbp_nonspecific"}),
        (SNOMED_CT, "279039007 + 192970008", EQUINA | {"lbp_nonspecific"}),
        (SNOMED_CT, "192970008 Cauda equina syndrome", EQUINA),
        (SNOMED_CT, "7000003:7000004=192970008,7000005=7000006", set()),
        (SNOMED_CT, "1929700081", set()),
        (SNOMED_CT, "no 192970008", set()),
        (ICD_10_CM, "G83.4 - Cauda equina syndrome", EQUINA),
        (ICD_10_CM, "G83.4: cauda equina syndrome", EQUINA),
        (ICD_10_CM, "g834 cauda equina", EQUINA),
        (ICD_10_CM, "G83.4|2025", EQUINA),
        (ICD_10_CM, "[G83.4]", EQUINA),
        (ICD_10_CM, "ICD10: G83.4", EQUINA),
        (ICD_10_CM, "ICD-10-CM G83.4", EQUINA),
        (ICD_10_CM, "M54.50; G83.4", EQUINA | {"lbp_nonspecific"}),
        (ICD_10_CM, "M54.50 (C61 was ruled out)", {"lbp_nonspecific"}),
        (ICD_10_CM, "M54.5-", {"lbp_nonspecific"}),
        (ICD_10_CM, "pain at C61", set()),
        ("http://hl7.org/fhir/sid/icd-10", "C61.9XX extra", CANCER),
        (LOINC, "30679-5 MR lumbar", WITHOUT_CONTRAST),
        (LOINC, "LOINC:30679-5", WITHOUT_CONTRAST),
        (RXNORM, "198377 tacrolimus 1 MG Oral Capsule", {"immunosuppressant_product"}),
        (RXNORM, "198377-617-73", set()),
    ],
)
def test_the_focus_of_a_badly_written_code_counts(
    index: TerminologyIndex, system: str, code: str, concepts: set[str]
) -> None:
    """What stands around a code does not hide it, and a number or word inside something longer is no code."""
    assert index.concepts_of(system, code) == concepts


@pytest.mark.parametrize(
    ("system", "code", "concepts"),
    [
        (ICD_10_GM, "G83.4", EQUINA),
        ("http://hl7.org/fhir/sid/icd-10-am", "G83.4", EQUINA),
        ("ICD10", "g834", EQUINA),
        (ICD_10_GM, "C61", CANCER),
        (ICD_10_GM, "M49.3*", set()),
        (ICD_10_GM, "C61!", CANCER),
        (ICD_10_GM, "G83.40", set()),
        (ICD_10_GM, "M54.56", set()),
        ("http://hl7.org/fhir/sid/icd-10", "M54.50", {"lbp_nonspecific"}),
    ],
)
def test_other_editions_of_icd_10_are_read_as_far_as_they_agree(
    index: TerminologyIndex, system: str, code: str, concepts: set[str]
) -> None:
    """Codes of three or four characters are common to all editions; longer ones mean what their own edition says."""
    assert index.concepts_of(system, code) == concepts


@pytest.mark.parametrize(
    ("system", "code", "read"),
    [
        (CPT, "72148-26", (CPT, "72148")),
        (ICD_10_GM, "G83.4", (ICD_10_CM, "G83.4")),
        (SNOMED_CT, "7000008 + 192970008", (SNOMED_CT, "192970008")),
        (CPT, "72148", (CPT, "72148")),
        ("urn:oid:2.16.840.1.113883.6.12", "72148", ("urn:oid:2.16.840.1.113883.6.12", "72148")),
        ("http://hospital.example", "72148-26", ("http://hospital.example", "72148-26")),
    ],
)
def test_a_badly_written_code_is_shown_as_the_code_it_is_read_as(
    index: TerminologyIndex, system: str, code: str, read: tuple[str, str]
) -> None:
    """Criteria and cards go on with the focus; a code that is known as it is written stays as it was sent."""
    assert index.read_as(system, code) == read


def test_the_focus_has_the_display_of_its_code(index: TerminologyIndex) -> None:
    """A modifier does not hide what study was ordered."""
    plain = index.display_of("order_mri_lumbar_wo", CPT, "72148")
    assert index.display_of("order_mri_lumbar_wo", CPT, "72148-26") == plain != ""


def test_well_formed_codes_are_not_searched(index: TerminologyIndex) -> None:
    """The many codes that are simply not known end at once."""
    assert codes_in(SNOMED_CT, "7000007") == codes_in(ICD_10_CM, "Z99.89") == ()
    assert index.concepts_of(SNOMED_CT, "7000007") == frozenset()
