"""Log lines in both formats: sentences of the code, fields from an allow-list, nothing that was sent."""

from __future__ import annotations

import io
import json
import logging
import threading
import warnings
from typing import Any, NoReturn

import pytest
from flask import Flask

from cds_service.config.settings import load_settings
from cds_service.observability.logs import FIELDS, configure_logging, get_logger
from cds_service.protocol.trace import Trace, current_trace
from fhir_mappings.fhir_client.retrieval import Result

FORMATS = pytest.mark.parametrize("lines", ["console", "json"], indirect=True)
JSON = pytest.mark.parametrize("lines", ["json"], indirect=True)

# Put together at run time, as data are: a name that stood in a test's code would count as a sentence of the code.
NAME = "zebulon".title()


@pytest.fixture
def lines(request: pytest.FixtureRequest, untouched_logging: None) -> io.StringIO:
    """Everything that the process logs, at its most talkative, in the format asked for."""
    stream = io.StringIO()
    configure_logging(load_settings({}, log_level="debug", log_format=request.param), stream)
    return stream


def only(lines: io.StringIO) -> dict[str, Any]:
    """Return the one JSON line."""
    (text,) = lines.getvalue().splitlines()
    line: dict[str, Any] = json.loads(text)
    return line


@JSON
def test_json_line_is_one_object(lines: io.StringIO) -> None:
    """Fields stand beside time, level, logger and message."""
    get_logger("cds_service.x").info("served it", status=200, messages=["A", "B"], phases={"read": 0.3})
    line = only(lines)
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "info",
        "logger": "cds_service.x",
        "message": "served it",
        "status": 200,
        "messages": ["A", "B"],
        "phases": {"read": 0.3},
    }


@pytest.mark.parametrize("lines", ["console"], indirect=True)
def test_console_line_is_readable(lines: io.StringIO) -> None:
    """Fields follow the message, without colours where no terminal reads them."""
    get_logger("cds_service.x").info("served it", status=200, messages=["A", "B"])
    line = lines.getvalue()
    assert line.index("served it") < line.index("status=200") < line.index("messages=['A', 'B']")
    assert "\x1b" not in line


@FORMATS
def test_field_that_is_not_on_the_list_is_dropped(lines: io.StringIO) -> None:
    """A careless field is not written, by whichever way it comes; that there was one is."""
    get_logger("cds_service.x").info("first", status=200, patient=NAME, token=NAME)
    logging.getLogger("cds_service.x").info("second", extra={"status": 200, "patient": NAME})
    first, second = lines.getvalue().splitlines()
    assert NAME not in lines.getvalue()
    assert "patient" not in lines.getvalue()
    for line, count in (first, 2), (second, 1):
        assert f"dropped_fields={count}" in line or f'"dropped_fields":{count}' in line
        assert "200" in line


@JSON
def test_other_libraries_have_no_fields(lines: io.StringIO) -> None:
    """A field of another library is dropped even where it has one of our names."""
    logging.getLogger("elsewhere").warning("trouble", extra={"client": NAME})
    line = only(lines)
    assert (line["message"], line["dropped_fields"]) == ("trouble", 1)
    assert "client" not in line


@FORMATS
@pytest.mark.parametrize("logger", ["urllib3.connectionpool", "gunicorn.error", "cds_service"])
def test_arguments_are_not_filled_in(lines: io.StringIO, logger: str) -> None:
    """The sentence is written as it stands in the code; what was to be filled in may be an address."""
    logging.getLogger(logger).warning("Retrying after '%s'", NAME)
    assert "Retrying after '%s'" in lines.getvalue()
    assert NAME not in lines.getvalue()


@JSON
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x", 2), "dropped x, 2 times"),
        ((ValueError("x"), 2), "dropped %s, %d times"),
    ],
)
def test_our_own_words_and_numbers_are_filled_in(lines: io.StringIO, arguments: Any, message: str) -> None:
    """Our modules may say how many and of which type; an object, whose text may quote anything, is left out."""
    logging.getLogger("cds_service.x").warning("dropped %s, %d times", *arguments)
    assert only(lines)["message"] == message


