"""Which topics the concepts of a record settle, so that its own words raise no question a second time."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Final

_SETTLED: Final[dict[str, tuple[str, ...]]] = {
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
    "surgery": ("prior_", "history_of_surgery", "implant_"),
    "implant": ("implant_", "retained_metal", "external_pump", "device_external", "prior_"),
    "contrast_allergy": ("gadolinium_allergy", "contrast_allergy"),
}


def topics_of(concepts: Iterable[str]) -> frozenset[str]:
    """Return the topics that coded concepts settle."""
    return _NOTHING.union(*map(_topics, concepts))


_NOTHING: Final[frozenset[str]] = frozenset()


@cache
def _topics(concept: str) -> frozenset[str]:
    return frozenset(topic for topic, starts in _SETTLED.items() if concept.startswith(starts))
