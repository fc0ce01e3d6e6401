"""Looking names up once, for a while, for all threads."""

from __future__ import annotations

import socket
import threading
from ipaddress import ip_address
from typing import Any

import pytest

from cds_service.egress.resolving import Resolver


class Names:
    """A look-up that counts, and answers with what it is told to."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self.asked = 0
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, host: str, port: object, **_: Any) -> list[tuple[Any, ...]]:
        """Answer when allowed to."""
        self.asked += 1
        self.may_answer.wait(10)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, 0)) for text in self.texts]


def test_answer_is_kept_for_a_while() -> None:
    """Eight searches of one hook look the name up once."""
    names = Names("8.8.8.8", "8.8.8.8", "::ffff:8.8.4.4")
    resolver = Resolver(names)
    found = [resolver.lookup("a.example", 5) for _ in range(8)]
    assert set(found) == {(ip_address("8.8.8.8"), ip_address("8.8.4.4"))}
    assert names.asked == 1


def test_answer_is_not_kept_for_ever() -> None:
    """A server that moves is found again."""
    names = Names("8.8.8.8")
    resolver = Resolver(names, kept=0)
    for _ in range(2):
        resolver.lookup("a.example", 5)
    assert names.asked == 2


def test_forgotten_name_is_looked_up_again() -> None:
    """A server that does not answer may have moved."""
    names = Names("8.8.8.8")
    resolver = Resolver(names)
    resolver.lookup("a.example", 5)
    resolver.forget("a.example")
    resolver.lookup("a.example", 5)
    assert names.asked == 2


def test_slow_lookup_is_joined() -> None:
    """While a name server hangs, callers wait for one look-up and leave at their own time."""
    names = Names("8.8.8.8")
    names.may_answer.clear()
    resolver = Resolver(names)
    for _ in range(2):
        with pytest.raises(TimeoutError):
            resolver.lookup("a.example", 0.01)
    names.may_answer.set()
    assert resolver.lookup("a.example", 5)
    assert names.asked == 1


def test_failure_is_not_kept() -> None:
    """A name that is not found at one moment may be found at the next."""
    names = Names()
    resolver = Resolver(names)
    for _ in range(2):
        with pytest.raises(OSError, match="no address"):
            resolver.lookup("a.example", 5)
    assert names.asked == 2


def test_unexpected_failure_leaves_nobody_waiting() -> None:
    """Whatever a look-up raises, those who wait hear of it at once."""

    def crash(*_: object, **__: object) -> list[tuple[Any, ...]]:
        raise RuntimeError

    with pytest.raises(OSError, match="no address"):
        Resolver(crash).lookup("a.example", 5)


def test_memory_is_bounded() -> None:
    """However many names come by, few are kept."""
    resolver = Resolver(Names("8.8.8.8"))
    for number in range(300):
        resolver.lookup(f"{number}.example", 5)
    assert len(resolver._asked) <= 256
