"""The bundled demo requests: invented patients, fixed dates, and an answer that is promised beforehand.

They let a stranger see a card a minute after cloning, warm the service at start, and are tested against their promise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


@dataclass(frozen=True, slots=True)
class Demo:
    """A hook request to try, and what to expect; an order that is none of ours has no outcome."""

    name: str
    hook: str
    title: str
    expect: str
    outcome: str | None = None
    message: str | None = None

    @property
    def file(self) -> Traversable:
        """The file that holds the request."""
        return _folder() / f"{self.name}.json"

    def body(self) -> bytes:
        """Return the request as it is posted."""
        return self.file.read_bytes()


@cache
def load_demos() -> tuple[Demo, ...]:
    """Return all demos, in the order in which they are worth trying."""
    index = msgspec.json.decode((_folder() / "index.json").read_bytes(), type=dict[str, list[Demo]])
    return tuple(index["demos"])


def find_demo(name: str) -> Demo | None:
    """Return the demo of a name."""
    return next((demo for demo in load_demos() if demo.name == name), None)


def _folder() -> Traversable:
    return resources.files("cds_service.demo")
