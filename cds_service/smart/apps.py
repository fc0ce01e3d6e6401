"""The SMART app as each client has registered it: which FHIR servers may launch it, and what they know it as.

A launch names its EHR in an address that anybody can write. One that no client lists is refused before a browser is
sent anywhere, since whoever it names would be handed the clinician's login.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cds_service.clients.normalization import without_slash

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cds_service.clients.profile import ClientProfile

# Where the demo EHR has its FHIR server, on this service's own origin; in development only.
DEMO_BASE: Final = "/demo/smart/fhir"


@dataclass(frozen=True, slots=True)
class SmartApp:
    """The app at one client: `bases` may launch it, `reached` are the origins that its page has to ask.

    `framed_by` are the pages of the client that may show it inside their own.
    """

    client: ClientProfile
    client_id: str
    bases: tuple[str, ...]
    token_url: str = ""

    @property
    def reached(self) -> tuple[str, ...]:
        """The origins of its FHIR servers and of its authorization server."""
        addresses = (*self.bases, *((self.token_url,) if self.token_url else ()))
        return tuple(dict.fromkeys(map(origin_of, addresses)))

    @property
    def framed_by(self) -> tuple[str, ...]:
        """The origins of the client's own pages."""
        return tuple(origin for origin in self.client.origins if "://" in origin)


@dataclass(frozen=True, slots=True)
class SmartApps:
    """The apps of all clients; `demo` is the name of the client whose app the demo EHR launches, if it may."""

    apps: tuple[SmartApp, ...]
    demo: str = ""

    @classmethod
    def of(cls, clients: Iterable[ClientProfile], *, demo: str = "") -> SmartApps:
        """Return the app of each client that has registered one."""
        registered = (client for client in clients if client.smart_client_id)
        return cls(tuple(map(app_of, registered)), demo)

    def launched_by(self, issuer: str, own_origin: str) -> tuple[SmartApp, str] | None:
        """Return the app that an issuer may launch, with its FHIR base; None for an issuer that no client lists."""
        plain = without_slash(issuer)
        for app in self.apps:
            if plain in self.bases_of(app, own_origin):
                return app, plain
        return None

    def named(self, client: str) -> SmartApp | None:
        """Return the app of a client by its name."""
        return next((app for app in self.apps if app.client.name == client), None)

    def bases_of(self, app: SmartApp, own_origin: str) -> tuple[str, ...]:
        """Return the FHIR bases that may launch an app: those of the client, and the demo's on our own origin."""
        demo = (f"{own_origin}{DEMO_BASE}",) if self.demo and app.client.name == self.demo else ()
        return (*app.bases, *demo)


def app_of(client: ClientProfile) -> SmartApp:
    """Return the app as a client has registered it."""
    return SmartApp(client, client.smart_client_id, client.fhir.bases, client.smart_token_url)


def origin_of(address: str) -> str:
    """Return scheme, host and port of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"
