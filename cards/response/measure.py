"""How much a card may say to be read in five seconds, and what gives way first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cards.decision.decision import Message
from cards.guideline.guideline import Indicator

# Words of a detail, but for its questions and its last sentence.
_MOST_WORDS, _MOST_WORDS_PRESSING, _MOST_WORDS_BLOCKED = 60, 80, 110
_MOST_EVIDENCE = 3


@dataclass(frozen=True, slots=True)
class Measure:
    """How much a card tells: pieces of evidence of a message, messages told in full, and whether remarks stay."""

    evidence: int
    whole: int
    spare: bool = True


def measures(messages: int) -> Iterator[Measure]:
    """Yield ever shorter measures for some messages: less evidence first, then no remarks, then titles for texts."""
    yield from (Measure(evidence, messages) for evidence in range(_MOST_EVIDENCE, 0, -1))
    yield from (Measure(1, whole, spare=False) for whole in range(messages, 0, -1))
    yield Measure(0, 1, spare=False)


def most_words(messages: Sequence[Message]) -> int:
    """Return how many words the detail of a card may have, but for its questions and its last sentence."""
    lead = messages[0]
    implant = any(message.id.startswith("C-MR-") for message in messages)
    if implant and lead.id.startswith("C-EMERG-"):
        return _MOST_WORDS_BLOCKED
    return _MOST_WORDS_PRESSING if lead.id.startswith("C-MR-") or lead.indicator is Indicator.CRITICAL else _MOST_WORDS


def counted_words(paragraphs: Sequence[str]) -> int:
    """Return the words of paragraphs, but for lines that ask a question."""
    lines = (line for paragraph in paragraphs for line in paragraph.splitlines() if not line.startswith("- "))
    return sum(len(line.split()) for line in lines)
