"""The commands of whoever keeps a site's guideline and codes: its review sheet, orderables, and SNOMED CT leaves."""

# ruff: noqa: PLC0415 - as in `main`, help is there at once

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TextIO

import click

from cds_service.cli.options import CLIENTS_FILE, SITE_FILE, find_client, read_clients, read_settings, read_token

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cds_service.cli.orderables.taking import Sorted
    from cds_service.cli.snomed.expanding import Expansion
    from cds_service.hooks.adviser import Adviser

_FOLDER: Final = click.Path(exists=True, file_okay=False, path_type=Path)
_SHOWN: Final = 20  # elements of a map that are printed; more belong into a file


@click.command("review-sheet")
@click.option(
    "-o", "--output", type=click.File("w", "utf-8", atomic=True), default="-", help="File to write.  [default: print]"
)
@click.option("--client", "name", metavar="NAME", help="The client for whom it holds.  [default: the first]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["html", "markdown"]),
    default="html",
    show_default=True,
    help="A page to print, or a text to compare with that of another version.",
)
@CLIENTS_FILE
@SITE_FILE
def review_sheet(output: TextIO, name: str | None, form: str, clients_file: str | None, site_file: str | None) -> None:
    """Write the whole guideline as it stands at this site, as one file to print and sign.

    Each rule with its smallest patient, the card it gives, its source and grade; every number, and what was settled
    without a source. On A4 it has at most twelve pages.
    """
    from cds_service import __version__
    from cds_service.hooks.setup import advisers_of
    from cds_service.pages.criteria.editions import editions_of
    from cds_service.pages.review.markdown import sheet_markdown
    from cds_service.pages.review.page import sheet_file
    from cds_service.protocol.errors import SettingsError

    settings = read_settings(clients_file=clients_file, site_file=site_file)
    clients = read_clients(settings)
    try:
        editions = editions_of(advisers_of(tuple(clients.values()), settings))
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    client = find_client(name, settings).name if name else next(iter(clients))
    edition = next(item for item in editions if client in item.clients)
    today = datetime.now(UTC).date()
    if form == "markdown":
        output.write(sheet_markdown(edition, today, __version__))
    else:
        output.write(sheet_file(edition, today, several=len(editions) > 1))


@click.command()
@click.argument("file", type=click.File("rb"))
@click.option("--system", default="", metavar="URI", help="System of the codes, where the file does not say it.")
@click.option("--client", "client_name", metavar="NAME", help="Read them with the site file of this client.")
@click.option("--map", "map_file", type=click.File("w", "utf-8", lazy=True), help="Write the ConceptMap to this file.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print each orderable as a line of CSV.")
@CLIENTS_FILE
@SITE_FILE
def orders(file: BinaryIO, map_file: TextIO | None, *, as_json: bool, as_csv: bool, **options: Any) -> None:
    """List what the service takes each orderable of a site for.

    FILE is a CSV with the columns code and display, and as they come: system, CPT, LOINC, SNOMED. Header names,
    delimiter, quotation marks and encoding are found out. Printed is a summary, what looks like an MRI of the spine and
    is not recognised, and a ConceptMap for the site's terminology folder, to be checked by somebody who knows the
    orderables. Nothing is sent or stored. Exit status: 0, or 1 when the file cannot be read.
    """
    import msgspec

    from cds_service.cli.orderables.mapping import concept_map
    from cds_service.cli.orderables.reading import OrderablesError, read_orderables
    from cds_service.cli.orderables.report import as_csv as csv_of
    from cds_service.cli.orderables.report import as_json as json_of
    from cds_service.cli.orderables.report import report_lines
    from cds_service.cli.orderables.taking import sort_orderable
    from cds_service.cli.terminal import printable

    adviser = _adviser(options["client_name"], options["clients_file"], options["site_file"])
    try:
        read = read_orderables(file.read(), options["system"])
    except OrderablesError as error:
        raise click.ClickException(f"{file.name}: {error}") from None
    found = [sort_orderable(row, adviser.index, by_text=adviser.site.orders_by_text) for row in read.rows]
    mapping = concept_map(found, adviser.index)
    text = msgspec.json.format(msgspec.json.encode(mapping), indent=2).decode()
    if map_file:
        map_file.write(f"{text}\n")
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(json_of(read, found, mapping)), indent=2).decode())
    elif as_csv:
        click.echo(csv_of(found), nl=False)
    else:
        click.echo(printable("\n".join(report_lines(read, found))))
        click.echo(printable(_map_note(found, text, written=map_file.name if map_file else "")))


