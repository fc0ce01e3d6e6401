"""Files written by hand: what YAML means in them, and what is refused with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cds_service.config.files import LARGEST, read_table
from cds_service.protocol.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def read(folder: Path, data: str | bytes, name: str = "a.yaml") -> dict[str, Any]:
    """Read a file of this content."""
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return read_table(folder / name)


def test_yaml_is_read_as_its_version_1_2(tmp_path: Path) -> None:
    """Words, clock times, dates and numbers with a leading zero stay text; only true and false are boolean."""
    text = "a: off\nb: Yes\nc: true\nd: 12:30\ne: 010\nf: 2026-01-01\ng: 1.5\nh: -3\ni:\nj: '1'\nk: 0x10\nl: 1_000\n"
    assert read(tmp_path, text) == {
        "a": "off",
        "b": "Yes",
        "c": True,
        "d": "12:30",
        "e": "010",
        "f": "2026-01-01",
        "g": 1.5,
        "h": -3,
        "i": None,
        "j": "1",
        "k": "0x10",
        "l": "1_000",
    }


@pytest.mark.parametrize("name", ["a.toml", "a.TOML", "a.yml", "a.YAML"])
def test_ending_says_the_language(tmp_path: Path, name: str) -> None:
    """The name's ending decides, in capitals too; a byte order mark is passed over."""
    text = 'a = "b"' if "toml" in name.lower() else "a: b"
    assert read(tmp_path, b"\xef\xbb\xbf" + text.encode(), name) == {"a": "b"}


def test_empty_file_is_an_empty_table(tmp_path: Path) -> None:
    """A YAML file of comments says nothing."""
    assert read(tmp_path, "# nothing\n") == {}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: &x 1\nb: *x", "line 2, column 4: aliases are not read"),
        ("a: &x [*x]", "line 1, column 8: aliases are not read"),
        ("a: 1\nb: {c: 1, c: 2}", "line 2, column 11: a key stands twice"),
        ("1: a", "line 1, column 1: a key must be a string"),
        ("true: a", "line 1, column 1: a key must be a string"),
        ("? [a]\n: b", "line 1, column 3: a key must be a string"),
        ("a: !!python/object/apply:os.system [id]", "line 1, column 4: could not determine a constructor"),
        ("a: b: c", "line 1, column 5: mapping values are not allowed here"),
        ("a: 1\n---\nb: 1", "line 2, column 1: but found another document"),
        ("- a", "is not a table of names and values"),
        ("a: '\x01'", "holds a value that cannot be read"),
        pytest.param("a: " + "[" * 5000, "holds a value that cannot be read", id="deep"),
        (b"a: 1\nb: \xff", "line 2: is not valid UTF-8"),
        pytest.param("a: " + "b" * LARGEST, f"is larger than {LARGEST} bytes", id="large"),
    ],
    ids=str,
)
def test_yaml_that_is_refused(tmp_path: Path, text: str | bytes, reason: str) -> None:
    """What makes YAML dangerous, or is no table, is refused with its place."""
    with pytest.raises(SettingsError) as refusal:
        read(tmp_path, text)
    (problem,) = refusal.value.problems
    assert problem.startswith(f"{tmp_path / 'a.yaml'}: {reason}")


def test_other_endings_are_refused(tmp_path: Path) -> None:
    """A file whose language is not known is not guessed at."""
    with pytest.raises(SettingsError, match=r"the name must end in \.toml, \.yaml or \.yml"):
        read(tmp_path, "{}", "a.json")


def test_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is said to be missing."""
    with pytest.raises(SettingsError, match="No such file"):
        read_table(tmp_path / "a.yaml")
