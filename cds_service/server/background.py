"""A thread that does one small thing every few seconds, in a worker process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from cds_service.observability.logs import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

_LOG: Final = get_logger(__name__)


class PeriodicTask:
    """Calls a function at once and then again and again; a failure does not end it, and is logged when it begins."""

    def __init__(self, beat: Callable[[], None], seconds: float) -> None:
        """Take what to do, and how long to wait in between."""
        self._beat = beat
        self._seconds = seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="periodic-task", daemon=True)

    def start(self) -> None:
        """Begin; to be called in the process that is meant, after the fork."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for the last beat."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        failing = False
        while True:
            try:
                self._beat()
                failing = False
            except Exception as error:  # noqa: BLE001 - the next beat may do better
                if not failing:  # a folder that is read-only on purpose would fill the log
                    _LOG.error("a regular task failed", exc_info=error)
                failing = True
            if self._over.wait(self._seconds):
                return
