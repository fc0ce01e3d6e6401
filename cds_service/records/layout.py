"""Bringing a stored database to the layout of this version, once, however many processes start at the same time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from cds_service.records.database import Database

# A name of our own: another application's Alembic may use the same PostgreSQL schema.
VERSION_TABLE: Final = "lumbar_cds_layout"

_MIGRATIONS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x6C756D626172  # "lumbar": any number that no other application takes

_TAKE_TURNS: Final = text("SELECT pg_advisory_xact_lock(:number)")
_NO_HURRY: Final = text("SELECT set_config('statement_timeout', '0', true)")


def upgrade(database: Database, revision: str = "head") -> None:
    """Apply the migrations that are missing, in one transaction; SettingsError when the database cannot be used.

    One process does it while the others wait, and find nothing left to do. A database of a newer version is refused:
    writing an old layout into it could lose what the new one keeps.
    """
    try:
        with database.write() as connection:
            if not database.is_sqlite:
                connection.execute(_NO_HURRY)
                connection.execute(_TAKE_TURNS, {"number": _LOCK})
            newer = _is_newer(connection)
            if not newer:
                command.upgrade(_config(connection), revision)
    except SQLAlchemyError as error:
        raise database.problem("the database cannot be opened or brought to the layout of this version", error) from (
            error
        )
    if newer:
        raise database.problem(
            "the database was written by a newer version of this service; start that version, or use another database"
        )


def _is_newer(connection: Connection) -> bool:
    """Return whether the database is at a revision that this version does not know."""
    known = {script.revision for script in ScriptDirectory(str(_MIGRATIONS)).walk_revisions()}
    return not set(_context(connection).get_current_heads()) <= known


def _context(connection: Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))  # a folder's name may hold a %
    config.attributes.update(connection=connection, version_table=VERSION_TABLE)
    return config
