"""Suggestions as one client can take them: which kinds of actions, how many in one, and which exclude each other.

A client says what it can do; what is advised is the same for all. A suggestion keeps its key in every shape, so that
what clinicians took up can be compared across clients.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from cards.decision.assessment import Assessment
from cards.guideline.wording import Wording
from cards.response.catalogue import exclusive, in_catalogue
from cards.response.client_shape import ClientShape, ResponseShape, SelectionBehavior
from cards.suggestions.actions import Action, Suggestion
from cards.suggestions.answers import AnswerBuilder
from cards.suggestions.drafts import replaced_in_place

_MOST_BUTTONS = 5  # beside the answers to questions; a card with more is not read in five seconds
# What gives way then: it can be had without the card.
_GIVES_WAY = ("remove", "therapy-beside", "therapy-instead")
_HOST = re.compile(r"https?://(?:[^/?#@]*@)?(\[[^\]/?#]*\]|[^/?#:]*)", re.IGNORECASE)


def shaped(
    suggestions: Iterable[Suggestion], assessment: Assessment, client: ClientShape, wording: Wording
) -> tuple[Suggestion, ...]:
    """Return the suggestions of one card in the action style of a client; one that it cannot take has no action."""
    if client.action_style == "info":
        return tuple(replace(suggestion, actions=(), recommended=False) for suggestion in suggestions)
    if client.action_style == "catalogue":
        return tuple(in_catalogue(suggestions, assessment, client, wording))
    if client.action_style == "replace":
        return tuple(suggestions)
    changed = [_in_place(suggestion, assessment, wording) for suggestion in suggestions]
    return tuple(_one_action_each(changed, wording) if client.action_style == "single" else changed)


def _in_place(suggestion: Suggestion, assessment: Assessment, wording: Wording) -> Suggestion:
    """Return a suggestion with one update for its removal and the new order that was to take its place."""
    created = next((action for action in suggestion.actions if action.type == "create"), None)
    if not suggestion.in_place or created is None or created.resource is None:
        return suggestion
    resource = replaced_in_place(assessment.order, created.orderable, created.resource, wording)
    update = Action("update", suggestion.in_place, resource, orderable=created.orderable)
    others = (action for action in suggestion.actions if action is not created and action.type != "delete")
    return replace(suggestion, actions=(update, *others), in_place="")


def _one_action_each(suggestions: Iterable[Suggestion], wording: Wording) -> Iterator[Suggestion]:
    """Yield suggestions of one action; one of several becomes several, each order offered once."""
    offered: set[str] = set()
    for suggestion in suggestions:
        whole = len(suggestion.actions) == 1
        for action in suggestion.actions:
            if action.type == "create" and action.orderable in offered:
                continue
            offered |= {action.orderable} if action.type == "create" else set()
            yield suggestion if whole else _part(suggestion, action, wording)


def _part(suggestion: Suggestion, action: Action, wording: Wording) -> Suggestion:
    """Return the part of a suggestion that is one of its actions, with a label and a key of its own."""
    test = wording.text("suggestions", "orderables", action.orderable)
    label = wording.text("suggestions", suggestion.key, "part", test=test)
    return Suggestion(f"{suggestion.key}/{action.orderable}", label, (action,), suggestion.recommended)


def answers_for(assessment: Assessment, shape: ResponseShape) -> AnswerBuilder:
    """Return what builds the answers that a client can take to the questions about an order."""
    client = shape.client
    return AnswerBuilder(assessment, shape.wording, client.answers_by, user=shape.user, single=client.one_action)


def beside_answers(
    suggestions: Sequence[Suggestion], answers: Sequence[Suggestion], objections: Sequence[Suggestion]
) -> tuple[Suggestion, ...]:
    """Return the suggestions of a card with the answers to its questions before, and objections after them.

    What only removes the order never stands beside what changes it: a recommended removal stays without the answers,
    any other gives way to them.
    """
    removals = [item for item in suggestions if [action.type for action in item.actions] == ["delete"]]
    if removals and any(answer.touches_order for answer in (*answers, *objections)):
        if any(removal.recommended for removal in removals):
            answers, objections = (
                [answer for answer in group if not answer.touches_order] for group in (answers, objections)
            )
        else:
            suggestions = [item for item in suggestions if item not in removals]
    if answers:
        room = _MOST_BUTTONS - len(answers) - len(objections)
        kept = [item for item in suggestions if item.recommended or item.key.partition("/")[0] not in _GIVES_WAY]
        spare = [item for item in suggestions if item not in kept][: max(room - len(kept), 0)]
        suggestions = [item for item in suggestions if item in kept or item in spare]
    first = [item for item in suggestions if item.recommended]
    return (*first, *answers, *(item for item in suggestions if not item.recommended), *objections)


def selection(
    suggestions: Sequence[Suggestion], client: ClientShape, wording: Wording
) -> tuple[SelectionBehavior, tuple[Suggestion, ...]]:
    """Return how many suggestions of a card may be taken, and the suggestions as that asks for.

    Two suggestions that touch the order exclude each other, unless they are one for each of two equal orders: a card
    that has them says `at-most-one`. A client that knows only `any` would let both be taken. None of them is withheld
    then, because the one that is not recommended may be the right one for this patient; instead each says in its label
    that only one may be chosen. Taken in the order of the card all the same, they do the least harm: each update
    carries the whole order, so that the last one counts, and a change that includes the recommended one stands after
    it.

    Only one suggestion of a card is ever recommended.
    """
    touching = {suggestion.key.partition("/")[0] for suggestion in suggestions if suggestion.touches_order}
    excluding = len(touching) > 1
    behavior = client.selection_behavior or ("at-most-one" if excluding else "any")
    recommended = next((item for item in suggestions if item.recommended), None) if client.recommends else None
    kept = [
        suggestion if suggestion is recommended else replace(suggestion, recommended=False)
        for suggestion in suggestions
    ]
    if behavior == "any" and excluding:
        kept = [exclusive(suggestion, wording) if suggestion.touches_order else suggestion for suggestion in kept]
    return behavior, tuple(kept)


def allowed_links(links: Sequence[Mapping[str, Any]], client: ClientShape) -> list[dict[str, Any]]:
    """Return the links that lead to hosts a client allows."""
    allowed = client.link_hosts
    return [dict(link) for link in links if allowed is None or _host(str(link["url"])) in allowed]


def _host(url: str) -> str:
    found = _HOST.match(url)
    return found[1].casefold() if found else ""
