"""An answer of the service at the end of a command: cards for people, JSON for programs, a refusal as a failure."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NoReturn

import click
import msgspec

from cds_service.cli.terminal import outcome_text, print_response

if TYPE_CHECKING:
    from collections.abc import Callable


def show_answer(
    status: int, body: bytes, *, as_json: bool = False, why_silent: Callable[[], str] | None = None
) -> None:
    """Print an answer, or why it holds no cards; an error goes to standard error and ends the command with status 1."""
    try:
        answer = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError:
        _fail(f"HTTP {status}: the answer is not one of this service; is this the right address?")
    if status != HTTPStatus.OK:
        _fail(f"HTTP {status}: {outcome_text(answer)}")
    if as_json:
        click.echo(msgspec.json.format(body, indent=2).decode())
    else:
        silent = why_silent is not None and not answer.get("cards")
        print_response(answer, why_silent() if why_silent and silent else "")


def _fail(message: str) -> NoReturn:
    click.echo(message, err=True)
    raise SystemExit(1)
