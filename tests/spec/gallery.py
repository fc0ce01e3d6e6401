"""Writes the requests behind the card gallery: for each message the scenario that shows it with the least beside it.

Run as `python -m tests.spec.gallery FILE`; `make docs` does. It stands beside the scenarios because the package must
not depend on its tests.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cards.guideline.guideline import MESSAGE_TYPES
from cards.guideline.wording import Wording
from cards.response.response import Response
from cds_service.clients.profile import ClientProfile
from cds_service.config.settings import load_settings
from cds_service.hooks.adviser import Adviser
from cds_service.protocol.envelope import read_hook_request
from fhir_mappings.chart.chart import read_chart
from fhir_mappings.fhir.prefetch import read_prefetch
from tests.spec.scenarios import Scenario, load
from tests.terminology import bundled_index

HOOK = "order-sign"


@dataclass(frozen=True)
class Shown:
    """A scenario with its request and the answer to it."""

    scenario: Scenario
    request: dict[str, Any]
    response: Response
    wording: Wording

    @property
    def size(self) -> tuple[bool, int, int, str]:
        """How much there is to read besides the message; vignettes, which tell a story, come first."""
        messages = [message for found in self.response.sent for message in found.messages]
        told = self.scenario.id.startswith("V")
        return not told, len(messages), len(json.dumps(self.request)), self.scenario.id

    def holds(self, message: str) -> bool:
        """Whether a card says a message: gives it its summary, or tells it in full or by its title beside another."""
        title = self.wording.text("messages", message, "title")
        return self.leads(message) or any(title in card["detail"] for card in self.response.document["cards"])

    def leads(self, message: str) -> bool:
        """Whether a message gives a card its summary."""
        return any(card.messages[0] == message for found in self.response.sent for card in found.cards)


def gallery() -> dict[str, Any]:
    """Return the requests by message; a message that no scenario shows is an error."""
    shown = list(_answered())
    found = {}
    for message in MESSAGE_TYPES:
        name = message.id
        holding = [item for item in shown if item.holds(name)]
        best = min(holding, key=lambda item: (not item.leads(name), item.size))
        found[name] = {"scenario": best.scenario.id, "title": best.scenario.title, "request": best.request}
    return found


def _answered() -> Iterator[Shown]:
    index = bundled_index()
    adviser = Adviser.of(ClientProfile("gallery"), load_settings({}), index)
    for scenario in load():
        request = terse(scenario.request(HOOK))
        read = read_hook_request(json.dumps(request).encode(), HOOK)
        chart = read_chart(read.patient_id, read_prefetch(read.prefetch), index)
        assessments = adviser.assess(adviser.orders(read), chart, scenario.order_date)
        yield Shown(scenario, request, adviser.respond(assessments, read), adviser.wording)


def terse(request: dict[str, Any]) -> dict[str, Any]:
    """Say of empty searches that there is nothing in the short form."""
    prefetch = {key: None if value.get("total") == 0 else value for key, value in request["prefetch"].items()}
    return request | {"prefetch": prefetch}


def text() -> str:
    """Return the file."""
    lines = (f"  {json.dumps(name)}: {json.dumps(entry, ensure_ascii=False)}" for name, entry in gallery().items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def main() -> None:
    """Write the file that the command line names."""
    Path(sys.argv[1]).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
