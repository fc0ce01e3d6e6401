"""The same tests on both kinds of database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cds_service.records.database import Database
from cds_service.records.layout import upgrade

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer

KINDS = ("sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/records.sqlite3"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create_schema()


@pytest.fixture
def database(url: str, tmp_path: Path) -> Iterator[Database]:
    """A database of each kind at the current layout, without records."""
    database = Database(url, tmp_path)
    upgrade(database)
    yield database
    database.close()
