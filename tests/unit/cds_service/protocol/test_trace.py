"""What is known about a request: times of its phases, and fields for its line."""

from __future__ import annotations

import pytest
from flask import Flask

from cds_service.protocol import trace as module
from cds_service.protocol.trace import Trace, current_trace


class Clock:
    """Goes on by as many seconds as it is told."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.now = 0.0

    def perf_counter(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock that traces read."""
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def test_phases_are_milliseconds(clock: Clock) -> None:
    """A phase that comes twice counts both times."""
    trace = Trace("abc")
    for _ in range(2):
        with trace.phase("fetch"):
            clock.now += 0.25
    assert trace.phases == {"fetch": 500.0}


def test_inner_phase_is_not_counted_twice(clock: Clock) -> None:
    """Phases add up to the time that was spent, also when one runs inside another of any name."""
    trace = Trace("abc", started=clock.now)
    with trace.phase("assess"):
        clock.now += 1
        with trace.phase("fetch"):
            clock.now += 2
            with trace.phase("fetch"):
                clock.now += 4
        clock.now += 8
    assert trace.phases == {"fetch": 6000.0, "assess": 9000.0}
    assert sum(trace.phases.values()) == trace.milliseconds - trace.started


def test_failed_phase_counts(clock: Clock) -> None:
    """The time until a failure is spent too, and later phases stay right."""

    def fail() -> None:
        with trace.phase("assess"), trace.phase("fetch"):
            clock.now += 1
            raise ValueError("no")

    trace = Trace("abc")
    with pytest.raises(ValueError, match="no"):
        fail()
    with trace.phase("respond"):
        clock.now += 1
    assert trace.phases == {"fetch": 1000.0, "assess": 0.0, "respond": 1000.0}


def test_server_timing_lists_phases_and_total(clock: Clock) -> None:
    """A browser's network view shows what took how long."""
    trace = Trace("abc", started=0.0)
    with trace.phase("read"):
        clock.now += 0.0003
    with trace.phase("fetch"):
        clock.now += 0.0121
    assert trace.server_timing() == "read;dur=0.3, fetch;dur=12.1, total;dur=12.4"


@pytest.mark.parametrize(("method", "kept"), [("POST", "POST"), ("OPTIONS", "OPTIONS"), ("ZEBULON", "other")])
def test_method_is_one_of_http(method: str, kept: str) -> None:
    """A made-up method may be anything, so it is not kept."""
    with Flask("x").test_request_context(method=method):
        assert current_trace().method == kept


def test_repr_of_a_fresh_trace_is_short() -> None:
    """A trace in a debugger does not show its inner clock."""
    assert "_inner" not in repr(Trace("abc"))
