"""The commands of those who connect clients and keep the service running.

As in `cli`, each imports what it needs when it runs, so that help is there at once.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from cds_service.cli.options import CLIENTS_FILE, SITE_FILE, find_client, no_such_client, read_settings

if TYPE_CHECKING:
    from pathlib import Path

    from cds_service.config.settings import Settings
    from cds_service.records.database import Database


@click.command("check-config")
@CLIENTS_FILE
@SITE_FILE
def check_config(clients_file: str | None, site_file: str | None) -> None:
    """Check settings, clients and site file without starting, and print what is in force.

    Explains each client in sentences and shows what the site file changes of the guideline; secrets are not shown.
    Nothing is called or stored, so whether port, data folder and database can be used is not looked at. Exit status: 0
    when the service would start but for these, 1 when it would refuse, with each reason on standard error.
    """
    from cds_service.cli.client_report import clients_report
    from cds_service.cli.config_report import config_report, site_report
    from cds_service.cli.configuration.preflight import preflight
    from cds_service.cli.gudid.report import facts_line
    from cds_service.gudid.table import read_facts
    from cds_service.protocol.errors import SettingsError

    settings = read_settings(clients_file=clients_file, site_file=site_file)
    try:
        found = preflight(settings)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    click.echo(config_report(settings))
    if settings.gudid:
        click.echo(f"\n{facts_line(read_facts(settings.gudid), datetime.now(UTC).date())}")
    click.echo(f"\n{clients_report(found.clients, settings.clients_file, found.switched)}")
    for adviser in {adviser.site.file: adviser for adviser in found.advisers.values()}.values():
        click.echo(f"\n{site_report(adviser.site, adviser.standing)}")


@click.command("client-sheet")
@click.argument("name")
@CLIENTS_FILE
def client_sheet(name: str, clients_file: str | None) -> None:
    """Print what an EHR's registration form asks about this service, for the client NAME.

    Service addresses, audiences, keys, prefetch, scopes and links, as plain text to copy from.
    """
    from cds_service.cli.client_sheet import client_sheet as sheet
    from cds_service.protocol.discovery import SERVICES

    settings = read_settings(clients_file=clients_file)
    client = find_client(name, settings)
    click.echo(sheet(client, settings.public_url or settings.local_url, SERVICES), nl=False)


@click.command()
@click.argument("mode", type=click.Choice(["off", "silent", "clear"]))
@click.option("--client", "name", default="*", metavar="NAME", help="The client to switch.  [default: all of them]")
@click.option("--reason", default="", help="Why, for whoever finds it switched.")
@click.option("--no-wait", is_flag=True, help="Only write the file; for a service that does not run now.")
@CLIENTS_FILE
def switch(mode: str, name: str, reason: str, clients_file: str | None, *, no_wait: bool) -> None:
    """Lower the mode of a client, or of all, in the running service; `clear` takes that back.

    `off` answers every call without cards and assesses nothing; `silent` assesses and records, and shows nothing.
    In force within two seconds, without a restart; the command waits until every worker has confirmed that. Exit
    status: 0 when all have, 1 when none answered or one is missing, and cards may still be shown. The settings must be
    those of the running service, which say where the switch file is.
    """
    from cds_service.cli.switch_confirmation import switch_file
    from cds_service.clients.profile import Mode
    from cds_service.clients.switch_writer import write_switch
    from cds_service.protocol.errors import SettingsError

    settings = read_settings(clients_file=clients_file)
    if mode != "clear":
        _check_name(name, settings)
    file = switch_file(settings)
    try:
        write_switch(file, name, None if mode == "clear" else Mode(mode), reason)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        raise click.ClickException(f"{file}: cannot be written ({error.strerror})") from None
    who = "all clients" if name == "*" else name
    click.echo(f"{file}: {'nothing is switched for' if mode == 'clear' else mode + ':'} {who}")
    if not no_wait:
        _confirm(file)


def _confirm(file: Path) -> None:
    """Say in how many workers what was written is in force; the command fails where that is not all of them."""
    from cds_service.cli.switch_confirmation import await_workers

    found = await_workers(file)
    if found.is_whole:
        click.echo(f"in force in the running service ({found.confirmed} of {found.workers} workers)")
        return
    if found.workers:
        raise click.ClickException(
            f"in force in {found.confirmed} of {found.workers} workers only; the others may still show cards: "
            "its log says why the file cannot be used, and a restart of the service is sure to help"
        )
    raise click.ClickException(
        "no running service answered, so nothing has changed in one that runs: it goes by another switch file (its "
        "settings say which), or runs elsewhere. A service that starts with this file will go by it"
    )


def _check_name(name: str, settings: Settings) -> None:
    """End the command when no client has a name: it would go on showing cards.

    A clients file that somebody is about to break must not be in the way of switching off.
    """
    from cds_service.clients.switches import EVERY_CLIENT
    from cds_service.hooks.setup import clients_of
    from cds_service.protocol.errors import SettingsError

    if name == EVERY_CLIENT:
        return
    try:
        names = [client.name for client in clients_of(settings.model_copy(update={"host": "127.0.0.1"}))]
    except SettingsError:
        click.echo("the clients cannot be read, so the name is not checked; check-config says why", err=True)
        return
    if name not in names:
        raise click.ClickException(no_such_client(names))


@click.command("demo-data")
@click.option("--weeks", type=click.IntRange(1, 104), default=8, show_default=True, help="How many weeks, until today.")
@click.option("--remove", is_flag=True, help="Only remove what an earlier call has written.")
@click.option("--open", "show", is_flag=True, help="Open the page in a browser; the service must run.")
def demo_data(weeks: int, *, remove: bool, show: bool) -> None:
    """Write synthetic records of calls and feedback, so that the insights page has something to show.

    They are marked as synthetic and never mixed with real ones; a repeated call replaces those of the earlier one. The
    address of the page that shows them is printed.
    """
    from urllib.parse import urlencode

    from cds_service.demo.records import DemoDataError, remove_demo_data, write_demo_data

    until = datetime.now(UTC).date()
    with closing(_database()) as database:
        if remove:
            click.echo(f"{remove_demo_data(database)} synthetic calls removed")
            return
        try:
            data = write_demo_data(database, until, weeks=weeks)
        except DemoDataError as error:
            raise click.ClickException(str(error)) from None
        click.echo(f"{len(data.invocations)} synthetic calls and {len(data.feedback)} synthetic reports written")
    # Its very days: the page's own period ends today and may hold few of them, or none later on.
    days = {"from": until - timedelta(weeks=weeks), "to": until - timedelta(days=1)}
    query = urlencode({"records": "synthetic"} | {name: day.isoformat() for name, day in days.items()})
    settings = read_settings()
    address = f"{(settings.public_url or settings.local_url).rstrip('/')}/insights?{query}"
    click.echo(f"See them at {address}")
    if show:
        click.launch(address)


@click.command()
@click.option("--days", type=click.IntRange(1), help="Keep this many days.  [default: LUMBAR_CDS_RETENTION_DAYS]")
@click.option("--feedback", is_flag=True, help="Delete the feedback of that time too.")
def prune(days: int | None, *, feedback: bool) -> None:
    """Delete old records of calls; feedback is kept unless asked for."""
    from cds_service.records.retention import prune as delete

    kept = days or read_settings().retention_days
    if kept is None:
        raise click.ClickException("how many days to keep is said by --days or LUMBAR_CDS_RETENTION_DAYS")
    with closing(_database()) as database:
        done = delete(database, datetime.now(UTC) - timedelta(days=kept), feedback=feedback)
    click.echo(f"{done.invocations} calls, {done.counted_hours} hourly counts and {done.feedback} reports deleted")


def _database() -> Database:
    from cds_service.protocol.errors import SettingsError
    from cds_service.records.opening import open_database

    settings = read_settings()
    url = settings.database_url
    try:
        return open_database(url.get_secret_value() if url else None, settings.data_dir)
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
