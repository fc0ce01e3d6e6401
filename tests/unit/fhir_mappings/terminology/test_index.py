"""The index as a mechanism: spellings of systems and codes, prefixes, exclusions, refused files, cost of a look-up."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from fhir_mappings.terminology.code_systems import (
    CPT,
    ICD_10,
    ICD_10_CM,
    LOINC,
    NCIT,
    NDC,
    RADLEX,
    RXNORM,
    SNOMED_CT,
    canonical_code,
    canonical_system,
)
from fhir_mappings.terminology.index import Code, TerminologyIndex, bundled_value_sets
from fhir_mappings.terminology.value_set_files import KnowledgeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

Part = dict[str, Any]


def is_a(code: str, system: str = ICD_10_CM) -> Part:
    """An include of a code and everything below it."""
    return {"system": system, "filter": [{"property": "concept", "op": "is-a", "value": code}]}


def regex(pattern: str) -> Part:
    """An include of the ICD-10-CM codes that match."""
    return {"system": ICD_10_CM, "filter": [{"property": "code", "op": "regex", "value": pattern}]}


def listed(system: str, *codes: str) -> Part:
    """An include of single codes."""
    return {"system": system, "concept": [{"code": code, "display": f"about {code}"} for code in codes]}


def write(directory: Path, concept: str, *include: Part, **more: Any) -> Path:
    """Write a value set file; `more` replaces or adds elements, `exclude` goes into the compose."""
    compose: dict[str, Any] = {"include": list(include)}
    if "exclude" in more:
        compose["exclude"] = more.pop("exclude")
    value_set = {"resourceType": "ValueSet", "id": concept.replace("_", "-"), "status": "active", "compose": compose}
    file = directory / f"{concept}.json"
    file.write_text(json.dumps(value_set | more), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("spelling", "canonical"),
    [
        ("urn:oid:2.16.840.1.113883.6.90", ICD_10_CM),
        ("URN:OID:2.16.840.1.113883.6.96", SNOMED_CT),
        ("urn:oid:2.16.840.1.113883.6.12", CPT),
        ("urn:oid:2.16.840.1.113883.6.1", LOINC),
        ("urn:oid:2.16.840.1.113883.6.88", RXNORM),
        ("urn:oid:2.16.840.1.113883.3.26.1.1", NCIT),
        ("http://hl7.org/fhir/sid/icd-10", ICD_10_CM),
        ("http://hl7.org/fhir/sid/icd-10-cm|2025", ICD_10_CM),
        ("http://snomed.info/sct/731000124108", SNOMED_CT),
        ("http://snomed.info/sct/731000124108/version/20250301", SNOMED_CT),
        (" https://LOINC.org/ ", LOINC),
        ("https://www.ama-assn.org/go/cpt", CPT),
        ("http://www.radlex.org", RADLEX),
        ("http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl#", NCIT),
        ("http://www.ama-assn.org/cpt", CPT),
        ("CPT", CPT),
        ("C4", CPT),
        ("https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", CPT),
        ("urn:oid:2.16.840.1.113883.6.285", CPT),
        ("2.16.840.1.113883.6.96", SNOMED_CT),
        ("SNOMED-CT", SNOMED_CT),
        ("SNOMEDCT", SNOMED_CT),
        ("Snomed CT", SNOMED_CT),
        ("LOINC", LOINC),
        ("LN", LOINC),
        ("RxNorm", RXNORM),
        ("ICD-10-CM", ICD_10_CM),
        ("ICD10CM", ICD_10_CM),
        ("ICD10", ICD_10),
        ("ICD-10", ICD_10),
        ("I10", ICD_10),
        ("http://fhir.de/CodeSystem/bfarm/icd-10-gm", ICD_10),
        ("http://fhir.de/CodeSystem/dimdi/icd-10-gm|2020", ICD_10),
        ("http://hl7.org/fhir/sid/icd-10-am", ICD_10),
        ("http://hl7.org/fhir/sid/icd-10-nl", ICD_10),
        ("http://hl7.org/fhir/sid/ndc", NDC),
        ("urn:oid:2.16.840.1.113883.6.69", NDC),
    ],
)
def test_known_spellings_of_a_system_are_one_system(spelling: str, canonical: str) -> None:
    """A system sent as OID or bare name, with a version, an edition, another scheme or host case is recognised."""
    assert canonical_system(spelling) == canonical


@pytest.mark.parametrize(
    "other",
    [
        "http://hl7.org/fhir/sid/icd-9-cm",
        "http://www.cms.gov/Medicare/Coding/ICD10",
        "urn:oid:2.16.840.1.113883.6.4",
        "http://hl7.org/fhir/sid/icd-10-pcs",
        "urn:oid:2.16.840.1.113883.6.103",
        "ICD",
        "ICD-9-CM",
        "ICD10PCS",
        "loinc.org",
        "urn:oid:CPT",
        "http://hospital.example/cpt",
        "http://snomed.info/sctx",
        "http://example.org/local|7",
        "",
    ],
)
def test_other_systems_are_left_alone(other: str) -> None:
    """ICD-9-CM, ICD-10-PCS, local systems and names that leave the system open are never taken for one we know."""
    assert canonical_system(f" {other} ") == other


@pytest.mark.parametrize("system", [CPT, SNOMED_CT, ICD_10_CM, ICD_10, LOINC, RXNORM, NCIT, RADLEX, NDC])
def test_canonical_systems_are_fixed_points(system: str) -> None:
    """The constants themselves are what every spelling is turned into."""
    assert canonical_system(system) == system


@pytest.mark.parametrize(
    ("system", "code", "canonical"),
    [
        (ICD_10_CM, " m54.50 ", "M5450"),
        ("urn:oid:2.16.840.1.113883.6.90", "s39.012a", "S39012A"),
        (CPT, " 0042t", "0042T"),
        (LOINC, "la15173-0", "LA15173-0"),
        (SNOMED_CT, " 279039007 ", "279039007"),
        ("http://example.org/local", " a.B ", "a.B"),
    ],
)
def test_codes_are_compared_in_one_form(system: str, code: str, canonical: str) -> None:
    """Blanks, letter case and the ICD-10-CM dot do not matter; codes of unknown systems keep their case and dots."""
    assert canonical_code(system, code) == canonical


def test_is_a_covers_the_code_itself_and_what_lies_below(tmp_path: Path) -> None:
    """An is-a filter selects its own code and all longer ones, but not a sibling that starts alike."""
    write(tmp_path, "pain", is_a("M54.5"))
    index = TerminologyIndex.from_directory(tmp_path)
    for code in ("M54.5", "M54.50", "m5459", "M54.5X1A"):
        assert index.concepts_of(ICD_10_CM, code) == {"pain"}
    for code in ("M54", "M54.6", "M5", "", "and M54.50"):
        assert index.concepts_of(ICD_10_CM, code) == frozenset()


def test_listed_codes_match_exactly(tmp_path: Path) -> None:
    """A code that is listed does not bring the codes below it, in ICD-10-CM or elsewhere."""
    write(tmp_path, "radiculopathy", listed(ICD_10_CM, "M54.1"), listed(SNOMED_CT, "128196005"))
    index = TerminologyIndex.from_directory(tmp_path)
    assert index.concepts_of(ICD_10_CM, "M541") == {"radiculopathy"}
    assert index.concepts_of(ICD_10_CM, "M54.16") == frozenset()
    assert index.concepts_of(SNOMED_CT, "1281960059") == frozenset()


def test_regex_selects_whole_categories(tmp_path: Path) -> None:
    """A regular expression over categories selects each of them with every code below it, and no other category."""
    write(tmp_path, "cancer", regex(r"C([0-8][0-9]|9[0-6])(\..+)?"))
    index = TerminologyIndex.from_directory(tmp_path)
    for code in ("C00", "C61", "C50.911", "c969"):
        assert index.concepts_of(ICD_10_CM, code) == {"cancer"}
    for code in ("C97", "D00.0", "C7"):
        assert index.concepts_of(ICD_10_CM, code) == frozenset()


def test_excluded_codes_are_out_of_their_value_set_only(tmp_path: Path) -> None:
    """An exclude takes a code or a whole branch out of its own value set, also when it is listed, and of no other."""
    write(
        tmp_path,
        "cancer",
        regex(r"C\d\d(\..+)?"),
        listed(SNOMED_CT, "1", "2"),
        exclude=[is_a("C44"), listed(SNOMED_CT, "2")],
    )
    write(tmp_path, "history", is_a("Z85"), exclude=[listed(ICD_10_CM, "Z85.828")])
    write(tmp_path, "skin", is_a("C44"), listed(ICD_10_CM, "Z85.828"))
    index = TerminologyIndex.from_directory(tmp_path)
    assert index.concepts_of(ICD_10_CM, "C44.311") == {"skin"}
    assert index.concepts_of(ICD_10_CM, "C43.9") == {"cancer"}
    assert index.concepts_of(ICD_10_CM, "Z85.828") == {"skin"}
    assert index.concepts_of(ICD_10_CM, "Z85.82") == {"history"}
    assert [code.code for code in index.codes("cancer")] == ["1"]


def test_a_code_without_its_system_is_nothing(tmp_path: Path) -> None:
    """A coding that names no system, or another one, belongs to no concept even if its code is known elsewhere."""
    write(tmp_path, "pain", listed(SNOMED_CT, "279039007"))
    index = TerminologyIndex.from_directory(tmp_path)
    assert index.concepts_of(SNOMED_CT, "279039007") == {"pain"}
    for system in (None, "", LOINC, "http://hospital.example/snomed"):
        assert index.concepts_of(system, "279039007") == frozenset()
    assert index.concepts_of(SNOMED_CT, None) == frozenset()


def test_endless_input_is_not_a_code(tmp_path: Path) -> None:
    """A system or code of absurd length is unknown, however it starts, and is not kept in memory."""
    write(tmp_path, "pain", is_a("M54.5"))
    index = TerminologyIndex.from_directory(tmp_path)
    assert index.concepts_of(ICD_10_CM, "M54.5" + " " * 10_000) == frozenset()
    assert index.concepts_of(ICD_10_CM + "|" + "9" * 10_000, "M54.5") == frozenset()
    assert canonical_system(" x" * 10_000) == (" x" * 10_000).strip()


def test_codes_are_given_as_written(tmp_path: Path) -> None:
    """The listed codes keep their order, their dot and their display, so that they can be put into an order."""
    file = write(tmp_path, "some_pain", listed(ICD_10_CM, "M54.16"), is_a("M54.5"), listed(CPT, "72148"))
    index = TerminologyIndex.from_directory(tmp_path)
    assert index.concept_ids == {"some_pain"}
    assert index.codes("some_pain") == (
        Code(ICD_10_CM, "M54.16", "about M54.16"),
        Code(CPT, "72148", "about 72148"),
    )
    assert index.value_set("some_pain") == json.loads(file.read_text(encoding="utf-8"))


def test_an_unknown_concept_is_a_key_error(tmp_path: Path) -> None:
    """A misspelt concept fails loudly and is not taken for an empty one."""
    write(tmp_path, "pain", is_a("M54.5"))
    index = TerminologyIndex.from_directory(tmp_path)
    with pytest.raises(KeyError, match="pian"):
        index.codes("pian")
    with pytest.raises(KeyError, match="pian"):
        index.value_set("pian")


@pytest.mark.parametrize(
    ("include", "path", "reason"),
    [
        ([], "compose.include", "empty"),
        ([{"system": ICD_10_CM}], "include[0]", "either concepts or exactly one filter"),
        ([{"concept": [{"code": "1"}]}], "include[0].system", "missing"),
        ([listed(CPT, "1") | is_a("M54")], "include[0]", "either concepts or exactly one filter"),
        ([{"system": ICD_10_CM, "filter": is_a("M54")["filter"] * 2}], "include[0]", "ANDed"),
        ([is_a("M54"), {"valueSet": ["http://example.org/other"]}], "include[1].valueSet", "other value sets"),
        ([is_a("363346000", SNOMED_CT)], "include[0].filter[0]", "terminology server"),
        ([is_a("M5")], "filter[0].value", "not an ICD-10-CM code"),
        ([is_a("C00-C96")], "filter[0].value", "not an ICD-10-CM code"),
        ([regex("C[")], "filter[0].value", "not a regular expression"),
        ([regex("C50")], "filter[0].value", "whole categories"),
        ([regex("neoplasm")], "filter[0].value", "whole categories"),
        (
            [{"system": ICD_10_CM, "filter": [{"property": "concept", "op": "descendent-of", "value": "M54"}]}],
            "filter[0].op",
            "'concept descendent-of' is not supported",
        ),
        ([{"system": CPT, "concept": [{"display": "no code"}]}], "compose.include[0].concept[0]", "code"),
        ([{"system": CPT, "concept": [{"code": "1", "displya": "x"}]}], "compose.include.0.concept.0.displya", "Extra"),
    ],
)
def test_a_compose_we_cannot_read_whole_is_refused(tmp_path: Path, include: list[Part], path: str, reason: str) -> None:
    """A value set that would be understood in part only stops the start and says which file, where and why."""
    file = write(tmp_path, "broken", *include)
    with pytest.raises(KnowledgeError) as caught:
        TerminologyIndex.from_directory(tmp_path)
    assert caught.value.file == str(file)
    assert path in caught.value.path
    assert reason in caught.value.reason
    assert str(caught.value) == f"{caught.value.file}: {caught.value.path}: {caught.value.reason}"


def test_an_exclude_we_cannot_read_is_refused(tmp_path: Path) -> None:
    """An exclude that cannot be applied is an error, since ignoring it would widen the value set."""
    write(tmp_path, "broken", is_a("C00"), exclude=[is_a("363346000", SNOMED_CT)])
    with pytest.raises(KnowledgeError, match=r"broken\.json: \$\.compose\.exclude\[0\]\.filter\[0\]: .*server"):
        TerminologyIndex.from_directory(tmp_path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "truncated"),
        ("[]", "Expected `object`"),
        ("{}", "missing required field"),
        ('{"resourceType": "CodeSystem", "id": "broken", "compose": {"include": []}}', "CodeSystem"),
        ('{"resourceType": "ValueSet", "id": "broken", "status": "active"}', "compose"),
        ('{"resourceType": "ValueSet", "id": "broken", "compose": {"include": [{"system": 7}]}}', "Expected `str`"),
    ],
)
def test_a_file_that_is_no_value_set_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    """Broken JSON, another resource type or missing elements stop the start and name the file."""
    (tmp_path / "broken.json").write_text(text, encoding="utf-8")
    with pytest.raises(KnowledgeError, match=r"broken\.json: \$.*: ") as caught:
        TerminologyIndex.from_directory(tmp_path)
    assert reason in str(caught.value)


def test_two_files_with_one_id_are_refused(tmp_path: Path) -> None:
    """Two files for one concept are an error that names both, not a silent choice between them."""
    write(tmp_path, "low-pain", is_a("M54.5"))
    write(tmp_path, "low_pain", is_a("M54.6"))
    with pytest.raises(KnowledgeError, match=r"low_pain\.json: \$\.id: .*low-pain\.json"):
        TerminologyIndex.from_directory(tmp_path)


def test_an_id_that_is_not_the_files_name_is_refused(tmp_path: Path) -> None:
    """The file name is the concept, so a copied file with its old id inside is an error."""
    write(tmp_path, "fever", is_a("R50"), id="night-sweats")
    with pytest.raises(KnowledgeError, match=r"fever\.json: \$\.id: 'night-sweats'"):
        TerminologyIndex.from_directory(tmp_path)


def test_a_directory_without_value_sets_is_refused(tmp_path: Path) -> None:
    """A service without knowledge does not start: it would find no red flag in anybody."""
    (tmp_path / "README.md").write_text("nothing here", encoding="utf-8")
    with pytest.raises(KnowledgeError, match="no value sets"):
        TerminologyIndex.from_directory(tmp_path)


def instructions(action: Callable[[], object]) -> int:
    """Count the interpreter instructions that an action takes."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(before)
    return count


