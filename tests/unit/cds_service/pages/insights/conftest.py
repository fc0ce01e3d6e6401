"""Databases for the insights: one without any record, one with four weeks of synthetic ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cds_service.demo.records import write_demo_data
from cds_service.records.opening import open_database
from tests.unit.cds_service.pages.insights.insights_pages import NOW

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cds_service.records.database import Database


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database without records."""
    database = open_database(None, tmp_path_factory.mktemp("empty-records"))
    yield database
    database.close()


@pytest.fixture(scope="session")
def seeded_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with synthetic records of the four weeks before today; no test changes it."""
    database = open_database(None, tmp_path_factory.mktemp("seeded-records"))
    write_demo_data(database, NOW.date(), weeks=4)
    yield database
    database.close()
