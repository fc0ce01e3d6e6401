"""The clients of a process and what is set up for them: who they are, what is advised, how they prove themselves."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from cds_service.auth.configuration import configuration_problems
from cds_service.auth.replay.sqlite import SqliteReplayStore
from cds_service.auth.replay.store import MemoryReplayStore
from cds_service.clients.file.exposure import exposure_problem
from cds_service.clients.file.reading import load_clients
from cds_service.clients.file.ready_made import default_clients
from cds_service.clients.profile import Authentication
from cds_service.clients.test_keys import with_test_keys
from cds_service.egress.http import HttpClient
from cds_service.gudid.table import GudidTable
from cds_service.hooks.adviser import Adviser
from cds_service.protocol.errors import SettingsError
from fhir_mappings.devices.labels import NO_LABELS
from fhir_mappings.terminology.index import TerminologyIndex, bundled_value_sets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from redis import Redis

    from cds_service.auth.replay.store import ReplayStore, UsedTokens
    from cds_service.clients.profile import ClientProfile
    from cds_service.config.settings import Settings
    from fhir_mappings.devices.labels import DeviceLabels


def clients_of(settings: Settings) -> tuple[ClientProfile, ...]:
    """Return the clients that the settings name; SettingsError when their file cannot be used, or exposes too much."""
    if settings.clients_file:
        clients = load_clients(settings.clients_file)
        if settings.profile == "development":
            clients = with_test_keys(clients, settings.data_dir)
    else:
        clients = default_clients(development=settings.profile == "development")
    if problem := exposure_problem(settings.host, clients, insecure=settings.insecure):
        raise SettingsError([f"LUMBAR_CDS_HOST: {problem}"])
    return clients


@cache
def bundled_index() -> TerminologyIndex:
    """Return the index of the bundled value sets, which never changes and is read once a process."""
    return TerminologyIndex.from_directory(bundled_value_sets(), is_ours=True)


def advisers_of(clients: Sequence[ClientProfile], settings: Settings) -> Mapping[str, Adviser]:
    """Return an adviser for each client, by its name; value sets and labels are read once."""
    bundled, labels = bundled_index(), labels_of(settings)
    return {client.name: Adviser.of(client, settings, bundled, labels) for client in clients}


def labels_of(settings: Settings) -> DeviceLabels:
    """Return the labels of device models that a site has imported; SettingsError when their table cannot be used."""
    return GudidTable(settings.gudid) if settings.gudid else NO_LABELS


def http_client_of(settings: Settings) -> HttpClient:
    """Return what calls other servers, and call nobody; SettingsError when the authorities to trust cannot be read."""
    try:
        return HttpClient(settings.fetch_threads, ca_bundle=settings.ca_bundle)
    except OSError as error:  # ssl.SSLError is one too
        raise SettingsError([f"LUMBAR_CDS_CA_BUNDLE: cannot be used ({type(error).__name__})"]) from None


def check_tokens(clients: Sequence[ClientProfile], settings: Settings) -> None:
    """Check what clients sign their calls with, and fetch nothing; SettingsError as `gate_for`."""
    if problems := list(configuration_problems(clients, settings.public_url or "")):
        raise SettingsError(problems)


def redis_of(settings: Settings) -> Redis | None:
    """Return Redis where one is configured, and connect to nothing; SettingsError when its address cannot be used."""
    if not settings.redis_url:
        return None
    from cds_service.auth.replay.redis import connect_redis  # noqa: PLC0415 - slow to import, and few need it

    return connect_redis(settings.redis_url.get_secret_value())


def replay_store(clients: Sequence[ClientProfile], settings: Settings, clock: Callable[[], datetime]) -> ReplayStore:
    """Return where used tokens are remembered; in memory where nobody signs calls. SettingsError as `shared_store`."""
    if any(client.authentication is Authentication.CDS_HOOKS_JWT for client in clients):
        return shared_store(settings, clock)
    redis_of(settings)  # its address is checked all the same
    return MemoryReplayStore(clock)


def shared_store(settings: Settings, clock: Callable[[], datetime]) -> UsedTokens:
    """Return a store that is seen wherever something used could be used again; SettingsError when it cannot be used.

    That is another worker, and also the one that takes the place of a worker which has died, or a service that was
    started again: so it is never the memory of a process.
    """
    redis = redis_of(settings)
    if redis is not None:
        from cds_service.auth.replay.redis import RedisReplayStore  # noqa: PLC0415 - as above

        store = RedisReplayStore(redis, clock)
        store.begin()
        return store
    return SqliteReplayStore(settings.data_dir / "replay.sqlite3", clock)
