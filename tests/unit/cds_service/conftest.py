"""One application for the tests of this package, which keeps nothing between requests, and logging put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.protocol.builders import HookClient, make_app

if TYPE_CHECKING:
    from flask import Flask


@pytest.fixture(scope="session")
def app() -> Flask:
    """The application in its development profile."""
    return make_app()


@pytest.fixture
def client(app: Flask) -> HookClient:
    """A client of the application."""
    return HookClient(app)
