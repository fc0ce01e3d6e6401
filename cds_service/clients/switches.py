"""The kill switch: one small file that lowers the mode of clients at once, without a restart.

    [off]
    general-hospital = "cards name the wrong order"   # a client, and why; the reason may be empty

    [silent]
    "*" = ""                                          # every client

It can only lower: `off` is below `silent`, `pilot` and `on`, and nothing in the file shows more cards than the clients
file allows. Each process looks at the file's place at most once a second, in passing. A file that cannot be used
changes nothing that was in force, since whoever wrote it in a hurry meant to switch more off, not back on.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from cds_service.clients.profile import CLIENT_NAME, Mode
from cds_service.config.files import read_toml
from cds_service.protocol.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from pathlib import Path

    from cds_service.clients.profile import ClientProfile

_LOG: Final = logging.getLogger(__name__)

EVERY_CLIENT: Final = "*"
SWITCHED: Final = (Mode.OFF, Mode.SILENT)

_ORDER: Final = (Mode.OFF, Mode.SILENT, Mode.PILOT, Mode.ON)
_INTERVAL: Final = 1.0  # seconds between two looks at the file
_LONGEST_REASON: Final = 500

_Signature = tuple[int, int, int, int]
_UNREADABLE: Final[_Signature] = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class SwitchState:
    """Which clients are lowered to which mode, with the reason; the name `*` stands for all of them."""

    off: Mapping[str, str] = field(default_factory=dict)
    silent: Mapping[str, str] = field(default_factory=dict)

    def mode(self, client: ClientProfile) -> Mode:
        """Return the lower of the client's own mode and what is switched."""
        for mode, names in ((Mode.OFF, self.off), (Mode.SILENT, self.silent)):
            if client.name in names or EVERY_CLIENT in names:
                return min(mode, client.mode, key=_ORDER.index)
        return client.mode

    @property
    def names(self) -> frozenset[str]:
        """The clients that are named."""
        return frozenset({*self.off, *self.silent} - {EVERY_CLIENT})


class Switches:
    """The state of a switch file, kept current; safe to use from several threads, and across a fork."""

    def __init__(self, file: Path | None, clock: Callable[[], float], clients: Collection[str] = ()) -> None:
        """Read the file; SettingsError when there is one that cannot be used.

        `clock` counts seconds, as `time.monotonic` does. `clients` are the names that exist: another one in the file
        is logged, because a misspelt client goes on showing cards. Without a file nothing is ever switched.
        """
        self._file = file
        self._clock = clock
        self._clients = frozenset(clients)
        self._looking = threading.Lock()
        self._looked_at = clock()
        self._signature = self._in_force = _signature(file) if file else None
        self._state = read_switches(file) if file else SwitchState()
        self._warn_of_strangers()

    def mode(self, client: ClientProfile) -> Mode:
        """Return the mode in force for a client."""
        return self.state.mode(client)

    def switched(self, clients: Iterable[ClientProfile]) -> dict[str, Mode]:
        """Return the clients whose mode is lower than their own, with the mode in force, by name."""
        state = self.state
        modes = {client.name: (client.mode, state.mode(client)) for client in clients}
        return {name: mode for name, (own, mode) in modes.items() if mode is not own}

    @property
    def file(self) -> Path | None:
        """The switch file; None where nothing is ever switched."""
        return self._file

    @property
    def in_force(self) -> str:
        """Which version of the file is in force, as `version_of` names it."""
        _ = self.state
        return _version(self._in_force)

    @property
    def is_current(self) -> bool:
        """Whether the file as it stands is in force; not so while it cannot be used."""
        _ = self.state
        return self._in_force == self._signature

    @property
    def state(self) -> SwitchState:
        """What is switched."""
        if self._file and self._clock() - self._looked_at >= _INTERVAL and self._looking.acquire(blocking=False):
            try:
                self._looked_at = self._clock()
                self._look(self._file)
            finally:
                self._looking.release()
        return self._state

    def _look(self, file: Path) -> None:
        signature = _signature(file)
        if signature == self._signature:
            return
        self._signature = signature
        try:
            # Some editors empty a file before they write it: that is not "nothing is switched".
            state = None if signature is not None and signature[-1] == 0 else read_switches(file)
        except SettingsError:
            state = None
        if state is None:
            _LOG.error("the switch file cannot be used; what was switched before stays in force")
            return
        self._state, self._in_force = state, signature
        # Names of clients come from the clients file or are refused by their pattern: they are safe to log.
        off, silent = sorted(self._state.off), sorted(self._state.silent)
        _LOG.warning("the switch file changed; off: %s; silent: %s", _list(off), _list(silent))
        self._warn_of_strangers()

    def _warn_of_strangers(self) -> None:
        if self._clients and (strangers := sorted(self._state.names - self._clients)):
            _LOG.error("the switch file names clients that do not exist: %s", _list(strangers))


def version_of(file: Path) -> str:
    """Return a text that changes when the file is written or replaced."""
    return _version(_signature(file))


def _version(signature: _Signature | None) -> str:
    return "none" if signature is None else "-".join(map(str, signature))


def read_switches(file: Path) -> SwitchState:
    """Return what a switch file says; nothing is switched when there is none.

    SettingsError when it cannot be read or says something else than which clients are off or silent.
    """
    if _signature(file) is None:
        return SwitchState()
    document = read_toml(file)
    check_switches(file, document)
    return SwitchState(dict(document.get("off", {})), dict(document.get("silent", {})))


def check_switches(file: Path, document: Mapping[str, Any]) -> None:
    """Raise SettingsError for what a switch file must not say."""
    if problems := [f"{file}: {problem}" for problem in _problems(document)]:
        raise SettingsError(problems)


def _problems(document: Mapping[str, Any]) -> list[str]:
    problems = []
    for key, table in document.items():
        if key not in SWITCHED:
            problems.append(f"{key}: there is no such table; there are [off] and [silent]")
        elif not isinstance(table, dict):
            problems.append(f'{key}: must be a table of clients and reasons, such as general-hospital = ""')
        else:
            problems += [
                f"{key}.{name}: {problem}" for name, value in table.items() if (problem := _problem(name, value))
            ]
    return problems


def _problem(name: str, reason: object) -> str | None:
    if name != EVERY_CLIENT and not CLIENT_NAME.fullmatch(name):
        return "is not the name of a client"
    if isinstance(reason, str) and len(reason) <= _LONGEST_REASON and reason.isprintable():
        return None
    return f"the reason must be one line of text of at most {_LONGEST_REASON} characters"


def _signature(file: Path) -> _Signature | None:
    """Return what changes when a file is written or replaced; None when there is none."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    except OSError:
        return _UNREADABLE
    return status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size


def _list(names: list[str]) -> str:
    return ", ".join(names) or "nobody"
