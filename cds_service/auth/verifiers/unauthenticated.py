"""No proof at all: for development, and for tools whose calls need no protection."""

from __future__ import annotations

from collections.abc import Sequence

from cds_service.auth.verifiers.callers import Caller, Credentials
from cds_service.clients.cors_origins import client_of_origin
from cds_service.clients.profile import ClientProfile


class OpenVerifier:
    """Lets anybody in as one of the clients that need not prove who they are."""

    def __init__(self, clients: Sequence[ClientProfile]) -> None:
        """Take these clients, at least one, in the order of the configuration."""
        self._clients = tuple(clients)

    def verify(self, credentials: Credentials) -> Caller:
        """Return the client for whose pages this one's origin is registered, else the first one."""
        return Caller(client_of_origin(self._clients, credentials.origin) or self._clients[0])
