"""The commands of whoever connects an EHR: try the connection, and make a key to try calls with."""

# ruff: noqa: PLC0415 - as in `main`, help is there at once

from __future__ import annotations

import socket
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from cds_service.cli.options import CLIENTS_FILE, find_client, read_settings, read_token

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cds_service.cli.connection.check import Check
    from cds_service.clients.profile import ClientProfile
    from cds_service.clients.test_keys import TestKey


@click.command("check-connection", short_help="Try what a client's calls will need, line by line.")
@click.argument("name")
@click.option("--fhir", metavar="URL", help="A FHIR base to try besides those of the client.")
@click.option("--token-file", type=click.File("rb"), help='Access token for the FHIR server; "-" reads standard input.')
@click.option("--patient", metavar="ID", help="Patient of the FHIR server for whom every search is tried.")
@click.option("--origin", "origins", multiple=True, help="Web page that is to call, such as https://ehr.example.")
@click.option("--url", help="Where the service runs.  [default: this machine, at the port of the settings]")
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON, with stable ids.")
@CLIENTS_FILE
def check_connection(
    name: str, clients_file: str | None, token_file: BinaryIO | None, *, as_json: bool, **options: Any
) -> None:
    """Try everything that calls of the client NAME will need, and say what to do about what fails.

    Keys (DNS, addresses, TLS, the key set), FHIR servers (the same, /metadata, token, every search for a patient with
    its time against the deadline), the service's public address, and web pages that call from a browser. Each line
    stands for itself: pass, fail or skipped. What is printed holds neither the patient's id nor a record nor the token.
    Exit status: 0 when nothing failed, 1 otherwise.
    """
    import msgspec

    from cds_service.cli.connection.check import counted, has_failed, report_lines
    from cds_service.cli.terminal import printable

    settings = read_settings(clients_file=clients_file)
    client = find_client(name, settings)
    done: list[Check] = []
    for check in _trial(client, settings, read_token(token_file), options):
        done.append(check)
        if not as_json:
            click.echo(printable("\n".join(report_lines([check]))))
    counts = counted(done)
    if as_json:
        report = {"client": client.name, **counts, "checks": [check.as_json() for check in done]}
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    else:
        click.echo(f"\n{client.name}: {counts['pass']} pass, {counts['fail']} fail, {counts['skipped']} skipped")
    if has_failed(done):
        raise SystemExit(1)


def _trial(client: ClientProfile, settings: Any, token: str | None, options: dict[str, Any]) -> Iterator[Check]:
    from cds_service.cli.connection.trial import Trial
    from cds_service.egress.resolving import Resolver
    from cds_service.hooks.setup import http_client_of
    from cds_service.protocol.errors import SettingsError

    try:
        http = http_client_of(settings)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    with closing(http):
        yield from Trial(
            client=client,
            settings=settings,
            url=(options["url"] or settings.local_url).rstrip("/"),
            http=http,
            resolver=Resolver(socket.getaddrinfo),
            now=datetime.now(UTC),
            token=token,
            patient=_patient(options["patient"]),
            origins=options["origins"],
            fhir=options["fhir"],
        ).checks()


def _patient(text: str | None) -> str | None:
    from fhir_mappings.fhir_client.queries import is_sendable

    if text is None:
        return None
    patient = text.strip().removeprefix("Patient/")
    if not is_sendable(patient):
        raise click.ClickException("--patient must be the id of a FHIR Patient, as its server has it")
    return patient


@click.command("test-key", short_help="Make a key for signing test calls as a client.")
@click.argument("name")
@click.option("--new", is_flag=True, help="Make another in place of the one that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the public key (JWK) only.")
@CLIENTS_FILE
def test_key(name: str, clients_file: str | None, *, new: bool, as_json: bool) -> None:
    """Make a key with which `lumbar-cds try --client NAME` signs calls, and print its public part.

    The private key is kept in the data folder, readable by its owner only. A service in development believes it from
    its next start; any other only after what is printed was put into its clients file. Take it out again when you are
    done: whoever has the private key can call as this client.
    """
    import msgspec

    from cds_service.clients.profile import BY_TOKEN
    from cds_service.clients.test_keys import TestKey

    settings = read_settings(clients_file=clients_file)
    client = find_client(name, settings)
    if client.authentication not in BY_TOKEN:
        raise click.ClickException(f"{name} does not prove itself by a token, so there is nothing to sign")
    key = TestKey.of(name, settings.data_dir)
    jwk = None if new else key.jwk()
    is_new = jwk is None or not key.private.is_file()
    if is_new:
        try:
            jwk = key.make(f"test-{name}-{datetime.now(UTC):%Y%m%d%H%M%S}")
        except OSError as error:
            raise click.ClickException(f"{key.private}: cannot be written ({error.strerror})") from None
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(jwk), indent=2).decode())
        return
    click.echo(f"{'Made' if is_new else 'There is'} a test key of {name}; its private part: {key.private} (mode 0600)")
    click.echo(_instructions(client, key, dict(jwk or {}), development=settings.profile == "development"))


def _instructions(client: ClientProfile, key: TestKey, jwk: dict[str, Any], *, development: bool) -> str:
    from cds_service.clients.test_keys import ALGORITHM

    first = client.issuers[0]
    listed = [("audiences", first.audiences), ("scopes", first.scopes)]
    lines = [
        f"[[clients.{client.name}.issuers]]",
        f'iss = "{key.iss}"',
        f'algorithms = ["{ALGORITHM}"]',
        *(f"{name} = {_toml(values)}" for name, values in listed if values),
        f"keys = [{{ {', '.join(f'{part} = {_toml(value)}' for part, value in jwk.items())} }}]",
    ]
    where = (
        "A service in development with this data folder believes it from its next start. For any other, put this into\n"
        "its clients file, and restart it:"
        if development
        else "Put this into the clients file, and restart the service; take it out when you are done:"
    )
    return "\n".join(["", where, "", *lines, "", f"Then: lumbar-cds try acute-low-back-pain --client {client.name}"])


def _toml(value: Any) -> str:
    """Return a text, or a list of texts, as TOML writes it; basic strings are written as in JSON."""
    import json

    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)
