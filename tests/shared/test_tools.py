"""Black-box tools against the running service: its conformance, and whole charts by prefetch and from a FHIR server.

`TEST_TOOLS_FOLDER` names the folder that holds them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fhir_server import FhirServer
from tests.service import Running
from tests.shared.test_real_charts import FOLDER as CHARTS

FOLDER = Path(os.environ.get("TEST_TOOLS_FOLDER") or CHARTS.parents[1] / "tools")
SETTINGS = {"MAX_BODY_BYTES": str(64 * 1024 * 1024)}

pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.is_dir(), reason="no tools: TEST_TOOLS_FOLDER names no folder"),
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service as it starts by default."""
    running = Running(tmp_path_factory.mktemp("service"), settings=SETTINGS)
    yield running
    assert running.stop() == 0


def run(tool: str, *arguments: str) -> str:
    """Return what a tool prints; fail with it when the tool fails."""
    command = [sys.executable, str(FOLDER / tool), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, "\n".join(
        line for line in (done.stdout + done.stderr).splitlines() if not line.startswith("PASS")
    )
    return done.stdout


def test_service_conforms(service: Running) -> None:
    """Discovery, hooks, FHIR access, refusals, feedback and CORS are as CDS Hooks asks."""
    assert ", 0 failed" in run("check_service.py", service.url)


def test_charts_give_the_same_cards_either_way(service: Running, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whole charts are answered alike whether they are prefetched or read from a real FHIR server."""
    folder = tmp_path_factory.mktemp("fhir")
    server = FhirServer(folder)
    try:
        printed = run(
            "run_patients.py", service.url, server.base, str(CHARTS), "--load", "--out", str(folder / "out.json")
        )
    finally:
        server.stop()
    assert ", 0 failed" in printed
