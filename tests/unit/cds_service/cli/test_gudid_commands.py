"""`lumbar-cds gudid`: import, update, show, and what check-config says of the table."""

from __future__ import annotations

from pathlib import Path

import pytest
import time_machine
from click.testing import CliRunner, Result

from cds_service.cli.main import main
from tests.gudid import device, devices_file, table_of, usual_archive
from tests.labels import CONDITIONAL, UNLISTED, UNSAFE

pytestmark = pytest.mark.usefixtures("untouched_logging")


def run(folder: Path, *arguments: str, **environment: str) -> Result:
    """Run a command with a data folder of its own."""
    return CliRunner().invoke(main, arguments, env={"LUMBAR_CDS_DATA_DIR": str(folder / "data")} | environment)


def test_import_tells_what_it_read_and_where_it_is_from(tmp_path: Path) -> None:
    """The report counts rows and labels, names the day and the source, and the table is in the data folder."""
    result = run(tmp_path, "gudid", "import", str(usual_archive(tmp_path)))
    assert result.exit_code == 0, result.output
    for words in ("6 devices read", "AccessGUDID of 2026-05-01, 6 device identifiers", "2  MR Unsafe", "public domain"):
        assert words in result.output
    shown = run(tmp_path, "gudid", "show", f"(01){CONDITIONAL}(21)77")
    assert shown.exit_code == 0
    assert "MR Conditional (AccessGUDID, 2026-05-01)" in shown.output
    assert "not a clearance" in shown.output


def test_show_never_takes_unknown_for_harmless(tmp_path: Path) -> None:
    """An identifier that is not there, or no identifier at all, ends with 1 and says that this tells nothing."""
    table = str(table_of(tmp_path))
    for text in (UNLISTED, "pacemaker"):
        result = run(tmp_path, "gudid", "show", text, "--into", table)
        assert result.exit_code == 1
        assert "says nothing of the device" in result.output


@pytest.mark.parametrize(("name", "exit_code"), [("d20260502.txt", 0), ("d20260430.txt", 1), ("device.txt", 1)])
def test_update_goes_forward_only(tmp_path: Path, name: str, exit_code: int) -> None:
    """A later file is taken; an older one, or one without a day, would undo what is known and is refused."""
    table, daily = str(table_of(tmp_path)), tmp_path / "daily"
    daily.mkdir()
    file = str(devices_file(daily, device(CONDITIONAL, "MR Unsafe"), name=name))
    result = run(tmp_path, "gudid", "update", file, "--into", table)
    assert result.exit_code == exit_code, result.output
    shown = run(tmp_path, "gudid", "show", CONDITIONAL, "--into", table).output
    assert ("MR Unsafe" in shown) is (exit_code == 0)


def test_bad_file_leaves_the_table(tmp_path: Path) -> None:
    """The message names the file, the reason, and that nothing has changed."""
    table = table_of(tmp_path)
    file = tmp_path / "device.txt"
    file.write_text("no such columns\n")
    result = run(tmp_path, "gudid", "import", str(file), "--into", str(table))
    assert result.exit_code == 1
    assert "names no column PrimaryDI" in result.output
    assert "is as it was" in result.output
    assert run(tmp_path, "gudid", "show", UNSAFE, "--into", str(table)).exit_code == 0


@time_machine.travel("2027-08-01")
def test_check_config_tells_the_day_and_warns_of_old_labels(tmp_path: Path) -> None:
    """What is in force is named with its day; after a year with a caution, and a broken table stops the start."""
    table = table_of(tmp_path)
    result = run(tmp_path, "check-config", LUMBAR_CDS_GUDID=str(table))
    assert "Device labels: AccessGUDID of 2026-05-01, 6 device identifiers" in result.output
    assert "more than a year old" in result.output
    table.write_text("broken")
    result = run(tmp_path, "check-config", LUMBAR_CDS_GUDID=str(table))
    assert result.exit_code == 1
    assert "LUMBAR_CDS_GUDID" in result.output
