"""What the words are about: the topics, which of them last, and which of them a code settles."""

from __future__ import annotations

from collections.abc import Iterable

# Things that stay with a patient: what is told of the past counts as well.
LASTING = frozenset({"cancer", "risk", "surgery", "implant", "vascular", "contrast_allergy"})
# An agent's name alone; in a list of allergies it is an allergy.
AGENT = "contrast_agent"
# Pain that runs down both legs, of a problem or a visit; R-BILAT asks about it, and nothing else.
BOTH_LEGS = "both_legs"

_SETTLED: dict[str, tuple[str, ...]] = {
    "ces": ("cauda_equina", "bladder_", "bowel_", "saddle_", "sensory_"),
    "motor": ("motor_", "neuro_"),
    "cord": ("cord_",),
    "infection": ("spinal_infection", "bacteraemia", "fever"),
    "cancer": ("cancer_", "family_history_cancer", "plexopathy"),
    "risk": (
        "weight_loss",
        "night_sweats",
        "ivdu",
        "immunosuppress",
        "hiv",
        "osteoporosis",
        "fragility",
        "steroid_",
        "family_history_cancer",
    ),
    "trauma": ("trauma_", "fragility_fracture", "lbp_strain", "osteoporosis", "cancer_metastatic"),
    "vascular": ("aortic_disease",),
    "mimic": ("abdominal_mimic",),
    "surgery": ("prior_", "history_of_surgery", "implant_"),
    "implant": ("implant_", "retained_metal", "external_pump", "device_external", "prior_"),
    "contrast_allergy": ("gadolinium_allergy", "contrast_allergy"),
}


def topics_of(concepts: Iterable[str]) -> frozenset[str]:
    """Return the topics that coded concepts settle, so that their own words raise no question a second time."""
    return frozenset(topic for concept in concepts for topic, starts in _SETTLED.items() if concept.startswith(starts))
