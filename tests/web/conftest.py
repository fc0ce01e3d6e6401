"""One service and one browser for all tests of the pages, and the application for those that need neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.protocol.builders import make_app
from tests.service import PATIENCE
from tests.web.browser import MISSING, chromium_path, opened_page, running_browser, running_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask import Flask
    from playwright.sync_api import Browser, Page

expect.set_options(timeout=PATIENCE * 1000)


@pytest.fixture(scope="session")
def app() -> Flask:
    """The application with default settings."""
    return make_app()


@pytest.fixture(scope="session")
def service_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running service with default settings."""
    with running_service(tmp_path_factory.mktemp("web-service")) as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The installed Chromium; tests are skipped where there is none."""
    executable = chromium_path()
    if executable is None:
        pytest.skip(MISSING)
    with running_browser(executable) as running:
        yield running


@pytest.fixture
def page(browser: Browser, service_url: str) -> Iterator[Page]:
    """A page at desktop width; the test fails if it complained or asked another host for anything."""
    with opened_page(browser, service_url) as opened:
        yield opened
