"""A small thing that is done every few seconds."""

from __future__ import annotations

import logging
import queue

import pytest

from cds_service.pulse import Pulse

PATIENCE = 10.0


def test_beats_until_it_is_stopped() -> None:
    """The first beat comes at once, others follow, and none after the end."""
    beats: queue.Queue[int] = queue.Queue()
    pulse = Pulse(lambda: beats.put(1), 0.001)
    pulse.start()
    for _ in range(3):
        beats.get(timeout=PATIENCE)
    pulse.stop()
    count = beats.qsize()
    assert beats.qsize() == count
    assert not pulse._thread.is_alive()


def test_failure_is_logged_and_survived(caplog: pytest.LogCaptureFixture) -> None:
    """A task that fails once is tried again."""
    beats: queue.Queue[int] = queue.Queue()

    def beat() -> None:
        beats.put(1)
        if beats.qsize() == 1:
            raise RuntimeError

    pulse = Pulse(beat, 0.001)
    with caplog.at_level(logging.ERROR):
        pulse.start()
        while beats.qsize() < 2:
            pulse._over.wait(0.001)
        pulse.stop()
    (record,) = caplog.records
    assert record.exc_info
    assert record.exc_info[0] is RuntimeError
