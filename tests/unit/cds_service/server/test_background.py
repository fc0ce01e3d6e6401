"""A small thing that is done every few seconds."""

from __future__ import annotations

import logging
import queue

import pytest

from cds_service.server.background import PeriodicTask

PATIENCE = 10.0


def test_beats_until_it_is_stopped() -> None:
    """The first beat comes at once, others follow, and none after the end."""
    beats: queue.Queue[int] = queue.Queue()
    task = PeriodicTask(lambda: beats.put(1), 0.001)
    task.start()
    for _ in range(3):
        beats.get(timeout=PATIENCE)
    task.stop()
    count = beats.qsize()
    assert beats.qsize() == count
    assert not task._thread.is_alive()


def test_failure_is_survived_and_logged_when_it_begins(caplog: pytest.LogCaptureFixture) -> None:
    """A task that fails is tried again; one that fails for hours does not fill the log."""
    beats: queue.Queue[int] = queue.Queue()

    def beat() -> None:
        beats.put(1)
        if beats.qsize() in {1, 2, 4}:
            raise RuntimeError

    task = PeriodicTask(beat, 0.001)
    with caplog.at_level(logging.ERROR):
        task.start()
        while beats.qsize() < 5:
            task._over.wait(0.001)
        task.stop()
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [RuntimeError] * 2
