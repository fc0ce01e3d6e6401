"""How a running service shows that its kill switch is in force: each worker says which switch file it goes by.

A switch that was written where nobody looks would be a lie: whoever threw it believes that no card is shown. So each
worker has a small file beside the switch file, written anew every second, and the command that writes a switch waits
until every one of them names what it wrote. Where a service was started is said in a place that does not depend on
anybody's working directory, since the folders in its settings may.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from cds_service.clients.switches import Switches

# A worker that has said nothing for so long is none any more; its clock is that of the disk.
_FRESH: Final = 5.0
_OTHERS_MAY_WRITE: Final = 0o022


class SwitchWitness:
    """What one worker says of the switch file, in a file of its own; nothing where there is no switch file."""

    def __init__(self, switches: Switches, count: Callable[[], None] | None = None) -> None:
        """Take the switches of this process; `count` brings its metrics up to date before it confirms a change."""
        self._switches = switches
        self._count = count
        self._said: str | None = None

    def speak(self) -> None:
        """Look at the switch file, even if nobody calls, and say what is in force. OSError when that cannot be said."""
        place = self._place()
        if place is None:
            return
        in_force = self._switches.in_force
        if in_force == self._said and place.exists():
            os.utime(place)
            return
        if self._count:
            self._count()
        place.parent.mkdir(parents=True, exist_ok=True)
        new = place.with_suffix(".new")
        new.write_text(in_force, encoding="utf-8")
        new.replace(place)
        self._said = in_force

    def leave(self) -> None:
        """Say no more."""
        if place := self._place():
            place.unlink(missing_ok=True)

    def _place(self) -> Path | None:
        file = self._switches.file
        return _folder(file) / f"{os.getpid()}.worker" if file else None


def confirmed(file: Path, now: Callable[[], float] = time.time) -> dict[str, str]:
    """Return what the workers that go by a switch file say is in force, by worker."""
    found = {}
    for place in _folder(file).glob("*.worker"):
        try:
            if now() - place.stat().st_mtime < _FRESH:
                found[place.stem] = place.read_text(encoding="utf-8")
        except OSError:  # it has just left
            continue
    return found


def announce(port: int, file: Path) -> None:
    """Say which switch file the service at a port of this machine goes by; where that cannot be said, nothing is."""
    place = _announcement(port)
    try:
        place.parent.mkdir(mode=0o700, exist_ok=True)
        if _is_ours(place.parent):
            place.write_text(str(file), encoding="utf-8")
    except OSError:
        return


def withdraw(port: int, file: Path) -> None:
    """Take back what was said of a port, unless another service says something else by now."""
    if announced(port) == file:
        _announcement(port).unlink(missing_ok=True)


def announced(port: int) -> Path | None:
    """Return the switch file of the service that this user runs at a port; None where none is known."""
    place = _announcement(port)
    try:
        return Path(place.read_text(encoding="utf-8")) if _is_ours(place.parent) else None
    except (OSError, ValueError):
        return None


def _folder(file: Path) -> Path:
    return file.with_name(f".{file.name}.workers")


def _announcement(port: int) -> Path:
    return Path(tempfile.gettempdir()) / f"lumbar-cds-{os.geteuid()}" / str(port)


def _is_ours(folder: Path) -> bool:
    """Whether a folder among those of other users is this user's own, so that nobody else says anything in it."""
    status = folder.lstat()
    return not folder.is_symlink() and status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_MAY_WRITE
