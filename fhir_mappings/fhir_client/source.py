"""One need of a retrieval: the searches that bring it, put in the form that the server takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from fhir_mappings.fhir.needs import DataNeed
from fhir_mappings.fhir.readings import merged
from fhir_mappings.fhir.searches import Search, SearchForm, narrower, searches_of
from fhir_mappings.fhir.sources import MISSING, NOT_PROVIDED, SourceReading, SourceState
from fhir_mappings.fhir_client.exchange import Answered, Exchange
from fhir_mappings.fhir_client.learned import LearnedForms
from fhir_mappings.fhir_client.queries import search_url
from fhir_mappings.fhir_client.retrieval import LACKING, Result
from fhir_mappings.fhir_client.scopes import Access
from fhir_mappings.fhir_client.walk import Walk, result_of


class Source:
    """The searches of one need under way, one walk each, beside what the prefetch held of them.

    `sent` holds readings by prefetch key: of the need, or of its categories. Where the server refuses a search and
    wants several in its place, `start` sends the others on their way while the refused one goes on with the first.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - everything about one need of one retrieval
        self,
        exchange: Exchange,
        need: DataNeed,
        patient_id: str,
        sent: Mapping[str, SourceReading],
        form: SearchForm,
        learned: LearnedForms,
        start: Callable[[Walk], object],
    ) -> None:
        """Plan the searches for what was not sent, and for the further pages of what was."""
        self._exchange = exchange
        self._need = need
        self._patient_id = patient_id
        self._learned = learned
        self._start = start
        scopes = exchange.server.scopes
        self._access = scopes.search(need.resource_type) if need.parameters else scopes.read(need.resource_type)
        self._is_granted = scopes.are_readable and self._access is not Access.NONE
        self._held: list[SourceReading] = []
        self.walks: list[Walk] = []
        for search in searches_of(need, form):
            self._plan(search, sent.get(search.key, NOT_PROVIDED), form)

    def _plan(self, search: Search, sent: SourceReading, form: SearchForm) -> None:
        if sent.state not in MISSING and not sent.next_link:
            self._held.append(sent)
        else:
            self.walks.append(self._walk(search, form, () if sent.state in MISSING else (sent,)))

    def _walk(self, search: Search, form: SearchForm, pages: tuple[SourceReading, ...] = ()) -> Walk:
        url, rewording = self.url(search), _Rewording(self, search, form)
        return Walk(self._exchange, self._need.resource_type, url, pages, self._access, rewording)

    def url(self, search: Search) -> str:
        """Return the address of one of the searches."""
        return search_url(self._exchange.server.base, search, self._patient_id)

    def reworded(self, search: Search, form: SearchForm, codes: frozenset[str]) -> tuple[Search, SearchForm] | None:
        """Return a refused search in a narrower form; what else that form asks for is started."""
        narrow = narrower(form, self._need, codes)
        if narrow is None:
            return None
        searches = searches_of(self._need, narrow)
        same = [found for found in searches if found.key == search.key]
        if not same:
            more = [self._walk(found, narrow) for found in searches[1:]]
            self.walks.extend(more)
            for walk in more:
                self._start(walk)
        return (same or searches)[0], narrow

    def remember(self, form: SearchForm) -> None:
        """Keep in mind the form that the server took."""
        self._learned.note(self._exchange.server.base, self._need.resource_type, form)

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
