"""Who waits, who goes first and who is sent away; every step is told what time it is."""

from __future__ import annotations

from cds_service.overload.line import Line


def joined(line: Line[str, str], *items: str, now: float = 0.0) -> list[str | None]:
    """Put calls in a line, each named by its client and a number, and return who was sent away each time."""
    return [line.join(item[0], item, since=now, now=now) for item in items]


def served(line: Line[str, str], now: float = 0.0) -> list[str]:
    """Give everybody who waits a turn."""
    found = []
    while (item := line.next(now)) is not None:
        found.append(item)
    return found


def test_clients_take_turns() -> None:
    """A client with one call does not wait for all calls of one that came before it, and each keeps its own order."""
    line: Line[str, str] = Line(patience=1.0, most=10)
    joined(line, "a1", "a2", "a3", "b1", "b2", "c1")
    assert served(line) == ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert len(line) == 0


def test_who_had_a_turn_goes_behind_who_comes() -> None:
    """A client that keeps its calls coming does not go first again and again."""
    line: Line[str, str] = Line(patience=1.0, most=10)
    joined(line, "a1", "a2")
    assert line.next(0.0) == "a1"
    joined(line, "b1", "a3")
    assert served(line) == ["a2", "b1", "a3"]


def test_only_clients_that_may_have_a_turn() -> None:
    """A client that holds all it may is passed over and keeps its turn."""
    line: Line[str, str] = Line(patience=1.0, most=10)
    joined(line, "a1", "b1")
    assert line.next(0.0, lambda key: key != "a") == "b1"
    assert line.next(0.0, lambda key: key != "a") is None
    assert line.next(0.0) == "a1"


def test_full_line_sends_away_of_the_largest() -> None:
    """Where the line is full, the client with most calls loses its newest, or what it brings now."""
    line: Line[str, str] = Line(patience=1.0, most=3)
    assert joined(line, "a1", "a2", "a3", "a4") == [None, None, None, "a4"]
    assert joined(line, "b1") == ["a3"]
    assert joined(line, "b2") == ["b2"]
    assert served(line) == ["a1", "b1", "a2"]


def test_long_wait_ends_in_being_sent_away() -> None:
    """Who has waited for as long as anybody does is no longer served; those that came later are."""
    line: Line[str, str] = Line(patience=1.0, most=10)
    joined(line, "a1", "b1", now=0.0)
    joined(line, "a2", now=0.5)
    assert line.overdue(0.9) == []
    assert line.overdue(1.0) == ["a1", "b1"]
    assert served(line, now=1.0) == ["a2"]


def test_hopeless_wait_does_not_begin() -> None:
    """Who could not be served in time, as fast as turns have been coming, is sent away at once."""
    line: Line[str, str] = Line(patience=1.0, most=100)
    joined(line, *(f"a{number}" for number in range(20)))
    for turn in range(15):
        line.next(0.3 * (turn + 1))
    now = 4.5
    line.overdue(now)
    assert joined(line, "a91", now=now) == [None]  # nobody waits before it
    results = joined(line, "a92", "a93", "a94", "a95", now=now)
    assert results[0] is None
    assert results[-1] == "a95"
    assert joined(line, "b1", now=now) == [None]  # one turn of another before it, however many wait


def test_pace_is_found_again_after_a_stall() -> None:
    """After turns that took seconds, somebody always waits, so that quick ones are noticed."""
    line: Line[str, str] = Line(patience=1.0, most=100)
    now = 0.0
    for number in range(10):
        joined(line, f"a{number}", now=now)
        now += 5.0
        line.next(now)
    for number in range(60):
        now += 0.01
        joined(line, f"a{number}", now=now)
        now += 0.01
        line.next(now)
    assert joined(line, *(f"a{number}" for number in range(20)), now=now) == [None] * 20


def test_who_goes_by_itself_leaves_no_gap() -> None:
    """A call that went away is not served, and going twice changes nothing."""
    line: Line[str, str] = Line(patience=1.0, most=10)
    joined(line, "a1", "a2")
    line.leave("a", "a1")
    line.leave("a", "a1")
    line.leave("c", "c1")
    assert len(line) == 1
    assert served(line) == ["a2"]


def test_making_room_takes_the_newest_of_the_largest() -> None:
    """Whoever needs room gets that of the client with most calls, and none where nobody waits."""
    line: Line[str, str] = Line(patience=1.0, most=10)
    assert line.push_out() is None
    joined(line, "a1", "b1", "b2")
    assert line.push_out() == "b2"
    assert served(line) == ["a1", "b1"]
