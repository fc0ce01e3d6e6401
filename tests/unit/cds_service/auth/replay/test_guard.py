"""Used tokens while their store is away."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

import pytest

from cds_service.auth.replay.guard import ReplayGuard
from cds_service.auth.replay.store import MemoryReplayStore, ReplayUnavailableError
from tests.unit.cds_service.auth.builders import NOW, FakeClock

ISS = "https://ehr.example.com"
UNTIL = NOW + timedelta(minutes=5)


class Store(MemoryReplayStore):
    """A store that a test takes away and brings back, shared by the guards of several workers."""

    def __init__(self) -> None:
        """Begin as one that answers."""
        super().__init__(FakeClock())
        self.is_away = False
        self.asked = 0

    def first_use(self, issuer: str, jti: str, until: datetime, issued: datetime | None = None) -> bool:
        """Answer, or fail."""
        self.asked += 1
        if self.is_away:
            raise ReplayUnavailableError
        return super().first_use(issuer, jti, until, issued)


class Worker:
    """A guard with its own clock of seconds."""

    def __init__(self, store: Store) -> None:
        """Take the shared store."""
        self.seconds = 0.0
        self.guard = ReplayGuard(store, FakeClock(), lambda: self.seconds)

    def lets_in(self, jti: str, *, strict: bool = False) -> bool:
        """Return whether a token passes."""
        return self.guard.first_use(ISS, jti, UNTIL, NOW, strict=strict)


def test_outage_is_bridged_by_what_the_worker_has_seen() -> None:
    """While the store is away new tokens pass, those that this worker has seen do not, before or during the outage."""
    store = Store()
    worker = Worker(store)
    assert worker.lets_in("before")
    store.is_away = True
    assert worker.lets_in("during")
    assert [worker.lets_in(jti) for jti in ("before", "during")] == [False, False]
    assert not worker.guard.is_available


def test_what_was_let_in_meanwhile_is_known_to_all_afterwards() -> None:
    """A token of the outage is refused by the other workers once the store is back."""
    store = Store()
    worker, other = Worker(store), Worker(store)
    store.is_away = True
    assert worker.lets_in("during")
    store.is_away = False
    worker.seconds += 1
    assert worker.lets_in("after")
    assert not other.lets_in("during")
    assert worker.guard.is_available


def test_store_that_has_failed_is_left_alone_for_a_second() -> None:
    """Calls do not wait one after the other for a store that does not answer."""
    store = Store()
    worker = Worker(store)
    store.is_away = True
    for number in range(5):
        assert worker.lets_in(str(number))
    assert store.asked == 1
    worker.seconds += 1
    assert worker.lets_in("later")
    assert store.asked == 2


def test_client_that_insists_is_put_off() -> None:
    """Strictly, nothing is let in that cannot be looked up, and nothing of it is remembered as used."""
    store = Store()
    worker = Worker(store)
    store.is_away = True
    with pytest.raises(ReplayUnavailableError):
        worker.lets_in("strict", strict=True)
    store.is_away = False
    worker.seconds += 1
    assert worker.lets_in("strict", strict=True)


def test_change_of_state_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """One line when the store goes, one when it is back."""
    store = Store()
    worker = Worker(store)
    with caplog.at_level(logging.INFO):
        for away in (True, True, False, False):
            store.is_away = away
            worker.seconds += 1
            worker.lets_in(str(worker.seconds))
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
