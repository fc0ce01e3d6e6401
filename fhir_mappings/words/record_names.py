"""What records are called, where no code tells: the measurements that can be red flags, and devices outside the body.

A ward's own code says nothing and its name says it all. The same short forms name other things, too (PVR is also a
vascular resistance, MRC also a scale of breathlessness), and a row beside a measurement bears its name without being
one ("Temp source"). Of devices only what is named so is set aside: one of any other name may be implanted.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_BY_NAME: Final = (
    (
        "pvr",
        re.compile(
            r"\bpost-? ?void\w*\b.*\b(?:resid\w*|volume|scan\w*|urine|bladder)\b|\bpvr\b|\bbladder scan\w*"
            r"|\bpost-? ?micturition\b.*\b(?:resid\w*|volume)\b"
            r"|\bresid\w*\b.*\b(?:urin\w*|bladder)\b|\b(?:urin\w*|bladder)\b.*\bresid\w*"
        ),
    ),
    ("esr", re.compile(r"\besr\b|\bsed(?:imentation)? rate\b|\bsedimentation\b")),
    ("crp", re.compile(r"\b(?:hs)?crp\b|\bc[- ]?reactive prot\w*")),
    ("egfr", re.compile(r"\be-?gfr\b|\bglomerular filtration\b|\bgfr\b")),
    ("fever", re.compile(r"\btemp(?:erature)?s?\b|\bt-?max\b")),
    (
        "motor_generic",
        re.compile(
            r"\b(?:muscle|motor) (?:strength|power)\b|\bmrc\b|\behl\b|\bextensor hallucis\b"
            r"|\b(?:dorsi|plantar)[- ]?flexion\b"
            r"|\b(?:hip|knee|ankle|toe|leg|foot) (?:flexion|extension|strength|power|dorsiflexion|abduction)\b"
            r"|\b(?:power|strength)\b.{0,20}\b(?:leg|foot|hip|knee|ankle|lower)\b"
        ),
    ),
)
# What bears the name and is something else.
_ELSE: Final = {
    "pvr": re.compile(
        r"\bpulmonary\b|\bvascular\b|\bpulse volume\b|\bvitreo\w*|^(?!.*\bpost).*\b(?:pre-? ?|before )void\w*"
    ),
    "fever": re.compile(
        r"\b(?:room|water|skin|storage|refrigerator|freezer|incubator|warmer|blanket|bath|ambient|dialysate|fluid)\b"
        r"|\b(?:fingers?|hands?|toes?|foot|feet|extremit\w*)\b"
    ),
    "motor_generic": re.compile(
        r"\b(?:arms?|hands?|grip|fingers?|wrists?|elbows?|shoulders?|upper|bicep\w*|tricep\w*|deltoid|neck|jaw|facial)\b"
        r"|\brange of motion\b|\brom\b|\bangle\b|\bdyspn\w*|\bbreathless\w*|\breflex\w*"
    ),
}
# What stands beside a measurement and says how it was taken; the value of such a row is a word.
_BESIDE: Final = re.compile(
    r"\b(?:source|src|site|route|method\w*|device|location|position|reason|indication|time|performed|instrument)\b"
)


# A name is short; what is longer is a story, and is cut so that remembering it costs no memory to speak of.
_LONGEST_NAME: Final = 300


def measurement_concept(name: str, *, is_worded: bool) -> str:
    """Return the concept of a measurement by its name in small letters; empty where the name is none of these.

    `is_worded` tells that its value holds no digit, and so may only say how something was measured.
    """
    return _concept(name[:_LONGEST_NAME], is_worded)


@lru_cache(maxsize=2048)
def _concept(name: str, is_worded: bool) -> str:  # noqa: FBT001 - as the cache keeps it
    """Return what a name means; charts bear the same few hundred names over and over."""
    for concept, pattern in _BY_NAME:
        if pattern.search(name):
            other = _ELSE.get(concept)
            is_else = (other is not None and other.search(name)) or (is_worded and _BESIDE.search(name))
            return "" if is_else else concept
    return ""


_EXTERNAL: Final = re.compile(
    r"\b(?:wheel ?chairs?|walkers?|walking (?:aids?|frames?)|rollators?|canes?|crutch(?:es)?|commodes?|hospital beds?"
    r"|beds?|mattress(?:es)?|patient lifts?|hoists?|shower chairs?|grab bars?|ramps?"
    r"|cpap|bipap|positive airway pressure|nebuli[sz]ers?|inhalers?|spacers?|ventilators?|humidifiers?|oxygen"
    r"|concentrators?|respirators?|breathing (?:mask|aid|equipment)|face ?masks?|suction (?:unit|machine)"
    r"|glucose (?:meters?|monitors?|monitoring)|glucometers?|glucose test strips?|lancets?|test strips?|pen needles?"
    r"|syringes?|sharps"
    r"|blood pressure (?:monitors?|cuffs?)|sphygmomanometers?|thermometers?|pulse oximeters?|oximeters?|scales?"
    r"|home telemetry|telemetry|holter|event monitors?|stethoscopes?"
    r"|glasses|spectacles|eyeglasses|contact lens(?:es)?|hearing aids?|dentures?"
    r"|braces?|splints?|orthos[ie]s|orthotics?|bandages?|dressings?|compression stockings?|slings?|casts?"
    r"|tens unit|infusion stand|iv pole"
    r"|(?:x-?ray|imaging|ultrasound|radiograph\w*|fluoroscopy) (?:systems?|machines?|units?|equipment)"
    r"|(?:operating|treatment|examination|exam|delivery|procedure) (?:rooms?|theat(?:er|re)s?|tables?|chairs?))\b",
    re.IGNORECASE,
)


def names_external_device(text: str) -> bool:
    """Whether a name is that of a device outside the body."""
    return _EXTERNAL.search(text) is not None
