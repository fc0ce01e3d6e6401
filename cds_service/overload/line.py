"""A line of calls that wait for their turn: short enough to be worth waiting in, and fair to every client.

A call that is answered after its EHR has given up costs the same and helps nobody. So whoever could not be served in
time is sent away at once, while the caller can still do something about it. Clients take turns, however many calls each
has waiting, and where the line is full it is the client with the most calls that loses one: a flood drowns itself.
There is no clock in here; every step is told what time it is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

_WEIGHT: Final = 0.2  # of the newest turn in the pace: what happened ten turns ago counts for a tenth of it

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class _Place(Generic[Item]):
    item: Item
    since: float


def _anybody(_key: object) -> bool:
    return True


class Line(Generic[Key, Item]):
    """Calls that wait, by client; not safe to share between threads without a lock around it."""

    def __init__(self, patience: float, most: int) -> None:
        """Take how long anybody waits, in seconds, and how many wait at most."""
        self._patience = patience
        self._most = most
        # In the order of their turns: who has had one goes to the end.
        self._waiting: dict[Key, deque[_Place[Item]]] = {}
        self._size = 0
        self._pace = 0.0  # seconds from one turn to the next while somebody waits
        self._last_turn: float | None = None

    def __len__(self) -> int:
        """Return how many wait."""
        return self._size

    def join(self, key: Key, item: Item, *, since: float, now: float) -> Item | None:
        """Put a call that came at `since` at the end of its client's part of the line, and return who is sent away.

        That is the call itself where it would wait too long, where the line is full the newest of the client that has
        most waiting, and otherwise nobody. Nobody is sent away by the pace alone while nobody waits before it: the pace
        would never be measured again.
        """
        ahead = self._ahead(key)
        if ahead and now - since + (ahead + 1) * self._pace > self._patience:
            return item
        pushed_out = None
        if self._size >= self._most:
            largest = max(self._waiting, key=lambda name: len(self._waiting[name]))
            if len(self._waiting[largest]) <= len(self._waiting.get(key, ())) + 1:
                return item
            pushed_out = self.push_out(largest)
        if not self._size:
            self._last_turn = now
        self._waiting.setdefault(key, deque()).append(_Place(item, since))
        self._size += 1
        return pushed_out

    def push_out(self, key: Key | None = None) -> Item | None:
        """Return the newest call of a client, or of the one that has most waiting, and forget it; None of nobody."""
        if key is None:
            key = max(self._waiting, key=lambda name: len(self._waiting[name]), default=None)
        if key is None:
            return None
        place = self._waiting[key].pop()
        self._removed(key)
        return place.item

    def next(self, now: float, may: Callable[[Key], bool] = _anybody) -> Item | None:
        """Return whose turn it is among the clients that may have one, or None."""
        key = next((key for key in self._waiting if may(key)), None)
        if key is None:
            return None
        if self._last_turn is not None:
            self._pace += (now - self._last_turn - self._pace) * _WEIGHT
        place = self._waiting[key].popleft()
        left = self._waiting.pop(key)
        if left:
            self._waiting[key] = left
        self._size -= 1
        self._last_turn = now if self._size else None
        return place.item

    def overdue(self, now: float) -> list[Item]:
        """Return the calls that have waited too long, and forget them."""
        found = []
        for key, places in list(self._waiting.items()):
            while places and now - places[0].since >= self._patience:
                found.append(places.popleft().item)
                self._removed(key)
        return found

    def leave(self, key: Key, item: Item) -> None:
        """Forget a call that has gone away by itself; nothing where it is not waiting any more."""
        places = self._waiting.get(key, deque())
        found = next((place for place in places if place.item is item), None)
        if found is not None:
            places.remove(found)
            self._removed(key)

    def _ahead(self, key: Key) -> int:
        """Return how many turns others have before a call that joined now: no more a client than it has itself."""
        own = len(self._waiting.get(key, ()))
        return own + sum(min(len(places), own + 1) for name, places in self._waiting.items() if name != key)

    def _removed(self, key: Key) -> None:
        self._size -= 1
        if not self._waiting[key]:
            del self._waiting[key]
