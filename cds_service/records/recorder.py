"""The recorder in service: a bounded queue and one thread a process that writes it to the database.

A hook's answer waits for nothing here. When the database hangs or fails, records pile up to a limit and are then
dropped and counted; when it is back, what has piled up is written. Calls without lumbar MRI orders are added up at
once, so that they never crowd out the others. Rows still in memory are lost when the process is killed; that is the
price of never waiting, and why feedback does not come this way.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections import Counter
from typing import Final
from weakref import WeakSet

from sqlalchemy.exc import InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from cds_service.records.database import Database
from cds_service.records.invocations import Invocation
from cds_service.records.rows import Batch, CallKey, call_key, is_unrelated, write_batch

_LOG: Final = logging.getLogger(__name__)

_MOST_IN_BATCH: Final = 500
_GATHERING: Final = 0.25  # seconds in which records come together: a transaction costs more than an unrelated call
_FIRST_PAUSE: Final = 0.1  # seconds before a failed batch is tried again, doubled each time up to the longest
_LONGEST_PAUSE: Final = 5.0

# What another attempt may not meet again: nobody there, no connection free, too slow, locked, a full disk.
_TROUBLE: Final = (OperationalError, InterfaceError, InternalError, PoolTimeoutError)

_recorders: WeakSet[QueueRecorder] = WeakSet()


def _start_anew() -> None:
    for recorder in _recorders:
        recorder._begin()  # noqa: SLF001 - of this module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_anew)


class QueueRecorder:
    """Queues records for a thread that is started by the first of them, in whichever process that is.

    `queued`, `written` and `dropped` count the calls of this process.
    """

    def __init__(self, database: Database, size: int = 10_000) -> None:
        """Take a database at the layout of this version and how many calls with lumbar MRI orders may wait."""
        self._database = database
        self._size = size
        self._begin()
        _recorders.add(self)

    def _begin(self) -> None:
        """Start from nothing: what a parent process had queued is the parent's to write."""
        self._queue: queue.SimpleQueue[Invocation | None] = queue.SimpleQueue()  # None wakes the thread
        self._waiting = 0  # calls in the queue, at most as many as its size
        self._unrelated: Counter[CallKey] = Counter()
        self._lock = threading.Lock()
        self._settled = threading.Condition(self._lock)  # told after each batch
        self._closing = threading.Event()
        self._hurried = threading.Event()  # somebody waits for what is queued
        self._deadline = float("inf")
        self._thread: threading.Thread | None = None
        self._taken = 0
        self._refused = 0
        self._written = 0  # this and the next by the thread only
        self._lost = 0

    @property
    def queued(self) -> int:
        """How many calls wait to be written."""
        return max(0, self._taken - self._written - self._lost)

    @property
    def written(self) -> int:
        """How many calls are in the database."""
        return self._written

    @property
    def dropped(self) -> int:
        """How many calls will never be in the database."""
        return self._refused + self._lost

    def record(self, invocation: Invocation) -> None:
        """Queue a call; when the queue is full or closed, count it as dropped."""
        try:
            self._take(invocation)
        except Exception as error:  # noqa: BLE001 - an answer must not fail because its record does
            with self._lock:
                self._refused += 1
            if not isinstance(error, queue.Full):
                _LOG.warning("a record could not be queued (%s)", type(error).__name__)

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait, at most so many seconds, until nothing is queued in this process; return whether that is so."""
        self._hurried.set()
        try:
            with self._settled:
                return self._settled.wait_for(lambda: self.queued == 0, timeout)
        finally:
            if not self._closing.is_set():
                self._hurried.clear()

    def close(self, timeout: float = 5.0) -> bool:
        """Write what is queued, for at most so many seconds, and return whether everything taken was written.

        Calls that come later are counted as dropped.
        """
        with self._lock:
            self._deadline = time.monotonic() + timeout
            self._closing.set()
            self._hurried.set()
            thread = self._thread
            self._queue.put(None)
        if thread is not None:
            thread.join(timeout)
        if left := self.queued:
            _LOG.warning("the service stops before all records are written: %d are lost", left)
        return left == 0 and self._lost == 0

    def _take(self, invocation: Invocation) -> None:
        unrelated = call_key(invocation) if is_unrelated(invocation) else None
        with self._lock:
            if self._closing.is_set() or (unrelated is None and self._waiting >= self._size):
                raise queue.Full
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="recorder", daemon=True)
                thread.start()
                self._thread = thread
            if unrelated is None:
                self._queue.put(invocation)
                self._waiting += 1
            else:
                if not self._unrelated:
                    self._queue.put(None)
                self._unrelated[unrelated] += 1
            self._taken += 1

    def _run(self) -> None:
        """Write batch after batch until the recorder is closed and everything is written."""
        while not (self._closing.is_set() and self._queue.empty() and not self._unrelated):
            batch = self._collect()
            try:
                self._write(batch)
            except Exception as error:  # noqa: BLE001 - a fault with one batch must not end the thread
                self._lost += len(batch)
                _LOG.error("records were dropped (%s)", type(error).__name__)
            with self._settled:
                self._settled.notify_all()

    def _collect(self) -> Batch:
        """Return what waits, after waiting for something and for what comes soon after it."""
        batch = Batch()
        waiting = self._queue.get()
        self._hurried.wait(_GATHERING)
        while True:
            if waiting is not None:
                batch.add(waiting)
            if len(batch.calls) >= _MOST_IN_BATCH:
                break
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                break
        with self._lock:
            self._waiting -= len(batch.calls)
            batch.unrelated, self._unrelated = self._unrelated, Counter()
        return batch

    def _write(self, batch: Batch) -> None:
        """Write a batch, again and again while the database is in trouble; drop it when closing takes too long."""
        pause = _FIRST_PAUSE
        while len(batch):
            try:
                with self._database.write() as connection:
                    write_batch(connection, batch)
            except _TROUBLE as error:
                if pause == _FIRST_PAUSE:
                    _LOG.warning("records cannot be written and are kept for later (%s)", type(error).__name__)
                if time.monotonic() + pause > self._deadline:
                    self._lost += len(batch)
                    return
                self._pause(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            except Exception:  # noqa: BLE001 - one of the records is at fault, whatever the driver calls it
                self._write_singly(batch)
                return
            else:
                self._written += len(batch)
                return

    def _pause(self, seconds: float) -> None:
        """Wait before another attempt; when the recorder is being closed there is no time for long pauses."""
        if self._closing.is_set():
            time.sleep(_FIRST_PAUSE)
        else:
            self._closing.wait(seconds)

    def _write_singly(self, batch: Batch) -> None:
        """Write the calls one by one, so that one which the database refuses costs none of the others."""
        for part in (*(Batch([call]) for call in batch.calls), Batch(unrelated=batch.unrelated)):
            try:
                with self._database.write() as connection:
                    write_batch(connection, part)
            except Exception as error:  # noqa: BLE001 - as above
                self._lost += len(part)
                _LOG.error("a record was refused by the database (%s)", type(error).__name__)
            else:
                self._written += len(part)
