"""`lumbar-cds replay`: every lumbar MRI order of a bulk export, answered as the hook would have answered it."""

# ruff: noqa: PLC0415 - as in `main`, help is there at once

from __future__ import annotations

import os
import re
from contextlib import closing
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from cds_service.cli.options import CLIENTS_FILE, SITE_FILE, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cds_service.replay.setup import ReplaySetup

_UNITS: Final = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}
_LEAST_MEMORY: Final = 256 * 1024**2
_RESULT: Final = click.Path(exists=True, file_okay=False, path_type=Path)


class _Memory(click.ParamType):  # type: ignore[type-arg] # generic only for type checkers of new releases
    """An amount of memory, as `512M` or `2G`."""

    name = "SIZE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        found = re.fullmatch(r"(\d{1,9}) ?([KMG]?)(?:i?B)?", str(value).strip(), re.IGNORECASE)
        if found is None:
            self.fail("say it as 512M or 2G", param, ctx)
        size = int(found[1]) * _UNITS[found[2].upper()]
        if size < _LEAST_MEMORY:
            self.fail("less than 256M is not enough to begin with", param, ctx)
        return size


@click.command(short_help="Answer every lumbar MRI order of a bulk export, as of its day.")
@click.argument("folders", nargs=-1, metavar="FOLDER...", type=click.Path(exists=True, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder for the results.")
@click.option("--engine", type=click.Choice(["local", "spark"]), default="local", show_default=True)
@click.option("--client", metavar="NAME", help="Answer as this client is answered.  [default: as the settings say]")
@click.option("--processes", type=click.IntRange(1, 256), help="Processes beside each other.  [default: one a core]")
@click.option("--memory", type=_Memory(), default="1G", show_default=True, help="Memory for all of them together.")
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Only N of the patients, always the same.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), metavar="YYYY-MM-DD", help="Only orders from that day on.")
@click.option("--what-if", is_flag=True, help="An MRI at each visit for back pain, in place of the orders.")
@click.option("--identify", is_flag=True, help="Keep identifiers as they are; otherwise they are hashed.")
@click.option("--report", "only_report", is_flag=True, help="Replay nothing: write the report in --out anew.")
@click.option(
    "--compare", nargs=2, type=_RESULT, metavar="A B", help="Replay nothing: say what differs in two results."
)
@click.option("--json", "as_json", is_flag=True, help="With --compare: print it as JSON.")
@click.option("--from-records", is_flag=True, help="Replay nothing: report what silent mode has on record.")
@click.option("--database", metavar="URL", help="With --from-records: their address.  [default: as the settings say]")
@click.option("--with-shown", is_flag=True, help="With --from-records: calls that showed cards, too.")
@CLIENTS_FILE
@SITE_FILE
def replay(  # noqa: PLR0913, PLR0917 - click hands over each option
    folders: tuple[Path, ...],
    out: Path | None,
    engine: str,
    client: str | None,
    processes: int | None,
    memory: int,
    sample: int | None,
    since: datetime | None,
    clients_file: str | None,
    site_file: str | None,
    compare: tuple[Path, Path] | None,
    database: str | None,
    *,
    what_if: bool,
    identify: bool,
    as_json: bool,
    from_records: bool,
    only_report: bool,
    with_shown: bool,
) -> None:
    """Answer every lumbar MRI order of a bulk export as if the hook had fired then, and report what it would have said.

    FOLDER holds FHIR R4 NDJSON as Bulk Data $export writes it, packed or not, or Bundles. Into the folder of --out go
    the rows (Parquet, one an order), what could not be read (rejects.ndjson), a summary and the report. A replay that
    was ended goes on with the same command. Cards are those of a production profile unless LUMBAR_CDS_PROFILE says
    otherwise.

    \b
    lumbar-cds replay export/ --out 2025                replay, and report
    lumbar-cds replay --compare 2025 2025-new --out d   what a change of rules or of the site file changes
    lumbar-cds replay --from-records --out silent       the same report of the calls of silent mode
    """  # noqa: D301 - a real backspace tells click not to wrap the lines
    # Charts pass through the folder of --out: what is written there is its owner's alone.
    click.get_current_context().call_on_close(partial(os.umask, os.umask(0o077)))
    if folders and (compare or from_records or only_report):
        raise click.UsageError("name no FOLDER where nothing is replayed")
    if compare:
        _compare(*compare, out, as_json=as_json)
        return
    if out is None:
        raise click.UsageError("say with --out into which folder the results go")
    if only_report:
        _report(out)
        return
    if from_records:
        _report_records(out, database, client, since, shown=with_shown)
        return
    from cds_service.protocol.errors import SettingsError
    from cds_service.replay.setup import ReplaySetup

    if not folders:
        raise click.UsageError("name at least one folder with an export")
    profile = os.environ.get("LUMBAR_CDS_PROFILE") or "production"
    settings = read_settings(clients_file=clients_file, site_file=site_file, profile=profile, host="127.0.0.1")
    setup = ReplaySetup(settings, client)
    try:
        run = _on_spark if engine == "spark" else _on_this_machine
        summary = run(
            folders,
            out,
            setup,
            processes=processes or len(os.sched_getaffinity(0)),
            memory=memory,
            sample=sample,
            since=since.date() if since else None,
            what_if=what_if,
            identify=identify,
        )
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    _tell(summary, out)
    _report(out)


