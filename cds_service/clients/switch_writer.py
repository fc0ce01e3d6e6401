"""Writes the switch file, for the command line."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cds_service.clients.profile import Mode
from cds_service.clients.switches import SWITCHED, SwitchState, check_switches, read_switches
from cds_service.protocol.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEAD: Final = "# Lowers the mode of clients at once; written by `lumbar-cds switch`, and may be edited by hand.\n"


def write_switch(file: Path, client: str, mode: Mode | None, reason: str = "") -> SwitchState:
    """Lower a client, or all of them (`*`), to `off` or `silent`; None takes back what is switched for that name.

    The file is replaced in one step and is on disk before this returns; only its owner may read it. What stands in it
    for other names stays, and its folder is made where there is none. SettingsError when the file there cannot be
    used, or the name or reason is none.
    """
    if mode is not None and mode not in SWITCHED:
        raise SettingsError([f"{file}: a client can be switched to {' or '.join(SWITCHED)} only"])
    before = read_switches(file)
    tables = {Mode.OFF: dict(before.off), Mode.SILENT: dict(before.silent)}
    for names in tables.values():
        names.pop(client, None)
    if mode is not None:
        tables[mode][client] = reason
    document = {str(name): names for name, names in tables.items() if names}
    check_switches(file, document)
    _make_folder(file.parent)
    _replace(file, _HEAD + "".join(_table(name, names) for name, names in document.items()))
    return read_switches(file)


def _table(name: str, reasons: Mapping[str, str]) -> str:
    """Return a table in TOML; a reason without control characters is written as JSON writes it."""
    lines = [f"{json.dumps(client)} = {json.dumps(reason, ensure_ascii=False)}\n" for client, reason in reasons.items()]
    return f"\n[{name}]\n{''.join(lines)}"


def _make_folder(folder: Path) -> None:
    """Make a folder, each step of it for the owner of the one above: root's own would be closed to the service."""
    if folder.exists():
        return
    _make_folder(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            owner = folder.parent.stat()
            os.chown(folder, owner.st_uid, owner.st_gid)
    except OSError as error:
        raise SettingsError([f"{folder}: {error.strerror or 'cannot be made'}"]) from None


def _replace(file: Path, text: str) -> None:
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # readable by its owner only
        try:
            with os.fdopen(descriptor, "wb") as stream:
                _give_away(stream.fileno(), file.parent)
                stream.write(text.encode())
                stream.flush()
                os.fsync(stream.fileno())
            Path(name).replace(file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise SettingsError([f"{file}: {error.strerror or 'cannot be written'}"]) from None


def _give_away(descriptor: int, folder: Path) -> None:
    """Give a file that root writes to the owner of its folder: the service could not read it otherwise."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
