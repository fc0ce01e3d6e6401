"""The FHIR server of one hook call: what may be sent there, and the only token that ever is."""

from __future__ import annotations

import math
import re
import time
from typing import Final

from cds_service.egress.addresses import Address, EgressError
from cds_service.egress.breaker import Admission, Breakers, HookCall
from cds_service.egress.client import Client
from cds_service.egress.destinations import check_below
from cds_service.egress.http import Call, Fetched, HttpClient, Limits
from fhir_mappings.fhir_client.transport import FhirRequest, FhirResponse, TransportError

_FHIR_JSON: Final = "application/fhir+json"
_TOKEN: Final = re.compile(r"[!-~]+")
_SERVER_ERROR: Final = 500
_MOST_DIGITS: Final = 9
_NOT_IMPLEMENTED: Final = 501  # says something about the search, not about the server


class FhirTransport:
    """Sends FHIR requests to one base of one client, whatever address a request names.

    It is made for a hook call and knows neither the call nor its headers: the only token it can send is that of the
    `FhirRequest`, and only below the base.
    """

    def __init__(self, http: HttpClient, client: Client, breakers: Breakers, base: Address) -> None:
        """Take the process's client and circuits, the profile with its limits, and the base that was checked."""
        self._http = http
        self._client = client
        self._base = base
        self._hook_call = HookCall(breakers.of(client.name, base))

    def close(self) -> None:
        """End the hook call, and let it count for or against the server."""
        self._hook_call.close()

    def send(self, request: FhirRequest, seconds: float) -> FhirResponse:
        """Return the answer of any status within some seconds, all of it; TransportError when there is none."""
        address = self._checked(request)
        until = time.monotonic() + seconds
        with self._hook_call.admit(seconds) as admission:
            # What was waited for a trial is gone.
            left = until - time.monotonic()
            if left <= 0:
                raise TransportError("timeout")
            answer = self._answer(self._call(request, address, left), admission)
        return FhirResponse(answer.status, answer.body, _seconds(answer.headers.get("retry-after", "")))

    def _answer(self, call: Call, admission: Admission) -> Fetched:
        """Send a request that was let through, and note what came of it."""
        access = self._client.fhir
        fair = call.limits.seconds * 1000 >= min(access.read_ms, access.deadline_ms) / 2
        self._hook_call.begin(admission, fair=fair)
        try:
            answer = self._http.send(call)
        except TransportError as error:
            admission.healthy = _verdict(error.reason, fair=fair)
            raise
        else:
            admission.healthy = answer.status < _SERVER_ERROR or answer.status == _NOT_IMPLEMENTED
            return answer
        finally:
            self._hook_call.end(admission)

    def _checked(self, request: FhirRequest) -> Address:
        address, token = self._address(request.url), request.token
        if address is None or request.method not in ("GET", "POST") or (token and not _TOKEN.fullmatch(token)):
            raise TransportError("refused")
        return address

    def _call(self, request: FhirRequest, address: Address, seconds: float) -> Call:
        token = request.token
        headers = {"Accept": _FHIR_JSON}
        if request.body is not None:
            headers["Content-Type"] = _FHIR_JSON
        if token:
            headers["Authorization"] = f"Bearer {token}"
        access = self._client.fhir
        limits = Limits(seconds, access.connect_ms / 1000, access.read_ms / 1000, access.max_bytes)
        return Call(address.url, self._client.network, limits, headers, request.method, request.body)

    def _address(self, url: str) -> Address | None:
        try:
            return check_below(self._base, url, self._client.network)
        except EgressError:
            return None


def _verdict(reason: str, *, fair: bool) -> bool | None:
    """Return what a failure says about the server; a time-out says something if there was time enough."""
    if reason == "too-large":
        return True
    return False if reason == "connection" or (reason == "timeout" and fair) else None


def _seconds(retry_after: str) -> float | None:
    """Return the seconds of a Retry-After header; a date, which is always too late for a hook call, is a long time."""
    text = retry_after.strip()
    if not text:
        return None
    return float(text) if text.isdecimal() and len(text) < _MOST_DIGITS else math.inf
