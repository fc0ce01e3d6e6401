"""The words that turn a statement: where each kind of cue stands in a text, and which only look like one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fhir_mappings.words.phrases import Span


@dataclass(frozen=True)
class Cues:
    """The cues of a text: where each kind begins, and where it ends."""

    at: Mapping[int, Sequence[Span]]
    kinds: Mapping[str, Mapping[int, int]] = field(default_factory=dict)

    def end(self, kind: str, at: int) -> int:
        """Return the word after a cue that begins at a word, or 0."""
        return self.kinds.get(kind, {}).get(at, 0)


def cues_of(spans: Sequence[Span]) -> Cues:
    """Put cues in order. One that lies in a phrase that only looks like it is none ("no relief" is no denial)."""
    kinds: dict[str, dict[int, int]] = {}
    for span in spans:
        place = kinds.setdefault(span.kind, {})
        place[span.start] = max(span.end, place.get(span.start, 0))
    for real, apparent in _APPARENT.items():
        covered = {at for start, end in kinds.get(apparent, {}).items() for at in range(start, end)}
        for kind in real.split():
            kinds[kind] = {at: end for at, end in kinds.get(kind, {}).items() if at not in covered}
    by_word: dict[int, list[Span]] = {}
    for kind, places in kinds.items():
        for at, end in places.items():
            by_word.setdefault(at, []).append(Span(kind, at, end))
    return Cues(by_word, kinds)


_APPARENT = {
    "deny_list deny_one": "pseudo",
    "advice": "not_advice",
    "past long_past past_after": "not_past",
    "family family_ill": "reporter",
    "doubt": "weak_doubt",
    "end end_quality": "not_end",
}
