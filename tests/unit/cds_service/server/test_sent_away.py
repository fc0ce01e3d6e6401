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
