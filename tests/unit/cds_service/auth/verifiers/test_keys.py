"""How the keys of an issuer are fetched, kept and renewed, and who waits for it."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from cds_service.auth.verifiers.callers import NotAuthenticatedError
from cds_service.auth.verifiers.keys import FAILURE_PAUSE, LONGEST, SHORTEST, STALE, UNKNOWN_PAUSE, UNSAID, RemoteKeys
from cds_service.egress.network import Network
from tests.unit.cds_service.auth.builders import JKU, FakeClock, FakeFetcher, deferred, public_jwk

OLD, NEW = public_jwk("P-384", "old"), public_jwk("P-384", "new")


class Source:
    """Keys at an address, with background work that waits until it is told to happen."""

    def __init__(self, *jwks: dict[str, Any], max_age: int | None = None) -> None:
        """Publish these keys."""
        self.clock, self.fetcher = FakeClock(), FakeFetcher()
        self.fetcher.max_age = max_age
        if jwks:
            self.fetcher.publish(*jwks)
        self.work, start = deferred()
        self.keys = RemoteKeys(JKU, Network(), self.fetcher, timer=self.clock.timer, start=start)

    def find(self, kid: str = "old") -> str:
        """Return `found`, or the reason why not."""
        try:
            self.keys.find(kid, "ES384")
        except NotAuthenticatedError as refusal:
            return refusal.reason
        return "found"

    def catch_up(self) -> int:
        """Do the background work and return how much there was."""
        done = len(self.work)
        while self.work:
            self.work.pop(0)()
        return done

    @property
    def fetches(self) -> int:
        """How often the network was asked."""
        return len(self.fetcher.asked)


@pytest.mark.parametrize(
    ("max_age", "kept"),
    [(None, UNSAID), (0, SHORTEST), (1, SHORTEST), (1800, 1800), (10**9, LONGEST), (-5, SHORTEST)],
)
def test_keys_are_kept_as_long_as_their_server_says(max_age: int | None, kept: int) -> None:
    """A set is asked for again when its time is over: never more often than every 5 minutes, once a day at least."""
    source = Source(OLD, max_age=max_age)
    assert source.find() == "found"
    source.clock.forward(kept - 1)
    assert (source.find(), source.catch_up()) == ("found", 0)
    source.clock.forward(1)
    assert (source.find(), source.catch_up()) == ("found", 1)
    assert (source.find(), source.catch_up()) == ("found", 0)
    assert source.fetches == 2


def test_rotated_key_is_found_at_once() -> None:
    """A client that changes its key is not refused until the old set's time is over."""
    source = Source(OLD)
    assert source.find() == "found"
    source.fetcher.publish(NEW)
    assert source.find("new") == "found"
    assert source.find("old") == "key-unknown"
    assert source.fetches == 2


def test_withdrawn_key_is_not_used_after_renewal() -> None:
    """A key that its owner took back, even the last one, opens nothing once the set is renewed."""
    source = Source(OLD)
    source.find()
    source.fetcher.publish()
    source.clock.forward(UNSAID)
    source.find()
    source.catch_up()
    assert source.find() == "key-unknown"


def test_unknown_key_is_looked_up_once_a_minute() -> None:
    """However many tokens name invented keys, the issuer is asked once a minute, and known keys go on working."""
    source = Source(OLD)
    assert source.find() == "found"
    for _ in range(20):
        assert source.find("x") == "key-unknown"
    assert source.fetches == 2
    source.clock.forward(UNKNOWN_PAUSE)
    assert [source.find("x"), source.find("y"), source.find()] == ["key-unknown", "key-unknown", "found"]
    assert source.fetches == 3


def test_cold_start_with_an_unknown_key_asks_once() -> None:
    """The set that has just been fetched is not fetched again because a key is not in it."""
    source = Source(OLD)
    assert source.find("x") == "key-unknown"
    assert source.fetches == 1


@pytest.mark.parametrize(
    "broken", [None, b"<html>", b"[]", b"{}", b'{"keys": 7}', b"\xff", b"[" * 9999, b" " * 300_000]
)
def test_old_keys_are_used_while_their_server_fails(broken: bytes | None) -> None:
    """An outage of the key server, or nonsense from it, keeps nobody out for a day; then it does."""
    source = Source(OLD)
    source.find()
    source.fetcher.bodies.clear()
    if broken is not None:
        source.fetcher.bodies[JKU] = broken
    source.clock.forward(UNSAID + STALE - 1)
    assert (source.find(), source.catch_up(), source.find("new")) == ("found", 1, "key-unknown")
    assert source.keys.available
    source.clock.forward(1)
    assert source.find() == "keys-unavailable"
    assert not source.keys.available


