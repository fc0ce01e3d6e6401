"""Why there is no card: the guideline, the mode, or the kill switch; and a guess is never told as knowledge."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.cli.trying.silence import why_silent
from cds_service.clients.profile import ClientProfile, Mode
from cds_service.clients.switches import SwitchState

CLIENTS = {mode: ClientProfile("general", mode=mode) for mode in Mode}
SWITCHED = SwitchState(silent={"*": "wrong order"})

CASES: dict[str, tuple[Mode, SwitchState, dict[str, Any] | None, str]] = {
    "on": (Mode.ON, SwitchState(), {"modes": {"on": 2}}, "the guideline: it has nothing to say"),
    "on, and nothing more is known": (Mode.ON, SwitchState(), None, "the guideline"),
    "silent": (Mode.SILENT, SwitchState(), {"modes": {"on": 1, "silent": 1}}, "the mode silent of the client general"),
    "off": (Mode.OFF, SwitchState(), {"modes": {"off": 1}}, "nothing is assessed"),
    "pilot": (Mode.PILOT, SwitchState(), {"modes": {"pilot": 1}}, "takes no part in the pilot"),
    "switched": (Mode.ON, SWITCHED, {"modes": {"silent": 1}}, "the kill switch: silent for every client (wrong order)"),
    "other settings": (Mode.ON, SwitchState(), {"modes": {"off": 1}}, "Give this command the settings of the service"),
    "a switch of another service": (Mode.ON, SWITCHED, {"modes": {"on": 1}}, "the guideline"),
}


@pytest.mark.parametrize(("mode", "switched", "running", "said"), CASES.values(), ids=CASES.keys())
def test_silence_is_explained(mode: Mode, switched: SwitchState, running: dict[str, Any] | None, said: str) -> None:
    """The settings and what the running service tells are put together."""
    assert said in why_silent(CLIENTS[mode], switched, running)
