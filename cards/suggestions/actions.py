"""What a card suggests, before it is shaped for a client and becomes JSON: suggestions, and the actions in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Action:
    """One change to the draft orders.

    `resource` is the whole order that is created or updated, `resource_id` the reference of one that is deleted.
    `orderable` names the study or test that an order is made or changed to; it is empty where the study stays.
    """

    type: Literal["create", "update", "delete"]
    description: str
    resource: Mapping[str, Any] | None = None
    resource_id: str = ""
    orderable: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the action as CDS Hooks writes it."""
        shaped: dict[str, Any] = {"type": self.type, "description": self.description}
        if self.resource is None:
            return shaped | {"resourceId": self.resource_id}
        return shaped | {"resource": dict(self.resource)}


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A suggestion before it is shaped for a client.

    `key` names it within its card. `in_place` describes the one update that stands for its removal and its new order
    where a client changes orders in place; empty where it does not put one order in place of another. `leaves_order`
    says of one that was to do so, and of which a client takes the new order alone, that the old one is still there.
    """

    key: str
    label: str
    actions: tuple[Action, ...]
    recommended: bool = False
    in_place: str = ""
    leaves_order: bool = False

    @property
    def touches_order(self) -> bool:
        """Whether it changes, replaces or removes the order."""
        return any(action.type in ("delete", "update") for action in self.actions)
