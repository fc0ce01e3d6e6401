"""The appropriateness rating of an order, in the three codes of the Argonaut guide "CDS Hooks for PAMA".

A rating stays on the order where the card that explains it is gone, so it has to be right alone: there is one, or
there is none. None means that the answer needs a person: the card says why.
"""

from __future__ import annotations

from enum import StrEnum

from cards.decision.assessment import Assessment
from cards.guideline.guideline import Outcome
from cards.suggestions.actions import Action


class Rating(StrEnum):
    """The codes of `http://fhir.org/argonaut/CodeSystem/pama-rating`."""

    APPROPRIATE = "appropriate"
    NOT_APPROPRIATE = "not-appropriate"
    NO_CRITERIA_APPLY = "no-criteria-apply"


# Every outcome is decided on here. What stands in the way of the scan is looked at first, in `rating_of`.
RATINGS: dict[Outcome, Rating | None] = {
    # A red flag: the guideline asks for this very study, only sooner.
    Outcome.EMERGENCY: Rating.APPROPRIATE,
    Outcome.URGENT: Rating.APPROPRIATE,
    Outcome.APPROPRIATE: Rating.APPROPRIATE,
    Outcome.NOT_APPROPRIATE: Rating.NOT_APPROPRIATE,
    # The indication was read and is none that the guideline is about.
    Outcome.NO_CRITERIA_APPLY: Rating.NO_CRITERIA_APPLY,
    # The criteria rate whether a study answers the question, not whether it is safe. "Appropriate" would wave on a
    # scan that must not happen, "not appropriate" would say that there is nothing to image.
    Outcome.CONTRAINDICATED: None,
    Outcome.SAFETY_HOLD: None,
    # The scan is due, but not with this contrast: neither word is true of the order. The changed order in the
    # suggestion has a rating of its own.
    Outcome.PROTOCOL_CHANGE: None,
    # Not enough data, or data that could not be read. A guess in either direction would be taken for an answer.
    Outcome.CANNOT_DETERMINE: None,
    Outcome.SERVICE_DEGRADED: None,
    # Children and the deceased: criteria for children exist, they are only not these, so that "no criteria apply"
    # would close a consultation that did not take place.
    Outcome.OUT_OF_SCOPE: None,
}

_DUE = (Outcome.EMERGENCY, Outcome.URGENT, Outcome.APPROPRIATE)
_MRI = ("order_mri_lumbar_wo", "order_mri_lumbar_wo_w")
_ALTERNATIVES = ("order_ct_lumbar_wo", "order_ct_myelography_lumbar")
_NO_IMAGING = ("pt_referral",)


def rating_of(assessment: Assessment) -> Rating | None:
    """Return the rating of an order as it stands; None where there must be none.

    A scan that is not due is rated so under an implant too, as it would be without: otherwise a list of devices that
    is not sent would turn no rating into "not appropriate".
    """
    if assessment.timing is Outcome.NOT_APPROPRIATE:
        return Rating.NOT_APPROPRIATE
    # After trauma CT or radiographs come first, and the criteria for low back pain do not cover it.
    if assessment.unscannable or assessment.trauma_alone:
        return None
    return RATINGS[assessment.outcome]


def rating_after(assessment: Assessment, action: Action) -> Rating | None:
    """Return the rating of the order that an action of a suggestion leaves behind.

    A study offered in place of the MRI, or the MRI with the contrast advised, is appropriate where a scan is due, and
    has no rating where that cannot be told. Physical therapy is no imaging: no imaging criterion applies to it.
    Laboratory tests, radiographs and further studies are not rated; they do not stand for the order.
    """
    if action.type == "update" and not action.orderable:
        return rating_of(assessment)
    if action.orderable in _NO_IMAGING:
        return Rating.NO_CRITERIA_APPLY if action.type == "update" else None
    due = assessment.timing in _DUE
    if action.orderable in _MRI:
        return Rating.APPROPRIATE if due and not (assessment.unscannable or assessment.trauma_alone) else None
    return Rating.APPROPRIATE if due and action.orderable in _ALTERNATIVES else None


def is_rated_kind(action: Action) -> bool:
    """Whether an action of a suggestion is about an order that can carry a rating: a change, or an alternative."""
    return action.type == "update" or (action.type == "create" and action.orderable in _ALTERNATIVES)
