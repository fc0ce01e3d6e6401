"""What several commands share: options, the settings, and the client that was named."""

# ruff: noqa: PLC0415 - as in `main`, help is there at once

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import click

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cds_service.clients.profile import ClientProfile
    from cds_service.config.settings import Settings

SITE_FILE: Final = click.option(
    "--site-file", metavar="FILE", help="TOML file with what this site changes of the guideline.  [default: none]"
)
CLIENTS_FILE: Final = click.option(
    "--clients-file", metavar="FILE", help="TOML or YAML file with the clients that may call.  [default: built-in ones]"
)


def read_settings(**overrides: Any) -> Settings:
    """Return the settings; the command ends with their problems when they cannot be used."""
    from cds_service.config.settings import load_settings
    from cds_service.protocol.errors import SettingsError

    try:
        return load_settings(**overrides)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


def read_clients(settings: Settings) -> dict[str, ClientProfile]:
    """Return the clients by name; the command ends with the problems of their file when it cannot be used.

    The command may run on a machine on which the service would not be allowed to listen.
    """
    from cds_service.hooks.setup import clients_of
    from cds_service.protocol.errors import SettingsError

    try:
        return {client.name: client for client in clients_of(settings.model_copy(update={"host": "127.0.0.1"}))}
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


def find_client(name: str, settings: Settings) -> ClientProfile:
    """Return the client of a name; the command ends with the known names when there is none."""
    clients = read_clients(settings)
    if name not in clients:
        raise click.ClickException(no_such_client(clients))
    return clients[name]


def no_such_client(names: Iterable[str]) -> str:
    """Return the sentence for a name that no client has."""
    return f"there is no client of this name; there are: {', '.join(names)}"


def read_token(file: BinaryIO | None) -> str | None:
    """Return the access token in a file, which nobody is told; None without a file."""
    if file is None:
        return None
    token = file.read(64 * 1024).decode("ascii", "replace").strip()
    if not re.fullmatch(r"[!-~]+", token):
        raise click.ClickException("the token file must hold one access token, in ASCII and without blanks")
    return token
