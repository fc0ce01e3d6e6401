"""Log lines that can be kept without being a second patient record.

One access line a request, from an allow-list of fields. Exceptions are logged by type and place, never with their
text: messages of parsers and dictionaries quote what they choked on, and here that is a chart.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TextIO

from flask import has_request_context, request

from cds_service.serialization import encode
from cds_service.trace import current_trace

if TYPE_CHECKING:
    from flask import Flask, Response

    from cds_service.settings import Settings

_ACCESS: Final = logging.getLogger("cds_service.access")

# Supervisors ask every few seconds; their lines would bury the others.
_HEALTH_ENDPOINTS: Final = frozenset({"health.live", "health.ready"})

ExceptionInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class _Formatter(logging.Formatter):
    """Leaves the text of exceptions out and finds the request id of the request in hand."""

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - named by logging
        """Return the types and places of an exception and of what caused it."""
        return "\n".join(_places(ei[1]))

    def fields(self, record: logging.LogRecord) -> dict[str, Any]:
        """Return what a record says beyond its message."""
        fields: dict[str, Any] = dict(getattr(record, "access", {}))
        if "request_id" not in fields and has_request_context():
            fields["request_id"] = current_trace().request_id
        return fields


class JsonFormatter(_Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self.fields(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return encode(line).decode()


class ConsoleFormatter(_Formatter):
    """A readable line, with the fields behind the message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and below it the places of an exception."""
        words = [self.formatTime(record, "%H:%M:%S"), f"{record.levelname.lower():7}", record.getMessage()]
        for name, value in self.fields(record).items():
            words.append(f"{name}={','.join(value) if isinstance(value, list) else value}")
        line = " ".join(words)
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _OurHandler(logging.StreamHandler[TextIO]):
    """Marks the handler that `configure_logging` replaces when it is called again."""


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send all log lines of the process to stderr, or to a stream, in the settings' format."""
    handler = _OurHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter() if settings.log_format == "json" else ConsoleFormatter())
    root = logging.getLogger()
    for present in [present for present in root.handlers if isinstance(present, _OurHandler)]:
        root.removeHandler(present)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)  # other libraries' chatter may quote addresses
    logging.getLogger("cds_service").setLevel(settings.log_level.upper())


def log_requests(app: Flask) -> None:
    """Give every answer of an application its request id, and every request its line."""

    @app.before_request
    def _begin() -> None:
        current_trace()

    @app.after_request
    def _finish(response: Response) -> Response:
        trace = current_trace()
        response.headers["X-Request-ID"] = trace.request_id
        level = logging.DEBUG if request.endpoint in _HEALTH_ENDPOINTS else logging.INFO
        if _ACCESS.isEnabledFor(level):
            line = trace.line(request.method, request.endpoint, response.status_code)
            _ACCESS.log(level, "request", extra={"access": line})
        return response


def _places(error: BaseException | None) -> list[str]:
    """Return a line for each exception of a chain and each frame it passed, innermost cause first."""
    if error is None:
        return []
    earlier = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = _places(earlier)
    lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
    traceback = error.__traceback__
    while traceback:
        code = traceback.tb_frame.f_code
        lines.append(f"  at {code.co_filename}:{traceback.tb_lineno} in {code.co_qualname}")
        traceback = traceback.tb_next
    return lines
