"""`lumbar-cds try`: a demo sent to a running service, signed where its client must prove who calls."""

# ruff: noqa: PLC0415 - as in `main`, help is there at once

from __future__ import annotations

import os
import shlex
import sys
import time
import webbrowser
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from cds_service.cli.options import CLIENTS_FILE, find_client, read_clients, read_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from cds_service.clients.profile import ClientProfile
    from cds_service.config.settings import Settings
    from cds_service.demo.requests import Demo

JSON: Final = {"Content-Type": "application/json"}
_TIMEOUT: Final = 30.0


@click.command("try")
@click.argument("name")
@click.option("--url", help="Where the service runs.  [default: this machine, at the port of the settings]")
@click.option("--client", "client_name", metavar="NAME", help="Call as this client, signed with its test key.")
@click.option("--wait", default=0.0, metavar="SECONDS", help="Wait this long for the service to come up.")
@click.option("--open", "open_browser", is_flag=True, help="Show the patient in the demo EHR, if there is a browser.")
@CLIENTS_FILE
def try_demo(  # noqa: PLR0913 - click hands over each option
    name: str, url: str | None, client_name: str | None, wait: float, clients_file: str | None, *, open_browser: bool
) -> None:
    """Send a bundled demo to a running service and print its cards.

    NAME is one of those that `lumbar-cds demos` lists. With --client the call is signed with the key that `lumbar-cds
    test-key` has made for that client. Where no card comes, it is said whether the guideline, the mode or the kill
    switch keeps silent; the settings must then be those of the running service.
    """
    import requests

    from cds_service.cli.answers import show_answer
    from cds_service.protocol.trace import DEMO_HEADER

    demo = demo_named(name)
    settings = read_settings(clients_file=clients_file)
    client = find_client(client_name, settings) if client_name else None
    url = (url or settings.local_url).rstrip("/")
    address = f"{url}/cds-services/{service_of(demo.hook)}"
    headers = _proof(client, demo, settings)
    with requests.Session() as session:
        session.trust_env = False  # a proxy would not find a service on this machine
        session.verify = str(settings.ca_bundle) if settings.ca_bundle else True
        try:
            _await_service(session, url, wait)
            headers_sent = {**JSON, DEMO_HEADER: "1", **headers}
            response = session.post(
                address, data=demo.body(), headers=headers_sent, timeout=_TIMEOUT, allow_redirects=False
            )
        except requests.RequestException:
            message = f"No service answers at {url}. Start one with `lumbar-cds serve`, or name another with --url."
            raise click.ClickException(message) from None
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            raise click.ClickException(_refused(client))
        click.echo(f"{demo.title}\n")
        show_answer(
            response.status_code,
            response.content,
            why_silent=lambda: _silence(client, settings, _running(session, url)),
        )
    if not headers:
        click.echo(f"\nThe same with curl:\n  {_curl(demo, address)}\n")
    if open_browser:
        _show(f"{url}/demo?patient={demo.name}")


def demo_named(name: str) -> Demo:
    """Return the demo of a name; the command ends with the known names when there is none."""
    from cds_service.demo.requests import find_demo, load_demos

    demo = find_demo(name)
    if demo is None:
        names = ", ".join(known.name for known in load_demos())
        raise click.ClickException(f"there is no demo of this name; there are: {names}")
    return demo


def service_of(hook: object) -> str | None:
    """Return the id of the service for a hook; None where there is none."""
    from cds_service.protocol.discovery import SERVICES

    return next((service.id for service in SERVICES if service.hook == hook), None)


def _proof(client: ClientProfile | None, demo: Demo, settings: Settings) -> dict[str, str]:
    """Return the headers by which a call is a client's."""
    from cds_service.cli.trying.signing import CannotSignError, authorization

    if client is None:
        return {}
    public = (settings.public_url or "").rstrip("/")
    try:
        return authorization(client, f"{public}/cds-services/{service_of(demo.hook)}", settings.data_dir)
    except CannotSignError as error:
        raise click.ClickException(str(error)) from None


def _refused(client: ClientProfile | None) -> str:
    if client is None:
        return "HTTP 401: the service asks for proof of who calls; name a client with --client."
    return (
        f"HTTP 401: the running service does not take the call for one of {client.name}. In development it believes a "
        "test key that was there when it started: restart it. Otherwise the key must stand in its clients file, as "
        f"`lumbar-cds test-key {client.name}` prints it. Its LUMBAR_CDS_PUBLIC_URL must be the one here; its log has "
        "the reason as `refusal`."
    )


def _silence(client: ClientProfile | None, settings: Settings, running: Mapping[str, Any] | None) -> str:
    from cds_service.cli.switch_confirmation import switch_file
    from cds_service.cli.trying.silence import why_silent
    from cds_service.clients.profile import Authentication
    from cds_service.clients.switches import read_switches
    from cds_service.protocol.errors import SettingsError

    unproved = (one for one in read_clients(settings).values() if one.authentication is Authentication.NONE)
    caller = client or next(unproved, None)
    if caller is None:
        return "for a reason that is not known: no client here may call without proof. Are these its settings?"
    try:
        switched = read_switches(switch_file(settings))
    except SettingsError as error:
        return f"for a reason that is not known: the switch file cannot be read ({error})."
    return why_silent(caller, switched, running)


def _running(session: requests.Session, url: str) -> Mapping[str, Any] | None:
    """Return what the running service says of itself."""
    import requests

    try:
        found = session.get(f"{url}/readyz", timeout=_TIMEOUT).json()
    except (requests.RequestException, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _await_service(session: requests.Session, url: str, seconds: float) -> None:
    """Return once a service is ready; after the given time let the caller find out."""
    import requests

    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if session.get(f"{url}/readyz", timeout=_TIMEOUT).ok:
                return
        except requests.ConnectionError:
            time.sleep(0.1)


def _show(page: str) -> None:
    """Open a page where there is a browser with a window; one that would take over this terminal is none."""
    windows = sys.platform == "darwin" or any(
        os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY")
    )
    opened = windows and webbrowser.open(page)
    click.echo(f"{'Opened' if opened else 'Open'} {page} {'' if opened else 'in a browser '}to order and press.\n")


def _curl(demo: Demo, address: str) -> str:
    """Return the command that posts the same request."""
    file = Path(str(demo.file))
    if file.is_relative_to(Path.cwd()):
        file = file.relative_to(Path.cwd())
    parts = ["curl", "--silent", "--header", "Content-Type: application/json", "--data-binary", f"@{file}", address]
    return shlex.join(parts)
