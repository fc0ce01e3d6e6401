"""Devices that are used on a patient and are not in one, by their names.

Only what is named so is set aside: a device of any other name may be implanted, whatever it is called.
"""

from __future__ import annotations

import re
from typing import Final

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
    r"|tens unit|infusion stand|iv pole)\b",
    re.IGNORECASE,
)


def names_external_device(text: str) -> bool:
    """Whether a name is that of a device outside the body."""
    return _EXTERNAL.search(text) is not None
