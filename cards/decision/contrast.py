"""What to advise about contrast: add it, drop it, or first find out what speaks against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cards.guideline.guideline import Outcome
from fhir_mappings.criteria.findings import Finding, Status
from fhir_mappings.orders.names import ContrastClass
from fhir_mappings.orders.orders import ImagingOrder

# Whoever reacted to contrast, or may have, is not offered more of it with one press.
_ALLERGIES = frozenset({"allergy_gadolinium", "allergy_unclear"})
# What words raise may be the reason why contrast was ordered.
_REASONS_IN_WORDS = frozenset({"infection", "cancer", "cord", "surgery", "risk"})
_CONTRAST_ORDERED = (ContrastClass.WITH, ContrastClass.WITHOUT_AND_WITH)


@dataclass(frozen=True, slots=True)
class ContrastAdvice:
    """The advice; `decides` when a change of contrast is the outcome and not only an offer.

    `safety` names what has to be known before contrast is given.
    """

    add: bool = False
    drop: bool = False
    safety: tuple[str, ...] = ()
    decides: bool = False
    criteria: tuple[str, ...] = ()
    variants: tuple[str, ...] = ()


def contrast_advice(
    order: ImagingOrder, findings: Mapping[str, Finding], *, timing: Outcome, unscannable: bool
) -> ContrastAdvice:
    """Return the advice on contrast; about a scan that should not, or cannot, be done only that it may do harm.

    An order that a clinician signs all the same must not be silent about a reaction to what it asks for.
    """
    tags = findings["R-CON-SAFE"].tags
    if unscannable or timing in (Outcome.NOT_APPROPRIATE, Outcome.OUT_OF_SCOPE):
        risky = order.contrast is not ContrastClass.WITHOUT
        return ContrastAdvice(safety=tuple(sorted(tags & _ALLERGIES)) if risky else ())
    reasons = _reasons(findings)
    wanted = bool(reasons) and order.contrast is not ContrastClass.WITHOUT_AND_WITH and not findings["R-PREG"].met
    add = wanted and not tags & _ALLERGIES
    drop = _drop(order, findings, timing) and not reasons
    ordered = order.contrast in _CONTRAST_ORDERED and not drop
    deciding = add and bool({"R-CON-POSTOP", "R-CON-MIT"} & set(reasons))
    told = tags if wanted or ordered else tags & _ALLERGIES if order.contrast is ContrastClass.UNSPECIFIED else ()
    return ContrastAdvice(
        add=add,
        drop=drop,
        safety=tuple(sorted(told)),
        decides=(drop or deciding) and timing is not Outcome.SERVICE_DEGRADED,
        criteria=reasons,
        variants=(order.contrast.value, *_variants(reasons)),
    )


def _reasons(findings: Mapping[str, Finding]) -> tuple[str, ...]:
    """Return the criteria that call for contrast: surgery, infection, malignancy, inflammation, an unclear study."""
    reasons = [name for name in ("R-CON-POSTOP", "R-CON-MIT", "R-CON-NONDIAG", "R-INFECT") if findings[name].met]
    if findings["R-POSTOP-EARLY"].met and "R-CON-POSTOP" in reasons:
        # Weeks after the operation the question is a haematoma or an abscess, not scar.
        reasons.remove("R-CON-POSTOP")
    if findings["R-CANCER"].tags:
        reasons.append("R-CANCER")
    if "immune" in findings["R-V7"].tags:
        reasons.append("R-V7")
    return tuple(reasons)


def _variants(reasons: tuple[str, ...]) -> tuple[str, ...]:
    names = {
        "R-CON-POSTOP": "surgery",
        "R-CON-MIT": "inflammation",
        "R-CON-NONDIAG": "nondiagnostic",
        "R-INFECT": "infection",
        "R-CANCER": "cancer",
        "R-V7": "immune",
    }
    return tuple(names[name] for name in reasons)


def _drop(order: ImagingOrder, findings: Mapping[str, Finding], timing: Outcome) -> bool:
    """Whether contrast was ordered for a scan that is due without a reason for it that could have been seen."""
    looked_for = ("R-CON-POSTOP", "R-CON-MIT", "R-CON-NONDIAG", "R-INFECT", "R-CANCER", "R-V7")
    return (
        order.contrast in _CONTRAST_ORDERED
        and timing is Outcome.APPROPRIATE
        and all(findings[name].status is Status.NOT_MET for name in looked_for)
        and findings["R-HINT"].tags.isdisjoint(_REASONS_IN_WORDS)
    )
