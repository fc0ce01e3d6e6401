"""What the synthetic records are made of: answers that the guideline gives, with invented frequencies.

No number here was observed anywhere. They are chosen so that every part of the insights has something to show.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cards.guideline.guideline import Outcome


@dataclass(frozen=True, slots=True)
class DemoCard:
    """A card, with how many of 100 are accepted and overridden; the others get no answer."""

    messages: tuple[str, ...]
    suggestions: tuple[str, ...] = ()
    accepted: int = 0
    overridden: int = 0


@dataclass(frozen=True, slots=True)
class DemoScenario:
    """An outcome, how often it occurs relative to the others, and its cards."""

    weight: int
    outcome: Outcome
    messages: tuple[str, ...]
    cards: tuple[DemoCard, ...] = ()


SCENARIOS: Final[tuple[DemoScenario, ...]] = (
    DemoScenario(34, Outcome.APPROPRIATE, ("C-APPROP-6W", "C-PITFALL")),
    DemoScenario(
        24,
        Outcome.NOT_APPROPRIATE,
        ("C-NOTAPP-6W", "C-PITFALL", "C-EDU"),
        (DemoCard(("C-NOTAPP-6W", "C-PITFALL", "C-EDU"), ("therapy-instead",), accepted=31, overridden=34),),
    ),
    DemoScenario(
        15,
        Outcome.CANNOT_DETERMINE,
        ("C-INFO-NEED",),
        (DemoCard(("C-INFO-NEED",), (), accepted=0, overridden=38),),
    ),
    DemoScenario(
        8,
        Outcome.PROTOCOL_CHANGE,
        ("C-CONTRAST-DROP",),
        (DemoCard(("C-CONTRAST-DROP",), ("drop-contrast",), accepted=52, overridden=17),),
    ),
    DemoScenario(
        5,
        Outcome.PROTOCOL_CHANGE,
        ("C-CONTRAST-ADD", "C-CONTRAST-SAFETY"),
        (DemoCard(("C-CONTRAST-ADD", "C-CONTRAST-SAFETY"), ("add-contrast",), accepted=44, overridden=22),),
    ),
    DemoScenario(
        4,
        Outcome.SAFETY_HOLD,
        ("C-MR-HOLD",),
        (DemoCard(("C-MR-HOLD",), ("ct-instead", "myelography-instead"), accepted=46, overridden=33),),
    ),
    DemoScenario(
        2,
        Outcome.CONTRAINDICATED,
        ("C-MR-UNSAFE",),
        (DemoCard(("C-MR-UNSAFE",), ("ct-instead", "myelography-instead"), accepted=78, overridden=9),),
    ),
    DemoScenario(
        3,
        Outcome.URGENT,
        ("C-URG-CANCER", "C-V7-RISK"),
        (
            DemoCard(("C-URG-CANCER",), ("raise-priority",), accepted=66, overridden=10),
            DemoCard(("C-V7-RISK",), ("labs",), accepted=35, overridden=20),
        ),
    ),
    DemoScenario(
        2,
        Outcome.EMERGENCY,
        ("C-EMERG-CES",),
        (DemoCard(("C-EMERG-CES",), ("raise-priority", "whole-spine"), accepted=82, overridden=4),),
    ),
    DemoScenario(
        3,
        Outcome.SERVICE_DEGRADED,
        ("C-DEGRADED",),
        (DemoCard(("C-DEGRADED",), (), accepted=0, overridden=12),),
    ),
)