@FORMATS
@pytest.mark.parametrize("logger", ["urllib3.connectionpool", "gunicorn.error", "cds_service", "cds_service.x"])
@pytest.mark.parametrize(
    "message", [f"Invalid request: {NAME}", NAME, ValueError(NAME), [NAME]], ids=["sentence", "word", "error", "list"]
)
def test_message_made_at_run_time_is_withheld(lines: io.StringIO, logger: str, message: object) -> None:
    """A message that is not a sentence of the code may hold anything; the line still tells who spoke."""
    logging.getLogger(logger).warning(message)
    assert NAME not in lines.getvalue()
    assert "withheld" in lines.getvalue()
    assert logger in lines.getvalue()


@JSON
def test_place_of_another_library_is_named(lines: io.StringIO) -> None:
    """Whoever needs a withheld message finds the statement that wrote it."""
    logging.getLogger("urllib3").warning(f"trouble with {NAME}")  # noqa: G004 - what other libraries do
    assert only(lines)["place"].startswith("test_logs:")


@FORMATS
@pytest.mark.parametrize(
    "value", ["a\nb", "a\r\nb", "a\x1b[31mb", "a\x9bb", "a\u2028b", "a\u202eb", "a\x00b", "a\x7fb", "a\ud800b"]
)
def test_control_characters_are_escaped(lines: io.StringIO, value: str) -> None:
    """A value cannot end its line, begin another one, or steer the terminal that shows it."""
    get_logger("cds_service.x").warning("refused", tenant=value, issuer=[value], sources={value: value})
    text = lines.getvalue()
    assert text.isascii()
    assert text.removesuffix("\n").isprintable()


@JSON
def test_long_value_is_cut(lines: io.StringIO) -> None:
    """A caller cannot fill the disk through one field."""
    get_logger("cds_service.x").warning("refused", tenant="x" * 100_000)
    assert len(only(lines)["tenant"]) == 300


def fail() -> NoReturn:
    """Fail for a reason that quotes a name, while handling another failure."""
    try:
        raise ValueError(NAME)
    except ValueError:
        raise KeyError(NAME) from None


@FORMATS
@pytest.mark.parametrize("logger", ["cds_service.x", "elsewhere"])
def test_exception_is_its_type_and_place(lines: io.StringIO, logger: str) -> None:
    """A traceback names functions and lines, never the text of the exception."""
    try:
        fail()
    except KeyError:
        logging.getLogger(logger).exception("it failed")
    line = lines.getvalue()
    assert "builtins.KeyError" in line
    assert "in fail" in line
    assert "ValueError" not in line
    assert NAME not in line


@JSON
def test_stack_is_not_written(lines: io.StringIO) -> None:
    """A stack that another library attaches is left out."""
    logging.getLogger("elsewhere").warning("trouble", stack_info=True)
    assert "stack_info" not in only(lines)


class Unprintable:
    """Fails when it is to be written."""

    def __str__(self) -> str:
        raise RuntimeError(NAME)


@pytest.mark.usefixtures("untouched_logging")
def test_what_python_writes_itself_passes_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    """Warnings and the errors of threads are written by kind and place, without their text."""

    def fail() -> None:
        raise ValueError(NAME)

    stream = io.StringIO()
    configure_logging(load_settings({}, log_format="json"), stream)  # here: pytest restores the hooks after each setup
    warnings.showwarning(UserWarning(NAME), UserWarning, __file__, 1)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    warned, failed = map(json.loads, stream.getvalue().splitlines())
    assert (warned["category"], warned["place"]) == ("UserWarning", "test_logs.py:1")
    assert failed["exception"].startswith("builtins.ValueError")
    assert NAME not in stream.getvalue() + capsys.readouterr().err


