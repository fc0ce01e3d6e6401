"""Reading one search page by page, in one worker thread."""

from __future__ import annotations

from typing import Protocol

from fhir_mappings.fhir.readings import at_most_partial, joined, read_answer
from fhir_mappings.fhir.sources import FAILED, SourceReading, SourceState
from fhir_mappings.fhir_client.exchange import Answered, Exchange
from fhir_mappings.fhir_client.links import resolve_link
from fhir_mappings.fhir_client.retrieval import Result
from fhir_mappings.fhir_client.scopes import Access


class Rewording(Protocol):
    """Knows how else a search may be put to its server."""

    def refused(self, answered: Answered) -> str | None:
        """Return the address to ask in place of one that was refused; None when there is no other way."""

    def accepted(self) -> None:
        """Hear that the server took the search."""


class Walk:
    """The pages of one search: where the next one is, and those that were read.

    It ends at the last page, at the limit of pages, at a link that leads elsewhere or back, or at a call that fails.
    All but the first leave a link unread, and so the source incomplete. `url` is the page to read next. A search that
    is refused goes on with what its rewording knows instead.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what is read, what came of it before, and how far it goes
        self,
        exchange: Exchange,
        resource_type: str,
        url: str,
        pages: tuple[SourceReading, ...] = (),
        access: Access = Access.FULL,
        rewording: Rewording | None = None,
    ) -> None:
        """Start before the first page, or after those that were sent already, as if they had been read at `url`."""
        self._exchange = exchange
        self._pages: list[SourceReading] = []
        self._seen: set[str] = set()
        self._access = access
        self._rewording = rewording
        self._failure = Result.TIMEOUT
        self.resource_type = resource_type
        self.is_new = not pages
        self.url: str | None = url
        for page in pages:
            self._move_past(page, url)

    def run(self) -> None:
        """Read page after page to the end."""
        while self.url is not None:
            self.take(self._exchange.ask(self.resource_type, self.url))

    def take(self, answered: Answered) -> None:
        """Take the answer for the page at `url`, and move on."""
        page, self.url = self.url or "", None
        if answered.result is not Result.OK:
            self._failure = answered.result
            if self._rewording is not None and not self._pages:
                self.url = self._rewording.refused(answered)
            return
        reading = read_answer(answered.body, self.resource_type)
        if reading is None:
            self._failure = Result.UNREADABLE
            return
        # An OperationOutcome alone says, with a 200, that the search failed: that is no acceptance of its form.
        if self._rewording is not None and reading.state is not SourceState.UNAVAILABLE:
            self._rewording.accepted()
        self._move_past(reading, page)

    def _move_past(self, reading: SourceReading, page: str) -> None:
        """Keep a page, and find the next one if there may be one."""
        self._pages.append(reading)
        self._seen.add(page)
        self.url = None
        if reading.next_link and len(self._pages) < self._exchange.server.limits.pages:
            target = resolve_link(reading.next_link, page, self._exchange.server.base)
            self.url = target if target not in self._seen else None

    def outcome(self) -> tuple[SourceReading, Result]:
        """Return what was read up to here, as one reading, and the word for it."""
        pages = tuple(self._pages)
        if not pages:
            return FAILED, self._failure
        reading = joined(pages, self.resource_type)
        if self._access is Access.RESTRICTED:
            reading = at_most_partial(reading)
        return reading, result_of(reading)


def result_of(reading: SourceReading) -> Result:
    """Return the word for what was read."""
    match reading.state:
        case SourceState.COMPLETE:
            return Result.OK if reading.resources else Result.EMPTY
        case SourceState.PARTIAL:
            return Result.PARTIAL
        case _:
            return Result.FAILED
