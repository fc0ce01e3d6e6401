"""How one client can take advice: which kinds of actions, how many choices, where a rating goes, which links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ActionStyle = Literal["replace", "update", "single", "info"]
RatingPlace = Literal["none", "root", "extension", "both"]


@dataclass(frozen=True, slots=True)
class ClientShape:
    """What a client can do with a response.

    `action_style`: `replace` puts one order in place of another by delete and create; `update` changes the order's
    code in place; `single` does that too and gives no suggestion more than one action; `info` gives no suggestions.
    `selection_behavior` None leaves it to the card. `rating_place` says where the appropriateness rating goes:
    `systemActions` at the root of the response, inside its `extension`, both, or nowhere. `link_hosts` are the hosts
    that a link may lead to; None allows any.
    """

    action_style: ActionStyle = "replace"
    selection_behavior: Literal["any", "at-most-one"] | None = None
    rating_place: RatingPlace = "none"
    rating_mechanism: str = ""
    link_hosts: frozenset[str] | None = None
