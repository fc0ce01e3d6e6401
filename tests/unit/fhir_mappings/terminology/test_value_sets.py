"""The bundled value sets: each file as a FHIR resource, and what the codes of a real chart come out as."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from fhir.resources.R4B.valueset import ValueSet

from fhir_mappings.terminology.code_systems import (
    CPT,
    ICD_10_CM,
    LOINC,
    NCIT,
    RADLEX,
    RXNORM,
    SNOMED_CT,
    canonical_system,
)
from fhir_mappings.terminology.index import TerminologyIndex, bundled_value_sets
from tests.terminology import bundled_index

FILES = sorted(bundled_value_sets().iterdir(), key=lambda file: file.name)
OIDS = {
    SNOMED_CT: "urn:oid:2.16.840.1.113883.6.96",
    LOINC: "urn:oid:2.16.840.1.113883.6.1",
    ICD_10_CM: "urn:oid:2.16.840.1.113883.6.90",
    CPT: "urn:oid:2.16.840.1.113883.6.12",
    RXNORM: "urn:oid:2.16.840.1.113883.6.88",
    NCIT: "urn:oid:2.16.840.1.113883.3.26.1.1",
    RADLEX: "http://www.radlex.org",
}
OWNERS = {
    SNOMED_CT: "SNOMED International",
    LOINC: "Regenstrief",
    ICD_10_CM: "NCHS",
    CPT: "no AMA descriptors",
    RXNORM: "NLM",
    NCIT: "National Cancer Institute",
    RADLEX: "RSNA",
}


@pytest.fixture(scope="module")
def index() -> TerminologyIndex:
    """The index as the service builds it."""
    return bundled_index()


@pytest.fixture(params=FILES, ids=lambda file: file.name)
def value_set(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each bundled resource in turn, with the name of its file."""
    loaded: dict[str, Any] = json.loads(request.param.read_text(encoding="utf-8"))
    loaded["file"] = request.param.name
    return loaded


def test_each_file_is_a_valid_resource_under_its_own_address(value_set: dict[str, Any]) -> None:
    """A site can load each file into a FHIR R4 server: valid, active, and with id, name and URL that go together."""
    stem = value_set.pop("file").removesuffix(".json")
    ValueSet.model_validate(value_set)
    assert value_set["id"] == stem.replace("_", "-")
    assert value_set["url"] == f"https://lumbar-mri-cds.org/fhir/ValueSet/{value_set['id']}"
    assert value_set["name"].lower() == stem.replace("_", "")
    assert value_set["status"] == "active"
    assert value_set["title"]
    assert value_set["description"].endswith(".")
    _names_the_owners_of_its_codes(value_set)
    _labels_cpt_in_our_own_words(value_set)


def _names_the_owners_of_its_codes(value_set: dict[str, Any]) -> None:
    """The copyright names the owner of every code system in the file and of no other."""
    systems = {canonical_system(part["system"]) for part in value_set["compose"]["include"]}
    named = {system for system, owner in OWNERS.items() if owner in value_set["copyright"]}
    assert named == systems


def _labels_cpt_in_our_own_words(value_set: dict[str, Any]) -> None:
    """A CPT label is short, ours, and free of remarks that a clinician should not see on a card."""
    for part in value_set["compose"]["include"]:
        if part["system"] == CPT:
            for concept in part["concept"]:
                assert 0 < len(concept["display"]) < 60
                assert "descriptor" not in concept["display"]


def test_every_listed_code_leads_to_its_concept_in_any_spelling(index: TerminologyIndex) -> None:
    """No code is shipped in vain: each is found by its URI and by the OID that some clients send."""
    for concept in index.concept_ids:
        for code in index.codes(concept):
            assert concept in index.concepts_of(code.system, code.code)
            assert concept in index.concepts_of(OIDS[canonical_system(code.system)], code.code)
            assert code.display


