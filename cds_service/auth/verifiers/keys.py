"""Where an issuer's keys come from: a JWK Set at its `jku`, kept and renewed, so that a call rarely waits for one.

Keys change, and the server that publishes them fails at times. A set is renewed in the background while the old one
stays in use; only a call that has no set at all, or whose key nobody knows yet, waits. Whoever sends tokens with
invented key ids causes one look-up a minute, however many they send.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from cds_service.auth.verifiers.callers import NotAuthenticatedError, Reason
from cds_service.auth.verifiers.key_set import KeySet, KeySetError, PublicKey, parse_key_set
from cds_service.egress.network import Network

# All in seconds.
SHORTEST: Final = 5 * 60
LONGEST: Final = 24 * 60 * 60
UNSAID: Final = 15 * 60  # where the server says nothing about how long its answer keeps
STALE: Final = 24 * 60 * 60  # how much longer a set is used while its server fails
UNKNOWN_PAUSE: Final = 60  # between look-ups for a key id that nobody knows
FAILURE_PAUSE: Final = 10  # after a look-up that failed
_PATIENCE: Final = 3.0  # a call's wait for the look-up of another; look-ups themselves are limited to 2 s
_LOST: Final = 30  # a look-up that takes longer died with its thread, as one does that a process began before it forked


@dataclass(frozen=True, slots=True)
class FetchedKeys:
    """The body that a `jku` answered with, and the `max-age` of its Cache-Control in seconds, if it has one.

    `no-store` and `no-cache` count as a `max-age` of 0.
    """

    body: bytes
    max_age: int | None = None


class KeyFetchError(Exception):
    """The keys could not be fetched, for whatever reason."""


class KeyFetcher(Protocol):
    """Fetches JWK Sets: without redirects, within 2 s, and only from where the network allows."""

    def fetch(self, url: str, network: Network) -> FetchedKeys:
        """Return what stands at an issuer's `jku`; KeyFetchError when it cannot be had."""


class KeySource(Protocol):
    """Where the keys of an issuer come from: a `KeySet` from the configuration, or `RemoteKeys`."""

    def find(self, key_id: str, algorithm: str) -> PublicKey:
        """Return the key for a token; NotAuthenticatedError when there is none."""


@dataclass(frozen=True, slots=True)
class _Held:
    keys: KeySet
    fresh_until: float
    usable_until: float


@dataclass(frozen=True, slots=True)
class _LookUp:
    begun: float
    done: threading.Event


class RemoteKeys:
    """The JWK Set at one address. Safe to use from many threads; no lock is held while the network is asked."""

    def __init__(
        self,
        jku: str,
        network: Network,
        fetcher: KeyFetcher,
        *,
        timer: Callable[[], float] = time.monotonic,
        start: Callable[[Callable[[], None]], None] | None = None,
    ) -> None:
        """Take where the set is and who fetches it; `timer` counts seconds, `start` runs work in the background."""
        self._jku = jku
        self._network = network
        self._fetcher = fetcher
        self._timer = timer
        self._start = start or _start_thread
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._look_up: _LookUp | None = None
        self._not_before = self._unknown_not_before = float("-inf")

    def find(self, key_id: str, algorithm: str) -> PublicKey:
        """Return the key for a token, looking it up once where it is not known."""
        held = self._usable()
        if held is None:
            self._renew(held)
            held = self._usable()
            if held is None:
                raise NotAuthenticatedError(Reason.KEYS_UNAVAILABLE)
        elif not held.keys.knows(key_id):
            self._renew(held, for_unknown=True)
            held = self._held or held
        if self._timer() >= held.fresh_until:
            self._renew_in_background(held)
        return held.keys.find(key_id, algorithm)

    def renew_in_background(self) -> None:
        """Fetch the set without waiting for it, unless that is being done or failed a moment ago.

        To be called after a process has forked, since threads stay behind.
        """
        self._renew_in_background(self._usable())

    def _renew_in_background(self, seen: _Held | None) -> None:
        look_up, ours = self._claim(seen, for_unknown=False)
        if look_up is None or not ours:
            return
        try:
            self._start(lambda: self._fetch(look_up))
        except RuntimeError:  # no thread can be started
            self._release(look_up)

    @property
    def available(self) -> bool:
        """Whether there is a set that may be used."""
        return self._usable() is not None

    def _usable(self) -> _Held | None:
        held = self._held
        return held if held is not None and self._timer() < held.usable_until else None

    def _renew(self, seen: _Held | None, *, for_unknown: bool = False) -> None:
        """Fetch the set, or wait for whoever does; nothing when it was asked for too recently."""
        look_up, ours = self._claim(seen, for_unknown=for_unknown)
        if look_up is None:
            return
        if ours:
            self._fetch(look_up)
        else:
            look_up.done.wait(_PATIENCE)

    def _claim(self, seen: _Held | None, *, for_unknown: bool) -> tuple[_LookUp | None, bool]:
        """Return the look-up under way and whether the caller must carry it out; None when none may begin yet.

        Nor does one begin when the set that the caller has `seen` was renewed since.
        """
        with self._lock:
            now = self._timer()
            if self._look_up is not None and now - self._look_up.begun < _LOST:
                return self._look_up, False
            if self._usable() is not seen or now < self._not_before or (for_unknown and now < self._unknown_not_before):
                return None, False
            if for_unknown:
                self._unknown_not_before = now + UNKNOWN_PAUSE
            self._look_up = _LookUp(now, threading.Event())
            return self._look_up, True

    def _fetch(self, look_up: _LookUp) -> None:
        """Replace the set by what its server has; where that fails, the old one stays."""
        self._not_before = self._timer() + FAILURE_PAUSE  # taken back by success, so that no failure is forgotten
        try:
            fetched = self._fetcher.fetch(self._jku, self._network)
            keys = parse_key_set(fetched.body)
        except (KeyFetchError, KeySetError):
            return
        else:
            self._not_before = float("-inf")
            lasts = UNSAID if fetched.max_age is None else min(max(fetched.max_age, SHORTEST), LONGEST)
            fresh_until = self._timer() + lasts
            self._held = _Held(keys, fresh_until, fresh_until + STALE)
        finally:
            self._release(look_up)

    def _release(self, look_up: _LookUp) -> None:
        with self._lock:
            if self._look_up is look_up:
                self._look_up = None
        look_up.done.set()


def _start_thread(work: Callable[[], None]) -> None:
    """Run something in a thread that does not keep the process alive."""
    threading.Thread(target=work, name="jwks", daemon=True).start()
