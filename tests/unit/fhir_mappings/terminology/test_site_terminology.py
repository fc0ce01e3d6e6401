"""What a site's ValueSets and ConceptMaps add to the terminology, and what they cannot do."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from fhir_mappings.terminology.code_systems import CPT, ICD_10_CM, SNOMED_CT
from fhir_mappings.terminology.index import TerminologyIndex
from fhir_mappings.terminology.site_terminology import SiteTerminology, load_site_terminology
from fhir_mappings.terminology.value_set_files import KnowledgeError
from tests.terminology import bundled_index

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType

LOCAL = "http://hospital.example/codes"
FLOOR_CHAIR = "Sits on the floor"


@pytest.fixture(scope="module")
def bundled() -> TerminologyIndex:
    """The index without a site."""
    return bundled_index()


def listed(*codes: str, system: str = LOCAL) -> dict[str, Any]:
    """An include of single codes."""
    return {"system": system, "concept": [{"code": code, "display": FLOOR_CHAIR} for code in codes]}


def is_a(code: str) -> dict[str, Any]:
    """An include of an ICD-10-CM code and everything below it."""
    return {"system": ICD_10_CM, "filter": [{"property": "concept", "op": "is-a", "value": code}]}


def value_set(concept: str, *include: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A ValueSet that extends a concept."""
    compose = {"include": list(include)} | more.pop("compose", {})
    return {"resourceType": "ValueSet", "id": concept.replace("_", "-"), "status": "active", "compose": compose} | more


def concept_map(*pairs: tuple[str, str, str], target: str = CPT, **group: Any) -> dict[str, Any]:
    """A ConceptMap of local codes, each with an equivalence and a target code."""
    elements = [
        {"code": code, "target": [{"equivalence": equivalence} | ({"code": mapped} if mapped else {})]}
        for code, equivalence, mapped in pairs
    ]
    return {
        "resourceType": "ConceptMap",
        "status": "active",
        "group": [{"source": LOCAL, "target": target, "element": elements} | group],
    }


def load(folder: Path, bundled: TerminologyIndex, *resources: Any) -> SiteTerminology:
    """Write resources into a folder and load it."""
    for number, resource in enumerate(resources):
        text = resource if isinstance(resource, str) else json.dumps(resource)
        (folder / f"{number}.json").write_text(text, encoding="utf-8")
    return load_site_terminology(folder, bundled)


def test_a_concept_gains_codes(tmp_path: Path, bundled: TerminologyIndex) -> None:
    """A ValueSet with a bundled id adds its codes to that concept, with its displays, and keeps all that was there."""
    site = load(tmp_path, bundled, value_set("saddle_anaesthesia", listed("S1", "S2")))
    index = site.applied_to(bundled)
    assert index.concepts_of(LOCAL, "S1") == {"saddle_anaesthesia"}
    assert index.display_of("saddle_anaesthesia", LOCAL, "S2") == FLOOR_CHAIR
    assert set(index.codes("saddle_anaesthesia")) > set(bundled.codes("saddle_anaesthesia"))
    assert site.added() == {"saddle_anaesthesia": 2}
    assert bundled.concepts_of(LOCAL, "S1") == frozenset()


def test_published_value_set_is_the_bundled_one(tmp_path: Path, bundled: TerminologyIndex) -> None:
    """What a site adds is not published under the project's own address."""
    index = load(tmp_path, bundled, value_set("saddle_anaesthesia", listed("S1"))).applied_to(bundled)
    assert index.value_set("saddle_anaesthesia") == bundled.value_set("saddle_anaesthesia")


def test_a_branch_of_icd_is_added(tmp_path: Path, bundled: TerminologyIndex) -> None:
    """An is-a filter adds a code and everything below it."""
    index = load(tmp_path, bundled, value_set("fever", is_a("A68"))).applied_to(bundled)
    assert index.concepts_of(ICD_10_CM, "A68.9") == {"fever"}


def test_several_files_extend_one_concept(tmp_path: Path, bundled: TerminologyIndex) -> None:
    """Codes of several files add up; one that is there already, or comes twice, is no addition."""
    first = value_set("fever", listed("F1"), listed("R50.9", system=ICD_10_CM))
    second = value_set("fever", listed("F1", "F2"), url="http://hospital.example/fever")
    assert load(tmp_path, bundled, first, second).added() == {"fever": 2}


def test_every_bundled_code_keeps_its_concepts(tmp_path: Path, bundled: TerminologyIndex) -> None:
    """Whatever a site adds, every code belongs to all the concepts that it belonged to before."""
    site = load(
        tmp_path,
        bundled,
        value_set("motor_deficit", listed("W1"), is_a("R29")),
        value_set("bladder_exclude", listed("B1")),
        concept_map(("MRLSP", "equal", "72148")),
    )
    index = site.applied_to(bundled)
    for concept in bundled.concept_ids:
        for code in bundled.codes(concept):
            before = bundled.concepts_of(code.system, code.code)
            assert before <= index.concepts_of(code.system, code.code)


