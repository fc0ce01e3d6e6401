"""What the tests of the insights ask of a running service: synthetic records in it, and real calls and feedback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import requests

from cds_service.demo.requests import load_demos
from tests.service import PATIENCE
from tests.web.browser import running_service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "an-administrator-token-for-tests"


@contextmanager
def seeded_service(folder: Path, **settings: str) -> Iterator[str]:
    """Run a service whose data folder holds synthetic records; yield its address."""
    variables = {"LUMBAR_CDS_DATA_DIR": str(folder / "data")}
    command = [sys.executable, "-m", "cds_service", "demo-data", "--weeks", "6"]
    subprocess.run(command, env=os.environ | variables, check=True, capture_output=True)
    with running_service(folder, **settings) as url:
        yield url


@dataclass(slots=True)
class Clinic:
    """A client that calls hooks and reports, and counts for itself what it did and what it got."""

    url: str
    session: requests.Session
    calls: int = 0
    lumbar_orders: int = 0
    fired: int = 0
    cards: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    accepted: int = 0
    overridden: int = 0

    def send_demos(self) -> None:
        """Send every bundled request once."""
        for demo in load_demos():
            service = f"lumbar-mri-{demo.hook}"
            answer = self.session.post(
                f"{self.url}/cds-services/{service}", json=json.loads(demo.body()), timeout=PATIENCE
            )
            assert answer.ok
            self.calls += 1
            self.lumbar_orders += demo.outcome is not None
            self.fired += bool(answer.json()["cards"])
            self.cards += [(service, card) for card in answer.json()["cards"]]

    def accept(self) -> str:
        """Accept the first suggestion of the first card that has one and has no answer yet; return its label."""
        index = next(at for at, (_, card) in enumerate(self.cards) if card.get("suggestions"))
        service, card = self.cards.pop(index)
        suggestion = card["suggestions"][0]
        self._report(service, card, outcome="accepted", acceptedSuggestions=[{"id": suggestion["uuid"]}])
        self.accepted += 1
        return str(suggestion["label"])

    def override(self) -> str:
        """Override the first card that offers reasons and has no answer yet; return the words of the reason."""
        index = next(at for at, (_, card) in enumerate(self.cards) if card.get("overrideReasons"))
        service, card = self.cards.pop(index)
        reason = card["overrideReasons"][0]
        self._report(service, card, outcome="overridden", overrideReason={"reason": reason, "userComment": "no"})
        self.overridden += 1
        return str(reason["display"])

    @property
    def shown(self) -> int:
        """How many cards it got."""
        return len(self.cards) + self.accepted + self.overridden

    def await_records(self, kind: str = "real") -> dict[str, Any]:
        """Return the export of one kind of records once every call is on record."""
        address = f"{self.url}/insights/export.json?records={kind}"
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.session.get(address, timeout=PATIENCE).json()
            if found["volume"][0]["calls"] >= self.calls:
                return found
            time.sleep(0.05)
        raise AssertionError("the calls were not recorded in time")

    def _report(self, service: str, card: dict[str, Any], **entry: Any) -> None:
        report = {"card": card["uuid"], "outcomeTimestamp": datetime.now(UTC).isoformat(), **entry}
        address = f"{self.url}/cds-services/{service}/feedback"
        assert self.session.post(address, json={"feedback": [report]}, timeout=PATIENCE).ok


@contextmanager
def clinic_of(url: str) -> Iterator[Clinic]:
    """Open a client of a running service."""
    with requests.Session() as session:
        session.trust_env = False
        yield Clinic(url, session)
