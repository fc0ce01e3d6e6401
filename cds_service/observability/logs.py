"""Log lines that can be kept without being a second patient record.

A line is a sentence that stands in the code, and fields from an allow-list. A sentence that was put together at run
time is withheld, whoever wrote it: urllib3 builds addresses into its messages, gunicorn the request line of a broken
request. What other libraries would fill into a sentence is left out for the same reason; our own modules may fill in
numbers and words. Exceptions are logged by type and place, never with their text: messages of parsers and dictionaries
quote what they choked on, and here that is a chart.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO, cast

import msgspec
import structlog
from flask import has_request_context

from cds_service.protocol.trace import current_trace

if TYPE_CHECKING:
    from types import FrameType

    from structlog.typing import EventDict, Processor

    from cds_service.config.settings import Settings

# What every line is made of, and what whoever logs may add; docs/operations.md says what each means.
LINE_FIELDS: Final = (
    "time",
    "level",
    "logger",
    "message",
    "place",
    "exception",
    "dropped_fields",
    "request_id",
)
FIELDS: Final = (
    "method",
    "endpoint",
    "service",
    "hook",
    "client",
    "mode",
    "issuer",
    "tenant",
    "token_id",
    "refusal",
    "problem",
    "problem_at",
    "remarks",
    "status",
    "shown",
    "orders",
    "unrecognised_orders",
    "outcomes",
    "messages",
    "not_repeated",
    "sources",
    "fhir_calls",
    "feedback",
    "phases",
    "ms",
    "listening",
    "authentication",
    "approval",
    "pid",
    "signal",
    "exit_status",
    "category",
)
_WITHHELD: Final = "(a message that was put together at run time is withheld)"
_PLAIN: Final = (str, int, float)
_LONGEST: Final = 300  # characters of one value; an exception's places are exempt

# What structlog itself carries along in a line's fields.
_CARRIED: Final = frozenset(
    {
        "event",
        "positional_args",
        "exc_info",
        "stack_info",
        "stacklevel",
        "dropped_fields",
        "_record",
        "_from_structlog",
    }
)
_ALLOWED: Final = frozenset(FIELDS) | {"place"} | _CARRIED
_FORMATTED: Final = ("message", "asctime")  # left on a record by another handler's formatter
ACCESS: Final = "cds_service.access"  # the logger of the line of each request
ACCESS_SENTENCE: Final = "request"
_OURS: Final = ("cds_service", "cards", "fhir_mappings")
_OUR_LOGGERS: Final = tuple(f"{name}." for name in _OURS)  # the bare first name is that of Flask's own logger


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return a logger for sentences and fields: `get_logger(__name__).info("serving", listening="http://[::1]:8080")`.

    It writes through the logger of `logging` that has the same name.
    """
    processors: list[Processor] = [
        structlog.stdlib.filter_by_level,
        _only_allowed,
        structlog.stdlib.render_to_log_kwargs,
    ]
    logger = structlog.wrap_logger(
        logging.getLogger(name),
        processors=processors,
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
    )
    return cast("structlog.stdlib.BoundLogger", logger)


class _OurHandler(logging.StreamHandler[TextIO]):
    """The handler that `configure_logging` replaces when it is called again."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - named by logging
        """Say that a line could not be written; logging's own way would print the record as it is."""
        with suppress(OSError, ValueError):
            sys.stderr.write(f"a log line of {record.name} could not be written\n")


def configure_logging(settings: Settings, stream: TextIO | None = None) -> None:
    """Send all log lines of the process to stderr, or to a stream, in the settings' format."""
    target = stream or sys.stderr
    handler = _OurHandler(target)
    handler.setFormatter(line_formatter(settings.log_format, colours=target.isatty()))
    root = logging.getLogger()
    for present in [present for present in root.handlers if isinstance(present, _OurHandler)]:
        root.removeHandler(present)
    root.addHandler(handler)
    root.setLevel(logging.WARNING)  # other libraries have little to say that an operator needs
    for name in _OURS:
        logging.getLogger(name).setLevel(settings.log_level.upper())
    _catch_what_python_writes()


def _catch_what_python_writes() -> None:
    """Send through the log what Python writes to stderr by itself: uncaught errors and warnings quote data."""
    log = get_logger(__name__)

    def warn(  # noqa: PLR0913, PLR0917 - the signature of warnings.showwarning
        message: Warning | str,  # noqa: ARG001 - it quotes what it warns of
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,  # noqa: ARG001
        line: str | None = None,  # noqa: ARG001
    ) -> None:
        log.warning("a Python warning", category=category.__name__, place=f"{Path(filename).name}:{lineno}")

    def in_thread(raised: threading.ExceptHookArgs) -> None:
        if raised.exc_value is not None:
            log.error("a thread ended with an error", exc_info=raised.exc_value)

    def unraisable(raised: sys.UnraisableHookArgs) -> None:
        if raised.exc_value is not None:
            log.error("an error could not be raised", exc_info=raised.exc_value)

    warnings.showwarning = warn
    threading.excepthook = in_thread
    sys.unraisablehook = unraisable


