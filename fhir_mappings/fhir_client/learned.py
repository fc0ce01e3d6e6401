"""What servers have shown of how they take searches, so that a refusal costs one call and not every call.

It is kept for a while only, since servers are upgraded, and for a number of servers only, since in development any
port is one. It is each process's own: what is lost with it is learned again by one refused search.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Final

from fhir_mappings.fhir.searches import SearchForm

_KEPT: Final = 3600.0  # seconds
_MOST: Final = 1000  # types of servers


class LearnedForms:
    """The narrower forms that servers took; safe to share between threads.

    They are kept by server, resource type and the form that a client's profile asks for, so that two clients of one
    server are each searched for as their own profile says.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take a clock whose seconds only grow."""
        self._clock = clock
        self._lock = Lock()
        self._forms: dict[tuple[str, str, SearchForm], tuple[float, SearchForm]] = {}

    def form(self, base: str, resource_type: str, known: SearchForm) -> SearchForm:
        """Return the form in which a server is searched for a type; `known` is what its profile says."""
        with self._lock:
            until, learned = self._forms.get((base, resource_type, known), (0.0, known))
            return learned if self._clock() < until else known

    def note(self, base: str, resource_type: str, known: SearchForm, form: SearchForm) -> None:
        """Remember a form that a server took after it had refused the known one."""
        with self._lock:
            self._forms.pop((base, resource_type, known), None)
            while len(self._forms) >= _MOST:
                del self._forms[next(iter(self._forms))]
            self._forms[base, resource_type, known] = (self._clock() + _KEPT, form)
