"""Names of drugs in texts: generics and brands, forms that are not systemic, and texts that name nothing."""

from __future__ import annotations

import csv
from importlib.resources import files

import pytest

from fhir_mappings.terminology.code_systems import RXNORM
from fhir_mappings.words.drugs import drug_concepts, is_drug_name_readable
from tests.terminology import bundled_index

SUPPRESSED = {"immunosuppressant_drug"}
STEROID = {"steroid_systemic_drug"}
NO_STEROID = {"steroid_excluded"}
CANCER = {"antineoplastic_drug"}
# Drug concepts whose codes are products and ingredients; a name states the ingredient.
NAMED = {
    "immunosuppressant_product": "immunosuppressant_drug",
    "immunosuppressant_drug": "immunosuppressant_drug",
    "steroid_systemic_product": "steroid_systemic_drug",
    "steroid_systemic_drug": "steroid_systemic_drug",
    "nsaid_product": "nsaid_drug",
    "nsaid_drug": "nsaid_drug",
    "osteoporosis_drug": "osteoporosis_drug",
    "antineoplastic_drug": "antineoplastic_drug",
    "anticoagulant_drug": "anticoagulant_drug",
    "analgesic_adjunct_drug": "analgesic_adjunct_drug",
    "analgesic_adjunct_product": "analgesic_adjunct_drug",
}
# High-dose methotrexate hints at cancer by its strength, which a name does not tell; everolimus does so by its brand.
BY_STRENGTH = {"311625", "845507", "998189", "845515", "1119400", "1308428", "1308430", "1308432"}


@pytest.mark.parametrize(
    ("text", "concepts"),
    [
        ("tacrolimus 1 MG Oral Capsule [Prograf]", SUPPRESSED),
        ("PROGRAF 1 mg caps", SUPPRESSED),
        ("Humira(CF) Pen 40 mg/0.4 mL", SUPPRESSED),
        ("infliximab-dyyb 100 MG Injection", SUPPRESSED),
        ("mycophenolic acid 180 MG", SUPPRESSED),
        ("CellCept", SUPPRESSED),
        ("Afinitor 10 mg", SUPPRESSED | CANCER),
        ("prednisone 5 MG Oral Tablet", STEROID),
        ("Prédnisone", STEROID),
        ("Solu-Medrol 125 mg IV", STEROID),
        ("dexamethasone 1 MG/ML Ophthalmic Suspension", NO_STEROID),
        ("hydrocortisone 1 % topical cream", NO_STEROID),
        ("triamcinolone nasal spray", NO_STEROID),
        ("prednisolone acetate 1% eye drops", NO_STEROID),
        ("betamethasone powder for inhalation", NO_STEROID),
        ("tacrolimus 0.1 % Topical Ointment", set()),
        ("cyclosporine ophthalmic emulsion", set()),
        ("fluorouracil 5 % cream", set()),
        ("diclofenac 1 % gel", set()),
        ("diclofenac 75 mg / misoprostol", {"nsaid_drug"}),
        ("Tamoxifen 20 mg", CANCER),
        ("zoledronic acid 5 MG (Reclast)", {"osteoporosis_drug"}),
        ("Eliquis 5 mg BID", {"anticoagulant_drug"}),
        ("heparin lock flush 100 units/mL", set()),
        ("methotrexate and prednisone", SUPPRESSED | STEROID),
        ("methotrexate 2.5 mg tablet; prednisolone eye drops", SUPPRESSED | NO_STEROID),
        ("prednisonex", set()),
        ("acid, zoledronic", set()),
        ("mycophenolic", set()),
        ("lisinopril 10 MG Oral Tablet", set()),
        ("", set()),
    ],
)
def test_names_are_found_by_whole_words(text: str, concepts: set[str]) -> None:
    """Generic names and brands count in any case; an inhaled or topical form is no systemic drug."""
    assert drug_concepts(text) == concepts


@pytest.mark.parametrize("concept", NAMED)
def test_each_drug_that_is_known_by_code_is_known_by_name(concept: str) -> None:
    """A record that names its drug in words only, as RxNorm does, is read like one with the code."""
    index = bundled_index()
    for code in index.codes(concept):
        if code.system == RXNORM and not (concept == "antineoplastic_drug" and code.code in BY_STRENGTH):
            assert NAMED[concept] in drug_concepts(code.display), code


def test_concepts_of_names_are_concepts() -> None:
    """No name leads to a concept that nobody knows, and none stands twice for one concept."""
    lines = (files("fhir_mappings.words") / "drug_names.tsv").read_text(encoding="utf-8").splitlines()
    rows = list(csv.reader((line for line in lines if not line.startswith("#")), delimiter="\t"))
    known = bundled_index().concept_ids
    assert {concept for _, concept, _ in rows} <= known
    assert {source for _, _, source in rows} == {"RxNorm", "brand", "class"}
    assert len({(name, concept) for name, concept, _ in rows}) == len(rows)


@pytest.mark.parametrize(
    ("text", "readable"),
    [
        ("lisinopril 10 MG Oral Tablet", True),
        ("Zinc", True),
        ("10 MG oral tablet", False),
        ("NDC 1234-5678-90", False),
        ("1049630", False),
        ("MED12345", False),
        ("Unknown medication", False),
        ("タクロリムス", False),
        ("", False),
    ],
)
def test_a_text_that_names_nothing_is_told_from_a_drug_of_no_interest(text: str, *, readable: bool) -> None:
    """Only a drug whose name can be read may be set aside."""
    assert is_drug_name_readable(text) is readable
