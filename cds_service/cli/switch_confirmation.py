"""Waiting until a switch that was written is in force in every worker of the running service."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cds_service.clients.switch_witnesses import announced, confirmed
from cds_service.clients.switches import version_of

if TYPE_CHECKING:
    from pathlib import Path

    from cds_service.config.settings import Settings

_PATIENCE: Final = 6.0  # seconds; workers look once a second
_PATIENCE_WITH_NOBODY: Final = 2.0
_PAUSE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Confirmation:
    """How many workers were heard of, and how many of them go by the file as it stands."""

    workers: int
    confirmed: int

    @property
    def is_whole(self) -> bool:
        """Whether the switch is in force, and in every worker."""
        return 0 < self.workers == self.confirmed


def switch_file(settings: Settings) -> Path:
    """Return the file that the running service goes by; that of the settings where it does not depend on the folder.

    Paths in settings may be relative, and the service was started somewhere else. What a service that is gone has left
    behind does not count.
    """
    if settings.switches_are_relative:
        running = announced(settings.port)
        if running is not None and confirmed(running):
            return running
    return settings.switches


def await_workers(file: Path) -> Confirmation:
    """Wait until every worker goes by a switch file as it stands, for some seconds at most."""
    version, began = version_of(file), time.monotonic()
    while True:
        said = confirmed(file)
        found = Confirmation(len(said), sum(one == version for one in said.values()))
        spent = time.monotonic() - began
        if found.is_whole or spent > (_PATIENCE if said else _PATIENCE_WITH_NOBODY):
            return found
        time.sleep(_PAUSE)
