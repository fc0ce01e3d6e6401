"""Putting readings together: a server's answers, the pages of one search, the searches of one source."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import msgspec

from fhir_mappings.fhir.decoding import resource_type_of
from fhir_mappings.fhir.resources import Resource
from fhir_mappings.fhir.sources import SourceReading, SourceState, read_source
from fhir_mappings.fhir.surrogates import without_lone_surrogates

_BOM = b"\xef\xbb\xbf"


def read_answer(body: bytes, expected: str) -> SourceReading | None:
    """Read the body of a FHIR server's answer; None where it is no FHIR resource, or not one that can answer.

    What is tolerated of a prefetch value (an array, a wrapped response, `null`) a server does not send: from a server
    it is some other program's answer.
    """
    text = body.removeprefix(_BOM)
    try:
        text.decode()
        if not resource_type_of(text):
            text = without_lone_surrogates(text)
        reading = read_source(text, expected) if resource_type_of(text) else None
    except (UnicodeDecodeError, RecursionError, msgspec.DecodeError):
        return None
    return None if reading is None or reading.state is SourceState.NOT_PROVIDED else reading


def joined(pages: Sequence[SourceReading], expected: str) -> SourceReading:
    """Return the pages of one source, in their order, as one reading: complete when no page is missing or lacking.

    A server that repeats a page holds no more than what it repeats, so repeats do not count towards its total.
    """
    if len(pages) == 1:
        return pages[0]
    resources = tuple(resource for page in pages for resource in page.resources)
    named = [resource.id for resource in resources if resource.resource_type == expected and resource.id]
    matches = sum(page.matches for page in pages) - (len(named) - len(set(named)))
    announced = max(page.announced for page in pages)
    sound = all(page.sound or page.state is SourceState.COMPLETE for page in pages)
    next_link = pages[-1].next_link
    complete = sound and not next_link and announced <= matches
    return SourceReading(
        SourceState.COMPLETE if complete else SourceState.PARTIAL,
        resources,
        any(page.withheld for page in pages),
        next_link,
        sound,
        matches,
        announced,
    )


def merged(parts: Sequence[SourceReading]) -> SourceReading:
    """Return the answers to several searches as the reading of one source: complete when each of them is.

    A server that ignores what tells the searches apart sends the same resources again; each counts once.
    """
    found: dict[object, Resource] = {}
    for resource in (resource for part in parts for resource in part.resources):
        found.setdefault((resource.resource_type, resource.id) if resource.id else id(resource), resource)
    states = {part.state for part in parts}
    state = states.pop() if len(states) == 1 else SourceState.PARTIAL
    return SourceReading(state, tuple(found.values()), any(part.withheld for part in parts))


def at_most_partial(reading: SourceReading) -> SourceReading:
    """Return a reading that may lack something, whatever its pages say."""
    return replace(reading, state=SourceState.PARTIAL) if reading.state is SourceState.COMPLETE else reading


def with_resources(reading: SourceReading, more: Iterable[Resource]) -> SourceReading:
    """Return a reading with resources that came another way, which make its source no more complete."""
    return replace(reading, resources=(*reading.resources, *more))
