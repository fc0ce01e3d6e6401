"""The profile of one client: what one EHR tenant may do and wants."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Literal

from cards.response.client_shape import ClientShape
from cds_service.egress.network import Network
from fhir_mappings.fhir.needs import DataNeed, needs_of
from fhir_mappings.fhir.searches import SearchForm

REMEMBER_HOURS: Final = 12
# What a client may be called: its name becomes a metric label and a key in files.
CLIENT_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class Mode(StrEnum):
    """How far a client's clinicians see advice."""

    OFF = "off"  # nothing is assessed
    SILENT = "silent"  # assessed and recorded, no card is shown
    PILOT = "pilot"  # cards for some users only, silent for the others
    ON = "on"


class Authentication(StrEnum):
    """How a client proves who it is."""

    NONE = "none"
    CDS_HOOKS_JWT = "cds-hooks-jwt"
    OAUTH_BEARER = "oauth-bearer"
    MUTUAL_TLS = "mutual-tls"


BY_TOKEN: Final = (Authentication.CDS_HOOKS_JWT, Authentication.OAUTH_BEARER)


@dataclass(frozen=True, slots=True)
class Issuer:
    """One issuer of tokens and where its keys are: at `jku`, or inline in `keys` (JWKs), never both.

    `audiences` are further values of `aud` that are accepted besides the address of the endpoint; for OAuth bearer
    tokens they are the only ones. `tenants` and `subjects` are the values allowed for these claims; empty allows any.
    `leeway` and `max_lifetime` are in seconds.
    """

    iss: str
    jku: str | None = None
    keys: tuple[Mapping[str, Any], ...] = ()
    algorithms: tuple[str, ...] = ("ES384", "RS384")
    audiences: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    leeway: int = 60
    max_lifetime: int = 3600


@dataclass(frozen=True, slots=True)
class Certificates:
    """Mutual TLS as a reverse proxy reports it.

    The proxy's verdict and the certificate's subject or SHA-256 fingerprint (lower-case hexadecimal digits) are read
    from its headers, and believed only from an address in `proxies` (CIDR ranges).
    """

    proxies: tuple[str, ...] = ()
    subjects: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    verified_header: str = "X-SSL-Client-Verify"
    subject_header: str = "X-SSL-Client-Subject-DN"
    fingerprint_header: str = "X-SSL-Client-Fingerprint"


@dataclass(frozen=True, slots=True)
class FhirAccess:
    """The FHIR servers of a client and how they are asked; an empty `bases` means that nothing is fetched.

    `deadline_ms` bounds everything that is fetched for one hook call, `pages` the pages of one search. With `batch`
    one Bundle asks for everything. `observation_categories`, `sort`, `include` and `page_size` say how searches and
    prefetch templates are written.
    """

    bases: tuple[str, ...] = ()
    any_loopback: bool = False
    deadline_ms: int = 450
    connect_ms: int = 200
    read_ms: int = 400
    retries: int = 1
    pages: int = 10
    max_bytes: int = 16 * 1024 * 1024
    batch: bool = False
    observation_categories: tuple[str, ...] = ()
    sort: bool = True
    include: bool = True
    page_size: int | None = None

    @property
    def form(self) -> SearchForm:
        """How searches are written for these servers."""
        return SearchForm(self.observation_categories, self.sort, self.include, self.page_size)


@dataclass(frozen=True, slots=True)
class Pilot:
    """Who sees cards in the mode `pilot`: listed users (`Practitioner/id`), or a stable share of all."""

    users: frozenset[str] = frozenset()
    percent: int = 0


@dataclass(frozen=True, slots=True)
class ClientProfile:
    """What one client may do and wants. None means: as the process's settings say.

    `extends` is the ready-made profile that it started from. `origins` are origins of web pages, or the word
    `loopback`, see `origins.py`. `sources` are the FHIR resource types that it has, None where nobody has said.
    `calls_per_minute` None sets no limit. What a user has answered is not asked again within `remember_hours`.
    `smart_client_id` is what its authorization server knows the form as, empty where it is not registered there, and
    `smart_token_url` where that server gives tokens, where it is not on the host of a FHIR base.
    """

    name: str
    extends: str = ""
    title: str = ""
    contact: str = ""
    authentication: Authentication = Authentication.NONE
    issuers: tuple[Issuer, ...] = ()
    certificates: Certificates | None = None
    network: Network = field(default_factory=Network)
    fhir: FhirAccess = field(default_factory=FhirAccess)
    origins: tuple[str, ...] = ()
    mode: Mode = Mode.ON
    pilot: Pilot = field(default_factory=Pilot)
    shape: ClientShape = field(default_factory=ClientShape)
    strict_hook: bool = True
    strict_tokens: bool = False
    sources: tuple[str, ...] | None = None
    verbosity: Literal["all", "action"] | None = None
    explain: bool | None = None
    language: str | None = None
    site_file: Path | None = None
    max_body_bytes: int | None = None
    max_orders: int | None = None
    calls_per_minute: int | None = None
    remember_hours: int = REMEMBER_HOURS
    smart_client_id: str = ""
    smart_token_url: str = ""

    @property
    def needs(self) -> tuple[DataNeed, ...]:
        """What is asked of its data: the sources that it has, and those that every answer rests on."""
        return needs_of(self.sources)
