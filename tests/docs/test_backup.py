"""Backup and restore as docs/operations.md writes them: the commands of the page are what is run here."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from sqlalchemy import func, select

from cds_service.records.database import FILE_NAME
from cds_service.records.feedback import DatabaseFeedbackStore
from cds_service.records.opening import open_database
from cds_service.records.tables import FEEDBACK
from tests.postgres import PostgresServer, missing
from tests.unit.cds_service.records.builders import event

if TYPE_CHECKING:
    from cds_service.records.database import Database

PAGE: Final = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
PATIENCE: Final = 60.0


def command(name: str) -> str:
    """Return a command of the page, by what stands in the comment before it."""
    found = re.search(rf"^# {name}\n((?:.+\\\n)*.+)$", PAGE, re.MULTILINE)
    assert found, name
    return found[1]


def run(name: str, folder: Path, **variables: str) -> None:
    """Run a command of the page in a folder."""
    places = [str(Path(sys.executable).parent), *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))]
    environment = os.environ | variables | {"PATH": os.pathsep.join([*places, os.environ["PATH"]])}
    shell = shutil.which("sh")
    assert shell
    done = subprocess.run(
        [shell, "-ec", command(name)], check=False, cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def stored(database: Database) -> int:
    """Return how many reports there are."""
    with database.read() as connection:
        return int(connection.execute(select(func.count()).select_from(FEEDBACK)).scalar_one())


def test_sqlite_is_saved_while_it_is_written_to(tmp_path: Path) -> None:
    """A copy made in the middle of a load is whole, holds all that was confirmed before, and can be gone on with."""
    data, backup = tmp_path / "data", tmp_path / "backup"
    backup.mkdir()
    database = open_database(None, data)
    (data / "identity.key").write_bytes(b"k" * 32)
    store = DatabaseFeedbackStore(database)
    store.record([event(f"before {number}") for number in range(50)])
    over = threading.Event()

    def load() -> None:
        number = 0
        while not over.is_set():
            store.record([event(f"meanwhile {number}")])
            number += 1

    writer = threading.Thread(target=load)
    writer.start()
    try:
        run("save", tmp_path, DATA=str(data), BACKUP=str(backup))
    finally:
        over.set()
        writer.join(PATIENCE)
    database.close()
    shutil.rmtree(data)
    run("bring back", tmp_path, DATA=str(data), BACKUP=str(backup))
    assert sorted(file.name for file in data.iterdir()) == ["identity.key", FILE_NAME]
    assert all(file.stat().st_mode & 0o077 == 0 for file in data.iterdir())
    database = open_database(None, data)
    assert stored(database) >= 50
    assert DatabaseFeedbackStore(database).record([event("before 0"), event("after")]) == 1
    database.close()


@pytest.mark.slow
@pytest.mark.skipif(missing() is not None, reason=missing() or "")
def test_postgresql_is_saved_and_brought_back(tmp_path: Path) -> None:
    """What pg_dump wrote is whole after all was deleted, and the service goes on with it."""
    server = PostgresServer()
    try:
        database = open_database(server.url(), tmp_path)
        DatabaseFeedbackStore(database).record([event(f"before {number}") for number in range(50)])
        run("save PostgreSQL", tmp_path, LUMBAR_CDS_DATABASE_URL=server.url(), BACKUP=str(tmp_path))
        with database.write() as connection:
            connection.execute(FEEDBACK.delete())
        database.close()
        run("bring PostgreSQL back", tmp_path, LUMBAR_CDS_DATABASE_URL=server.url(), BACKUP=str(tmp_path))
        database = open_database(server.url(), tmp_path)
        assert stored(database) == 50
        assert DatabaseFeedbackStore(database).record([event("before 0"), event("after")]) == 1
        database.close()
    finally:
        server.remove()
