"""Turns in the order of asking."""

from __future__ import annotations

import threading

from cds_service.overload.turns import Turns

PATIENCE = 30.0


def test_nobody_overtakes_who_waits() -> None:
    """While somebody waits, a turn that is taken in passing is not to be had, and those that wait go in order."""
    turns, order = Turns(1), []

    def wait(name: str) -> None:
        assert turns.take()
        order.append(name)
        turns.give_back()

    assert turns.take_now()
    waiting = []
    for number, name in enumerate(("first", "second"), start=1):
        waiting.append(threading.Thread(target=wait, args=(name,), daemon=True))
        waiting[-1].start()
        while len(turns._waiting) < number:
            pass
    assert not turns.take_now()
    turns.give_back()
    for thread in waiting:
        thread.join(PATIENCE)
    assert order == ["first", "second"]
    assert turns.take_now()


def test_who_gives_up_leaves_no_trace() -> None:
    """A wait that ended in vain takes no turn later."""
    turns = Turns(1)
    assert turns.take_now()
    assert not turns.take(0.0)
    turns.give_back()
    assert turns.take_now()
