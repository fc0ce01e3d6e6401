"""The table of labels while hooks are answered: who may open it, and what comes of what goes wrong."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from cds_service.gudid.table import GudidTable, is_stale, label_state
from cds_service.protocol.errors import SettingsError
from fhir_mappings.devices.labels import NO_LABELS, DeviceLabel
from tests.gudid import table_of
from tests.labels import TABLE, UNSAFE


def test_missing_table_is_said(tmp_path: Path) -> None:
    """A path on which nothing lies is named, with the setting and the command that helps."""
    with pytest.raises(SettingsError, match=r"LUMBAR_CDS_GUDID: .*nowhere.*gudid import"):
        GudidTable(tmp_path / "nowhere")


@pytest.mark.parametrize("damage", ["text", "cut", "overwritten", "other database"])
def test_damaged_table_is_refused(tmp_path: Path, damage: str) -> None:
    """What is no table, or no longer whole, does not start: a label that is missing would be believed unknown."""
    table = table_of(tmp_path)
    data = table.read_bytes()
    if damage == "other database":
        table.unlink()
        with closing(sqlite3.connect(table)) as other:
            other.execute("CREATE TABLE labels (di)")
    else:
        changed = {"text": b"a text", "cut": data[:-4096], "overwritten": data[:4096] + b"\xff" * (len(data) - 4096)}
        table.write_bytes(changed[damage])
    with pytest.raises(SettingsError, match=r"LUMBAR_CDS_GUDID: .*damaged"):
        GudidTable(table)


def test_table_of_another_version_is_refused(tmp_path: Path) -> None:
    """A table of another layout is not guessed at."""
    table = table_of(tmp_path)
    with closing(sqlite3.connect(table)) as changed:
        changed.execute("PRAGMA user_version = 99")
    with pytest.raises(SettingsError, match="another version"):
        GudidTable(table)


def test_failing_look_up_finds_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A look-up that fails leaves the implant unknown, is told once, and names nothing of the patient."""
    table = GudidTable(table_of(tmp_path))
    assert table.label_of("\ud800") is None
    table._connection.close()
    assert [table.label_of(UNSAFE), table.label_of(UNSAFE)] == [None, None]
    assert [record.getMessage() for record in caplog.records] == [
        "the table of device labels can no longer be read (ProgrammingError)"
    ]


def test_threads_share_a_table(tmp_path: Path) -> None:
    """Calls are answered in several threads, and each finds what there is."""
    table = GudidTable(table_of(tmp_path))
    found: list[DeviceLabel | None] = []
    threads = [
        threading.Thread(target=lambda: found.extend(table.label_of(UNSAFE) for _ in range(200))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 800
    assert all(found)


def test_age_is_told() -> None:
    """After a year a table counts as too old; without one there is nothing to tell."""
    assert is_stale(date(2025, 6, 1), date(2026, 6, 2))
    assert label_state(TABLE, date(2026, 6, 2)) == {"released": "2026-03-02", "stale": False}
    assert label_state(NO_LABELS, date(2026, 6, 2)) == {}