def _on_this_machine(folders: Sequence[Path], out: Path, setup: ReplaySetup, **options: Any) -> dict[str, Any]:
    try:
        from cds_service.replay.local.engine import Options, replay
    except ImportError as error:
        raise click.ClickException(_extra(error, "replay")) from None
    return replay(folders, out, setup, Options(**options))


def _on_spark(  # noqa: PLR0913 - as the command
    folders: Sequence[Path],
    out: Path,
    setup: ReplaySetup,
    *,
    processes: int,
    memory: int,
    identify: bool,
    **options: Any,
) -> dict[str, Any]:
    try:
        from cds_service.replay.spark.engine import Options
        from cds_service.replay.spark.on_this_machine import Machine, replay_here
    except ImportError as error:
        raise click.ClickException(_extra(error, "spark")) from None
    return replay_here(folders, out, setup, Options(**options), Machine(processes, memory), identify=identify)


def _extra(error: ImportError, extra: str) -> str:
    return f"{error.name} is not installed; it comes with: pip install 'lumbar-mri-cds[{extra}]'"


def _report(out: Path) -> None:
    """Write the report of what is in a folder."""
    from cds_service.protocol.errors import SettingsError

    _need_extra()
    from cds_service.replay.report.writing import write_report

    try:
        write_report(out)
    except SettingsError as error:
        raise click.ClickException("\n".join(error.problems)) from None
    click.echo(f"Report: {out / 'report.html'}")


def _compare(first: Path, second: Path, out: Path | None, *, as_json: bool) -> None:
    """Say what differs between two results, as text or JSON, and with a folder as files too."""
    from cds_service.cli.terminal import printable
    from cds_service.protocol.errors import SettingsError

    _need_extra()
    from cds_service.replay.compare.comparing import compare
    from cds_service.replay.compare.writing import as_json as json_of
    from cds_service.replay.compare.writing import text, write_comparison

    try:
        found = compare(first, second)
    except SettingsError as error:
        raise click.ClickException("\n".join(error.problems)) from None
    click.echo(json_of(found) if as_json else printable(text(found)))
    if out is not None:
        write_comparison(found, out)
        click.echo(f"Written: {out / 'compare.html'}, compare.json, changed.csv", err=True)


def _report_records(
    out: Path, database: str | None, client: str | None, since: datetime | None, *, shown: bool
) -> None:
    """Report what the service has on record, as of its calls and not of an export."""
    from cds_service.protocol.errors import SettingsError

    _need_extra()
    from cds_service.records.opening import open_database
    from cds_service.replay.from_records import RecordedCalls, write_rows

    settings = read_settings()
    url = database or (settings.database_url.get_secret_value() if settings.database_url else None)
    calls = RecordedCalls(since.replace(tzinfo=UTC) if since else None, client, shown)
    try:
        with closing(open_database(url, settings.data_dir)) as records:
            summary = write_rows(records, out, calls)
    except SettingsError as error:
        raise click.ClickException("\n".join(error.problems)) from None
    click.echo(f"Taken from the records: {summary['replay']['calls']:,} calls of {summary['replay']['hook']}")
    _report(out)


def _need_extra() -> None:
    try:
        import duckdb  # noqa: F401 - only whether it is there
        import pyarrow  # noqa: F401, ICN001 - as above
    except ImportError as error:
        raise click.ClickException(_extra(error, "replay")) from None


def _tell(summary: Mapping[str, Any], out: Path) -> None:
    """Print what was read and what was not."""
    click.echo(f"Replayed ({summary['replayed']}): {summary['patients']:,} patients; rows in {out / 'rows'}")
    for name, told in (("Orders left out", "left_out"), ("Lines that could not be read", "rejects")):
        if summary[told]:
            counts = ", ".join(f"{reason} {count:,}" for reason, count in summary[told].items())
            click.echo(f"{name}: {counts}")
    if summary["absent_files"]:
        click.echo(f"Named by the manifest and not there: {', '.join(summary['absent_files'])}")
