"""Processes that work beside each other, and what they have done so far.

Workers are started afresh, not forked: DuckDB and Arrow keep threads. A worker whose parent is killed ends by itself,
so that nothing goes on writing behind a replay that was begun again.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import sys
import threading
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait as wait_for
from typing import TYPE_CHECKING, Any

from cds_service.protocol.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.sharedctypes import Synchronized

    from cds_service.replay.local.progress import Progress

# A chart makes many objects at once, which nearly all die with it: as in the workers of the service.
_GC_THRESHOLDS = (100_000, 50, 1_000)
# What a worker was started with; a worker is a process of its own.
_STATE: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Pool:
    """Runs a task for each of many items, in as many processes as it was given."""

    executor: ProcessPoolExecutor
    processes: int
    counter: Synchronized[int]

    def run(self, task: Callable[[Any], None], items: Iterable[Any], progress: Progress) -> None:
        """Run a task for every item; its first error ends the replay, and what is done stays done."""
        todo = iter(items)
        under_way: set[Future[None]] = set()
        try:
            for item in todo:
                under_way.add(self.executor.submit(task, item))
                if len(under_way) >= 2 * self.processes:
                    under_way = self._waited(under_way, progress)
            while under_way:
                under_way = self._waited(under_way, progress)
        except BrokenProcessPool:
            sentence = "a process of the replay was ended from outside, perhaps for want of memory"
            raise SettingsError(
                [f"{sentence}; the same command goes on where it was, --memory makes it smaller"]
            ) from None

    def _waited(self, under_way: set[Future[None]], progress: Progress) -> set[Future[None]]:
        finished, going_on = wait(under_way, timeout=0.5, return_when=FIRST_COMPLETED)
        progress.show(self.counter.value)
        for future in finished:
            future.result()
        return going_on


@contextmanager
def pool_of(processes: int, make: Callable[[Any], Any], argument: Any) -> Iterator[Pool]:
    """Give a pool of which each process begins by making something of an argument, which its tasks find again."""
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    executor = ProcessPoolExecutor(
        processes, mp_context=context, initializer=_begin, initargs=(make, argument, counter)
    )
    try:
        yield Pool(executor, processes, counter)
    finally:
        executor.shutdown(cancel_futures=True)


def made() -> Any:
    """Return what this process began by making."""
    return _STATE["made"]


def count(done: int) -> None:
    """Tell whoever shows the progress that something more is done."""
    counter: Synchronized[int] = _STATE["counter"]
    with counter.get_lock():
        counter.value += done


def _begin(make: Callable[[Any], Any], argument: Any, counter: Synchronized[int]) -> None:
    # Arrow loads pandas, if it is there, to see whether it is given something of it; nothing here is.
    sys.modules.setdefault("pandas", None)  # type: ignore[arg-type] # how a module is said not to be there
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
