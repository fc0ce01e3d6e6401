"""The four FHIR extensions that carry a rating, on the order itself and on the orders of suggestions.

An order is only ever added to: other extensions stay where they are, the four replace what an earlier call left, and
a consultation id that is there is kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID, uuid5

from cards.decision.assessment import Assessment
from cards.guideline.guideline import GUIDELINE_URL
from cards.guideline.wording import Wording
from cards.response.client_shape import ClientShape
from cards.response.rating import Rating, is_rated_kind, rating_after, rating_of
from cards.suggestions.actions import Action, Suggestion
from cards.suggestions.drafts import pruned

_BASE = "http://fhir.org/argonaut/Extension/"
RATING = f"{_BASE}pama-rating"
MECHANISM = f"{_BASE}pama-rating-qcdsm-consulted"
CONSULTATION = f"{_BASE}pama-rating-consult-id"
CRITERIA = f"{_BASE}pama-rating-auc-applied"
RATING_SYSTEM = "http://fhir.org/argonaut/CodeSystem/pama-rating"
ABSENT_SYSTEM = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_NAMESPACE = UUID("0f5b7c3a-7d0e-5a7c-9a43-2f3f6a1d9c04")

Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Rater:
    """Writes ratings for one assessment and one client.

    `scope` tells clients apart, so that two hospitals' drafts of the same name are two consultations.
    """

    assessment: Assessment
    client: ClientShape
    wording: Wording
    scope: str = ""

    def system_action(self) -> dict[str, Any] | None:
        """Return the update that records the rating on the order as received; None without a rating.

        Only an R4 ServiceRequest with an id can be updated in this way.
        """
        rating = rating_of(self.assessment)
        if not self._applies or rating is None:
            return None
        resource = pruned(self._with_rating(self.assessment.order.resource, rating))
        return Action("update", self.wording.text("ratings", "record"), resource).to_json()

    def rated(self, suggestion: Suggestion) -> Suggestion:
        """Return a suggestion whose changed orders and alternatives say what they would be rated.

        Where no rating can be given, one that an earlier call left is taken off: it was about another study.

        Clients that read ratings in the response's `extension` are written for the Argonaut guide, the public CDS
        Hooks sandbox first. It cannot take an update without a rating or without a coding for each reason. For them
        an order without a rating says so by `data-absent-reason`, and reasons get a coding that adds nothing.
        """
        if not self._applies:
            return suggestion
        return replace(suggestion, actions=tuple(map(self._rated_action, suggestion.actions)))

    @property
    def _applies(self) -> bool:
        order = self.assessment.order
        return self.client.rates and bool(order.id) and order.resource_type == "ServiceRequest"

    def _rated_action(self, action: Action) -> Action:
        if action.resource is None or not is_rated_kind(action):
            return action
        resource = self._with_rating(action.resource, rating_after(self.assessment, action))
        if action.type == "update" and self.client.rates_in_extension:
            resource = self._with_coded_reasons(resource)
        return replace(action, resource=pruned(resource))

    def _with_rating(self, resource: Resource, rating: Rating | None) -> dict[str, Any]:
        """Return an order with the extensions of a rating; what is replaced keeps its place, what is new comes last."""
        present = _extensions(resource)
        wanted = self._wanted(rating, next(filter(None, map(_consultation_in, present)), ""))
        extensions = []
        for item in present:
            url = _our_url(item)
            if not url:
                extensions.append(item)
            elif url in wanted:
                extensions.append(wanted.pop(url))
        return {**resource, "extension": [*extensions, *wanted.values()]}

    def _wanted(self, rating: Rating | None, consultation: str) -> dict[str, dict[str, Any]]:
        """Return the extensions that belong on an order, by address, given the consultation id that is on it."""
        if rating is None:
            kept = {CONSULTATION: {"url": CONSULTATION, "valueUri": consultation}} if consultation else {}
            return kept | ({RATING: self._not_rated()} if self.client.rates_in_extension else {})
        coding = {"system": RATING_SYSTEM, "code": rating.value}
        mechanism = self.client.rating_mechanism or self.wording.text("ratings", "mechanism")
        found: dict[str, dict[str, Any]] = {
            RATING: {"url": RATING, "valueCodeableConcept": {"coding": [coding]}},
            MECHANISM: {"url": MECHANISM, "valueString": mechanism},
            CONSULTATION: {"url": CONSULTATION, "valueUri": consultation or self._consultation()},
        }
        # A site that has changed numbers has not applied what the address names.
        if rating is not Rating.NO_CRITERIA_APPLY and not self.assessment.profile.site:
            uri = f"{GUIDELINE_URL}|{self.assessment.guideline_version}"
            found[CRITERIA] = {"url": CRITERIA, "valueUri": uri}
        return found

    def _not_rated(self) -> dict[str, Any]:
        coding = {"system": ABSENT_SYSTEM, "code": "unknown", "display": "Unknown"}
        text = self.wording.text("ratings", "not_rated")
        return {"url": RATING, "valueCodeableConcept": {"coding": [coding], "text": text}}

    def _consultation(self) -> str:
        """Return the id of this order's consultation: the same for order-select, order-sign and every repetition."""
        name = f"{self.scope}|{self.assessment.chart.patient_id}|{self.assessment.order.reference}"
        return f"urn:uuid:{uuid5(_NAMESPACE, name)}"

    def _with_coded_reasons(self, resource: Resource) -> dict[str, Any]:
        reasons = resource.get("reasonCode")
        if isinstance(reasons, list) and reasons:
            return {**resource, "reasonCode": [self._with_coding(reason) for reason in reasons]}
        # A reason that is stated elsewhere is not called unknown.
        stated = "reasonCode" in resource or "reasonReference" in resource
        return {**resource} if stated else {**resource, "reasonCode": [self._with_coding({})]}

    def _with_coding(self, reason: Any) -> Any:
        """Return a reason with a coding: its own, else its text again, else that none is stated."""
        if not isinstance(reason, dict) or reason.get("coding"):
            return reason
        if reason.get("text"):
            return {**reason, "coding": [{"display": reason["text"]}]}
        coding = {"system": ABSENT_SYSTEM, "code": "unknown", "display": "Unknown"}
        return {**reason, "coding": [coding], "text": self.wording.text("ratings", "not_stated")}


def _extensions(resource: Resource) -> list[Any]:
    found = resource.get("extension")
    return found if isinstance(found, list) else [found] if isinstance(found, dict) else []


def _our_url(extension: Any) -> str:
    """Return which of the four an extension is; empty for any other."""
    url = extension.get("url") if isinstance(extension, dict) else None
    # The guide's own address of one of them ends in a tab.
    plain = url.strip() if isinstance(url, str) else ""
    return plain if plain in (RATING, MECHANISM, CONSULTATION, CRITERIA) else ""


def _consultation_in(extension: Any) -> str:
    value = extension.get("valueUri") if _our_url(extension) == CONSULTATION else None
    return value.strip() if isinstance(value, str) else ""
