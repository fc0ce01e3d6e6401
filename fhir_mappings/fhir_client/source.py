"""One need of a retrieval: the searches that bring it, put in the form that the server takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from fhir_mappings.fhir.prefetch import Sent
from fhir_mappings.fhir.readings import at_most_partial, merged
from fhir_mappings.fhir.searches import Search, SearchForm, narrower, searches_of
from fhir_mappings.fhir.sources import MISSING, NOT_PROVIDED, SourceReading, SourceState
from fhir_mappings.fhir_client.exchange import Answered, Exchange
from fhir_mappings.fhir_client.queries import search_url
from fhir_mappings.fhir_client.retrieval import LACKING, Result
from fhir_mappings.fhir_client.scopes import Access
from fhir_mappings.fhir_client.walk import Walk, result_of


class Source:
    """The searches of one need under way, one walk each, beside what the prefetch held of it.

    `form` is how its server takes searches, `access` how far the token lets them reach. Where the server refuses a
    search and wants several in its place, `start` sends the others on their way while the refused one goes on with the
    first; `remember` keeps in mind a form that the server took instead.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - everything about one need of one retrieval
        self,
        exchange: Exchange,
        sent: Sent,
        patient_id: str,
        form: SearchForm,
        access: Access,
        start: Callable[[Walk], object],
        remember: Callable[[SearchForm], None],
    ) -> None:
        """Plan the searches for what was not sent, and for the further pages of what was."""
        self._exchange = exchange
        self._need = sent.need
        self._patient_id = patient_id
        self._access = access
        self._start = start
        self.remember = remember
        self._is_granted = exchange.server.scopes.are_readable
        self._held = sent.answered
        asked = form if sent.categories is None else replace(form, categories=sent.categories, is_guess=False)
        self._is_guess = asked.is_guess
        self.walks = [
            self._walk(search, asked, sent.unread.get(search.key, NOT_PROVIDED))
            for search in searches_of(self._need, asked)
            if sent.categories is None or search.key in sent.unread
        ]

    def _walk(self, search: Search, form: SearchForm, page: SourceReading = NOT_PROVIDED) -> Walk:
        url, rewording = self.url(search), _Rewording(self, search, form)
        pages = () if page.state in MISSING else (page,)
        return Walk(self._exchange, self._need.resource_type, url, pages, self._access, rewording)

    def url(self, search: Search) -> str:
        """Return the address of one of the searches."""
        return search_url(self._exchange.server.base, search, self._patient_id)

    def reworded(self, search: Search, form: SearchForm, codes: frozenset[str]) -> tuple[Search, SearchForm] | None:
        """Return a refused search in a narrower form; what else that form asks for is started."""
        narrow = narrower(form, self._need, codes)
        if narrow is None:
            return None
        self._is_guess = self._is_guess or narrow.is_guess
        searches = searches_of(self._need, narrow)
        same = [found for found in searches if found.key == search.key]
        if not same:
            more = [self._walk(found, narrow) for found in searches[1:]]
            self.walks.extend(more)
            for walk in more:
                self._start(walk)
        return (same or searches)[0], narrow

    def outcome(self) -> tuple[SourceReading, Result]:
        """Return what is held and was read up to here, as one reading, and the word for it.

        What the server does not offer is not provided, unless the token names it as granted: then it failed.
        """
        outcomes = [(reading, result_of(reading)) for reading in self._held]
        outcomes += [walk.outcome() for walk in tuple(self.walks)]
        if len(outcomes) > 1:
            reading = merged([found for found, _ in outcomes])
            failed = [result for found, result in outcomes if found.state is SourceState.UNAVAILABLE]
            result = failed[0] if len(failed) == len(outcomes) else result_of(reading)
        else:
            reading, result = outcomes[0]
        if self._is_guess and reading.state is SourceState.COMPLETE:
            return at_most_partial(reading), Result.PARTIAL
        if reading.state is SourceState.UNAVAILABLE and result in LACKING and not self._is_granted:
            return NOT_PROVIDED, result
        return reading, result


class _Rewording:
    """One search as it is put now, and as it will be put when the server refuses it."""

    def __init__(self, source: Source, search: Search, form: SearchForm) -> None:
        self._source = source
        self._search = search
        self._form = form
        self._is_new = False

    def refused(self, answered: Answered) -> str | None:
        """Return the address of the narrower form."""
        found = self._source.reworded(self._search, self._form, answered.codes)
        if found is None:
            return None
        self._search, self._form = found
        self._is_new = True
        return self._source.url(self._search)

    def accepted(self) -> None:
        """Remember a form that the server took after it had refused another."""
        if self._is_new:
            self._is_new = False
            self._source.remember(self._form)
