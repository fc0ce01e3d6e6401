"""Whether the service would start, found out without starting it: nothing is called, opened or written.

Each check is the one that the start itself runs. What only the world can tell is left to the start: whether the port is
free, the data folder can be written to, and the database answers.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cds_service.clients.switches import Switches
from cds_service.hooks.setup import advisers_of, check_tokens, clients_of, http_client_of, redis_of
from cds_service.hooks.storage import check_storage
from cds_service.protocol.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cds_service.clients.profile import ClientProfile
    from cds_service.clients.switches import SwitchState
    from cds_service.config.settings import Settings
    from cds_service.hooks.adviser import Adviser


@dataclass(frozen=True, slots=True)
class Configuration:
    """What would be in force."""

    clients: tuple[ClientProfile, ...]
    advisers: Mapping[str, Adviser]
    switched: SwitchState


def preflight(settings: Settings) -> Configuration:
    """Return what would be in force; SettingsError with everything for which the start would be refused."""
    problems = list(_problems(settings))
    found = None
    try:
        found = _configuration(settings)
    except SettingsError as error:
        problems += error.problems
    if problems or found is None:
        raise SettingsError(problems)
    return found


def _problems(settings: Settings) -> Iterator[str]:
    for check in (http_client_of, redis_of, check_storage):
        try:
            check(settings)
        except SettingsError as error:
            yield from error.problems


def _configuration(settings: Settings) -> Configuration:
    clients = clients_of(settings)
    check_tokens(clients, settings)
    switched = Switches(settings.switches, time.monotonic, [client.name for client in clients]).state
    return Configuration(clients, advisers_of(clients, settings), switched)
