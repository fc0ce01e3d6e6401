"""Suggestions for a client that builds orders from its own catalogue, as Epic is documented to.

Such a client takes one action a suggestion, an order only by a code of its own, and no change of a draft. It shows the
description of an action and not the label of its suggestion, so the description says everything. What it cannot take
stays advice: a suggestion without an action, which the card gives in words.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from cards.decision.assessment import Assessment
from cards.guideline.wording import Wording
from cards.response.client_shape import ClientShape
from cards.suggestions.actions import Action, Suggestion
from cards.suggestions.drafts import display_of, new_order


def in_catalogue(
    suggestions: Iterable[Suggestion], assessment: Assessment, client: ClientShape, wording: Wording
) -> Iterator[Suggestion]:
    """Yield what can be pressed, the removal of the order last, and then what can only be said."""
    taken = _Taken(assessment, client, wording)
    for suggestion in suggestions:
        taken.add(suggestion)
    yield from taken.suggestions()


class _Taken:
    """The suggestions of one card, each as far as the client takes it."""

    def __init__(self, assessment: Assessment, client: ClientShape, wording: Wording) -> None:
        self._assessment = assessment
        self._client = client
        self._wording = wording
        self._beside: list[Suggestion] = []
        self._instead: list[Suggestion] = []
        self._said: list[Suggestion] = []
        self._removed: Suggestion | None = None

    def add(self, suggestion: Suggestion) -> None:
        """Take a suggestion: an exchange of the order, its removal, orders beside it, or a change of it."""
        kinds = {action.type for action in suggestion.actions}
        created = [self._coded(action) for action in suggestion.actions if action.type == "create"]
        if "update" in kinds:
            self._change(suggestion)
        elif "delete" not in kinds:
            self._add_beside(suggestion, created)
        elif not created:
            self._removed = suggestion
        elif (order := created[0]) is not None:
            self._put_instead(suggestion, order)
        else:
            self._say(suggestion)
            if self._needless:
                self._removed = self._removal(suggestion, "")

    def suggestions(self) -> Iterator[Suggestion]:
        """Yield all of them; orders that exclude each other say so."""
        several = len(self._instead) > 1
        instead = [exclusive(item, self._wording) if several else item for item in self._instead]
        yield from sorted((*self._beside, *instead), key=lambda item: not item.recommended)
        if self._removed is not None:
            yield self._removed
        yield from self._said

    @property
    def _needless(self) -> bool:
        """Whether the order may go without another in its place: it is not due, or must not be scanned."""
        return self._assessment.unscannable or "C-NOTAPP-6W" in self._assessment.decided

    def _coded(self, action: Action) -> Action | None:
        """Return an action with the client's own code of what it adds, None where it has none."""
        code = self._client.orderables.get(action.orderable)
        if code is None or action.resource is None:
            return None
        name = code.display or display_of(action.orderable, self._wording)
        coding = {"system": code.system, "code": code.code, "display": name}
        # Its documented examples propose; the order is made from the catalogue, whatever else stands here.
        resource = {**action.resource, "intent": "proposal", "code": {"coding": [coding], "text": name}}
        return replace(action, resource=resource)

    def _change(self, suggestion: Suggestion) -> None:
        """Change the order where the client takes that; put the other study in its place where that is what it is."""
        (action,) = suggestion.actions
        if self._client.updates:
            self._beside.append(suggestion)
        elif (order := self._coded(self._as_new(action))) is not None:
            self._put_instead(suggestion, order)
        else:
            self._say(suggestion)

    def _as_new(self, action: Action) -> Action:
        """Return the change to another study as a new order of it; an order of an older FHIR version stays."""
        order = self._assessment.order
        if not action.orderable or order.resource_type != "ServiceRequest":
            return Action("create", action.description)
        changed: Any = action.resource or {}
        patient, priority = self._assessment.chart.patient_id, str(changed.get("priority", ""))
        resource = new_order(action.orderable, order, patient, self._wording, priority=priority)
        study, raised = display_of(action.orderable, self._wording), priority != order.priority and priority
        # Details of a created order are not looked at, so its priority is the clinician's to set.
        name = "new_order_prioritised" if raised else "new_order"
        description = self._wording.text("shaping", name, study=study, priority=priority)
        return Action("create", description, resource, orderable=action.orderable)

    def _add_beside(self, suggestion: Suggestion, created: list[Action | None]) -> None:
        """Offer each order that the client has a code for, once a card, and say the others."""
        offered = {action.orderable for item in (*self._beside, *self._instead) for action in item.actions}
        missing = [action for action, coded in zip(suggestion.actions, created, strict=True) if coded is None]
        if len(missing) == len(suggestion.actions):
            self._say(suggestion)
            return
        for action in (*filter(None, created), *missing):
            if action.orderable not in offered:
                part = suggestion if len(created) == 1 else self._part(suggestion, action)
                kept = () if action in missing else (action,)
                (self._said if action in missing else self._beside).append(replace(part, actions=kept))

    def _part(self, suggestion: Suggestion, action: Action) -> Suggestion:
        test = self._wording.text("suggestions", "orderables", action.orderable)
        label = self._wording.text("suggestions", suggestion.key, "part", test=test)
        return Suggestion(f"{suggestion.key}/{action.orderable}", label, (action,), suggestion.recommended)

    def _put_instead(self, suggestion: Suggestion, order: Action) -> None:
        description = self._wording.text("shaping", "instead", description=order.description)
        actions = (replace(order, description=description),)
        self._instead.append(replace(suggestion, actions=actions, in_place="", leaves_order=True))
        self._removed = self._removal(suggestion, "" if self._needless else "-replaced")

    def _removal(self, suggestion: Suggestion, only_if: str) -> Suggestion:
        """Return the removal of the order on its own, which says whether something must take its place."""
        label, text = (self._wording.text("suggestions", "remove", f"{part}{only_if}") for part in ("label", "delete"))
        action = Action("delete", text, resource_id=self._assessment.order.reference)
        return Suggestion("remove", label, (action,), suggestion.recommended)

    def _say(self, suggestion: Suggestion) -> None:
        """Keep a suggestion as advice in words; what only answers a question stands in the question."""
        orders = [action for action in suggestion.actions if action.resource is None or _is_order(action.resource)]
        if orders:
            self._said.append(replace(suggestion, actions=(), recommended=False))


def _is_order(resource: Any) -> bool:
    return resource.get("resourceType") in ("ServiceRequest", "ProcedureRequest")


def exclusive(suggestion: Suggestion, wording: Wording) -> Suggestion:
    """Return a suggestion that says of itself that only one of its kind may be chosen, wherever it is read."""
    actions = tuple(
        replace(action, description=wording.text("shaping", "exclusive", label=action.description))
        for action in suggestion.actions
    )
    return replace(suggestion, label=wording.text("shaping", "exclusive", label=suggestion.label), actions=actions)
