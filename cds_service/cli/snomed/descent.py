"""Which of our concepts a descendant belongs to: that of the most specific codes above it, or none where they disagree.

A code that a value set lists decides for everything below it, until another one does: "History of malignant neoplasm"
is below a wider history, and its descendants are histories of cancer. Where a descendant is below two codes of which
neither is below the other, it may be a red flag as well, which only makes an answer more urgent; of anything else it
must not be two things, unless value sets have such a pair already.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Final

from fhir_mappings.terminology.code_systems import SNOMED_CT, canonical_system
from fhir_mappings.terminology.concepts import DRUG_CONCEPTS, RED_FLAGS
from fhir_mappings.words.matcher import load_table
from fhir_mappings.words.tokens import read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from fhir_mappings.terminology.index import TerminologyIndex
    from fhir_mappings.words.phrases import Phrases

# What takes something back, or has a record ignored, must not reach further than somebody has looked.
TAKES_BACK: Final = frozenset(
    {
        "bladder_exclude",
        "cancer_absent",
        "cancer_skin_excluded",
        "device_external_ignore",
        "external_pump",
        "family_history_cancer",
        "implant_cardiac_removed",
        "implant_neurostimulator_removed",
        "mr_conditional",
        "mr_no_label",
        "mr_safe",
        "pregnancy_absent",
        "retained_metal_removed",
        "steroid_excluded",
        "trauma_absent",
    }
)
# A wide concept stands for a record that says no more; what is below it does say more: another part of the body, an
# everyday injury, a limp.
WIDE: Final = frozenset(
    {
        "contrast_allergy_generic",
        "exercise_advice",
        "history_of_surgery",
        "imaging_result_status",
        "implant_other",
        "motor_generic",
        "neuro_other",
        "order_mri_generic",
        "order_mri_spine_wider",
        "prior_spine_surgery_level_unknown",
        "pt_procedure",
        "pt_referral",
        "qualifier_presence",
        "sensory_generic",
        "trauma_generic",
        "weight_loss_generic",
    }
)
_CANCER: Final = ("cancer_active", "cancer_history")
_RAISING: Final = frozenset(RED_FLAGS)
_NOT_EXPANDED: Final = TAKES_BACK | WIDE | {*DRUG_CONCEPTS}


@dataclass(frozen=True, slots=True)
class Conflict:
    """A descendant that was not added to some of the concepts that it is below, for a person to decide; and why."""

    code: str
    concepts: tuple[str, ...]
    left_out: tuple[str, ...]
    why: str = "below codes of several concepts"


@dataclass(frozen=True, slots=True)
class Descent:
    """The descendants of each concept that the index does not know, and what was not decided."""

    added: Mapping[str, tuple[str, ...]]
    conflicts: tuple[Conflict, ...] = ()
    skipped: Mapping[str, int] = field(default_factory=dict)

    @property
    def codes(self) -> frozenset[str]:
        """Every code that is added to a concept or disputed."""
        return frozenset(code for codes in self.added.values() for code in codes) | {
            conflict.code for conflict in self.conflicts
        }


def roots_of(index: TerminologyIndex) -> dict[str, frozenset[str]]:
    """Return every SNOMED CT code that a value set lists or excludes, and the concepts that it belongs to."""
    listed = {code.code for concept in index.concept_ids for code in index.codes(concept) if _is_snomed(code.system)}
    for concept in index.concept_ids:
        for part in index.value_set(concept)["compose"].get("exclude", ()):
            if _is_snomed(part.get("system", "")):
                listed |= {one["code"] for one in part.get("concept", ())}
    return {code: index.concepts_of(SNOMED_CT, code) for code in sorted(listed) if code.isdigit()}


def descend(
    roots: Mapping[str, frozenset[str]], found: Iterable[tuple[str, Iterable[str]]], index: TerminologyIndex
) -> Descent:
    """Return which concepts gain which descendants; `found` yields each root with everything below it."""
    above: dict[str, list[str]] = defaultdict(list)
    for root, descendants in found:
        for code in descendants:
            above[code].append(root)
    over = {root: frozenset(above.get(root, ())) for root in roots}
    pairs = {concepts for concepts in roots.values() if len(concepts) > 1}
    added: dict[str, list[str]] = defaultdict(list)
    conflicts: list[Conflict] = []
    skipped: Counter[str] = Counter()
    for code in sorted(above):
        if code in roots or index.concepts_of(SNOMED_CT, code):
            continue
        nearest = [one for one in above[code] if not any(one in over[other] for other in above[code] if other != one)]
        concepts = frozenset().union(*(roots[one] for one in nearest))
        kept = _kept(concepts, pairs)
        for concept in sorted(kept):
            added[concept].append(code)
        left_out = concepts - kept - _NOT_EXPANDED
        if left_out or (kept and concepts & TAKES_BACK):
            conflicts.append(Conflict(code, tuple(sorted(concepts)), tuple(sorted(concepts - kept))))
        elif not kept:
            skipped.update(concepts)
    return Descent(
        {concept: tuple(codes) for concept, codes in sorted(added.items())},
        tuple(conflicts),
        dict(sorted(skipped.items())),
    )


def without_harmless(descent: Descent, names: Mapping[str, str]) -> Descent:
    """Return a descent without the tumours that the words of records do not count as cancer, by their names.

    Value sets list harmless skin cancers one by one, and the hierarchy has them all below "malignant".
    """
    harmless = {
        code for concept in _CANCER for code in descent.added.get(concept, ()) if _is_harmless(names.get(code, ""))
    }
    found: dict[str, list[str]] = defaultdict(list)
    added = {}
    for concept, codes in descent.added.items():
        out = harmless.intersection(codes) if concept in _CANCER else set()
        for code in sorted(out):
            found[code].append(concept)
        if kept := tuple(code for code in codes if code not in out):
            added[concept] = kept
    why = "by its name a tumour that does not count as cancer"
    conflicts = tuple(Conflict(code, tuple(out), tuple(out), why) for code, out in sorted(found.items()))
    return replace(descent, added=added, conflicts=(*descent.conflicts, *conflicts))


@cache
def _phrases() -> Phrases:
    return load_table("phrases.tsv")


def _is_harmless(name: str) -> bool:
    return any(span.kind == "!cancer" for span in _phrases().find(read(name)))


def _kept(concepts: frozenset[str], pairs: Iterable[frozenset[str]]) -> frozenset[str]:
    """Return the concepts that a descendant of the nearest codes of all of them is added to."""
    open_to = concepts - _NOT_EXPANDED
    raising, others = open_to & _RAISING, open_to - _RAISING
    if concepts & TAKES_BACK:
        return raising
    return open_to if len(others) < 2 or any(others <= pair for pair in pairs) else raising  # noqa: PLR2004 - two


def _is_snomed(system: str) -> bool:
    return canonical_system(system) == SNOMED_CT
