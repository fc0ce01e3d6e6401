"""Reads the files that people write by hand; whatever cannot be read is said with its line.

TOML and YAML come out the same: plain tables, lists, strings, numbers and booleans. YAML is read as its version 1.2
reads it, so that `off` is a word and no boolean, and without what a configuration does not need: aliases, tags that
make objects, and a key that stands twice.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, Final

import yaml

from cds_service.protocol.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

LARGEST: Final = 1024 * 1024
_LINE: Final = re.compile(r" \(at (line \d+, column \d+|end of document)\)$")


def read_table(file: Path) -> dict[str, Any]:
    """Return the table that a `.toml`, `.yaml` or `.yml` file holds; SettingsError when it cannot be read."""
    ending = file.suffix.lower()
    if ending == ".toml":
        return read_toml(file)
    if ending in (".yaml", ".yml"):
        return read_yaml(file)
    raise SettingsError([f"{file}: the name must end in .toml, .yaml or .yml"])


def read_toml(file: Path) -> dict[str, Any]:
    """Return a TOML document; SettingsError when it cannot be read, with the line of a syntax error."""
    text = _read_text(file)
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        where = found[1] if found else "the file"
        if where == "end of document":
            where = f"line {len(text.rstrip().splitlines())}, at the end"
        reason = _LINE.sub("", str(error))
        raise SettingsError([f"{file}: {where}: {reason}"]) from None
    except (ValueError, RecursionError):  # a number of thousands of digits, arrays nested beyond reason
        raise SettingsError([f"{file}: holds a value that cannot be read"]) from None


def read_yaml(file: Path) -> dict[str, Any]:
    """Return the table of a YAML document; SettingsError when it cannot be read, with the line of a syntax error."""
    text = _read_text(file)
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 - _Loader is a SafeLoader that does even less
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "the file"
        raise SettingsError([f"{file}: {where}: {error.problem or error.context or 'cannot be read'}"]) from None
    except (yaml.YAMLError, ValueError, RecursionError):  # an unprintable character, lists nested beyond reason
        raise SettingsError([f"{file}: holds a value that cannot be read"]) from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise SettingsError([f"{file}: is not a table of names and values"])
    return document


def _read_text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            data = stream.read(LARGEST + 1)
    except OSError as error:
        raise SettingsError([f"{file}: {error.strerror or 'cannot be read'}"]) from None
    if len(data) > LARGEST:
        raise SettingsError([f"{file}: is larger than {LARGEST} bytes"])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SettingsError([f"{file}: line {line}: is not valid UTF-8"]) from None


class _Loader(yaml.SafeLoader):
    """Builds plain values only."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - of PyYAML; filled below, not shared with its loader

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Return a node; an alias is refused, since a few of them can stand for gigabytes."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call] # left out of the types
            raise yaml.composer.ComposerError(None, None, "aliases are not read", mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        """Return a table; a key that is no string, or stands twice, is refused."""
        names: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                raise yaml.constructor.ConstructorError(None, None, "a key must be a string", key.start_mark)
            if key.value in names:
                raise yaml.constructor.ConstructorError(None, None, "a key stands twice", key.start_mark)
            names.add(key.value)
        return super().construct_mapping(node, deep=deep)


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?[0-9]+\.[0-9]+(?:[eE][-+]?[0-9]+)?", "-+0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), list(_first))
