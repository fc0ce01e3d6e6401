"""The result of a replay as reports read it: the rows as a view of DuckDB, and what is known of the replay itself.

Rows stay where they are: what leaves DuckDB are counts, and few of them, so a report costs the same memory for a
thousand orders and for millions.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from cds_service.protocol.errors import SettingsError
from cds_service.replay.rows import DEFERRAL, OrderRow

if TYPE_CHECKING:
    import duckdb

ROWS: Final = "rows"
SUMMARY: Final = "summary.json"
SETTINGS: Final = "replay.json"
REJECTS: Final = "rejects.ndjson"
KEY: Final = "key"
_MEMORY: Final = "512MB"
_VIEW: Final = f"""
    CREATE VIEW {{name}} AS SELECT *,
        coalesce(nullif(patient, ''), "order") AS who,
        strftime(day, '%Y-%m') AS month,
        len(cards) > 0 AS is_carded,
        list_contains(cards, '{DEFERRAL}') AS is_deferred,
        list_distinct(messages || cards) AS all_messages
    FROM {{name}}_as_written
"""  # noqa: S608 - a constant of ours
# Columns that rows of earlier versions lack and reports can do without, as what stands for them.
_ADDED: Final = {"updated_later": "CAST([] AS STRUCT(name VARCHAR, count INTEGER)[]) AS updated_later"}


@dataclass(frozen=True, slots=True)
class Result:
    """The rows of a replay as the view `orders`, and what its summary says; a member that is not there is not known."""

    folder: Path
    database: duckdb.DuckDBPyConnection = field(repr=False)
    summary: Mapping[str, Any]

    @property
    def settings(self) -> Mapping[str, Any]:
        """What the replay was made with."""
        found = self.summary.get("replay")
        return found if isinstance(found, dict) else {}

    @property
    def not_told(self) -> frozenset[str]:
        """The columns that the source of the rows knows nothing of."""
        found = self.summary.get("not_told")
        return frozenset(found) if isinstance(found, list) else frozenset()

    @property
    def is_of_records(self) -> bool:
        """Whether the rows come from the service's own records rather than from an export."""
        return self.summary.get("replayed") == "records"

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what a query of the view finds."""
        return self.database.execute(query, values).fetchall()

    def row(self, query: str, *values: object) -> tuple[Any, ...]:
        """Return the one row of a query that has one."""
        return self.rows(query, *values)[0]

    def counts(self, name: str) -> dict[str, int]:
        """Return a member of the summary that counts something by name."""
        found = self.summary.get(name)
        if not isinstance(found, dict):
            return {}
        return {str(key): value for key, value in found.items() if isinstance(value, int)}


@contextmanager
def opened(folder: Path) -> Iterator[Result]:
    """Open the result in a folder; SettingsError where there is none."""
    with tempfile.TemporaryDirectory(prefix="lumbar-cds-") as spill, connected(Path(spill)) as database:
        added = show(database, folder, "orders")
        summary = read_summary(folder)
        yield Result(folder, database, summary | {"not_told": [*summary.get("not_told", ()), *added]})


@contextmanager
def connected(spill: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a DuckDB of bounded memory that keeps nothing, and puts what does not fit into a folder."""
    import duckdb  # noqa: PLC0415 (comes with the replay extra)

    options: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": _MEMORY,
        "temp_directory": str(spill),
        "autoinstall_known_extensions": False,
        "parquet_metadata_cache": True,  # of files that every question reads
    }
    with duckdb.connect(config=options) as database:
        yield database


def show(database: duckdb.DuckDBPyConnection, folder: Path, name: str) -> tuple[str, ...]:
    """Make the rows in a folder a view, with what all reports ask of them; SettingsError where there are none.

    Returned are the columns that the version which wrote them did not know and that are empty in the view.
    """
    files = sorted(
        str(file)
        for file in (folder / ROWS).rglob("*.parquet")
        if not any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    )
    if not files:
        raise SettingsError([f"{folder}: holds no rows of a replay; `lumbar-cds replay` writes them"])
    written = database.read_parquet(files, hive_partitioning=False)
    absent = [column for column in OrderRow.__dataclass_fields__ if column not in written.columns]
    if unknown := sorted(set(absent) - set(_ADDED)):
        raise SettingsError([f"{folder}: its rows have no {', '.join(unknown)}; replay the export with this version"])
    written.project(", ".join(["*", *(_ADDED[column] for column in absent)])).create_view(f"{name}_as_written")
    database.execute(_VIEW.format(name=name))
    return tuple(absent)


def read_summary(folder: Path) -> dict[str, Any]:
    """Return what the replay in a folder said of itself; SettingsError where it cannot be read or is not finished."""
    submitted = sorted((folder / "summary").glob("part-*"))  # as a job of Spark writes it
    if (folder / SETTINGS).is_file() and not (folder / SUMMARY).is_file():
        raise SettingsError([f"{folder}: the replay is not finished; the same command again goes on with it"])
    found: dict[str, Any] = {}
    for file in (folder / SETTINGS, folder / SUMMARY, *submitted):
        if not file.is_file():
            continue
        try:
            told = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
        except msgspec.MsgspecError:
            raise SettingsError([f"{file}: is no JSON object; replay into an empty folder"]) from None
        found |= {"replay": told} if file.name == SETTINGS else told
    return found
