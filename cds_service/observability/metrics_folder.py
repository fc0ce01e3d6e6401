"""The folder in which the worker processes share their metrics, made before anything imports prometheus_client.

That library decides when it is imported whether its numbers live in the process or in files, and looks at one
environment variable to do so. Hence this module imports nothing of it, and the command line imports the application
only inside `shared_metrics_folder`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE: Final = "PROMETHEUS_MULTIPROC_DIR"
_SHARED_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it, for our eyes only


@contextmanager
def shared_metrics_folder() -> Iterator[Path]:
    """Make an empty folder and name it in the environment; at the end remove both. OSError when there is no place.

    The folder is made in the one that the variable already names, else in shared memory, else where temporary files
    go. It is new at each start, because the files of an earlier run would be added to the numbers of this one. Worker
    processes leave this block too when they end, and remove nothing.
    """
    given, owner = os.environ.get(VARIABLE), os.getpid()
    folder = Path(tempfile.mkdtemp(prefix="lumbar-cds-metrics-", dir=given or _usual_place()))
    os.environ[VARIABLE] = str(folder)
    try:
        yield folder
    finally:
        if os.getpid() == owner:
            _restore(given)
            shutil.rmtree(folder, ignore_errors=True)


def keep_metrics_in_process() -> None:
    """Let this process count for itself, whatever its environment says: for every command but `serve`."""
    os.environ.pop(VARIABLE, None)


def _usual_place() -> Path | None:
    return _SHARED_MEMORY if os.access(_SHARED_MEMORY, os.W_OK) else None


def _restore(value: str | None) -> None:
    if value is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = value
