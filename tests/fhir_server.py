"""A real FHIR R4 server (sekmet-fhir) on a free loopback port, for tests that fetch."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import requests

from tests.service import free_port

PATIENCE: Final = 60.0

_SETTINGS: Final = """\
base_url: http://127.0.0.1:{port}/fhir
host: 127.0.0.1
port: {port}
data_dir: {folder}
max_body_log: 0
validation: {{inbound: "off"}}
simulator: {{enabled: false, auto: []}}
"""


class FhirServer:
    """A running server; empty at first."""

    def __init__(self, folder: Path) -> None:
        """Start it and wait until it answers."""
        port = free_port()
        self.base = f"http://127.0.0.1:{port}/fhir"
        self.session = requests.Session()
        self.session.trust_env = False
        settings = folder / "settings.yaml"
        settings.write_text(_SETTINGS.format(port=port, folder=folder / "data"), encoding="utf-8")
        program = shutil.which("sekmet", path=str(Path(sys.executable).parent))
        if program is None:
            pytest.skip("sekmet-fhir is not installed; `make test` installs it")
        self.output = folder / "output"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [program, "serve", "-c", str(settings)], stdout=output, stderr=subprocess.STDOUT, cwd=folder
            )
        self._await()

    def _await(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.session.get(f"{self.base}/metadata", timeout=PATIENCE).ok:
                    return
            except requests.ConnectionError:
                time.sleep(0.1)
        self.stop()
        pytest.fail(f"the FHIR server did not start: {self.output.read_text()}")

    def load(self, resources: Iterable[Mapping[str, Any]]) -> None:
        """Store resources under their ids."""
        entries = [
            {"resource": found, "request": {"method": "PUT", "url": f"{found['resourceType']}/{found['id']}"}}
            for found in resources
        ]
        self.load_bundle({"resourceType": "Bundle", "type": "transaction", "entry": entries})

    def load_bundle(self, bundle: Mapping[str, Any]) -> None:
        """Store the resources of a transaction Bundle."""
        headers = {"Content-Type": "application/fhir+json"}
        answer = self.session.post(self.base, data=json.dumps(bundle), headers=headers, timeout=PATIENCE)
        assert answer.ok, answer.text

    def read(self, query: str) -> Any:
        """Return what a read or search answers."""
        answer = self.session.get(f"{self.base}/{query}", timeout=PATIENCE)
        assert answer.ok, answer.text
        return answer.json()

    def stop(self) -> None:
        """End it."""
        self.session.close()
        self.process.terminate()
        self.process.wait(PATIENCE)
