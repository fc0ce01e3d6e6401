"""What a request's prefetch brought of each source, and what of it is still unread.

The one place that knows where a source may stand in a prefetch: whole under its own key, by category under keys of
their own, or both. Whoever looks at a request (the hook, the demo page, the criteria page) looks through this, so that
all see the same record.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from fhir_mappings.fhir.needs import DATA_NEEDS, DataNeed, is_wanted
from fhir_mappings.fhir.readings import merged
from fhir_mappings.fhir.searches import (
    OBSERVATION_CATEGORIES,
    USUAL,
    SearchForm,
    by_category,
    can_be_parted,
    searches_of,
)
from fhir_mappings.fhir.sources import (
    MISSING,
    NOT_OFFERED,
    NOT_PROVIDED,
    SourceReading,
    SourceState,
    read_source,
)

Prefetch = Mapping[str, msgspec.Raw | bytes]

# States of a source of which nothing came.
_EMPTY_HANDED = (SourceState.NOT_PROVIDED, SourceState.UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Sent:
    """What a prefetch brought of one source.

    `reading` is all of it. `unread` are the searches that would bring the rest, by their keys, each with the first page
    of its answer where that was sent; `answered` is what needs no asking any more. `categories` are those by which the
    rest has to be searched: none where the source was sent whole, None where nothing was sent and any form will do.
    `is_listed` tells that the client's profile says that it has the source.
    """

    need: DataNeed
    reading: SourceReading
    answered: tuple[SourceReading, ...] = ()
    unread: Mapping[str, SourceReading] = field(default_factory=dict)
    categories: tuple[str, ...] | None = None
    is_listed: bool = False


def read_prefetch(
    prefetch: Prefetch, offered: Collection[str] | None = None, form: SearchForm = USUAL
) -> dict[str, SourceReading]:
    """Return the reading of each source by its key, for who can ask for no more; see `sent_sources`."""
    return {key: sent.reading for key, sent in sent_sources(prefetch, offered, form).items()}


def sent_sources(
    prefetch: Prefetch, offered: Collection[str] | None = None, form: SearchForm = USUAL
) -> dict[str, Sent]:
    """Return what the prefetch of a request brought of each source, by the source's key.

    `offered` are the resource types that the client says it has; where it does not say, the keys that it sends show
    it, and what it does not send it does not have, until its server has been asked. The core sources, and what every
    call needs, are always wanted: without them they are missing. `form` is how the client's server takes searches.
    """
    return {need.key: _with_offer(_sent(need, prefetch, form), prefetch, offered) for need in DATA_NEEDS}


def _sent(need: DataNeed, prefetch: Prefetch, form: SearchForm) -> Sent:
    whole = read_source(prefetch.get(need.key), need.resource_type)
    parts = _parts(need, prefetch, form)
    if not parts:
        return _sent_whole(need, whole, form)
    together = merged([whole, *parts.values()])
    if whole.next_link:
        return Sent(need, together, tuple(parts.values()), {need.key: whole}, ())
    if whole.state is SourceState.COMPLETE and len(together.resources) == len(merged([whole]).resources):
        return Sent(need, replace(together, state=whole.state), (whole,), {}, ())
    return _sent_by_category(need, whole, parts, form)


def _parts(need: DataNeed, prefetch: Prefetch, form: SearchForm) -> dict[str, SourceReading]:
    """Return what was sent by category, the usual categories and those of the client's form; none for other sources."""
    if not can_be_parted(need):
        return {}
    searches = [
        search
        for asked in (by_category(form), replace(form, categories=OBSERVATION_CATEGORIES))
        for search in searches_of(need, asked)
        if search.key != need.key and search.key in prefetch
    ]
    found = {search.key: read_source(prefetch[search.key], need.resource_type) for search in searches}
    return {key: reading for key, reading in found.items() if reading.state is not SourceState.NOT_PROVIDED}


def _sent_whole(need: DataNeed, whole: SourceReading, form: SearchForm) -> Sent:
    """Return what came of a source under its own key, if anything."""
    if whole.state is SourceState.NOT_PROVIDED:
        return Sent(need, whole, (), {search.key: whole for search in searches_of(need, form)})
    if whole.next_link:
        return Sent(need, whole, (), {need.key: whole}, ())
    return Sent(need, whole, (whole,), {}, ())


def _sent_by_category(
    need: DataNeed, whole: SourceReading, parts: Mapping[str, SourceReading], form: SearchForm
) -> Sent:
    """Return what came of a source by category, where nothing under its own key may be taken for the whole.

    An answer under the own key that lacks what a category brought is no whole, whatever it says; what it holds counts.
    """
    asked = by_category(form)
    wanted = {search.key: parts.get(search.key, NOT_PROVIDED) for search in searches_of(need, asked)}
    unread = {key: part for key, part in wanted.items() if part.state in MISSING or part.next_link}
    answered = [] if whole.state in _EMPTY_HANDED else [whole]
    answered += [part for key, part in parts.items() if key not in unread]
    reading = merged([*answered, *unread.values()])
    return Sent(need, reading, tuple(answered), unread, asked.categories)


def _with_offer(sent: Sent, prefetch: Prefetch, offered: Collection[str] | None) -> Sent:
    """Return it with what is known of whether the client has such a source at all."""
    need = sent.need
    is_listed = offered is not None and need.resource_type in offered
    told = need.key in prefetch if offered is None else is_listed
    if told or is_wanted(need) or sent.reading.state not in _EMPTY_HANDED:
        return replace(sent, is_listed=True) if is_listed else sent
    return replace(sent, reading=NOT_OFFERED, unread=sent.unread if offered is None else {})
