"""One application for the tests of this package, which keeps nothing between requests, and logging put back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tests.protocol.builders import HookClient, make_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask


@pytest.fixture(scope="session")
def app() -> Flask:
    """The application in its development profile."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> HookClient:
    """A client of the application."""
    return HookClient(app)


@pytest.fixture
def untouched_logging() -> Iterator[None]:
    """The root logger as it was, afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("cds_service")
    levels, handlers = (root.level, ours.level), list(root.handlers)
    yield
    root.handlers = handlers
    root.setLevel(levels[0])
    ours.setLevel(levels[1])
