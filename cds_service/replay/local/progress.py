"""How far a replay is: what is being done, how fast, and how long it will take, on one line of a terminal."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing import TextIO

_EVERY: Final = {True: 0.5, False: 10.0}  # seconds between two lines, in a terminal and in a log
_MINUTE: Final = 60
_HOUR: Final = 3600


@dataclass(slots=True)
class Progress:
    """The progress of one step; `total` is in the unit that is counted, MB or patients."""

    stream: TextIO
    step: str
    total: int
    unit: str
    scale: int = 1
    begun: float = field(default_factory=time.monotonic)
    first: int | None = None
    shown: float = 0.0

    def show(self, done: int, *, last: bool = False) -> None:
        """Show how far it is, not too often."""
        now = time.monotonic()
        if self.first is None:
            self.first = done
        is_terminal = self.stream.isatty()
        if not last and now - self.shown < _EVERY[is_terminal]:
            return
        self.shown = now
        counted = min(done - self.first, self.total)
        rate = counted / max(now - self.begun, 0.001)
        left = f", {_spoken((self.total - counted) / rate)} left" if rate and counted < self.total else ""
        amounts = f"{counted // self.scale:,} of {self.total // self.scale:,} {self.unit}"
        line = f"{self.step}: {amounts}, {rate / self.scale:,.0f} a second{left}"
        end = "\n" if last or not is_terminal else ""
        self.stream.write(f"\r\033[K{line}{end}" if is_terminal else line + end)
        self.stream.flush()


def _spoken(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    return f"{seconds / _HOUR:.1f} h"
