"""No proof at all: for development, and for tools whose calls need no protection."""

from __future__ import annotations

from collections.abc import Sequence

from cds_service.auth.callers import Caller, Credentials
from cds_service.clients.profile import ClientProfile


class OpenVerifier:
    """Lets anybody in as one of the clients that need not prove who they are."""

    def __init__(self, clients: Sequence[ClientProfile]) -> None:
        """Take these clients, at least one, in the order of the configuration."""
        self._clients = tuple(clients)

    def verify(self, credentials: Credentials) -> Caller:
        """Return the client whose browser origins hold this call's, else the first one."""
        by_origin = (client for client in self._clients if credentials.origin and credentials.origin in client.origins)
        return Caller(next(by_origin, self._clients[0]))
