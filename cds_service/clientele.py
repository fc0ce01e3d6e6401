"""The clients of a process and what is set up for them: who they are, what is advised, how they prove themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cds_service.auth.configuration import configuration_problems
from cds_service.auth.gate import Gate, gate_for
from cds_service.auth.replay import MemoryReplayStore
from cds_service.auth.replay_redis import RedisReplayStore, connect_redis
from cds_service.auth.replay_sqlite import SqliteReplayStore
from cds_service.clients.exposure import exposure_problem
from cds_service.clients.file import load_clients
from cds_service.clients.layers import default_clients
from cds_service.clients.profile import Authentication
from cds_service.egress.addresses import EgressError
from cds_service.egress.destinations import Destinations
from cds_service.egress.http import HttpClient
from cds_service.errors import SettingsError
from cds_service.hooks import Adviser
from fhir_mappings.terminology import TerminologyIndex, bundled_value_sets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from cds_service.auth.keys import KeyFetcher
    from cds_service.auth.replay import ReplayStore
    from cds_service.clients.profile import ClientProfile
    from cds_service.settings import Settings


def clients_of(settings: Settings) -> tuple[ClientProfile, ...]:
    """Return the clients that the settings name; SettingsError when their file cannot be used, or exposes too much."""
    if settings.clients_file:
        clients = load_clients(settings.clients_file)
    else:
        clients = default_clients(development=settings.profile == "development")
    if problem := exposure_problem(settings.host, clients, insecure=settings.insecure):
        raise SettingsError([f"LUMBAR_CDS_HOST: {problem}"])
    return clients


def advisers_of(clients: Sequence[ClientProfile], settings: Settings) -> Mapping[str, Adviser]:
    """Return an adviser for each client, by its name; the bundled value sets are read once."""
    bundled = TerminologyIndex.from_directory(bundled_value_sets())
    return {client.name: Adviser.of(client, settings, bundled) for client in clients}


def gate_of(
    clients: Sequence[ClientProfile], settings: Settings, fetcher: KeyFetcher, clock: Callable[[], datetime]
) -> Gate:
    """Return the gate through which these clients come; SettingsError when it cannot be built as configured."""
    return gate_for(clients, settings.public_url or "", fetcher, _replay_store(clients, settings, clock), clock)


def http_client_of(settings: Settings) -> HttpClient:
    """Return what calls other servers; SettingsError when the authorities to trust cannot be read."""
    try:
        return HttpClient(settings.fetch_threads, ca_bundle=settings.ca_bundle)
    except OSError as error:  # ssl.SSLError is one too
        raise SettingsError([f"LUMBAR_CDS_CA_BUNDLE: cannot be used ({type(error).__name__})"]) from None


def check_destinations(clients: Sequence[ClientProfile]) -> None:
    """Check the FHIR bases of clients; SettingsError names each client with one that could never be asked."""
    problems = []
    for client in clients:
        try:
            Destinations.of(client)
        except EgressError as error:
            problems.append(f"client {client.name}: fhir.bases: one of them could never be asked ({error.reason})")
    if problems:
        raise SettingsError(problems)


def check_tokens(clients: Sequence[ClientProfile], settings: Settings) -> None:
    """Check what clients sign their calls with, and fetch nothing; SettingsError as `gate_of`."""
    if problems := list(configuration_problems(clients, settings.public_url or "")):
        raise SettingsError(problems)


def _replay_store(clients: Sequence[ClientProfile], settings: Settings, clock: Callable[[], datetime]) -> ReplayStore:
    """Return where used tokens are remembered: wherever a replay could land, it must be recognised."""
    signing = any(client.authentication is Authentication.CDS_HOOKS_JWT for client in clients)
    if not signing:
        return MemoryReplayStore(clock)
    if settings.redis_url:
        return RedisReplayStore(connect_redis(settings.redis_url.get_secret_value()), clock)
    if settings.workers > 1:
        return SqliteReplayStore(settings.data_dir / "replay.sqlite3", clock)
    return MemoryReplayStore(clock)
