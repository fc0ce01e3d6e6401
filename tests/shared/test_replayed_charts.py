"""Whole charts of synthetic patients, replayed from files as the hook answers them by prefetch."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from cds_service.config.settings import load_settings
from cds_service.replay.local.engine import Options, replay
from cds_service.replay.setup import ReplaySetup
from fhir_mappings.fhir.needs import DATA_NEEDS
from tests.protocol.builders import SIGN, HookClient, ListRecorder, lumbar_mri, make_app
from tests.shared.test_real_charts import FILES, request_for, resources_of

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FILES, reason="no charts: TEST_CHARTS_FOLDER names no folder with FHIR Bundles"),
]


def test_charts_replay_as_their_hooks_answer(tmp_path: Path) -> None:
    """Each chart with an order of today gets the outcome, messages and cards that the hook gives it today."""
    export = tmp_path / "export"
    export.mkdir()
    recorder, orders = ListRecorder(), []
    client = HookClient(make_app(recorder=recorder, profile="production", max_body_bytes=64 * 1024 * 1024))
    present = {resource["resourceType"] for file in FILES for resource in resources_of(file)}
    expected: dict[str, Any] = {}
    for file in FILES:
        shutil.copy(file, export)
        (patient,) = [found for found in resources_of(file) if found["resourceType"] == "Patient"]
        request = request_for(file, SIGN)
        kept = {need.key for need in DATA_NEEDS if need.resource_type in {*present, "ServiceRequest"}}
        request["prefetch"] = {key: value for key, value in request["prefetch"].items() if key in kept}
        assert client.call(SIGN, request).status == 200
        (expected[f"Patient/{patient['id']}"],) = recorder.kept[-1].assessments
        order = lumbar_mri(subject={"reference": f"Patient/{patient['id']}"}, status="completed")
        orders.append(json.dumps(order | {"id": f"mri-{patient['id'][:8]}"}))
    (export / "ServiceRequest.ndjson").write_text("\n".join(orders), encoding="utf-8")
    setup = ReplaySetup(load_settings({}, profile="production"))
    replay([export], tmp_path / "out", setup, Options(identify=True))
    rows = [row for file in (tmp_path / "out" / "rows").iterdir() for row in pq.read_table(file).to_pylist()]
    assert {row["patient"]: _answer(row) for row in rows} == {
        name: (told.outcome, list(told.messages), [message for card in told.cards for message in card.messages])
        for name, told in expected.items()
    }
    assert len(rows) == len(FILES)


def _answer(row: dict[str, Any]) -> tuple[str, list[str], list[str]]:
    return row["outcome"], row["messages"], row["cards"]
