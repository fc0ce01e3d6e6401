"""How many hook calls a client may make in a minute."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cds_service.auth.shared_counts import SharedCounts
from cds_service.clients.profile import ClientProfile
from cds_service.protocol.errors import TooManyCallsError

if TYPE_CHECKING:
    from redis import Redis

    from cds_service.auth.counts import Counts


# A form asks anew with each answer; what a whole clinic presses in a minute stays far below this.
_FORM_CALLS: Final = 1200


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Counts the calls of each client."""

    counts: Counts | SharedCounts

    def take(self, client: str, per_minute: int | None) -> None:
        """Count one call of a client; TooManyCallsError (429) when its minute is used up."""
        if per_minute is not None and (wait := self.counts.take(client, per_minute)):
            raise TooManyCallsError(wait)

    def take_form(self, client: str) -> None:
        """Count what a form of a client asks, apart from its hook calls: neither uses up the other's minute."""
        self.take(_form_of(client), _FORM_CALLS)


def _form_of(client: str) -> str:
    # No client can be called so.
    return f"form:{client}"


def call_limits(redis: Redis | None, workers: int, clients: Iterable[ClientProfile]) -> CallLimits:
    """Return limits that all workers share, of all hosts where Redis is; to be called before the workers fork."""
    if redis is not None:
        from cds_service.auth.counts import Counts  # noqa: PLC0415 - its libraries are slow to import, and few need them

        return CallLimits(Counts(redis, workers))
    listed = tuple(clients)
    limits = {client.name: client.calls_per_minute for client in listed}
    limits |= {_form_of(client.name): _FORM_CALLS for client in listed if client.smart_client_id}
    return CallLimits(SharedCounts({name: most for name, most in limits.items() if most is not None}))
