"""Why a call was answered without cards: the guideline is silent, the mode keeps cards back, or the kill switch does.

An answer does not tell, so that no user learns of a pilot. The settings and the switch file tell, if they are those of
the running service; `/readyz`, which names no client, shows when they are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cds_service.clients.profile import Mode
from cds_service.clients.switches import EVERY_CLIENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cds_service.clients.profile import ClientProfile
    from cds_service.clients.switches import SwitchState

_EFFECTS: Final = {
    Mode.OFF: "nothing is assessed",
    Mode.SILENT: "orders are assessed and recorded, and nobody sees a card",
}


def why_silent(client: ClientProfile, switched: SwitchState, running: Mapping[str, Any] | None) -> str:
    """Return why a client is answered with silence, to follow "No cards:".

    `running` is what `/readyz` says, None where it says nothing.
    """
    mode = switched.mode(client)
    modes = (running or {}).get("modes")
    if isinstance(modes, dict) and modes.keys() == {Mode.ON.value}:
        return _GUIDELINE
    if isinstance(modes, dict) and mode.value not in modes:
        return (
            f"for a reason that is not known: by the settings here the client {client.name} is in mode {mode}, and the "
            f"running service has none in it ({', '.join(modes)}). Give this command the settings of the service."
        )
    if mode is Mode.ON:
        return _GUIDELINE
    if mode is not client.mode:
        return f"the kill switch: {mode}{_reason(client, switched)}; {_EFFECTS[mode]}."
    if mode is Mode.PILOT:
        return (
            f"the mode pilot, or the guideline: the user of this call, an invented one, "
            f"takes no part in the pilot of {client.name}, or the guideline has nothing to say. {_SEE}"
        )
    return f"the mode {mode} of the client {client.name}: {_EFFECTS[mode]}. {_SEE}"


def _reason(client: ClientProfile, switched: SwitchState) -> str:
    for reasons in (switched.off, switched.silent):
        for name in (client.name, EVERY_CLIENT):
            if name in reasons:
                who = "every client" if name == EVERY_CLIENT else name
                return f" for {who}" + (f" ({reasons[name]})" if reasons[name] else "")
    return ""


_GUIDELINE: Final = "the guideline: it has nothing to say about these orders."
_SEE: Final = "`lumbar-cds assess FILE` shows what the guideline says."
