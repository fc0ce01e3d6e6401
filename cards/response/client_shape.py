"""How one client can take advice: which kinds of actions, how many choices, where a rating goes, which links."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from cards.guideline.wording import Wording

ActionStyle = Literal["replace", "update", "single", "info"]
SelectionBehavior = Literal["any", "at-most-one"]
RatingPlace = Literal["none", "root", "extension", "both"]


@dataclass(frozen=True, slots=True)
class ClientShape:
    """What a client can do with a response.

    `action_style`: `replace` puts one order in place of another by delete and create; `update` changes the order's
    code in place; `single` does that too and gives no suggestion more than one action; `info` gives no suggestions.
    `selection_behavior` None leaves it to the card. `rating_place` says where the appropriateness rating goes:
    `systemActions` at the root of the response, inside its `extension`, both, or nowhere. `rating_mechanism` names the
    decision support mechanism in a rating, by default with a sentence that it is no qualified one. `link_hosts` are
    the hosts that a link may lead to, in small letters and without a port; None allows any.
    """

    action_style: ActionStyle = "replace"
    selection_behavior: SelectionBehavior | None = None
    rating_place: RatingPlace = "none"
    rating_mechanism: str = ""
    link_hosts: frozenset[str] | None = None

    @property
    def rates(self) -> bool:
        """Whether orders are rated for this client."""
        return self.rating_place != "none"

    @property
    def rates_in_extension(self) -> bool:
        """Whether ratings go where the Argonaut guide puts them, which only clients written for it read."""
        return self.rating_place in ("extension", "both")


@dataclass(frozen=True, slots=True)
class ResponseShape:
    """How one client wants its response.

    `consultation_scope` tells clients apart in the consultation ids of ratings; it is the same for all hooks.
    `address` is where people reach this service, empty where nobody said.
    """

    hook_instance: str
    hook: str
    wording: Wording
    verbosity: Literal["all", "action"] = "all"
    explain: bool = False
    ask_questions_at: Literal["select", "sign", "both"] = "sign"
    client: ClientShape = field(default_factory=ClientShape)
    consultation_scope: str = ""
    address: str = ""