@pytest.mark.parametrize(
    ("system", "code", "concepts"),
    [
        (ICD_10_CM, "M54.50", {"lbp_nonspecific"}),
        (ICD_10_CM, "M5450", {"lbp_nonspecific"}),
        (ICD_10_CM, "m54.5", {"lbp_nonspecific"}),
        (ICD_10_CM, "M54.6", set()),
        (ICD_10_CM, "M54.16", {"radiculopathy"}),
        (ICD_10_CM, "M54.12", set()),
        ("urn:oid:2.16.840.1.113883.6.90", "M54.31", {"radiculopathy"}),
        ("http://hl7.org/fhir/sid/icd-10", "G83.4", {"cauda_equina"}),
        (ICD_10_CM, "S34.3XXA", {"cauda_equina", "trauma_spine"}),
        (ICD_10_CM, "M80.08XA", {"fragility_fracture", "osteoporosis"}),
        (ICD_10_CM, "Z98.1", {"implant_spinal_hardware", "prior_lumbar_surgery"}),
        (SNOMED_CT, "94222008", {"cancer_active", "cancer_metastatic_spine"}),
        ("http://snomed.info/sct/731000124108", "279039007", {"lbp_nonspecific"}),
        (CPT, "72148", {"order_mri_lumbar_wo"}),
        ("urn:oid:2.16.840.1.113883.6.12", "72158", {"order_mri_lumbar_wo_w"}),
        (LOINC, "24968-0", {"order_mri_lumbar_unspec"}),
        (NCIT, "C106047", {"mr_unsafe"}),
        ("http://www.radlex.org", "RID34573", {"body_site_lumbar"}),
    ],
)
def test_codes_as_charts_carry_them(index: TerminologyIndex, system: str, code: str, concepts: set[str]) -> None:
    """Codes in the forms that clients send come out as the concepts a clinician means by them."""
    assert index.concepts_of(system, code) == concepts


@pytest.mark.parametrize(
    ("code", "concepts"),
    [
        ("240198002", {"fragility_fracture", "osteoporosis"}),
        ("203450003", {"fragility_fracture", "osteoporosis"}),
        ("443165006", {"fragility_fracture", "osteoporosis"}),
        ("11311601000119109", {"fragility_fracture", "osteoporosis"}),
        ("274146004", {"fragility_fracture"}),
        ("312894000", set()),
        ("58863009", {"implant_pacemaker"}),
        ("23999003", {"implant_pacemaker"}),
        ("3515001", {"implant_pacemaker"}),
        ("60985004", {"implant_pacemaker"}),
        ("232968001", {"implant_vad"}),
        ("62881002", {"implant_cardiac_removed"}),
        ("45921003", {"implant_pacemaker"}),
        ("202794004", {"radiculopathy"}),
        ("279063004", {"lbp_nonspecific"}),
        ("76107001", {"spinal_stenosis"}),
        ("254837009", {"cancer_active"}),
        ("188462001", {"cancer_active", "cancer_metastatic_spine"}),
        ("254701007", {"cancer_skin_excluded"}),
        ("372244006", {"cancer_active"}),
        ("94704006", {"cancer_history"}),
        ("429024007", {"cancer_skin_excluded"}),
        ("402815007", set()),
        ("70272006", set()),
        ("165517008", {"immunosuppression"}),
        ("109995007", {"immunosuppression"}),
        ("234646005", {"immunosuppression"}),
        ("18027006", {"immunosuppression"}),
        ("473162000", set()),
        ("413096007", set()),
        ("191821007", {"ivdu_proxy"}),
        ("233853009", {"bacteraemia", "implant_cardiac_passive"}),
        ("722278006", {"bacteraemia", "renal_severe"}),
        ("409089005", {"fever", "immunosuppression"}),
        ("206376005", set()),
        ("86591008", {"trauma_high_energy"}),
        ("14047009", {"trauma_high_energy"}),
        ("217155007", {"trauma_low_energy"}),
        ("217090002", {"trauma_low_energy", "trauma_generic"}),
        ("787947000", set()),
        ("230690007", set()),
    ],
)
def test_names_of_the_global_patient_set_are_where_a_clinician_looks_for_them(
    index: TerminologyIndex, code: str, concepts: set[str]
) -> None:
    """Histories, removals, skin cancers, donors, other levels and accidents of other kinds are told apart."""
    assert index.concepts_of(SNOMED_CT, code) == concepts


