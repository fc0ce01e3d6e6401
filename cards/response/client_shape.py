"""How one client can take advice: which kinds of actions, how many choices, where a rating goes, which links."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from cards.guideline.wording import Wording
from cards.suggestions.answers import AnswerStyle

ActionStyle = Literal["replace", "update", "single", "catalogue", "info"]
SelectionBehavior = Literal["any", "at-most-one"]
RatingPlace = Literal["none", "root", "extension", "both"]
DetailLength = Literal["full", "short"]
# Styles in which a suggestion may change the order.
_CHANGING = frozenset({"replace", "update", "single"})


@dataclass(frozen=True, slots=True)
class SiteCode:
    """A code of the client's own build, in the place of one of ours; without a display, ours stays."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True)
class ClientShape:
    """What a client can do with a response.

    `action_style`: `replace` puts one order in place of another by delete and create; `update` changes the order's
    code in place; `single` does that too and gives no suggestion more than one action; `catalogue` removes and adds
    orders in suggestions of one action each, and adds only what `orderables` gives a code of the client's own for, by
    our name of the study or test; `info` gives no suggestions. In `catalogue` and `info`, what cannot be pressed is
    said in words.
    `updates` says whether `catalogue` may change the order as well. `recommends` is off for clients that would press a
    recommended suggestion by themselves. `override_reasons` are the client's codes, by our name of the reason.
    `detail` is `short` for panels in which a full text would not be read.
    `selection_behavior` None leaves it to the card. `rating_place` says where the appropriateness rating goes:
    `systemActions` at the root of the response, inside its `extension`, both, or nowhere. `rating_mechanism` names the
    decision support mechanism in a rating, by default with a sentence that it is no qualified one. `link_hosts` are
    the hosts that a link may lead to, in small letters and without a port; None allows any. `answers` says how answers
    to questions come back: as notes of the order, as QuestionnaireResponses, or typed (`none`); None makes them notes
    wherever suggestions may change the order.
    """

    action_style: ActionStyle = "replace"
    selection_behavior: SelectionBehavior | None = None
    rating_place: RatingPlace = "none"
    rating_mechanism: str = ""
    link_hosts: frozenset[str] | None = None
    answers: AnswerStyle | None = None
    updates: bool = False
    recommends: bool = True
    detail: DetailLength = "full"
    orderables: Mapping[str, SiteCode] = field(default_factory=dict, hash=False)
    override_reasons: Mapping[str, SiteCode] = field(default_factory=dict, hash=False)

    @property
    def answers_by(self) -> AnswerStyle:
        """How a question is answered by a press."""
        return self.answers or ("order-note" if self.action_style in _CHANGING or self.updates else "none")

    @property
    def one_action(self) -> bool:
        """Whether a suggestion may hold no more than one action."""
        return self.action_style in ("single", "catalogue")

    @property
    def rates(self) -> bool:
        """Whether orders are rated for this client."""
        return self.rating_place != "none"

    @property
    def rates_in_extension(self) -> bool:
        """Whether ratings go where the Argonaut guide puts them, which only clients written for it read."""
        return self.rating_place in ("extension", "both")


@dataclass(frozen=True, slots=True)
class CardAsks:
    """What a card asks, for whoever makes the link to a form of it: references and ids, and nothing of a record.

    `card` is the id of its first message, and `study` are the codings of what was ordered.
    """

    card: str
    order: str
    patient: str
    study: tuple[tuple[str, str], ...] = ()
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ResponseShape:
    """How one client wants its response.

    `consultation_scope` tells clients apart in the consultation ids of ratings; it is the same for all hooks.
    `address` is where people reach this service, `user` the reference of who orders; empty where nobody said.
    `form_link` makes the address and the `appContext` of the form that a card opens; None where the client has none.
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
    user: str = ""
    form_link: Callable[[CardAsks], tuple[str, str]] | None = None
