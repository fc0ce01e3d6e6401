"""Where used tokens are remembered: the same promise by memory, by a file and by Redis."""

from __future__ import annotations

import multiprocessing
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cds_service.auth.replay.redis import RedisReplayStore, connect_redis
from cds_service.auth.replay.sqlite import SqliteReplayStore
from cds_service.auth.replay.store import MemoryReplayStore, ReplayUnavailableError, UsedTokens, token_digest
from cds_service.protocol.errors import SettingsError
from tests.unit.cds_service.auth.builders import FakeClock

ISS = "https://ehr.example.com"
Make = Callable[[FakeClock], UsedTokens]


@pytest.fixture(params=["memory", "sqlite", "redis"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """What makes a store; each of a test's stores sees what the others of its kind remember, but for memory."""
    opened: list[SqliteReplayStore | RedisReplayStore] = []
    if request.param == "redis":
        redis_socket = request.getfixturevalue("redis_socket")
        with connect_redis(f"unix://{redis_socket}") as client:
            client.flushall()

    def memory(clock: FakeClock) -> UsedTokens:
        return MemoryReplayStore(clock)

    def sqlite(clock: FakeClock) -> UsedTokens:
        opened.append(SqliteReplayStore(tmp_path / "used.sqlite3", clock))
        return opened[-1]

    def redis(clock: FakeClock) -> UsedTokens:
        opened.append(RedisReplayStore(connect_redis(f"unix://{redis_socket}"), clock))
        return opened[-1]

    yield {"memory": memory, "sqlite": sqlite, "redis": redis}[request.param]
    for store in opened:
        store.close()


def soon(clock: FakeClock, seconds: float = 360) -> datetime:
    """Return a time a little after now."""
    return clock.now + timedelta(seconds=seconds)


def test_token_is_new_once(make: Make) -> None:
    """The second use of a token is seen, that of another one or by another issuer is its first."""
    clock = FakeClock(datetime.now(UTC))
    store = make(clock)
    until = soon(clock)
    uses = [(ISS, "a"), (ISS, "a"), (ISS, "b"), ("https://other.example", "a"), (ISS, "A"), (ISS + "a", "")]
    assert [store.first_use(issuer, jti, until) for issuer, jti in uses] == [True, False, True, True, True, True]


def test_token_of_any_length_and_script(make: Make) -> None:
    """Token ids are the clients' choice, and none is cut or changed."""
    clock = FakeClock(datetime.now(UTC))
    store = make(clock)
    ids = ["x" * 500, "x" * 501, "ü", "u\u0308", "a b", "'; DROP TABLE used; --", "😀"]
    assert [store.first_use(ISS, jti, soon(clock)) for jti in ids * 2] == [True] * len(ids) + [False] * len(ids)


def test_one_of_many_threads_is_first(make: Make) -> None:
    """Of a token that arrives twenty times at the same moment one copy is let in."""
    clock = FakeClock(datetime.now(UTC))
    store, until = make(clock), soon(clock)
    together = threading.Barrier(20)
    results: list[bool] = []

    def use() -> None:
        together.wait()
        results.append(store.first_use(ISS, "a", until))

    threads = [threading.Thread(target=use) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False] * 19 + [True]


def test_asking_does_not_use_a_token(make: Make) -> None:
    """Whether a token was used can be asked, as often as one likes."""
    clock = FakeClock()
    store = make(clock)
    assert not store.was_used(ISS, "asked")
    assert not store.was_used(ISS, "asked")
    assert store.first_use(ISS, "asked", soon(clock))
    assert store.was_used(ISS, "asked")


@pytest.mark.parametrize("make", ["sqlite", "redis"], indirect=True)
def test_stores_of_two_workers_share_what_they_know(make: Make) -> None:
    """A token that one worker has let in is refused by the others."""
    clock = FakeClock(datetime.now(UTC))
    one, other = make(clock), make(clock)
    assert one.first_use(ISS, "a", soon(clock))
    assert not other.first_use(ISS, "a", soon(clock))


@pytest.mark.parametrize("make", ["memory", "sqlite"], indirect=True)
def test_expired_tokens_are_forgotten(make: Make) -> None:
    """What has expired takes up no room, and what has not is kept."""
    clock = FakeClock()
    store = make(clock)
    for number in range(10):
        assert store.first_use(ISS, f"short {number}", soon(clock, 10))
    assert store.first_use(ISS, "long", soon(clock, 1000))
    clock.forward(100)
    assert store.first_use(ISS, "new", soon(clock))
    assert not store.first_use(ISS, "long", soon(clock))
    kept = len(store) if isinstance(store, MemoryReplayStore) else rows(store)
    assert kept == 2


def rows(store: UsedTokens) -> int:
    """Return how many tokens are in the file."""
    assert isinstance(store, SqliteReplayStore)
    (count,) = store._connection().execute("SELECT count(*) FROM used").fetchone()
    return int(count)


def test_full_memory_refuses_rather_than_forgets() -> None:
    """More tokens than there is room for are refused, since forgetting one would let its copy in."""
    clock = FakeClock()
    store = MemoryReplayStore(clock, most=2)
    assert store.first_use(ISS, "a", soon(clock, 10))
    assert store.first_use(ISS, "b", soon(clock, 10))
    with pytest.raises(ReplayUnavailableError):
        store.first_use(ISS, "c", soon(clock, 10))
    assert not store.first_use(ISS, "a", soon(clock, 10))
    clock.forward(11)
    assert store.first_use(ISS, "c", soon(clock, 10))


def test_digest_keeps_issuer_and_id_apart() -> None:
    """No issuer can choose an id that stands for a token of another."""
    assert token_digest("ab", "c") != token_digest("a", "bc")
    assert token_digest("1:a", "b") != token_digest("1", ":ab")


def test_file_is_its_owners_alone(tmp_path: Path) -> None:
    """Nobody else on the host can make used tokens new again."""
    file = tmp_path / "new" / "used.sqlite3"
    SqliteReplayStore(file, FakeClock()).close()
    assert file.stat().st_mode & 0o077 == 0
    assert file.parent.stat().st_mode & 0o077 == 0


def test_folder_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    """A service that could not see replays does not start."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="used tokens"):
        SqliteReplayStore(tmp_path / "file" / "used.sqlite3", FakeClock())


def lose(folder: Path) -> None:
    """Delete a store's files."""
    for file in folder.iterdir():
        file.unlink()


def overwrite(folder: Path) -> None:
    """Write something else over a store's files."""
    for file in folder.iterdir():
        file.write_bytes(b"no database " * 1000)


@pytest.mark.parametrize("harm", [lose, overwrite])
def test_file_that_is_lost_is_made_anew_and_refuses_what_came_before(
    tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    """Every worker goes on with the new file, and nobody can make a used token new by deleting the old one."""
    clock = FakeClock()
    one, other = (SqliteReplayStore(tmp_path / "used.sqlite3", clock) for _ in range(2))
    before = clock.now
    assert one.first_use(ISS, "a", soon(clock), before)
    assert not other.first_use(ISS, "a", soon(clock), before)
    harm(tmp_path)
    clock.forward(2)
    answers = []
    for store in one, other, one, other:
        with suppress(ReplayUnavailableError):  # the one that finds the damage
            answers.append(store.first_use(ISS, "a", soon(clock), before))
    assert answers
    assert not any(answers)
    assert one.first_use(ISS, "b", soon(clock), clock.now)
    assert not other.first_use(ISS, "b", soon(clock), clock.now)
    one.close()
    other.close()


def fill(store: SqliteReplayStore, clock: FakeClock) -> None:
    """Use tokens until there is no room."""
    for number in range(1000):
        store.first_use(ISS, f"more {number}", soon(clock))


def test_disk_that_was_full_is_tried_again(tmp_path: Path) -> None:
    """A store that could not be written is asked again by the next call."""
    clock = FakeClock()
    store = SqliteReplayStore(tmp_path / "used.sqlite3", clock)
    assert store.first_use(ISS, "a", soon(clock))
    store._connection().execute("PRAGMA max_page_count = 1")
    with pytest.raises(ReplayUnavailableError):
        fill(store, clock)
    assert not store.first_use(ISS, "a", soon(clock))
    assert store.first_use(ISS, "b", soon(clock))
    store.close()


def use_in_child(store: SqliteReplayStore, until: datetime, results: multiprocessing.SimpleQueue[bool]) -> None:
    """Use two tokens with the store that the parent opened."""
    for jti in ("parent's", "child's"):
        results.put(store.first_use(ISS, jti, until))
    store.close()


def test_file_survives_a_fork(tmp_path: Path) -> None:
    """Workers that are forked from one process each open the file themselves, and share what it holds."""
    clock = FakeClock()
    store = SqliteReplayStore(tmp_path / "used.sqlite3", clock)
    assert store.first_use(ISS, "parent's", soon(clock))
    context = multiprocessing.get_context("fork")
    results: multiprocessing.SimpleQueue[bool] = context.SimpleQueue()
    child = context.Process(target=use_in_child, args=(store, soon(clock), results))
    child.start()
    assert [results.get(), results.get()] == [False, True]
    child.join()
    assert not store.first_use(ISS, "child's", soon(clock))
    store.close()


def test_redis_keeps_a_hash_for_as_long_as_the_token_lives(redis_socket: Path) -> None:
    """What stands in Redis says nothing of who called, and goes by itself."""
    clock = FakeClock(datetime.now(UTC))
    with connect_redis(f"unix://{redis_socket}") as client:
        client.flushall()
        RedisReplayStore(client, clock).first_use(ISS, "a-token-id", soon(clock))
        (key,) = client.keys("lumbar-cds:used-token:*")
        assert b"a-token-id" not in key
        assert b"ehr.example" not in key
        left = client.pttl(key)
        assert 355_000 < left <= 360_001


def test_redis_that_does_not_answer_is_an_outage(tmp_path: Path) -> None:
    """An outage of Redis is said, not taken for a new token."""
    clock = FakeClock()
    store = RedisReplayStore(connect_redis(f"unix://{tmp_path}/nothing.sock"), clock)
    with pytest.raises(ReplayUnavailableError):
        store.first_use(ISS, "a", soon(clock))
    store.close()


def test_redis_that_hangs_is_an_outage(tmp_path: Path) -> None:
    """A Redis that takes connections and says nothing is given up, and not asked a second time for the same token."""
    address, clock = tmp_path / "hung.sock", FakeClock()
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(address))
        hung.listen()
        store = RedisReplayStore(connect_redis(f"unix://{address}"), clock)
        with pytest.raises(ReplayUnavailableError):
            store.first_use(ISS, "a", soon(clock))
        hung.accept()[0].close()
        hung.setblocking(False)
        with pytest.raises(BlockingIOError):
            hung.accept()
        store.close()


def test_redis_error_is_an_outage(redis_socket: Path) -> None:
    """So is any error that Redis answers with."""
    clock = FakeClock(datetime.now(UTC))
    with connect_redis(f"unix://{redis_socket}") as client:
        client.flushall()
        client.hset("lumbar-cds:used-tokens-since", "not", "text")
        with pytest.raises(ReplayUnavailableError):
            RedisReplayStore(client, clock).first_use(ISS, "a", soon(clock))
        client.flushall()


def test_redis_that_forgot_everything_refuses_what_came_before(redis_socket: Path) -> None:
    """A Redis that was restarted without what it held counts as made anew."""
    clock = FakeClock(datetime.now(UTC))
    with connect_redis(f"unix://{redis_socket}") as client:
        client.flushall()
        store, before = RedisReplayStore(client, clock), clock.now
        assert store.first_use(ISS, "a", soon(clock), before)
        client.flushall()
        clock.forward(2)
        assert store.first_use(ISS, "b", soon(clock), clock.now)
        assert not store.first_use(ISS, "a", soon(clock), before)


def test_first_call_to_a_new_redis_is_not_refused(redis_socket: Path, tmp_path: Path) -> None:
    """Tokens count from the start of the service on, not from the first call; a Redis that is away stops no start."""
    clock = FakeClock(datetime.now(UTC))
    with connect_redis(f"unix://{redis_socket}") as client:
        client.flushall()
        store = RedisReplayStore(client, clock)
        store.begin()
        clock.forward(5)
        issued = clock.now
        clock.forward(3)
        assert store.first_use(ISS, "a", soon(clock), issued)
        store.begin()
        assert not store.first_use(ISS, "a", soon(clock), issued)
    RedisReplayStore(connect_redis(f"unix://{tmp_path}/nothing.sock"), clock).begin()


def test_redis_address_that_is_none_stops_the_start() -> None:
    """A typing error in the address is said at start."""
    with pytest.raises(SettingsError, match="LUMBAR_CDS_REDIS_URL"):
        connect_redis("http://localhost")
