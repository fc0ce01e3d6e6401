"""Which request gets a thread: by lane, by client, and in time."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from cds_service.server import dispatch
from cds_service.server.dispatch import Dispatch, Key, Lane, lane_of


@dataclass(eq=False)
class Request:
    """A request as the dispatch sees it; the first letter of its name stands for its client."""

    name: str
    lane: Lane = Lane.HOOK
    arrived: float = 0.0
    is_aside: bool = False
    size: int = 100
    key: Key = field(init=False)

    def __post_init__(self) -> None:
        """Say whose it is."""
        self.key = ("10.0.0.1", self.name[0])


class Desk:
    """A dispatch, and what became of the requests."""

    def __init__(self, threads: int, patience: float = 1.0) -> None:
        """Begin with free threads."""
        self.started: list[Request] = []
        self.gone: list[str] = []
        self.dispatch: Dispatch[Request] = Dispatch(
            threads, patience, self.started.append, lambda request: self.gone.append(request.name)
        )

    @property
    def names(self) -> list[str]:
        """The requests that were started, in their order."""
        return [request.name for request in self.started]

    def arrive(self, *names: str, lane: Lane = Lane.HOOK, now: float = 0.0, size: int = 100) -> None:
        """Let requests arrive."""
        for name in names:
            self.dispatch.arrive(Request(name, lane, now, size=size), now)

    def finish(self, name: str, now: float = 0.0) -> None:
        """Let a request be answered."""
        self.dispatch.finish(next(request for request in self.started if request.name == name), now)


@pytest.mark.parametrize(
    ("line", "lane"),
    [
        (b"GET /livez HTTP/1.1", Lane.PROBE),
        (b"GET /readyz/?x=1 HTTP/1.1", Lane.PROBE),
        (b"GET /metrics HTTP/1.1", Lane.PROBE),
        (b"POST /cds-services/lumbar-mri-order-sign HTTP/1.1", Lane.HOOK),
        (b"POST //cds-services/lumbar-mri-order-sign/ HTTP/1.1", Lane.HOOK),
        (b"POST /cds-services/lumbar-mri-order-sign/feedback HTTP/1.1", Lane.FEEDBACK),
        (b"GET /cds-services HTTP/1.1", Lane.OTHER),
        (b"POST /livez", Lane.PROBE),
        (b"", Lane.OTHER),
        (b"\xff\xfe", Lane.OTHER),
    ],
)
def test_lane_is_told_by_the_first_line(line: bytes, lane: Lane) -> None:
    """Method and path say what a request is about; what follows does not."""
    assert lane_of(line + b"\r\nHost: /feedback\r\n\r\nGET /livez HTTP/1.1") is lane


def test_clients_take_turns_for_threads() -> None:
    """A flood of one client leaves a thread for another, and waits in turn with it."""
    desk = Desk(3)
    desk.arrive("a1", "a2", "a3", "a4", "b1", "b2")
    assert desk.names == ["a1", "a2", "b1"]
    desk.finish("a1")
    desk.finish("a2")
    assert desk.names[3:] == ["a3", "b2"]
    assert desk.gone == []


def test_late_requests_are_sent_away() -> None:
    """A hook call that waited too long is sent away though no thread has become free."""
    desk = Desk(2)
    desk.arrive("a1", "b1", "a3")
    desk.dispatch.go_on(0.9)
    assert desk.gone == []
    desk.dispatch.go_on(1.0)
    assert desk.gone == ["a3"]
    assert desk.dispatch.waiting == 0


def test_feedback_outlives_hook_calls() -> None:
    """Feedback waits on when hook calls are sent away, and is not kept waiting by them."""
    desk = Desk(2)
    desk.arrive("a1", "a2", "b1", "b2")
    desk.arrive("a3", "a4", lane=Lane.FEEDBACK)
    assert desk.names == ["a1", "b1", "a3"]
    desk.dispatch.go_on(5.0)
    assert desk.gone == ["a2", "b2"]
    desk.finish("a3", now=5.0)
    assert desk.names[-1] == "a4"


def test_feedback_gets_the_memory_of_hook_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no memory is left, waiting hook calls give way to feedback, and a hook call to nobody."""
    monkeypatch.setattr(dispatch, "_MOST_BYTES", 300)
    desk = Desk(2)
    desk.arrive("a1", "b1", "a2", "a3", "b2")
    desk.arrive("a4")
    assert desk.gone == ["a4"]
    desk.arrive("f1", "f2", lane=Lane.FEEDBACK, size=200)
    assert desk.gone == ["a4", "a3", "a2"]
    assert desk.dispatch._bytes <= 300


def test_what_was_read_lets_others_be_read() -> None:
    """A call that goes on to be advised frees its thread for the next, once."""
    desk = Desk(2)
    desk.arrive("a1", "b1", "c1", "d1")
    assert desk.names == ["a1", "b1"]
    desk.dispatch.set_aside(desk.started[0], 0.0)
    assert desk.names == ["a1", "b1", "c1"]
    desk.finish("a1")
    assert desk.names == ["a1", "b1", "c1"]
    desk.finish("b1")
    assert desk.names == ["a1", "b1", "c1", "d1"]


def test_everything_is_given_back() -> None:
    """After a burst of ten times what there are threads for, nothing waits and every thread is free."""
    desk = Desk(4)
    desk.arrive(*(f"{client}{number}" for number in range(20) for client in "abc"))
    now = 0.0
    done = 0
    while done < len(desk.started):
        now += 0.05
        desk.dispatch.finish(desk.started[done], now)
        done += 1
    assert len(desk.started) + len(desk.gone) == 60
    assert (desk.dispatch.waiting, desk.dispatch._bytes) == (0, 0)
    assert [state.free for state in desk.dispatch._lanes.values()] == [4, 4, 4]
    assert all(not state.held for state in desk.dispatch._lanes.values())