@FORMATS
def test_line_that_cannot_be_written_is_not_shown_raw(lines: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    """When formatting fails, logging's own report, which prints message and arguments, does not appear."""
    logging.getLogger("cds_service.x").warning("sentence %s", NAME, extra={"tenant": Unprintable()})
    assert NAME not in lines.getvalue() + capsys.readouterr().err


@JSON
def test_request_id_stands_on_every_line_of_a_request(lines: io.StringIO) -> None:
    """Lines of other libraries, too, can be found by the request id while a request is answered."""
    with Flask("x").test_request_context(headers={"X-Request-ID": "abc"}):
        assert current_trace().request_id == "abc"
        logging.getLogger("elsewhere").warning("trouble")
    assert only(lines)["request_id"] == "abc"


@JSON
@pytest.mark.usefixtures("untouched_logging")
def test_configuring_again_replaces_the_handler(lines: io.StringIO) -> None:
    """A line is written once, to the newest stream, in the newest format."""
    second = io.StringIO()
    configure_logging(load_settings({}, log_format="json"), second)
    logging.getLogger("cds_service.x").info("hello")
    assert lines.getvalue() == ""
    assert json.loads(second.getvalue())["message"] == "hello"


@JSON
def test_other_libraries_are_heard_from_warnings_on(lines: io.StringIO) -> None:
    """They say little below that an operator needs."""
    logging.getLogger("urllib3").info("chatter")
    logging.getLogger("cds_service.x").debug("detail")
    logging.getLogger("urllib3").warning("trouble")
    assert [json.loads(line)["message"] for line in lines.getvalue().splitlines()] == ["detail", "trouble"]


def full_trace() -> Trace:
    """Return a trace in which every field is filled."""
    trace = Trace("abc", method="POST", endpoint="hooks.call", service="s", hook="h", client="c", mode="silent")
    trace.issuer, trace.tenant, trace.token_id, trace.refusal = "i", "t", "j", "expired"
    trace.shown, trace.orders, trace.outcomes, trace.messages = False, 1, ("A",), ("B",)
    trace.not_repeated = (("B", "line"),)
    trace.sources |= {"conditions": "fetched:partial", "patient": "prefetch:complete"}
    trace.fhir_results["ok"] += 2
    trace.feedback["accepted"] += 1
    with trace.phase("read"):
        pass
    return trace


@JSON
def test_access_line_passes_the_list(lines: io.StringIO) -> None:
    """Every field that a trace can have is on the list, so none of them is lost."""
    fields = full_trace().line(200)
    assert set(fields) <= set(FIELDS)
    get_logger("cds_service.access").info("request", **fields)
    line = only(lines)
    assert "dropped_fields" not in line
    assert line["sources"] == ["conditions=fetched:partial"]  # what came whole with the call is not listed
    assert line["fhir_calls"] == {"ok": 2}


def test_every_field_is_one_that_is_logged() -> None:
    """The list holds what the line of a request and the one of a start say, and nothing that no line ever has."""
    full = Trace("abc", method="POST", endpoint="hooks.call", shown=False)
    for name in ("service", "hook", "client", "mode", "issuer", "tenant", "token_id", "refusal", "problem"):
        setattr(full, name, "x")
    full.orders, full.outcomes, full.messages, full.sources = 1, ("A",), ("M",), {"conditions": "fetched:partial"}
    full.unrecognised_orders, full.not_repeated = 1, (("M", "silent"),)
    full.problem_at, full.remarks = ("prefetch.patient",), ["hook"]
    full.phases["read"] = 1.0
    full.feedback.update(["accepted"])
    full.fhir_results.update([Result.OK])
    others = {"listening", "authentication", "approval", "pid", "signal", "exit_status", "category"}
    assert {*full.line(200), *others} == set(FIELDS)


def test_empty_fields_are_left_out() -> None:
    """A line of a plain request is short."""
    assert set(Trace("abc", method="GET", endpoint="hooks.discover").line(200)) == {
        "method",
        "endpoint",
        "status",
        "ms",
    }
