"""What a replay is made with, small enough to be sent to another process, and the assessor that it becomes there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cds_service.clients.profile import ClientProfile
from cds_service.hooks.setup import advisers_of, clients_of
from cds_service.protocol.errors import SettingsError
from cds_service.replay.assessing import Assessor, Scope
from cds_service.replay.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from cds_service.config.settings import Settings

NO_CLIENT = "site"


@dataclass(frozen=True, slots=True)
class ReplaySetup:
    """The settings, the client whose cards are replayed (none: as the settings say), what is replayed, and the key.

    Without a key identifiers stay as they are.
    """

    settings: Settings
    client_name: str | None = None
    scope: Scope = field(default_factory=Scope)
    key: bytes | None = field(default=None, repr=False)

    @property
    def client(self) -> ClientProfile:
        """The profile of the client; SettingsError where there is none of the name."""
        if self.client_name is None:
            return ClientProfile(NO_CLIENT)
        clients = {client.name: client for client in clients_of(self.settings)}
        if self.client_name not in clients:
            raise SettingsError([f"--client: there is no client of this name; there are: {', '.join(clients)}"])
        return clients[self.client_name]

    def assessor(self) -> Assessor:
        """Return what assesses patients; SettingsError when site file or wording cannot be used.

        Nothing is explained: only what a clinician would have seen is told in the rows.
        """
        client = self.client
        adviser = advisers_of([client], self.settings)[client.name]
        return Assessor(replace(adviser, explain=False), self.scope, Pseudonyms(self.key))

    def with_scope(self, scope: Scope) -> ReplaySetup:
        """Return it for another scope."""
        return replace(self, scope=scope)
