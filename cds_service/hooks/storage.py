"""What a process keeps, and how: feedback, records of calls, what was answered, and the key of the hashes in them.

What a database takes to import is most of what a one-off answer would wait for, so it is imported where one is used.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cds_service.protocol.errors import SettingsError
from cds_service.records.identities import Identities, check_hash_key, load_identities
from cds_service.records.invocations import NullRecorder, Recorder
from cds_service.records.stores import AnsweredCards, FeedbackStore, NoAnsweredCards, NullFeedbackStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import SecretStr

    from cds_service.config.settings import Settings
    from cds_service.records.database import Database


@dataclass(frozen=True, slots=True)
class Storage:
    """The stores of a process; without a database they keep nothing."""

    feedback: FeedbackStore = field(default_factory=NullFeedbackStore)
    recorder: Recorder = field(default_factory=NullRecorder)
    answered: AnsweredCards = field(default_factory=NoAnsweredCards)
    identities: Identities = field(default_factory=lambda: Identities(b"kept nowhere"))
    database: Database | None = None


def check_storage(settings: Settings) -> None:
    """Check address and key as far as that takes no database and no folder; SettingsError names all that is wrong."""
    from cds_service.records.database import database_address

    problems: list[str] = []
    checks: tuple[tuple[SecretStr | None, Callable[[str], object]], ...] = (
        (settings.database_url, database_address),
        (settings.hash_key, check_hash_key),
    )
    for setting, check in checks:
        try:
            if setting:
                check(setting.get_secret_value())
        except SettingsError as error:
            problems += error.problems
    if problems:
        raise SettingsError(problems)


def open_storage(settings: Settings) -> Storage:
    """Return the stores that the settings name, brought to the present layout; SettingsError when they cannot be used.

    To be called before workers fork. A database server that is not there yet is no error, see `open_database`.
    """
    from cds_service.records.answers import StoredAnsweredCards
    from cds_service.records.feedback import DatabaseFeedbackStore
    from cds_service.records.opening import open_database
    from cds_service.records.recorder import QueueRecorder
    from cds_service.records.retention import prune

    check_storage(settings)
    url, key = settings.database_url, settings.hash_key
    database = open_database(url.get_secret_value() if url else None, settings.data_dir, wait_for_server=False)
    if settings.retention_days and database.is_settled:
        with closing(database):  # no connection is open when the workers fork
            prune(database, datetime.now(UTC) - timedelta(days=settings.retention_days))
    return Storage(
        feedback=DatabaseFeedbackStore(database),
        recorder=QueueRecorder(database, settings.record_queue),
        answered=StoredAnsweredCards(database),
        identities=load_identities(key.get_secret_value() if key else None, settings.data_dir),
        database=database,
    )
