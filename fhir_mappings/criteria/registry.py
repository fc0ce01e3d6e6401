"""Every criterion with what it implements; the one list behind the assessment and its documentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fhir_mappings.criteria import (
    cancer,
    contrast,
    episode,
    hints,
    implants,
    infection,
    neurology,
    scope,
    surgery,
    trauma,
)
from fhir_mappings.facts import Facts
from fhir_mappings.findings import Finding


@dataclass(frozen=True, slots=True)
class Criterion:
    """A rule of the guideline: its id, what it asks, the guidance statements it implements, and how it is computed."""

    id: str
    title: str
    statements: tuple[str, ...]
    evaluate: Callable[[Facts], Finding]


CRITERIA: tuple[Criterion, ...] = (
    Criterion("R-SCOPE", "Adult patient", (), scope.r_scope),
    Criterion("R-IND", "Back pain, radicular pain or a red flag is the reason", (), scope.r_ind),
    Criterion("R-AGE", "Age alone", (), scope.r_age),
    Criterion("R-CES", "Suspected cauda equina syndrome", ("S02", "S02a", "S02b", "S02c"), neurology.r_ces),
    Criterion("R-CORD", "Spinal cord compression", ("S04b",), neurology.r_cord),
    Criterion("R-MOTOR", "New or progressive leg weakness", ("S03a",), neurology.r_motor),
    Criterion("R-MULTI", "Deficits at more than one place", ("S03b",), neurology.r_multi),
    Criterion("R-INFECT", "Suspected infection of the spine", ("S04a",), infection.r_infect),
    Criterion("R-CANCER", "Cancer with possible cord compression", ("S04b",), cancer.r_cancer),
    Criterion("R-TRAUMA", "Recent significant trauma", ("S04c",), trauma.r_trauma),
    Criterion("R-V6", "Fragile bone or low-velocity trauma", ("S04c",), trauma.r_v6),
    Criterion("R-V7", "Risk of cancer or infection", ("S04a", "S04b"), scope.r_v7),
    Criterion("R-HINT", "Hints in free text", (), hints.r_hint),
    Criterion("R-EPISODE", "Episode of at least six weeks", ("S01", "S05a"), episode.r_episode),
    Criterion("R-6W-NO", "Nonspecific pain within six weeks of conservative care", ("S01",), episode.r_6w_no),
    Criterion("R-FAIL6W", "Pain after six weeks of conservative care", ("S05", "S05a"), episode.r_fail6w),
    Criterion("R-DX", "Unclear diagnosis", ("S06a", "S06b"), surgery.r_dx),
    Criterion("R-CANDIDATE", "Candidate for surgery or intervention", ("S05c",), surgery.r_candidate),
    Criterion("R-MR", "MRI safety of implants", ("S07a",), implants.r_mr),
    Criterion("R-ARTIFACT", "Artifact from metal hardware", ("S07b",), implants.r_artifact),
    Criterion("R-CON-NONDIAG", "Nondiagnostic MRI without contrast", ("S10a",), contrast.r_con_nondiag),
    Criterion("R-CON-POSTOP", "Pain after lumbar surgery", ("S10b",), surgery.r_con_postop),
    Criterion("R-CON-MIT", "Inflammatory disease of the spine", ("S10c",), contrast.r_con_mit),
    Criterion("R-CON-SAFE", "What to know before contrast", (), contrast.r_con_safe),
    Criterion("R-PREG", "Pregnancy", (), contrast.r_preg),
    Criterion("R-DUP", "Recent imaging of the same region", (), scope.r_dup),
    Criterion("R-UPRIGHT", "Upright imaging", ("S13a", "S13b", "S13c"), scope.r_upright),
    Criterion("R-CLAUS", "Claustrophobia", (), scope.r_claus),
)


def evaluate(facts: Facts) -> dict[str, Finding]:
    """Return the finding of every criterion, by its id."""
    return {criterion.id: criterion.evaluate(facts) for criterion in CRITERIA}