def test_a_known_code_may_become_a_red_flag(tmp_path: Path, bundled: TerminologyIndex) -> None:
    """A site may count what is only a weak sign here as a red flag: the answer can only become more urgent."""
    weak = bundled.codes("motor_generic")[0]
    index = load(tmp_path, bundled, value_set("motor_deficit", listed(weak.code, system=weak.system))).applied_to(
        bundled
    )
    assert index.concepts_of(weak.system, weak.code) == {"motor_generic", "motor_deficit"}


@pytest.mark.parametrize("equivalence", ["equal", "equivalent", "wider", "subsumes"])
def test_a_local_code_is_read_as_the_code_it_is_mapped_to(
    tmp_path: Path, bundled: TerminologyIndex, equivalence: str
) -> None:
    """A mapped code belongs to the concepts of its target and is shown as it; blanks do not matter."""
    index = load(tmp_path, bundled, concept_map(("MRLSP", equivalence, "72148"))).applied_to(bundled)
    assert index.concepts_of(LOCAL, "MRLSP") == index.concepts_of(CPT, "72148") == {"order_mri_lumbar_wo"}
    assert index.concepts_of(f" {LOCAL} ", " MRLSP ") == {"order_mri_lumbar_wo"}
    assert index.read_as(LOCAL, "MRLSP") == (CPT, "72148")
    assert index.display_of("order_mri_lumbar_wo", LOCAL, "MRLSP") == "MRI lumbar, no contrast"


def test_other_codes_are_read_as_themselves(tmp_path: Path, bundled: TerminologyIndex) -> None:
    """Codes that nobody mapped stay what they are, with or without maps."""
    index = load(tmp_path, bundled, concept_map(("MRLSP", "equal", "72148"))).applied_to(bundled)
    for known in (bundled, index):
        assert known.read_as(LOCAL, "other") == (LOCAL, "other")
        assert known.concepts_of(LOCAL, "other") == frozenset()


@pytest.mark.parametrize("equivalence", ["unmatched", "disjoint"])
def test_what_is_not_mapped_is_passed_over(tmp_path: Path, bundled: TerminologyIndex, equivalence: str) -> None:
    """An element that says that there is no such code adds nothing."""
    assert load(tmp_path, bundled, concept_map(("KNEE", equivalence, ""))).local_codes == ()


def test_a_map_may_target_what_the_site_has_added(tmp_path: Path, bundled: TerminologyIndex) -> None:
    """A target may be a code of the site's own value sets, whichever file comes first."""
    site = load(
        tmp_path,
        bundled,
        concept_map(("F9", "equivalent", "F1"), target="http://hospital.example/other"),
        value_set("fever", listed("F1", system="http://hospital.example/other")),
    )
    assert site.applied_to(bundled).concepts_of(LOCAL, "F9") == {"fever"}