@pytest.mark.parametrize("code", ["278860009", "134407002", "307177001"])
def test_chronic_pain_can_be_told_by_its_display(index: TerminologyIndex, code: str) -> None:
    """The episode reads from the display that pain is chronic, and so older than six weeks."""
    displays = {index.display_of(concept, SNOMED_CT, code) for concept in index.concepts_of(SNOMED_CT, code)}
    assert displays
    assert all(display.startswith("Chronic ") for display in displays)


@pytest.mark.parametrize(
    ("system", "code", "concepts"),
    [
        (RXNORM, "904419", {"osteoporosis_drug"}),
        (RXNORM, "1872979", {"immunosuppressant_product"}),
        (RXNORM, "1437969", {"immunosuppressant_product"}),
        (RXNORM, "845507", {"immunosuppressant_product", "antineoplastic_drug"}),
        (RXNORM, "762675", {"steroid_systemic_product"}),
        (RXNORM, "883815", {"steroid_excluded"}),
        (RXNORM, "19831", set()),
        (RXNORM, "199224", {"antineoplastic_drug"}),
        (RXNORM, "200342", set()),
        (RXNORM, "11289", {"anticoagulant_drug"}),
        (RXNORM, "1362060", set()),
        (RXNORM, "858798", {"nsaid_product"}),
        (RXNORM, "860092", set()),
        (CPT, "97110", {"pt_procedure"}),
        (CPT, "98941", {"manipulation"}),
        (CPT, "69930", {"implant_cochlear"}),
        (LOINC, "36111-3", {"order_mri_lumbar_wo"}),
    ],
)
def test_products_and_procedures_as_they_are_prescribed_and_billed(
    index: TerminologyIndex, system: str, code: str, concepts: set[str]
) -> None:
    """Injected products count like tablets; what has another use, or is no course of treatment, does not."""
    assert index.concepts_of(system, code) == concepts


@pytest.mark.parametrize(
    ("code", "concepts"),
    [
        ("C00.9", {"cancer_active"}),
        ("C61", {"cancer_active"}),
        ("C50.911", {"cancer_active"}),
        ("C43.9", {"cancer_active"}),
        ("C7A.00", {"cancer_active"}),
        ("C4A.9", {"cancer_active"}),
        ("C96.9", {"cancer_active"}),
        ("C79.51", {"cancer_active", "cancer_metastatic_spine"}),
        ("C44.311", {"cancer_skin_excluded"}),
        ("D05.11", set()),
        ("Z85.46", {"cancer_history"}),
        ("Z85.820", {"cancer_history"}),
        ("Z85.828", {"cancer_skin_excluded"}),
        ("Z80.3", {"family_history_cancer"}),
    ],
)
def test_cancer_is_told_from_skin_cancer_history_and_family(
    index: TerminologyIndex, code: str, concepts: set[str]
) -> None:
    """Every malignancy but non-melanoma skin cancer is active cancer; history and family history stay apart."""
    assert index.concepts_of(ICD_10_CM, code) == concepts


def test_an_order_has_one_contrast_class(index: TerminologyIndex) -> None:
    """No order code stands for two kinds of study, so that the contrast of an order is never ambiguous."""
    orders = [concept for concept in index.concept_ids if concept.startswith("order_")]
    for one, other in itertools.combinations(sorted(orders), 2):
        assert not {code[:2] for code in index.codes(one)} & {code[:2] for code in index.codes(other)}, (one, other)


@pytest.mark.parametrize(
    ("harmless", "alarming"),
    [
        ("bladder_exclude", "bladder_dysfunction"),
        ("cancer_skin_excluded", "cancer_active"),
        ("cancer_skin_excluded", "cancer_history"),
        ("family_history_cancer", "cancer_history"),
        ("steroid_excluded", "steroid_systemic_product"),
        ("steroid_excluded", "steroid_systemic_drug"),
        ("pregnancy_absent", "pregnancy"),
        ("device_external_ignore", "implant_icd"),
        ("retained_metal_removed", "retained_metal"),
        ("implant_cardiac_removed", "implant_pacemaker"),
    ],
)
def test_what_was_set_apart_stays_apart(index: TerminologyIndex, harmless: str, alarming: str) -> None:
    """Codes collected because they must not alarm are in none of the concepts that do."""
    for code in index.codes(harmless):
        assert alarming not in index.concepts_of(code.system, code.code)
