"""Log lines in both formats."""

from __future__ import annotations

import io
import json
import logging
from typing import NoReturn

import pytest

from cds_service.logs import ConsoleFormatter, JsonFormatter, configure_logging
from cds_service.settings import load_settings


def record(**extra: object) -> logging.LogRecord:
    """Return a log record."""
    made = logging.LogRecord("cds_service.x", logging.INFO, "file.py", 1, "served %s", ("it",), None)
    for name, value in extra.items():
        setattr(made, name, value)
    return made


def test_json_line_is_one_object() -> None:
    """Fields of the access line stand beside time, level, logger and message."""
    line = json.loads(JsonFormatter().format(record(access={"status": 200, "messages": ["A", "B"]})))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "cds_service.x",
        "message": "served it",
        "status": 200,
        "messages": ["A", "B"],
    }


def test_console_line_is_readable() -> None:
    """Fields follow the message."""
    line = ConsoleFormatter().format(record(access={"status": 200, "messages": ["A", "B"]}))
    assert line.endswith("info    served it status=200 messages=A,B")


def fail() -> NoReturn:
    """Fail for a reason that quotes a name, while handling another failure."""
    try:
        raise ValueError("Zebulon")
    except ValueError:
        raise KeyError("Zebulon") from None


@pytest.mark.parametrize("formatter", [JsonFormatter(), ConsoleFormatter()])
def test_exception_is_its_type_and_place(formatter: logging.Formatter) -> None:
    """A traceback names functions and lines, never the text of the exception."""
    try:
        fail()
    except KeyError as error:
        line = formatter.format(record(exc_info=(type(error), error, error.__traceback__)))
    assert "builtins.KeyError" in line
    assert "in fail" in line
    assert "ValueError" not in line
    assert "Zebulon" not in line


@pytest.mark.usefixtures("untouched_logging")
def test_configuring_again_replaces_the_handler() -> None:
    """A line is written once, to the newest stream, in the newest format."""
    first, second = io.StringIO(), io.StringIO()
    configure_logging(load_settings({}), first)
    configure_logging(load_settings({}, log_format="json"), second)
    logging.getLogger("cds_service.x").info("hello")
    assert first.getvalue() == ""
    assert json.loads(second.getvalue())["message"] == "hello"


@pytest.mark.usefixtures("untouched_logging")
def test_other_libraries_are_heard_from_warnings_on() -> None:
    """Their chatter may quote addresses with patient ids."""
    stream = io.StringIO()
    configure_logging(load_settings({}, log_level="debug"), stream)
    logging.getLogger("urllib3").info("chatter")
    logging.getLogger("cds_service.x").debug("detail")
    logging.getLogger("urllib3").warning("trouble")
    assert [word for word in ("chatter", "detail", "trouble") if word in stream.getvalue()] == ["detail", "trouble"]
