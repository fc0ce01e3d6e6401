"""The command line: start the service, try it, and assess a request file without any server.

Each command imports what it needs when it runs: `serve` must choose where metrics are kept before the application is
imported, and help is there at once.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from cds_service import __version__
from cds_service.cli.connection_commands import check_connection, test_key
from cds_service.cli.gudid_commands import gudid
from cds_service.cli.operator_commands import check_config, client_sheet, demo_data, prune, switch
from cds_service.cli.options import CLIENTS_FILE, SITE_FILE, read_settings
from cds_service.cli.replay_command import replay
from cds_service.cli.replaying.data_command import replay_data
from cds_service.cli.site_commands import orders, review_sheet, terminology
from cds_service.cli.try_command import JSON, demo_named, service_of, try_demo
from cds_service.observability.metrics_folder import keep_metrics_in_process, shared_metrics_folder
from cds_service.server.memory import collect_rarely

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO, TextIO

    import msgspec

    from cds_service.config.settings import Settings
    from cds_service.demo.requests import Demo


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, "-V", "--version", prog_name="lumbar-cds")
def main() -> None:
    """Advice on lumbar spine MRI orders, as a CDS Hooks service.

    An EHR sends a draft order and the patient's data; the service compares them with published imaging guidance and
    returns cards. Start with:

    \b
      lumbar-cds demo                         show a card in the terminal, and a small EHR in the browser
      lumbar-cds demos                        which examples there are
      lumbar-cds serve                        run the service on http://127.0.0.1:8080
      lumbar-cds try acute-low-back-pain      send an example to it and read the card

    Every option of `serve` can also be set by an environment variable such as LUMBAR_CDS_PORT. The advice is for
    clinicians; until yours have approved it (`lumbar-cds review-sheet`), do not use it for the care of real patients.
    """  # noqa: D301 - a real backspace tells click not to wrap the paragraph
    collect_rarely()


@main.command()
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1, this machine only]")
@click.option("--port", type=int, help="Port to listen on.  [default: 8080]")
@click.option(
    "--profile",
    type=click.Choice(["development", "production"]),
    help="development shows every message and explains itself; production shows only cards that ask for something."
    "  [default: development]",
)
@click.option("--workers", type=int, help="Worker processes.  [default: one per processor, at most 2]")
@CLIENTS_FILE
@SITE_FILE
@click.option("--insecure", is_flag=True, default=None, help="Listen beyond this machine with nobody authenticated.")
@click.option("--try", "try_name", metavar="NAME", help="Send this demo to the service as soon as it runs.")
def serve(try_name: str | None, **options: Any) -> None:
    """Run the service until it is stopped with Ctrl-C."""
    _serve(read_settings(**options), demo_named(try_name) if try_name else None)


@main.command(short_help="Start the service, and show a card here and a small EHR in the browser.")
@click.argument("name", default="acute-low-back-pain")
@click.option("--port", type=int, help="Port to listen on.  [default: 8080, or another one where that is taken]")
@click.option("--no-browser", is_flag=True, help="Open no browser.")
def demo(name: str, port: int | None, *, no_browser: bool) -> None:
    """Start the service for this machine alone, send it a demo order and show the card, until Ctrl-C.

    NAME is one of those that `lumbar-cds demos` lists. Where there is a browser, it opens the demo EHR with that
    patient. Nothing is kept: settings of the environment are left aside, and what is stored goes at the end.
    """
    chosen = demo_named(name)
    for variable in [variable for variable in os.environ if variable.startswith("LUMBAR_CDS_")]:
        del os.environ[variable]  # those of a real service beside it: its clients, its database
    owner = os.getpid()
    data = tempfile.TemporaryDirectory(prefix="lumbar-cds-demo-", ignore_cleanup_errors=True)
    try:
        settings = read_settings(port=port or _usable_port(), workers=1, data_dir=data.name)
        _serve(settings, chosen, open_browser=not no_browser)
    finally:
        if os.getpid() == owner:  # a worker leaves this block too
            data.cleanup()


def _usable_port() -> int:
    """Return the usual port, or a free one where something listens on that."""
    import socket

    usual = read_settings().port
    for port in usual, 0:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    return usual


def _serve(settings: Settings, demo: Demo | None, *, open_browser: bool = False) -> None:
    """Run the server with a folder for the metrics of its workers."""
    with ExitStack() as stack:
        try:
            stack.enter_context(shared_metrics_folder())
        except OSError as error:
            message = "no folder can be made for the metrics of the workers; PROMETHEUS_MULTIPROC_DIR names a place"
            raise click.ClickException(f"{message} ({error.strerror})") from None
        _run_server(settings, demo, open_browser=open_browser)


def _run_server(settings: Settings, demo: Demo | None, *, open_browser: bool) -> None:
    from cds_service.observability.logs import configure_logging
    from cds_service.protocol.errors import SettingsError

    try:
        from cds_service.server.gunicorn import Server, port_problem  # gunicorn does not exist on Windows
    except ImportError as error:
        message = (
            "gunicorn, the web server, cannot be loaded here. It needs Linux, macOS or another Unix; on Windows use "
            f"WSL or the Docker image ({error.name})."
        )
        raise click.ClickException(message) from error
    if problem := port_problem(settings):
        raise click.ClickException(problem)
    configure_logging(settings)
    try:
        Server(settings, demo, open_browser=open_browser).run()
    except SettingsError as error:
        raise click.ClickException(str(error)) from None


@main.command(short_help="Answer a hook request from a file, without a server.")
@click.argument("request_file", metavar="REQUEST.json", type=click.File("rb"))
@click.option("--json", "as_json", is_flag=True, help="Print the response as JSON instead of readable cards.")
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    help="Day to assume for orders that state none.  [default: today]",
)
@SITE_FILE
def assess(request_file: BinaryIO, today: datetime | None, site_file: str | None, *, as_json: bool) -> None:
    """Answer one hook request from a file ("-" reads standard input), without a server.

    The file holds the JSON body that an EHR would post for order-select or order-sign. Nothing is stored or sent.
    Exit status: 0 for an answer, 1 when the request was refused, with the reason on standard error.
    """
    keep_metrics_in_process()
    from cds_service.app import create_app, utc_now
    from cds_service.cli.answers import show_answer
    from cds_service.hooks.storage import Storage
    from cds_service.observability.logs import configure_logging
    from cds_service.protocol.errors import SettingsError

    body = request_file.read()
    settings = read_settings(log_level="error", site_file=site_file)
    configure_logging(settings)
    moment = today.replace(tzinfo=UTC) if today else utc_now()
    try:
        app = create_app(settings, clock=lambda: moment, storage=Storage())
    except SettingsError as error:
        raise click.ClickException(str(error)) from None
    response = app.test_client().post(f"/cds-services/{_service_for(body)}", data=body, headers=JSON)
    show_answer(response.status_code, response.data, as_json=as_json)


@main.command()
def demos() -> None:
    """List the bundled demo requests. All patients are invented."""
    from cds_service.demo.requests import load_demos

    demos = load_demos()
    width = max(len(demo.name) for demo in demos)
    for demo in demos:
        click.echo(f"{demo.name:{width}}  {demo.title}")
        click.echo(f"{'':{width}}    {demo.expect}")


@main.command()
@click.option(
    "-o", "--output", type=click.File("w", "utf-8", atomic=True), default="-", help="File to write.  [default: print]"
)
@click.option("--json", "as_json", is_flag=True, help="The whole guideline as JSON, codes and citations too.")
def criteria(output: TextIO, *, as_json: bool) -> None:
    """Print the criteria in short, as Markdown: the decision order, and each rule with its numbers."""
    from cards.guideline.wording import load_wording
    from cds_service.guideline.as_json import guideline_json
    from cds_service.guideline.markdown import bundled_guideline, criteria_page

    output.write(f"{guideline_json(bundled_guideline(load_wording())).decode()}\n" if as_json else criteria_page())


for command in (
    try_demo,
    check_config,
    review_sheet,
    client_sheet,
    check_connection,
    test_key,
    orders,
    terminology,
    gudid,
    switch,
    demo_data,
    prune,
    replay,
    replay_data,
):
    main.add_command(command)


def _service_for(body: bytes) -> str:
    """Return the service for a request's hook; any will do for a body without one, to say what is wrong with it."""
    import msgspec

    from cds_service.protocol.discovery import SERVICES

    try:
        members: Mapping[str, msgspec.Raw] = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        hook = msgspec.json.decode(members["hook"])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
        hook = None
    return service_of(hook) or SERVICES[0].id
