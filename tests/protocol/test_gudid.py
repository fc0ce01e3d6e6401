"""A site that has imported AccessGUDID: the hook and the probe go by its labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cds_service.demo.requests import load_demos
from tests.gudid import archive, device, table_of
from tests.labels import CONDITIONAL, SAFE, UNLISTED, UNSAFE
from tests.protocol.builders import SIGN, HookClient, make_app
from tests.protocol.form import Form


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> HookClient:
    """A client of a service with a table."""
    return HookClient(make_app(gudid=table_of(tmp_path_factory.mktemp("gudid"))))


def first_card(hooks: HookClient, identifier: str) -> dict[str, Any]:
    """Return the first card of the demo patient with a pacemaker, should it be of a model."""
    request = json.loads(next(demo for demo in load_demos() if demo.name == "pacemaker").body())
    (entry,) = request["prefetch"]["devices"]["entry"]
    entry["resource"]["udiCarrier"] = [{"carrierHRF": f"(01){identifier}(21)77"}]
    found: dict[str, Any] = hooks.call(SIGN, request).json["cards"][0]
    return found


def test_label_of_the_model_decides_of_the_card(hooks: HookClient) -> None:
    """A pacemaker whose label is known is judged by it, and the card names list and day; any other is held."""
    conditional, unsafe = first_card(hooks, CONDITIONAL), first_card(hooks, UNSAFE)
    assert conditional["summary"].startswith("Check the implant's conditions first")
    assert "labelled MR Conditional (AccessGUDID, 1 May 2026)" in conditional["detail"]
    assert unsafe["summary"].startswith("Do not scan")
    assert "labelled MR Unsafe (AccessGUDID, 1 May 2026)" in unsafe["detail"]
    for identifier in (SAFE, UNLISTED):
        held = first_card(hooks, identifier)
        assert held["summary"].startswith("Hold the MRI")
        assert "AccessGUDID" not in held["detail"]


def test_label_of_a_device_says_nothing_of_leads_left(tmp_path: Path) -> None:
    """Leads that a form names beside a labelled device are asked about, and are not called conditional with it."""
    form = Form(gudid=table_of(tmp_path))
    decided = {"red_flags": "no", "indication": "yes", "onset": "no", "therapy": "yes"}
    (card,) = form.answer(decided, implant={"device": "Pacemaker", "udi": CONDITIONAL, "leads": "old leads"})["cards"]
    assert card["summary"] == "Check the implant's conditions first: pacemaker is MR Conditional."
    assert "Ask what it is, and whether it is implanted, before any MRI." in card["html"]
    safe = form.answer(decided, implant={"device": "Recorder", "udi": SAFE, "leads": "old leads"})
    assert safe["cards"][0]["summary"].startswith("Ask before the scan")


def test_readyz_tells_the_day(hooks: HookClient) -> None:
    """Whoever watches the service sees of which day the labels are."""
    assert hooks.flask.get("/readyz").json["gudid"] == {"released": "2026-05-01", "stale": False}  # type: ignore[index]


def test_without_the_setting_nothing_is_looked_up(tmp_path: Path) -> None:
    """A table that merely lies in the data folder is not in force, and nothing is told of it."""
    table_of(tmp_path)
    plain = HookClient(make_app(data_dir=str(tmp_path)))
    assert first_card(plain, CONDITIONAL)["summary"].startswith("Hold the MRI")
    assert "gudid" not in (plain.flask.get("/readyz").json or {})


def test_old_labels_are_told_at_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A table of more than a year ago is used, and the log and the probe say so."""
    table = table_of(tmp_path, archive(tmp_path, [device(UNSAFE, "MR Unsafe")], {UNSAFE: True}, name="d20240101.zip"))
    old = HookClient(make_app(gudid=table))
    assert "the labels of devices are of 2024-01-01, more than a year ago" in caplog.text
    assert old.flask.get("/readyz").json["gudid"] == {"released": "2024-01-01", "stale": True}  # type: ignore[index]
