"""The commands of whoever keeps the labels of device models up to date at a site."""

# ruff: noqa: PLC0415 - as in `main`, help is there at once

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from cds_service.cli.options import read_settings

if TYPE_CHECKING:
    from datetime import date

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
_TABLE: Final = click.Path(dir_okay=False, path_type=Path)
_INTO: Final = click.option(
    "--into",
    type=_TABLE,
    metavar="PATH",
    help="The table.  [default: LUMBAR_CDS_GUDID, else gudid.sqlite3 in the data folder]",
)
_RELEASED: Final = click.option(
    "--released", type=click.DateTime(["%Y-%m-%d"]), help="The day of the file.  [default: the one in its name]"
)


@click.group()
def gudid() -> None:
    """What labels say of MRI: the FDA's public list of device models (AccessGUDID), as a table for look-ups.

    Download the delimited full release from https://accessgudid.nlm.nih.gov/download/delimited and import it; then set
    LUMBAR_CDS_GUDID to the table and restart the service. Nothing is sent anywhere.
    """


@gudid.command("import")
@click.argument("file", type=_FILE)
@_INTO
@_RELEASED
def import_release(file: Path, into: Path | None, released: datetime | None) -> None:
    """Make the table from a full release: FILE is its zip archive, or the device.txt in it.

    The archive is better: it also tells which models are implants and under which other identifiers they go. A table
    that is there already stays in place until the new one is whole. Exit status: 0, or 1 when the file cannot be read.
    """
    from cds_service.cli.gudid.report import written_report
    from cds_service.cli.terminal import printable
    from cds_service.gudid.delimited import ReleaseError
    from cds_service.gudid.release import open_release
    from cds_service.gudid.writing import write_table

    target = into or _default_table()
    try:
        written = write_table(
            open_release(file), target, _today(), released.date() if released else None, _say_progress
        )
    except (ReleaseError, OSError) as error:
        raise click.ClickException(f"{file}: {_reason(error)}; {target} is as it was") from None
    click.echo(printable(written_report(written, target)))


@gudid.command()
@click.argument("files", type=_FILE, nargs=-1, required=True)
@_INTO
@_RELEASED
def update(files: tuple[Path, ...], into: Path | None, released: datetime | None) -> None:
    """Bring the table up to date with the daily, weekly or monthly FILES, in the order of their days.

    They are what AccessGUDID publishes between releases (XML in an archive), or delimited files with the columns of
    device.txt. Each is taken whole or not at all. Exit status: 0, or 1 when one cannot be read.
    """
    from cds_service.cli.gudid.report import changed_report
    from cds_service.cli.terminal import printable
    from cds_service.gudid.delimited import ReleaseError, Tally
    from cds_service.gudid.release import day_named
    from cds_service.gudid.table import read_facts
    from cds_service.gudid.updates import read_update
    from cds_service.gudid.writing import change_table
    from cds_service.protocol.errors import SettingsError

    target = into or _default_table()
    days = {file: released.date() if released else day_named(file.absolute()) for file in files}
    for file in sorted(files, key=lambda each: (str(days[each]), each)):
        day = days[file]
        try:
            facts = read_facts(target)
            _check_day(file, day, facts.released)
            tally = Tally()
            written = change_table(target, read_update(file, tally), tally, day or facts.released)
        except (ReleaseError, SettingsError, OSError) as error:
            raise click.ClickException(f"{file}: {_reason(error)}; {target} holds nothing of it") from None
        click.echo(printable(changed_report(written, target)))


@gudid.command()
@click.argument("identifier")
@_INTO
def show(identifier: str, into: Path | None) -> None:
    """Show what is known of a device IDENTIFIER, or of the one in a UDI as it is scanned or printed.

    Exit status: 0 when it is in the table, 1 when it is not, which says nothing of the device.
    """
    from cds_service.cli.gudid.report import label_report
    from cds_service.cli.terminal import printable
    from cds_service.gudid.table import GudidTable
    from cds_service.protocol.errors import SettingsError
    from fhir_mappings.devices.labels import label_of_udi
    from fhir_mappings.devices.udi import parse_udi

    try:
        table = GudidTable(into or _default_table())
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    udi = parse_udi(identifier)
    label = label_of_udi(udi, table)
    click.echo(printable(label_report(udi, label, table.facts)))
    if label is None:
        raise click.exceptions.Exit(1)


def _check_day(file: Path, day: date | None, released: date) -> None:
    """End the command where a file is older than the table, and say where days may be missing between."""
    if day is None:
        raise click.ClickException(f"{file}: its name tells no day: say so with --released")
    if day < released:
        raise click.ClickException(f"{file}: is of {day}, and the table already of {released}")
    if day - released > timedelta(days=1):
        click.echo(f"{file}: is of {day}, the table of {released}: were there files of the days between?", err=True)


def _default_table() -> Path:
    settings = read_settings()
    return settings.gudid or settings.data_dir / "gudid.sqlite3"


def _today() -> date:
    return datetime.now(UTC).date()


def _say_progress(rows: int) -> None:
    click.echo(f"{rows:,} devices read …", err=True)


def _reason(error: Exception) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else str(error)
