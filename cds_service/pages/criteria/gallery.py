"""The card gallery: every message as it looks, made by the service itself from invented cases.

A drawn card would show what somebody remembers of it. These are answers to bundled requests under the settings in
force, so a changed number, sentence or language shows here too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import msgspec

from cds_service.guideline.document import MessageEntry
from cds_service.protocol.envelope import HookRequest, read_hook_request

# Answers a hook request with every message, whatever an EHR is shown.
Answerer = Callable[[HookRequest], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One message as it looks: the case, and the card that it leads or is part of; None where no card shows it.

    `leads` tells whether the message gives the card its summary.
    """

    message: MessageEntry
    case: str
    card: Mapping[str, Any] | None
    leads: bool


def exhibits(messages: tuple[MessageEntry, ...], answer: Answerer) -> tuple[Exhibit, ...]:
    """Return an exhibit for each message, made by asking for the cards of its case."""
    return tuple(_exhibit(message, answer) for message in messages)


def _exhibit(message: MessageEntry, answer: Answerer) -> Exhibit:
    case = _cases()[message.id]
    body = msgspec.json.encode(case["request"])
    cards = answer(read_hook_request(body, case["request"]["hook"]))["cards"]
    code = message.id.replace("-", "")
    leading = next((card for card in cards if card["source"]["topic"]["code"] == code), None)
    beside = next((card for card in cards if message.title in card["detail"]), None)
    return Exhibit(message, case["title"], leading or beside, leads=leading is not None)


@cache
def _cases() -> Mapping[str, Any]:
    """Return the bundled cases by message."""
    file = resources.files("cds_service.pages.criteria") / "gallery.json"
    cases: Mapping[str, Any] = msgspec.json.decode(file.read_bytes())
    return cases
