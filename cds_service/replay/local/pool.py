"""Processes that work beside each other, and what they have done so far.

Workers are forked from a process that has imported what they need and nothing that keeps threads, as DuckDB and Arrow
do: so importing is paid once. A worker whose parent is killed ends by itself, so that nothing goes on writing behind a
replay that was begun again.
"""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import os
import threading
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing.connection import wait as wait_for
from typing import TYPE_CHECKING, Any

from cds_service.protocol.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.sharedctypes import Synchronized

    from cds_service.replay.local.progress import Progress

# A chart makes many objects at once, which nearly all die with it: as in the workers of the service.
_GC_THRESHOLDS = (100_000, 50, 1_000)
_IMPORTED = ["cds_service.replay.setup"]
# What a worker was started with; a worker is a process of its own.
_STATE: dict[str, Any] = {}


class Pool:
    """Runs a task for each of many items, in as many processes as it was given; a single one is this process."""

    def __init__(self, processes: int, executor: ProcessPoolExecutor | None, counter: Synchronized[int]) -> None:
        """Take what tasks run in, and what they count with."""
        self._processes = processes
        self._executor = executor
        self._counter = counter

    @property
    def done(self) -> int:
        """What the tasks have counted so far."""
        return self._counter.value

    def run(self, task: Callable[[Any], None], items: Iterable[Any], progress: Progress) -> None:
        """Run a task for every item; its first error ends the replay, and what is done stays done."""
        try:
            for _ in self._finished(task, items):
                progress.show(self.done)
        except BrokenProcessPool:
            sentence = "a process of the replay was ended from outside, perhaps for want of memory"
            raise SettingsError(
                [f"{sentence}; the same command goes on where it was, with less --memory too"]
            ) from None

    def _finished(self, task: Callable[[Any], None], items: Iterable[Any]) -> Iterator[None]:
        """Yield whenever something may be done; few items wait, since each is kept in memory twice."""
        if self._executor is None:
            yield from map(task, items)
            return
        todo = iter(items)
        under_way = {self._executor.submit(task, item) for item in itertools.islice(todo, 2 * self._processes)}
        while under_way:
            finished, under_way = wait(under_way, timeout=0.5, return_when=FIRST_COMPLETED)
            for future in finished:
                future.result()
            under_way |= {self._executor.submit(task, item) for item in itertools.islice(todo, len(finished))}
            yield


@contextmanager
def pool_of(processes: int, make: Callable[[Any], Any], argument: Any) -> Iterator[Pool]:
    """Give a pool of which each process begins by making something of an argument, which its tasks find again."""
    context = multiprocessing.get_context("forkserver")
    counter = context.Value("q", 0)
    if processes == 1:
        with _seldom_collected():
            _STATE.update(counter=counter, made=make(argument))
            yield Pool(1, None, counter)
            _STATE.clear()
        return
    context.set_forkserver_preload(_IMPORTED)
    executor = ProcessPoolExecutor(
        processes, mp_context=context, initializer=_begin, initargs=(make, argument, counter)
    )
    try:
        yield Pool(processes, executor, counter)
    finally:
        executor.shutdown(cancel_futures=True)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Let this process look for garbage as a worker does, for a while."""
    before = gc.get_threshold()
    gc.set_threshold(*_GC_THRESHOLDS)
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def made() -> Any:
    """Return what this process began by making."""
    return _STATE["made"]


def count(done: int) -> None:
    """Tell whoever shows the progress that something more is done."""
    counter: Synchronized[int] = _STATE["counter"]
    with counter.get_lock():
        counter.value += done


def _begin(make: Callable[[Any], Any], argument: Any, counter: Synchronized[int]) -> None:
    gc.set_threshold(*_GC_THRESHOLDS)
    _STATE["counter"] = counter
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _STATE["made"] = make(argument)
    gc.freeze()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for([parent.sentinel])
        os._exit(1)
