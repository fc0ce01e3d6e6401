"""A crash is an error with a request id, never an empty answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from tests.protocol.builders import SERVICES, SIGN, HookClient, feedback_entry, hook_request, make_app

if TYPE_CHECKING:
    from flask import Flask


def crash(*_arguments: Any, **_named: Any) -> NoReturn:
    """Fail with a message that quotes a patient."""
    raise KeyError("Zebulon Quartermaine")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "step",
    [
        "hooks.adviser.read_lumbar_mri_orders",
        "hooks.data_access.sent_sources",
        "hooks.adviser.read_chart",
        "hooks.adviser.assess",
        "hooks.adviser.respond",
        "hooks.handler.encode",
    ],
)
def test_crash_at_any_step_is_a_500(
    client: HookClient, monkeypatch: pytest.MonkeyPatch, service: str, step: str
) -> None:
    """Whichever step fails, the answer is an OperationOutcome that says that no advice was given."""
    monkeypatch.setattr(f"cds_service.{step}", crash)
    reply = client.call(service, hook_request(service))
    assert (reply.status, reply.codes) == (500, ["exception"])
    assert "cards" not in reply.json
    assert "No advice was given" in reply.json["issue"][0]["details"]["text"]
    assert "Zebulon" not in reply.text
    assert "Traceback" not in reply.text


def test_crash_is_logged_with_its_place(
    client: HookClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever is on call finds the exception under the request id."""
    monkeypatch.setattr("cds_service.hooks.adviser.assess", crash)
    with caplog.at_level(logging.ERROR):
        client.call(SIGN, hook_request(SIGN))
    (record,) = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert record.exc_info
    assert record.exc_info[0] is KeyError


def test_answer_that_cannot_be_written_is_a_500(client: HookClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A response that is no JSON is not sent in part."""
    monkeypatch.setattr("cds_service.hooks.adviser.respond", lambda *_: {"cards": [object()]})
    assert client.call(SIGN, hook_request(SIGN)).status == 500


def test_crash_of_the_store_is_a_500() -> None:
    """Feedback that met a bug is not confirmed."""

    class Broken:
        record = crash

        def available(self) -> bool:
            return True

    app: Flask = make_app(feedback=Broken())
    assert HookClient(app).report(SIGN, [feedback_entry()]).status == 500


def test_service_that_cannot_answer_its_demos_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken installation is noticed at start, not at the first patient."""
    monkeypatch.setattr("cds_service.hooks.adviser.assess", crash)
    with pytest.raises(KeyError):
        make_app()
