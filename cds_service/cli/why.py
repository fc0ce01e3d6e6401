"""Why an answer says what it says, as lines: what was found, what is not known, the limits, the sources.

All of it comes from the response itself: from the explanation in its extension, where the service gives one, and from
the sources and links of its cards.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from cards.guideline.guideline import Indicator
from cards.guideline.wording import Wording, load_wording
from cards.response.explanation import name_of_answer
from cards.response.response import ASSESSMENTS
from cds_service.guideline.markdown import bundled_guideline

_MOST_REFERENCES: Final = 3
_HELD: Final = ("C-MR-UNSAFE", "C-MR-HOLD")


def reasons_for(response: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines that explain a response; none where it explains nothing."""
    cards = response.get("cards", ())
    warned = any(card["indicator"] != Indicator.INFO for card in cards)
    for assessed in response.get("extension", {}).get(ASSESSMENTS, ()):
        yield from _of_order(assessed, load_wording(), warned=warned)
    sources = (f"Source: {_named(card['source'])}" for card in cards)
    links = (f"Link: {_named(link)}" for card in cards for link in card.get("links", ()))
    yield from dict.fromkeys((*sources, *links))


def _of_order(assessed: Mapping[str, Any], wording: Wording, *, warned: bool) -> Iterator[str]:
    held = any(message in _HELD for message in assessed["messages"])
    titles = {rule.id: rule.title for rule in bundled_guideline(wording).rules}
    name = name_of_answer(assessed["outcome"], warned=warned, held=held)
    yield f"{assessed['order']}: {wording.find('explanation', 'answers', name, default=name)}"
    for finding in assessed.get("findings", ()):
        title = titles.get(finding["criterion"], finding["criterion"])
        if finding["status"] == "MET" and finding["evidence"]:
            yield f"  + {title}: {_listed(finding['evidence'])}"
        elif finding["status"] == "UNKNOWN":
            yield f"  ? {title}: not known{_without(finding.get('unavailable', ()))}"
    for known in assessed.get("notRepeated", ()):
        yield f"  {known['message']} was answered before: {known['answer']}"
    for sentence in assessed.get("limits", ()):
        yield f"  {sentence}"


def _listed(references: list[str]) -> str:
    more = len(references) - _MOST_REFERENCES
    return ", ".join(references[:_MOST_REFERENCES]) + (f" and {more} more" if more > 0 else "")


def _without(unavailable: list[str]) -> str:
    return f", without {', '.join(unavailable)}" if unavailable else ""


def _named(item: Mapping[str, Any]) -> str:
    return " ".join(filter(None, [item["label"], item.get("url")]))
