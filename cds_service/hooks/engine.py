"""What answers hooks, put together from the settings: clients and their advisers, admission, handler and stores."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cds_service.auth.admission import Admission
from cds_service.auth.gate import gate_for
from cds_service.auth.limits import call_limits
from cds_service.auth.replay.guard import ReplayGuard
from cds_service.auth.replay.store import MemoryReplayStore
from cds_service.auth.verifiers.key_fetcher import HttpKeyFetcher
from cds_service.clients.file.exposure import authentication_state
from cds_service.clients.profile import Mode
from cds_service.clients.switches import Switches
from cds_service.egress.breaker import Breakers
from cds_service.gudid.table import is_stale
from cds_service.hooks.data_access import DataAccess
from cds_service.hooks.handler import HookHandler
from cds_service.hooks.memory import Remembrance
from cds_service.hooks.setup import advisers_of, clients_of, http_client_of, redis_of, replay_store
from cds_service.hooks.storage import Storage, open_storage
from cds_service.overload.places import Places

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from cds_service.auth.gate import Gate
    from cds_service.clients.profile import ClientProfile
    from cds_service.config.settings import Settings
    from cds_service.hooks.adviser import Adviser
    from cds_service.hooks.standing import Standing

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Engine:
    """The parts that a process has once; all are safe to share between threads, and made before workers fork."""

    clients: tuple[ClientProfile, ...]
    advisers: Mapping[str, Adviser]
    authentication: str
    gate: Gate
    replay: ReplayGuard
    admission: Admission
    handler: HookHandler
    switches: Switches
    breakers: Breakers
    storage: Storage

    def modes(self) -> dict[str, Mode]:
        """Return the mode in force for each client, by its name."""
        return {client.name: self.switches.mode(client) for client in self.clients}

    def standing(self) -> dict[str, Standing]:
        """Return how the guideline stands for each client, by its name."""
        return {name: adviser.standing for name, adviser in self.advisers.items()}

    def switched(self) -> dict[str, Mode]:
        """Return the clients that the kill switch lowers, with the mode in force."""
        return self.switches.switched(self.clients)


def build_engine(settings: Settings, clock: Callable[[], datetime], storage: Storage | None = None) -> Engine:
    """Return the engine that the settings describe; SettingsError when it cannot be built.

    `storage` takes the place of the stores that the settings name; used tokens are then kept in memory.
    """
    clients = clients_of(settings)
    advisers = advisers_of(clients, settings)
    _warn_of_old_labels(advisers, clock)
    http, breakers = http_client_of(settings), Breakers()
    replay = ReplayGuard(MemoryReplayStore(clock) if storage else replay_store(clients, settings, clock), clock)
    gate = gate_for(clients, settings.public_url or "", HttpKeyFetcher(http), replay, clock)
    switches = Switches(settings.switches, time.monotonic, [client.name for client in clients])
    searches = ThreadPoolExecutor(settings.fetch_threads, thread_name_prefix="fetch")
    stores = storage or open_storage(settings)
    return Engine(
        clients=clients,
        advisers=advisers,
        authentication=authentication_state(clients, insecure=settings.insecure),
        gate=gate,
        replay=replay,
        admission=Admission(gate, call_limits(redis_of(settings), settings.workers, clients)),
        handler=HookHandler(
            advisers=advisers,
            data_access=DataAccess(clients, http, breakers, searches),
            switches=switches,
            identities=stores.identities,
            recorder=stores.recorder,
            remembrance=Remembrance(stores.identities, stores.answered, clock),
            places=Places(settings.threads, settings.wait_ms / 1000, clients=len(clients)),
            clock=clock,
        ),
        switches=switches,
        breakers=breakers,
        storage=stores,
    )


def _warn_of_old_labels(advisers: Mapping[str, Adviser], clock: Callable[[], datetime]) -> None:
    """Say at the start that the labels of devices are too old, which nobody would notice on a card."""
    released = next((adviser.labels.released for adviser in advisers.values()), None)
    if released is not None and is_stale(released, clock().date()):
        sentence = "the labels of devices are of %s, more than a year ago: import a new release (LUMBAR_CDS_GUDID)"
        _LOG.warning(sentence, released.isoformat())