def test_looking_up_costs_the_same_however_many_value_sets_there_are(tmp_path: Path) -> None:
    """Two hundred more value sets add no step to a look-up, hit or miss, listed or by prefix."""
    small, large = tmp_path / "small", tmp_path / "large"
    for directory, others in ((small, 0), (large, 200)):
        directory.mkdir()
        write(directory, "cancer", regex(r"C\d\d(\..+)?"), listed(SNOMED_CT, "363346000"), exclude=[is_a("C44")])
        for number in range(others):
            write(
                directory,
                f"other_{number}",
                is_a(f"M{number:03}"),
                listed(SNOMED_CT, str(number)),
                exclude=[listed(ICD_10_CM, f"M{number:03}.1")],
            )
    indexes = [TerminologyIndex.from_directory(directory) for directory in (small, large)]
    for coding in (
        (ICD_10_CM, "C50.911"),
        (ICD_10_CM, "C44.311"),
        (SNOMED_CT, "363346000"),
        (SNOMED_CT, "404"),
        (ICD_10_CM, "C50.9: x"),
    ):
        canonical_system(coding[0])  # its own cache is shared by both
        few, many = (index.extended() for index in indexes)  # nothing is remembered of the codings before
        cost = instructions(lambda index=few, coding=coding: index.concepts_of(*coding))  # type: ignore[misc]
        assert cost > 0
        assert cost == instructions(lambda index=many, coding=coding: index.concepts_of(*coding))  # type: ignore[misc]


def test_nothing_is_read_after_the_start(tmp_path: Path) -> None:
    """Once built, the index answers without its files."""
    file = write(tmp_path, "pain", is_a("M54.5"))
    index = TerminologyIndex.from_directory(tmp_path)
    file.unlink()
    assert index.concepts_of(ICD_10_CM, "M54.50") == {"pain"}
    assert index.value_set("pain")["id"] == "pain"


def test_the_bundled_value_sets_are_found() -> None:
    """The value sets travel with the package, wherever it is installed."""
    assert bundled_value_sets().joinpath("cauda_equina.json").is_file()
