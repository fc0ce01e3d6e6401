"""Cards in a terminal, for people who try the service out without an EHR.

What is shown is what a client would get: first the cards, as a clinician sees them, and below a rule why they say so.
Nothing is interpreted, and control characters in patient data do not reach the terminal.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console, Group
from rich.markdown import Markdown
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from cds_service.cli.why import reasons_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from rich.console import RenderableType

_COLOURS: Final = {"info": "blue", "warning": "yellow", "critical": "red"}
_ACTION_SIGNS: Final = {"create": "+", "update": "~", "delete": "-"}
_WIDTH: Final = 100


def print_response(response: Mapping[str, Any], silence: str = "") -> None:
    """Print the cards of a response to standard output; `silence` says why there are none."""
    detected = Console()
    console = detected if detected.width <= _WIDTH else Console(width=_WIDTH)
    cards = response.get("cards", [])
    if not cards:
        why = silence or "the service has nothing to say about these orders."
        console.print(printable(f"No cards: {why}"), style="green", markup=False, highlight=False)
    for card in cards:
        console.print(_panel(card))
    if lines := list(reasons_for(response)):
        console.print(Rule("Why", align="left", style="dim"))
        console.print(*(Padding(Text(printable(line.lstrip())), _indented(line)) for line in lines))
    if "systemActions" in response:
        console.print(f"System actions: {len(response['systemActions'])}")


def _indented(line: str) -> tuple[int, int, int, int]:
    """Return the space around a line: what is wrapped stays under what it belongs to."""
    return (0, 0, 0, len(line) - len(line.lstrip()))


def outcome_text(outcome: Mapping[str, Any]) -> str:
    """Return the sentences of an OperationOutcome, a line for each issue."""
    return "\n".join(_issue_text(issue) for issue in outcome.get("issue", []))


def _issue_text(issue: Mapping[str, Any]) -> str:
    text = str(issue.get("details", {}).get("text", "The request was refused."))
    fields = ", ".join(issue.get("expression", []))
    return printable(f"{text} [{fields}]" if fields else text)


def printable(text: str) -> str:
    """Return text without control characters, which could drive the terminal."""
    return "".join(char for char in text if char in "\n\t" or unicodedata.category(char) != "Cc")


def _panel(card: Mapping[str, Any]) -> Panel:
    indicator = str(card["indicator"])
    colour = _COLOURS.get(indicator, "white")
    return Panel(
        Group(*_parts(card)),
        title=Text(f" {indicator.upper()} ", style=f"bold reverse {colour}"),
        title_align="left",
        border_style=colour,
        padding=(1, 2),
    )


def _parts(card: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield Text(printable(card["summary"]), style="bold")
    if "detail" in card:
        yield Text()
        yield Markdown(printable(card["detail"]))
    for suggestion in card.get("suggestions", []):
        yield Text()
        yield _suggestion(suggestion)
    if "overrideReasons" in card:
        yield Text()
        yield Text("Reasons to override: ", style="bold").append(
            printable("; ".join(reason["display"] for reason in card["overrideReasons"])), style="not bold"
        )


def _suggestion(suggestion: Mapping[str, Any]) -> Text:
    recommended = " (recommended)" if suggestion.get("isRecommended") else ""
    lines = Text(printable(f"Suggestion: {suggestion['label']}{recommended}"), style="bold")
    for action in suggestion.get("actions", []):
        sign = _ACTION_SIGNS.get(action["type"], "?")
        target = action.get("resourceId") or _target(action.get("resource", {}))
        lines.append(printable(f"\n  {sign} {action['type']} {target}: {action['description']}"), style="not bold")
    return lines


def _target(resource: Mapping[str, Any]) -> str:
    kind, number = resource.get("resourceType", "resource"), resource.get("id")
    return f"{kind}/{number}" if number else str(kind)
