"""Two replays side by side: what changed, by which rule, and when they cannot be compared."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner

from cds_service.cli.main import main
from cds_service.protocol.errors import SettingsError
from cds_service.replay.compare.comparing import Change, Turn, compare
from cds_service.replay.compare.writing import text, write_comparison
from cds_service.replay.rows import DEFERRAL, LaterEvent, OrderRow
from tests.replay_rows import deferred, order, write_result

if TYPE_CHECKING:
    from pathlib import Path

FLAG: Final = LaterEvent("red-flag", "cord_compression", 20, "Condition/secret-1")
BEFORE: Final = [order(number, later=(FLAG,) if number == 0 else ()) for number in range(6)]


def waits(row: OrderRow) -> OrderRow:
    """Return an order as a rule that settles the episode answers it."""
    told = deferred(0)
    said: dict[str, Any] = {"outcome": told.outcome, "cards": told.cards, "messages": told.messages}
    return replace(row, **said, met=(*row.met, "R-6W-NO"), unknown=())


AFTER: Final = [waits(row) if number < 2 else row for number, row in enumerate(BEFORE)]


@pytest.fixture
def results(tmp_path: Path) -> tuple[Path, Path]:
    """Two results of the same orders, the second after a change of the guideline."""
    return pair(tmp_path, {"guideline": "1.2.0", "inputs": "a"}, {"guideline": "1.3.0", "inputs": "a"})


def pair(folder: Path, one: dict[str, Any], other: dict[str, Any]) -> tuple[Path, Path]:
    """Write two results that were made with these settings."""
    return write_result(folder / "a", BEFORE, replay=one), write_result(folder / "b", AFTER, replay=other)


def test_changes_are_told_with_their_rule(results: tuple[Path, Path]) -> None:
    """Orders that changed alike stand together, with the messages that went and came and the rules that differ."""
    found = compare(*results)
    assert found.differs == (("guideline version", "1.2.0", "1.3.0"),)
    assert found.warnings == ()
    assert (found.counts.matched, found.counts.changed, found.counts.outcome_changed) == (6, 2, 2)
    rules = ("R-6W-NO: not met → met", "R-EPISODE: unknown → not met")
    assert found.changes == (Change("CANNOT_DETERMINE", "NOT_APPROPRIATE", ("C-INFO-NEED",), (DEFERRAL,), rules, 2),)
    assert found.newly_deferred == Turn(2, 1, 1)
    assert found.no_longer_deferred == Turn(0, 0, 0)


def test_lost_emergency_is_told(tmp_path: Path) -> None:
    """An order that is no longer pressing stands apart from all other changes."""
    first = write_result(tmp_path / "a", [order(1, outcome="EMERGENCY", cards=("C-EMERG-CES",))])
    second = write_result(tmp_path / "b", [order(1)])
    found = compare(first, second)
    assert found.no_longer_pressing.orders == 1
    assert found.changes[0].rules == ()
    assert "no rule differs" in text(found)


def test_same_answers_are_no_change(tmp_path: Path) -> None:
    """The order of messages is none, nor is time; a result equals itself."""
    first = write_result(tmp_path / "a", [order(1, cards=("C-DUP", "C-PITFALL"))])
    second = write_result(tmp_path / "b", [order(1, cards=("C-PITFALL", "C-DUP"), microseconds=1)])
    assert compare(first, second).counts.changed == 0


def test_other_orders_are_warned_of(tmp_path: Path) -> None:
    """Other files, another sample, and orders that one result alone has are said; the others are compared."""
    one, other = {"inputs": "a", "sample": 10}, {"inputs": "b", "sample": 20}
    first = write_result(tmp_path / "a", BEFORE, replay=one)
    second = write_result(tmp_path / "b", AFTER[:4], replay=other)
    found = compare(first, second)
    assert found.counts.matched == 4
    assert [warning.split(",")[0].split(":")[0] for warning in found.warnings] == [
        "Other files were read",
        "The samples are of another size",
        "2 orders are in the first result only and 0 in the second only; they are not compared.",
    ]


def test_other_key_is_refused_with_the_remedy(results: tuple[Path, Path]) -> None:
    """Hashes under two keys match by no chance: the remedy is told, and no comparison made."""
    for number, folder in enumerate(results):
        (folder / "key").write_bytes(bytes([number]) * 32)
    with pytest.raises(SettingsError, match=r"hashed with different keys.*cp .*/a/key NEW/key"):
        compare(*results)
    (results[1] / "key").write_bytes(bytes(32))
    assert compare(*results).counts.matched == 6


def test_what_cannot_be_matched_is_refused(tmp_path: Path) -> None:
    """No order in common, one result with identifiers as they are, and records, are refused rather than compared."""
    first = write_result(tmp_path / "a", BEFORE)
    with pytest.raises(SettingsError, match="no order in common"):
        compare(first, write_result(tmp_path / "b", [order(99)]))
    with pytest.raises(SettingsError, match="--identify"):
        compare(first, write_result(tmp_path / "c", BEFORE, replay={"identified": True}))
    with pytest.raises(SettingsError, match="records"):
        compare(first, write_result(tmp_path / "d", BEFORE, replayed="records"))


def test_files_hold_no_order_but_the_list(results: tuple[Path, Path], tmp_path: Path) -> None:
    """Page and JSON name no order; the list of what changed does, for whoever looks it up."""
    write_comparison(compare(*results), tmp_path / "out")
    for name in ("compare.html", "compare.json"):
        written = (tmp_path / "out" / name).read_text(encoding="utf-8")
        assert BEFORE[0].order not in written
        assert "R-6W-NO" in written
    listed = (tmp_path / "out" / "changed.csv").read_text(encoding="utf-8").splitlines()
    assert len(listed) == 3
    assert listed[1].startswith(BEFORE[0].order)


def test_command_tells_and_writes(results: tuple[Path, Path], tmp_path: Path) -> None:
    """`replay --compare` prints a table, JSON where it is asked for, and writes files into --out."""
    runner = CliRunner()
    asked = ["replay", "--compare", *map(str, results)]
    shown = runner.invoke(main, [*asked, "--out", str(tmp_path / "out")])
    assert shown.exit_code == 0
    assert "Newly told to wait: 2 (1 with a red flag within 90 days)" in shown.stdout
    assert "R-6W-NO: not met → met" in shown.stdout
    assert (tmp_path / "out" / "compare.html").exists()
    as_json = runner.invoke(main, [*asked, "--json"])
    assert json.loads(as_json.stdout)["counts"]["changed"] == 2
    refused = runner.invoke(main, [*asked[:3], str(tmp_path), "--json"])
    assert refused.exit_code == 1
    assert "holds no rows" in refused.output
