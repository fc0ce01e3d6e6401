"""Fetches the public keys of token issuers, through the same checked and pinned connections as everything else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from cds_service.auth.verifiers.keys import FetchedKeys, KeyFetchError
from cds_service.egress.http import HttpClient
from cds_service.egress.network import Network
from fhir_mappings.fhir_client.transport import TransportError

_SECONDS: Final = 2.0
_MOST_BYTES: Final = 256 * 1024
_ACCEPT: Final = "application/jwk-set+json, application/json"
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age=\"?(\d{1,9})")
_NOT_KEPT: Final = re.compile(r"(?:^|[,\s])no-(?:store|cache)(?:$|[,\s=])")


@dataclass(frozen=True, slots=True)
class HttpKeyFetcher:
    """Fetches JWK Sets with the HTTP client of the process."""

    http: HttpClient

    def fetch(self, url: str, network: Network) -> FetchedKeys:
        """Return what stands at an issuer's `jku`; KeyFetchError for any answer but a plain 200."""
        try:
            answer = self.http.get(
                url,
                network,
                seconds=_SECONDS,
                connect_seconds=_SECONDS / 2,
                read_seconds=_SECONDS,
                max_bytes=_MOST_BYTES,
                accept=_ACCEPT,
            )
        except TransportError:
            raise KeyFetchError from None
        if answer.status != HTTPStatus.OK:
            raise KeyFetchError
        return FetchedKeys(answer.body, _max_age(answer.headers.get("cache-control", "")))


def _max_age(directives: str) -> int | None:
    """Return for how many seconds the keys may be kept, as Cache-Control says; None where it does not."""
    text = directives.lower()
    if _NOT_KEPT.search(text):
        return 0
    found = _MAX_AGE.search(text)
    return int(found[1]) if found else None
