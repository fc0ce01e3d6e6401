"""What every folder of tests may use."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.log_lines import LogLines, logging_as_json
from tests.postgres import PostgresServer, missing

if TYPE_CHECKING:
    from collections.abc import Iterator

# A busy machine is no defect.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


@pytest.fixture
def untouched_logging() -> Iterator[None]:
    """The root logger, and what Python writes by itself, as they were, afterwards."""
    hooks = warnings.showwarning, threading.excepthook, sys.unraisablehook
    root, ours = logging.getLogger(), logging.getLogger("cds_service")
    levels, handlers = (root.level, ours.level), list(root.handlers)
    yield
    root.handlers = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
    warnings.showwarning, threading.excepthook, sys.unraisablehook = hooks


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server, one for each process of the tests."""
    if reason := missing():
        pytest.skip(reason)
    server = PostgresServer()
    yield server
    server.remove()


@pytest.fixture
def log() -> Iterator[LogLines]:
    """Everything that the process logs, at its most talkative."""
    with logging_as_json() as lines:
        yield lines
