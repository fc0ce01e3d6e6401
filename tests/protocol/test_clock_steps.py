"""A clock that steps: calls that prove nothing by time go on, and tokens count again when it is set right."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest

from cds_service.app import create_app
from cds_service.config.settings import load_settings
from cds_service.hooks.storage import Storage
from cds_service.records.invocations import NullRecorder
from cds_service.records.stores import NullFeedbackStore
from tests.ehr import PUBLIC_URL, Ehr, clients_file, hook
from tests.protocol.builders import NOW, SIGN, HookClient, hook_request

if TYPE_CHECKING:
    from pathlib import Path

    from tests.log_lines import LogLines

EHR: Final = Ehr("https://hospital.example", "clock")


@pytest.mark.parametrize(("step", "refusal"), [(timedelta(days=1), "expired"), (timedelta(days=-1), "not-yet")])
def test_step_of_the_clock_is_over_when_it_is_set_right(
    tmp_path: Path, log: LogLines, step: timedelta, refusal: str
) -> None:
    """While our clock is wrong tokens are refused, by name in the log; then new ones count and used ones do not."""
    now = NOW
    clients: dict[str, dict[str, Any]] = {
        "signed": {"issuers": [{"iss": EHR.iss, "keys": [EHR.jwk]}]},
        "open": {"extends": "development", "origins": ["https://desk.example"]},
    }
    settings = load_settings(
        {}, clients_file=clients_file(tmp_path, clients), public_url=PUBLIC_URL, data_dir=tmp_path / "data"
    )
    app = create_app(settings, clock=lambda: now, storage=Storage(NullFeedbackStore(), NullRecorder()))
    client = HookClient(app)
    used = EHR.headers(hook(SIGN))
    assert client.call(SIGN, hook_request(SIGN), headers=used).cards
    now = NOW + step
    refused = client.call(SIGN, hook_request(SIGN), headers=EHR.headers(hook(SIGN)))
    assert (refused.status, log.of(refused.headers["X-Request-ID"])["refusal"]) == (401, refusal)
    assert client.call(SIGN, hook_request(SIGN), headers={"Origin": "https://desk.example"}).status == 200
    now = NOW
    assert client.call(SIGN, hook_request(SIGN), headers=EHR.headers(hook(SIGN))).cards
    assert client.call(SIGN, hook_request(SIGN), headers=used).status == 401
