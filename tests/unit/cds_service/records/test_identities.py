"""Keyed hashes of users and patients."""

from __future__ import annotations

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from cds_service.protocol.errors import SettingsError
from cds_service.records.identities import KEY_FILE, Identities, load_identities

if TYPE_CHECKING:
    from pathlib import Path

KEY = "a secret of thirty-two characters"


def test_hash_says_nothing_but_sameness(tmp_path: Path) -> None:
    """The same id gives the same hash; another client, purpose or key gives another."""
    ours = load_identities(KEY, tmp_path)
    again, theirs = load_identities(KEY, tmp_path), load_identities(KEY[::-1], tmp_path)
    hashed = ours.user("north", "Practitioner/1")
    assert re.fullmatch("[0-9a-f]{32}", hashed)
    assert again.user("north", "Practitioner/1") == hashed
    others = {
        theirs.user("north", "Practitioner/1"),
        ours.user("south", "Practitioner/1"),
        ours.patient("north", "Practitioner/1"),
        ours.user("north", "Practitioner/2"),
        ours.user("northPractitioner", "/1"),
    }
    assert len(others - {hashed}) == 5


def test_no_id_has_no_hash() -> None:
    """Calls without a user are not taken for calls of one user."""
    assert Identities(b"x").user("north", "") == ""


def test_key_is_not_shown() -> None:
    """A key does not reach a log by way of a repr."""
    assert "secret" not in repr(Identities(b"secret"))


def test_key_is_made_once_and_kept(tmp_path: Path) -> None:
    """Without a setting the key is random, stays the same, and only its owner may read it."""
    folder = tmp_path / "data"
    first, second = load_identities(None, folder), load_identities("", folder)
    assert first == second != load_identities(None, tmp_path / "other")
    assert len(first.key) == 32
    assert stat.S_IMODE((folder / KEY_FILE).stat().st_mode) == 0o600
    assert [file.name for file in folder.iterdir()] == [KEY_FILE]


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    """Whoever is second takes the key of the first."""
    with ThreadPoolExecutor(8) as executor:
        keys = set(executor.map(lambda _: load_identities(None, tmp_path).key, range(32)))
    assert len(keys) == 1


@pytest.mark.parametrize(("setting", "content"), [("short", None), (None, b""), (None, b"too short")])
def test_key_that_protects_nothing_is_refused(tmp_path: Path, setting: str | None, content: bytes | None) -> None:
    """A key that could be guessed is worse than a refusal; the value is not repeated."""
    if content is not None:
        (tmp_path / KEY_FILE).write_bytes(content)
    with pytest.raises(SettingsError, match=r"LUMBAR_CDS_(HASH_KEY|DATA_DIR)") as refusal:
        load_identities(setting, tmp_path)
    assert "short" not in str(refusal.value)


def test_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    """The setting at fault is named, and the one that helps."""
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"LUMBAR_CDS_DATA_DIR.*LUMBAR_CDS_HASH_KEY"):
        load_identities(None, tmp_path / "file")