def _map_note(found: Sequence[Sorted], text: str, *, written: str) -> str:
    from cds_service.cli.orderables.mapping import PLACEHOLDER, needs_mapping

    mapped = [one for one in found if needs_mapping(one)]
    if not mapped:
        return "\nNothing needs a map."
    notes = ["", f"Map of {len(mapped)} orderables, for a file in the terminology folder (docs/site-overrides.md):"]
    if any(not one.row.system for one in mapped):
        notes.append(f"Put the system that your EHR sends in place of {PLACEHOLDER}, or name it with --system.")
    if written:
        return "\n".join([*notes, f"written to {written}"])
    return "\n".join([*notes, text if len(mapped) <= _SHOWN else "It is long: --map FILE writes it."])


def _adviser(client_name: str | None, clients_file: str | None, site_file: str | None) -> Adviser:
    """Return the clinical part as it is in force for a client, or by the settings."""
    from cds_service.clients.profile import ClientProfile
    from cds_service.hooks.setup import advisers_of
    from cds_service.protocol.errors import SettingsError

    settings = read_settings(clients_file=clients_file, site_file=site_file)
    client = find_client(client_name, settings) if client_name else ClientProfile("site")
    try:
        return advisers_of([client], settings)[client.name]
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


@click.group()
def terminology() -> None:
    """Codes that a site adds: what is below ours in its own SNOMED CT."""


@terminology.command(short_help="Write the descendants of our SNOMED CT codes as site ValueSets.")
@click.option("--rf2", type=_FOLDER, help="Folder of an unpacked RF2 release, extensions beside it or inside.")
@click.option("--server", metavar="URL", help="FHIR base of a terminology server with ValueSet/$expand.")
@click.option("--token-file", type=click.File("rb"), help="Access token for the server.")
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    help="Terminology folder to write to.  [default: only report]",
)
@click.option("--concept", "only", multiple=True, metavar="ID", help="Only this concept; may be given again.")
@click.option("--without", multiple=True, metavar="ID", help="Leave this concept out; may be given again.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def expand(rf2: Path | None, server: str | None, output: Path | None, *, as_json: bool, **options: Any) -> None:
    """Write what is below our SNOMED CT codes as ValueSets of the site, so that its charts are read to the leaf.

    For a site that holds SNOMED CT, from its release (--rf2) or its terminology server (--server). A descendant belongs
    to the most specific of our codes above it; what is below codes of several concepts is left out and reported, except
    that it may be a red flag as well. Wide concepts, those that take something back, and drugs are not expanded. Files
    of an earlier call are replaced, once the site is known to start with the new ones. The files hold SNOMED CT: they
    are for the licence holder alone.
    """
    import msgspec

    from cds_service.cli.snomed.descent import without_harmless
    from cds_service.cli.snomed.expanding import from_release, from_server, narrowed
    from cds_service.cli.snomed.release import ReleaseError
    from cds_service.cli.snomed.report import as_json as json_of
    from cds_service.cli.snomed.report import report_lines
    from cds_service.cli.snomed.server import ServerError, TerminologyServer
    from cds_service.cli.snomed.writing import WritingError, site_without_own, write_value_sets
    from cds_service.cli.terminal import printable
    from cds_service.hooks.setup import bundled_index, http_client_of
    from fhir_mappings.terminology.value_set_files import KnowledgeError

    if bool(rf2) == bool(server):
        raise click.UsageError("name either --rf2 FOLDER or --server URL")
    bundled = bundled_index()
    only, without = (_concepts(options[name], bundled.concept_ids) for name in ("only", "without"))
    try:
        index = site_without_own(output, bundled) if output else bundled
        if rf2:
            found: Expansion = from_release(rf2, index)
        else:
            with closing(http_client_of(read_settings())) as http:
                asked = TerminologyServer(server or "", http, read_token(options["token_file"]))
                found = from_server(asked, index)
        found = narrowed(found, without_harmless(found.descent, found.names), only, without)
        files = write_value_sets(output, found.descent, found.names, found.source, bundled) if output else []
    except (ReleaseError, ServerError, WritingError, KnowledgeError) as error:
        raise click.ClickException(printable(f"{error}; nothing was written")) from None
    except OSError as error:
        raise click.ClickException(f"{output}: cannot be written ({error.strerror})") from None
    if as_json:
        report = {**json_of(found), "files": [str(file) for file in files]}
        click.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
        return
    click.echo(printable("\n".join(report_lines(found))))
    said = f"{len(files)} files written to {output}; check-config shows them" if output else "-o FOLDER writes them"
    click.echo(f"\n{said}")


def _concepts(names: Sequence[str], known: frozenset[str]) -> frozenset[str]:
    wanted = frozenset(name.replace("-", "_") for name in names)
    if strange := sorted(wanted - known):
        raise click.ClickException(f"there is no concept {', '.join(strange)}; /criteria/codes lists them")
    return wanted