REFUSED: dict[str, tuple[list[Any], str, str]] = {
    "no JSON": (["{"], "$", "truncated"),
    "not UTF-8": (['{"resourceType": "ValueSet", "id": "\ud800"}'], "$", ""),
    "no resource": (["{}"], "$", "resourceType"),
    "nested": (['{"a":' * 50_000], "$", "nested"),
    "another resource": ([{"resourceType": "CodeSystem"}], "$.resourceType", "neither ValueSet nor ConceptMap"),
    "unknown concept": ([value_set("saddle_anesthesia", listed("1"))], "$.id", "did you mean 'saddle-anaesthesia'"),
    "no FHIR": ([value_set("fever", listed("1"), colour="red")], "$.colour", "Extra"),
    "retired": ([value_set("fever", listed("1"), status="retired")], "$.status", "retired"),
    "exclude": (
        [value_set("fever", listed("1"), compose={"exclude": [listed("2")]})],
        "$.compose.exclude",
        "never remove any",
    ),
    "reference": (
        [value_set("fever", {"valueSet": ["http://example.org/x"]})],
        "$.compose.include[0].valueSet",
        "not supported",
    ),
    "filter": (
        [value_set("fever", {"system": SNOMED_CT, "filter": is_a("A68")["filter"]})],
        "$.compose.include[0].filter[0]",
        "terminology server",
    ),
    "long code": ([value_set("fever", listed("1" * 257))], "$.compose.include[0].concept[0]", "longer than 256"),
    "long system": ([value_set("fever", listed("1", system="urn:" + "x" * 200))], "concept[0]", "longer than"),
    "red flag ruled out": (
        [value_set("bladder_exclude", listed("192970008", system=SNOMED_CT))],
        "$.compose.include[0].concept[0]",
        "belongs to cauda_equina already",
    ),
    "another study": (
        [value_set("order_mri_lumbar_wo", listed("72158", system=CPT))],
        "$.compose.include[0].concept[0]",
        "belongs to order_mri_lumbar_wo_w already",
    ),
    "branch over red flags": (
        [value_set("lbp_nonspecific", is_a("G83"))],
        "$.compose.include[0].filter[0]",
        "cauda_equina",
    ),
    "branch below a red flag": ([value_set("lbp_nonspecific", is_a("C61.9"))], "filter[0]", "cancer_active"),
    "excluded": ([value_set("cancer_active", is_a("C44"))], "filter[0]", "excluded from cancer_active"),
    "two studies": (
        [value_set("order_mri_lumbar_wo", listed("X")), value_set("order_mri_lumbar_wo_w", listed("X"))],
        "$.compose.include[0].concept[0]",
        "one kind of study",
    ),
    "narrower": ([concept_map(("M", "narrower", "72148"))], "element[0].target[0].equivalence", "'narrower'"),
    "relatedto": ([concept_map(("M", "relatedto", "72148"))], "target[0].equivalence", "'relatedto'"),
    "unknown target": (
        [concept_map(("M", "equal", "99999"))],
        "$.group[0].element[0].target[0].code",
        "belongs to no value set",
    ),
    "no target": ([concept_map(("M", "equal", ""))], "$.group[0].element[0].target[0].code", "no value set"),
    "known source": (
        [concept_map(("72158", "equal", "72148"), source=CPT)],
        "$.group[0].element[0].code",
        "known already, as order_mri_lumbar_wo_w",
    ),
    "two targets": ([concept_map(("M", "equal", "72148"), ("M", "equal", "72158"))], "element[1]", "as one code"),
    "two maps": (
        [concept_map(("M", "equal", "72148")), concept_map(("M", "equal", "72158"))],
        "$.group[0].element[0]",
        "0.json maps it to '72148'",
    ),
    "long local code": ([concept_map(("M" * 257, "equal", "72148"))], "element[0]", "longer than 256"),
    "empty local code": ([concept_map((" ", "equal", "72148"))], "$.group.0.element.0.code", "pattern"),
    "no source": ([concept_map(("M", "equal", "72148"), source="")], "$.group[0].source", ""),
    "unmapped": (
        [concept_map(("M", "equal", "72148"), unmapped={"mode": "fixed", "code": "72148"})],
        "$.group[0].unmapped",
        "by itself",
    ),
    "condition": (
        [
            concept_map(
                element=[
                    {
                        "code": "M",
                        "target": [
                            {
                                "code": "72148",
                                "equivalence": "equal",
                                "dependsOn": [{"property": "http://x.example", "value": "y"}],
                            }
                        ],
                    }
                ]
            )
        ],
        "target[0].dependsOn",
        "without conditions",
    ),
    "retired map": ([concept_map(("M", "equal", "72148")) | {"status": "retired"}], "$.status", "retired"),
}


@pytest.mark.parametrize(("resources", "path", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_relied_on_is_refused(
    tmp_path: Path, bundled: TerminologyIndex, resources: list[Any], path: str, reason: str
) -> None:
    """A file that does more than add, or less than it says, is refused with its name, the place and the reason."""
    for number, resource in enumerate(resources):
        text = resource if isinstance(resource, str) else json.dumps(resource)
        (tmp_path / f"{number}.json").write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(KnowledgeError) as refused:
        load_site_terminology(tmp_path, bundled)
    assert refused.value.file == str(tmp_path / f"{len(resources) - 1}.json")
    assert path in refused.value.path
    assert reason in refused.value.reason


def test_an_empty_folder_is_refused(tmp_path: Path, bundled: TerminologyIndex) -> None:
    """A folder without FHIR files, or none at all, is a mistake in the setting; other files do not count."""
    (tmp_path / "README.md").write_text("nothing here", encoding="utf-8")
    (tmp_path / ".hidden.json").write_text("{", encoding="utf-8")
    with pytest.raises(KnowledgeError, match="holds no FHIR files"):
        load_site_terminology(tmp_path, bundled)
    with pytest.raises(KnowledgeError, match="No such file"):
        load_site_terminology(tmp_path / "nothing", bundled)


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


def test_looking_up_costs_the_same_with_a_site(tmp_path: Path, bundled: TerminologyIndex) -> None:
    """Five hundred local codes and as many added ones add no step to looking a code up, hit or miss."""
    pairs = [(f"M{number}", "equal", "72148") for number in range(500)]
    codes = [f"A{number}" for number in range(500)]
    with_site = load(tmp_path, bundled, concept_map(*pairs), value_set("fever", listed(*codes))).applied_to(bundled)
    without = bundled.extended()  # a fresh index, with nothing in its cache
    for coding in ((ICD_10_CM, "C50.911"), (CPT, "72148"), (SNOMED_CT, "404"), (LOCAL, "none")):
        without.concepts_of(coding[0], "x"), with_site.concepts_of(coding[0], "x")
        costs = {instructions(lambda i=index, c=coding: i.concepts_of(*c)) for index in (without, with_site)}  # type: ignore[misc]
        assert len(costs) == 1
        assert min(costs) > 0