def line_formatter(log_format: str, *, colours: bool = False) -> logging.Formatter:
    """Return the formatter that every line passes, ours and other libraries', whatever made its record."""
    renderer: Processor = _json_line
    if log_format == "console":
        renderer = structlog.dev.ConsoleRenderer(
            colors=colours,
            event_key="message",
            timestamp_key="time",
            sort_keys=False,
            exception_formatter=structlog.dev.plain_traceback,
        )
    formatter = structlog.stdlib.ProcessorFormatter if log_format == "console" else _JsonFormatter
    return formatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), _only_allowed],
        processors=[
            _name_the_request,
            _describe,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _without_control_characters,
            renderer,
        ],
        use_get_message=False,
        pass_foreign_args=True,
    )


class _JsonFormatter(structlog.stdlib.ProcessorFormatter):
    """Writes the line of a request by itself: it comes with every call, and nothing but the list is in it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a line."""
        if record.name != ACCESS:
            return super().format(record)
        given = vars(record)
        line = _beginning(record, ACCESS_SENTENCE)
        line |= {name: _plain(given[name]) for name in FIELDS if name in given}
        return _json_line(None, "", _name_the_request(None, "", line))


def _beginning(record: logging.LogRecord, sentence: str) -> dict[str, Any]:
    return {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": sentence,
    }


def _only_allowed(_logger: object, _method: str, fields: EventDict) -> EventDict:
    """Drop every field that is not on the list, any field of another library, and count how many these were."""
    record = fields.get("_record")
    if record is not None:
        for name in _FORMATTED:
            fields.pop(name, None)
    allowed = _ALLOWED if record is None or _ours(record) else _CARRIED
    unknown = [name for name in fields if name not in allowed]
    for name in unknown:
        del fields[name]
    if unknown:
        fields["dropped_fields"] = fields.get("dropped_fields", 0) + len(unknown)
    return fields


def _ours(record: logging.LogRecord) -> bool:
    return record.name.startswith(_OUR_LOGGERS)


def _name_the_request(_logger: object, _method: str, fields: EventDict) -> EventDict:
    """Add the id of the request in hand."""
    if has_request_context():
        fields["request_id"] = current_trace().request_id
    return fields


def _describe(_logger: object, _method: str, fields: EventDict) -> EventDict:
    """Return a line's fields in their order: when, how grave, who, what and, for other libraries, where."""
    record: logging.LogRecord = fields["_record"]
    sentence, error = fields.pop("event"), fields.pop("exc_info", None)
    arguments, _ = fields.pop("positional_args", ()), fields.pop("stack_info", None)
    stands = _stands_in_code(sentence, sys._getframe())  # noqa: SLF001 - see there
    line = _beginning(record, sentence if stands else _WITHHELD)
    if _ours(record):
        line["message"] = _filled_in(line["message"], arguments)
    else:
        line["place"] = f"{record.module}:{record.lineno} in {record.funcName}"
    line |= fields
    if error and error[1]:
        line["exception"] = "\n".join(_places(error[1]))
    return line


def _filled_in(sentence: str, arguments: Any) -> str:
    """Return a sentence with its arguments, as long as these are plain words and numbers."""
    if not arguments or not isinstance(arguments, tuple) or not all(type(given) in _PLAIN for given in arguments):
        return sentence
    try:
        return sentence % arguments
    except (TypeError, ValueError):
        return sentence


def _stands_in_code(sentence: object, frame: FrameType | None) -> bool:
    """Return whether a sentence is a constant of a function on the way here: of whoever logged it.

    Formatting happens in the call that logs, so the frame of that call is among those that lead to this one.
    """
    while frame:
        if sentence in frame.f_code.co_consts:
            return True
        frame = frame.f_back
    return False


def _without_control_characters(_logger: object, _method: str, fields: EventDict) -> EventDict:
    """Escape what could end a line, begin another, or steer a terminal, and cut what is too long."""
    return {name: value if name == "exception" else _plain(value) for name, value in fields.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= _LONGEST and value.isprintable() else _escaped(value)
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, dict):
        return {_plain(str(name)): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return _escaped(str(value))


def _escaped(text: str) -> str:
    shown = text[:_LONGEST]
    return shown if shown.isprintable() else shown.encode("unicode_escape").decode("ascii")


def _json_line(_logger: object, _method: str, fields: EventDict) -> str:
    return msgspec.json.encode(fields).decode()


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
