"""The answer to whom no thread was free for."""

from __future__ import annotations

import json

from fhir.resources.R4B.operationoutcome import OperationOutcome

from cds_service.server.sent_away import overloaded_answer


def test_answer_is_whole_and_says_what_it_is() -> None:
    """It is an OperationOutcome with the request id of its head, says when to come again, and is no approval."""
    head, _, body = overloaded_answer().partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ") for line in lines[1:])
    assert lines[0] == "HTTP/1.1 503 Service Unavailable"
    assert (headers["Content-Length"], headers["Retry-After"], headers["Connection"]) == (str(len(body)), "1", "close")
    OperationOutcome.model_validate_json(body)
    (issue,) = json.loads(body)["issue"]
    assert issue["code"] == "throttled"
    assert "not mean approval" in issue["details"]["text"]
    assert issue["diagnostics"] == f"Request id: {headers['X-Request-ID']}"


def test_answers_have_ids_of_their_own() -> None:
    """No two callers get the same request id."""
    assert overloaded_answer() != overloaded_answer()


def test_page_that_may_call_may_read_why_it_was_sent_away() -> None:
    """With the origin of a listed page the answer names it, so that its browser tells more than a network error."""
    head, _, body = overloaded_answer("https://app.example").partition(b"\r\n\r\n")
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    assert fields["Access-Control-Allow-Origin"] == "https://app.example"
    assert (fields["Vary"], int(fields["Content-Length"])) == ("Origin", len(body))
    assert b"Access-Control" not in overloaded_answer()
