"""What must be known of a client to fetch for it; its profile says all of this, and more."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cds_service.egress.network import Network


class Access(Protocol):
    """A client's FHIR servers, and how long and how large an answer may be."""

    @property
    def bases(self) -> Sequence[str]:
        """The base addresses of its FHIR servers."""

    @property
    def any_loopback(self) -> bool:
        """Whether every FHIR server on this machine is one too."""

    @property
    def deadline_ms(self) -> int:
        """Milliseconds for everything that one hook call has fetched."""

    @property
    def connect_ms(self) -> int:
        """Milliseconds for a connection to be made."""

    @property
    def read_ms(self) -> int:
        """Milliseconds for an answer to begin or go on."""

    @property
    def max_bytes(self) -> int:
        """The largest answer."""


class Client(Protocol):
    """A client for which data are fetched."""

    @property
    def name(self) -> str:
        """Its name, by which circuit breakers are kept apart."""

    @property
    def network(self) -> Network:
        """The addresses that may be called for it."""

    @property
    def fhir(self) -> Access:
        """Its FHIR servers."""
