"""Admission: from the HTTP request in hand to an admitted caller, or the same 401 for everybody.

Why a caller was refused is noted for the log and the metrics, under the request id; the caller learns nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import request

from cds_service.auth.incoming import credentials_of
from cds_service.auth.replay.store import ReplayUnavailableError
from cds_service.auth.verifiers.callers import NotAuthenticatedError
from cds_service.protocol.errors import TokensUnavailableError, UnauthorizedError
from cds_service.protocol.trace import current_trace

if TYPE_CHECKING:
    from cds_service.auth.gate import Gate
    from cds_service.auth.limits import CallLimits
    from cds_service.auth.verifiers.callers import Caller


@dataclass(frozen=True, slots=True)
class Admission:
    """Lets callers in, and counts their hook calls."""

    gate: Gate
    limits: CallLimits

    def admit(self) -> Caller:
        """Return who sends the request in hand; UnauthorizedError when nobody does who may.

        TokensUnavailableError where it cannot be told whether a token is new, and the client insists on that.
        """
        trace = current_trace()
        with trace.phase("authenticate"):
            try:
                caller = self.gate.admit(credentials_of(request))
            except NotAuthenticatedError as refusal:
                trace.refusal = refusal.reason
                raise UnauthorizedError from None
            except ReplayUnavailableError:
                raise TokensUnavailableError from None
        trace.client = caller.client.name
        trace.issuer = caller.issuer or None
        trace.tenant = caller.tenant or None
        trace.token_id = caller.token_id or None
        return caller

    def admit_hook_call(self) -> Caller:
        """Return who calls a hook and count the call; TooManyCallsError when the client's minute is used up.

        Feedback is not counted: it must not be lost because many orders were written.
        """
        caller = self.admit()
        self.limits.take(caller.client.name, caller.client.calls_per_minute)
        return caller
