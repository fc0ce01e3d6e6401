"""Rows of a replay from the service's own records: what silent mode would have said, and what is not known of it."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from cds_service.cli.main import main
from cds_service.protocol.errors import SettingsError
from cds_service.records.database import Database
from cds_service.records.layout import upgrade
from cds_service.records.rows import Batch, write_batch
from cds_service.replay import from_records
from cds_service.replay.from_records import RecordedCalls, write_rows
from tests.unit.cds_service.records.builders import AT, assessed, call, card

if TYPE_CHECKING:
    from pathlib import Path

    from cds_service.records.invocations import Invocation


def silent(number: int = 1, **changes: Any) -> Invocation:
    """Return a silent call at the signature of an order, with the advice to wait."""
    sources = {"conditions": "prefetch:complete", "devices": "not-provided"}
    members: dict[str, Any] = {"hook": "order-sign", "mode": "silent", "shown": False, "patient": f"p{number}"}
    return call(assessed(card(f"card-{number}")), **members | {"sources": sources} | changes)


def keep(database: Database, *calls: Invocation) -> None:
    """Put calls on record."""
    batch = Batch()
    for item in calls:
        batch.add(item)
    with database.write() as connection:
        write_batch(connection, batch)


def rows_in(folder: Path) -> list[dict[str, Any]]:
    """Return the rows that were written, by patient."""
    found: list[dict[str, Any]] = pq.read_table(folder / "rows").to_pylist()
    return sorted(found, key=lambda row: row["patient"])


def test_silent_call_becomes_a_row(database: Database, tmp_path: Path) -> None:
    """Outcome, messages, what the card would have shown, sources that were not whole, day and time are as recorded."""
    two = assessed(card("a"), card("b", "C-DUP", "C-PITFALL"))
    keep(database, silent(1), call(two, assessed(outcome="APPROPRIATE"), hook="order-sign", shown=False, patient="p2"))
    summary = write_rows(database, tmp_path / "out", RecordedCalls())
    first, second, third = rows_in(tmp_path / "out")
    assert (first["outcome"], first["cards"], first["messages"]) == (
        "NOT_APPROPRIATE",
        ["C-NOTAPP-6W"],
        ["C-NOTAPP-6W"],
    )
    assert (first["day"], first["client"], first["guideline"]) == (date(2026, 6, 2), "north", "1.0.0")
    assert (first["missing"], first["microseconds"], first["later"]) == (["Device"], 5000, [])
    assert (second["cards"], third["cards"]) == (["C-NOTAPP-6W", "C-DUP", "C-PITFALL"], [])
    assert {"later", "clinic", "alternatives"} <= set(summary["not_told"])
    assert (summary["patients"], summary["replay"]["calls"]) == (2, 2)


def test_calls_are_chosen(database: Database, tmp_path: Path) -> None:
    """Silent calls at order-sign alone, unless those that showed cards are asked for; a client and a time, too."""
    keep(
        database,
        silent(1),
        silent(2, shown=True, mode="on"),
        silent(3, hook="order-select"),
        silent(4, client="south", at=AT - timedelta(days=40)),
        silent(5, synthetic=True),
        silent(6, service="demo:lumbar-mri-order-sign"),
    )

    def chosen(name: str, calls: RecordedCalls) -> list[str]:
        write_rows(database, tmp_path / name, calls)
        return [row["patient"] for row in rows_in(tmp_path / name)]

    assert chosen("silent", RecordedCalls()) == ["p1", "p4"]
    assert chosen("shown", RecordedCalls(shown=True)) == ["p1", "p2", "p4"]
    assert chosen("since", RecordedCalls(since=AT - timedelta(days=1))) == ["p1"]
    assert chosen("south", RecordedCalls(client="south")) == ["p4"]


def test_other_hook_stands_in(database: Database, tmp_path: Path) -> None:
    """Where no order was ever signed with the service, those that were selected are taken."""
    keep(database, silent(1, hook="order-select"))
    assert write_rows(database, tmp_path / "out", RecordedCalls())["replay"]["hook"] == "order-select"


def test_many_calls_are_read_in_pages(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are, each is read once."""
    monkeypatch.setattr(from_records, "_CALLS_A_PAGE", 3)
    keep(database, *(silent(number) for number in range(10)))
    write_rows(database, tmp_path / "out", RecordedCalls())
    assert len({row["order"] for row in rows_in(tmp_path / "out")}) == 10


def test_nothing_on_record_is_told(database: Database, tmp_path: Path) -> None:
    """Without such calls there is no report of nothing, and a folder that holds anything is left alone."""
    with pytest.raises(SettingsError, match="hold no call"):
        write_rows(database, tmp_path / "out", RecordedCalls())
    assert not (tmp_path / "out" / "rows").exists()
    (tmp_path / "out" / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(SettingsError, match="name an empty folder"):
        write_rows(database, tmp_path / "out", RecordedCalls())


def test_command_reports_silent_mode(tmp_path: Path) -> None:
    """`replay --from-records` writes the rows and the report, which names no patient."""
    address = f"sqlite:///{tmp_path}/records.sqlite3"
    database = Database(address, tmp_path)
    upgrade(database)
    keep(database, *(silent(number, patient=f"{number:032x}") for number in range(20)))
    database.close()
    asked = ["replay", "--from-records", "--database", address, "--out", str(tmp_path / "out")]
    told = CliRunner().invoke(main, asked)
    assert told.exit_code == 0, told.output
    assert "20 calls of order-sign" in told.output
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert (report["source"], report["orders"], report["orders_told_to_wait"]) == ("records", 20, 20)
    assert f"{7:032x}" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
