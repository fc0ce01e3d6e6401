"""The folder that worker processes share, and that nothing decides about it too early."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cds_service.observability.metrics_folder import VARIABLE, keep_metrics_in_process, shared_metrics_folder


def test_folder_is_there_for_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run begins with an empty folder of its own and leaves nothing behind, whatever happens."""
    monkeypatch.delenv(VARIABLE, raising=False)
    with shared_metrics_folder() as folder:
        assert os.environ[VARIABLE] == str(folder)
        assert list(folder.iterdir()) == []
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "counter_1.db").touch()
    assert not folder.exists()
    assert VARIABLE not in os.environ


def test_given_place_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An operator chooses where; what else lies there is not touched."""
    (tmp_path / "counter_1.db").touch()
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    with shared_metrics_folder() as folder:
        assert folder.parent == tmp_path
    assert os.environ[VARIABLE] == str(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["counter_1.db"]


def test_worker_that_ends_removes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the process that made the folder removes it; a worker that ends leaves the same block."""
    monkeypatch.delenv(VARIABLE, raising=False)
    owner = os.getpid()
    with monkeypatch.context() as patch, shared_metrics_folder() as folder:
        patch.setattr(os, "getpid", lambda: owner + 1)
    assert folder.exists()
    folder.rmdir()
    os.environ.pop(VARIABLE)


def test_impossible_place_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a place the service does not start counting halfway."""
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nothing"))
    with pytest.raises(OSError, match="nothing"), shared_metrics_folder():
        pass


def test_other_commands_count_for_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command beside a running service, in the same environment, does not write into its folder."""
    monkeypatch.setenv(VARIABLE, "somewhere")
    keep_metrics_in_process()
    keep_metrics_in_process()
    assert VARIABLE not in os.environ


def test_command_line_leaves_the_choice_open() -> None:
    """The command line loads neither the metrics nor the FHIR models before a command runs, so help is quick."""
    code = "import sys, cds_service.cli.main; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"prometheus_client", "cds_service.app", "fhir.resources", "requests"} & set(loaded)
