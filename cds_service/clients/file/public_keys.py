"""Issuers whose signing key everybody can have, so that their tokens prove nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cds_service.clients.profile import Authentication

if TYPE_CHECKING:
    from cds_service.clients.profile import ClientProfile

# The CDS Hooks Sandbox is a page in the browser: its private key is in its source code.
SANDBOX_ISSUER: Final = "https://sandbox.cds-hooks.org"


def is_public(iss: str, jku: str | None) -> bool:
    """Whether everybody can make tokens of an issuer, or sign with its keys."""
    return any(f"{address.lower()}/".startswith(f"{SANDBOX_ISSUER}/") for address in (iss, jku or ""))


def believes_everybody(client: ClientProfile) -> bool:
    """Whether whoever can reach the service can call as a client."""
    if client.authentication is Authentication.CDS_HOOKS_JWT:
        return any(is_public(issuer.iss, issuer.jku) for issuer in client.issuers)
    return client.authentication is Authentication.NONE