def test_server_that_fails_is_left_alone_for_a_moment() -> None:
    """Calls do not queue up behind a server that is down: one in ten seconds tries it, the others are refused."""
    source = Source()
    assert [source.find() for _ in range(10)] == ["keys-unavailable"] * 10
    assert source.fetches == 1
    source.fetcher.publish(OLD)
    source.clock.forward(FAILURE_PAUSE)
    assert source.find() == "found"
    assert source.fetches == 2


def test_failure_does_not_use_up_the_look_up_of_an_unknown_key() -> None:
    """When the server is back, a rotated key is found without waiting a minute."""
    source = Source(OLD)
    source.find()
    source.fetcher.bodies.clear()
    source.clock.forward(UNSAID)
    source.find()
    source.catch_up()
    source.fetcher.publish(NEW)
    assert source.find("new") == "key-unknown"
    source.clock.forward(FAILURE_PAUSE)
    assert source.find("new") == "found"


def at_once(source: Source, kid: str, calls: int = 6) -> list[str]:
    """Look a key up several times at once, the first being held up by the network, and return what came of it."""
    found: list[str] = []
    source.fetcher.waiting.clear()
    source.fetcher.go_on.clear()
    threads = [threading.Thread(target=lambda: found.append(source.find(kid))) for _ in range(calls)]
    threads[0].start()
    assert source.fetcher.waiting.wait(10)
    for thread in threads[1:]:
        thread.start()
    source.fetcher.go_on.set()
    for thread in threads:
        thread.join(10)
    return found


def test_calls_at_the_same_time_share_one_look_up() -> None:
    """After a start many calls come at once, and one of them fetches the keys for all."""
    source = Source(OLD)
    assert at_once(source, "old") == ["found"] * 6
    assert source.fetches == 1


def test_call_that_comes_just_as_a_look_up_ends_begins_none() -> None:
    """A call that saw no keys a moment ago takes those that have arrived since."""
    source = Source(OLD)
    source.find()
    source.keys._renew(None)
    assert source.fetches == 1


def test_calls_with_a_rotated_key_share_one_look_up() -> None:
    """When a client changes its key its first calls wait together, rather than all but one being refused."""
    source = Source(OLD)
    source.find()
    source.fetcher.publish(OLD, NEW)
    assert at_once(source, "new") == ["found"] * 6
    assert source.fetches == 2


def test_slow_server_holds_nobody_up_whose_key_is_known() -> None:
    """While one call waits for an unknown key, calls with known keys go through."""
    source = Source(OLD)
    source.find()
    source.clock.forward(UNSAID - 1)
    source.fetcher.waiting.clear()
    source.fetcher.go_on.clear()
    waiting = threading.Thread(target=source.find, args=("x",))
    waiting.start()
    assert source.fetcher.waiting.wait(10)
    source.clock.forward(1)
    assert source.find() == "found"
    assert source.work == []
    source.fetcher.go_on.set()
    waiting.join(10)


def test_renewal_in_the_background_by_a_thread_of_its_own() -> None:
    """Without anything else being said the background is a thread, and the call does not wait for it."""
    fetcher = FakeFetcher()
    fetcher.publish(OLD)
    fetcher.go_on.clear()
    keys = RemoteKeys(JKU, Network(), fetcher)
    keys.renew_in_background()
    keys.renew_in_background()
    assert fetcher.waiting.wait(10)
    fetcher.go_on.set()
    assert isinstance(keys.find("old", "ES384"), EllipticCurvePublicKey)
    assert len(fetcher.asked) == 1


def test_renewal_that_was_lost_is_begun_again() -> None:
    """A look-up whose thread died, as in a process that forked, does not stop all that follow."""
    source = Source(OLD)
    source.keys.renew_in_background()
    source.work.clear()
    source.clock.forward(31)
    assert source.find() == "found"


def test_machine_without_threads_still_serves() -> None:
    """When no thread can be started the old keys stay in use, and the next call tries again."""
    source = Source(OLD)
    source.find()
    attempts: list[int] = []

    def refuse(_work: object) -> None:
        attempts.append(1)
        raise RuntimeError

    source.keys._start = refuse
    source.clock.forward(UNSAID)
    assert [source.find(), source.find()] == ["found", "found"]
    assert len(attempts) == 2


def test_defect_in_fetching_is_not_repeated_at_once() -> None:
    """An error that nobody foresaw is a crash that is seen, not a storm of look-ups or a service that hangs."""
    source = Source()
    source.fetcher.bodies[JKU] = None  # type: ignore[assignment] # what a defect would hand over
    with pytest.raises(TypeError):
        source.find()
    assert source.find() == "keys-unavailable"
    source.fetcher.publish(OLD)
    source.clock.forward(FAILURE_PAUSE)
    assert source.find() == "found"


def test_too_many_keys_are_no_key_set() -> None:
    """A set of thousands of keys would cost more to read than any issuer needs."""
    source = Source()
    source.fetcher.bodies[JKU] = json.dumps({"keys": [OLD] * 201}).encode()
    assert source.find() == "keys-unavailable"
