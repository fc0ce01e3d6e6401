"""Confirmed feedback survives whatever happens to the processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pytest
import requests
from sqlalchemy import select

from cds_service.records.opening import open_database
from cds_service.records.tables import FEEDBACK
from tests.postgres import PostgresServer, missing
from tests.protocol.builders import SIGN, feedback_entry
from tests.service import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

PATIENCE: Final = 60.0
SENDERS: Final = 4
ENTRIES: Final = 3  # of each batch
ENOUGH: Final = 60  # confirmed batches before the blow


class Service:
    """The service in a process group of its own, so that all of it can be killed at once."""

    def __init__(self, folder: Path, url: str | None) -> None:
        """Start it on a database, or on its file in the folder, and wait until it is ready."""
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        environment = os.environ | {"LUMBAR_CDS_DATA_DIR": str(folder / "data")}
        command = ["-m", "cds_service", "serve", "--port", str(self.port), "--workers", "2"]
        if url is not None:
            environment["LUMBAR_CDS_DATABASE_URL"] = url
        self.output = folder / "output"
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, *command],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE
        while not self._is_ready():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            with quiet_session() as session:
                return session.get(f"{self.address}/readyz", timeout=PATIENCE).ok
        except requests.ConnectionError:
            return False

    def kill(self) -> None:
        """End parent and workers at once, without a chance to do anything."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)


def quiet_session() -> requests.Session:
    """Return a session that asks no proxy."""
    session = requests.Session()
    session.trust_env = False
    return session


@dataclass
class Load:
    """Senders that post batches until they are told to stop, and remember what was confirmed."""

    address: str
    confirmed: list[str] = field(default_factory=list)
    wanted: int = ENOUGH
    refused: int = 0
    enough: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def start(self, label: str) -> list[threading.Thread]:
        """Start the senders."""
        threads = [threading.Thread(target=self._send, args=(f"{label}-{number}",)) for number in range(SENDERS)]
        for thread in threads:
            thread.start()
        return threads

    def _send(self, sender: str) -> None:
        with quiet_session() as session:
            number = 0
            while not self.over.is_set():
                batch = f"{sender}-{number}"
                number += 1
                entries = [feedback_entry(card=f"{batch}/{entry}") for entry in range(ENTRIES)]
                try:
                    answer = session.post(
                        f"{self.address}/cds-services/{SIGN}/feedback", json={"feedback": entries}, timeout=PATIENCE
                    )
                except requests.RequestException:
                    continue
                if answer.status_code == 200:
                    self.confirmed.append(batch)
                else:
                    self.refused += 1
                if len(self.confirmed) >= self.wanted:
                    self.enough.set()


def stored(url: str | None, folder: Path) -> Counter[str]:
    """Return how many entries of each batch are in the database, opened as after a restart."""
    database = open_database(url, folder / "data")
    with database.read() as connection:
        cards = connection.execute(select(FEEDBACK.c.card)).scalars().all()
    database.close()
    return Counter(card.partition("/")[0] for card in cards)


def assert_nothing_is_lost(load: Load, found: Counter[str]) -> None:
    """Check that each confirmed batch is there, and none in part."""
    assert len(load.confirmed) >= ENOUGH
    assert set(load.confirmed) <= set(found)
    assert set(found.values()) == {ENTRIES}


@pytest.fixture
def durable_postgres() -> Iterator[PostgresServer]:
    """A server that syncs, since it will be killed too."""
    if reason := missing():
        pytest.skip(reason)
    server = PostgresServer(durable=True)
    yield server
    server.remove()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_killed_service_loses_no_confirmed_feedback(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """`kill -9` in the middle of a load: what was confirmed is there, nothing is there in part, and it starts again."""
    url = None if kind == "sqlite" else request.getfixturevalue("postgres").create_schema()
    confirmed: list[str] = []
    for life in ("first", "second"):
        service = Service(tmp_path, url)
        load = Load(service.address, confirmed, wanted=len(confirmed) + ENOUGH)
        threads = load.start(life)
        try:
            assert load.enough.wait(PATIENCE)
        finally:
            service.kill()
            load.over.set()
            for thread in threads:
                thread.join(PATIENCE)
        assert_nothing_is_lost(load, stored(url, tmp_path))
    assert len(confirmed) >= 2 * ENOUGH


def test_killed_database_loses_no_confirmed_feedback(durable_postgres: PostgresServer, tmp_path: Path) -> None:
    """When PostgreSQL crashes under a load, nothing is confirmed until it is back, and nothing confirmed is lost."""
    url = durable_postgres.create_schema()
    service = Service(tmp_path, url)
    load = Load(service.address)
    threads = load.start("crash")
    try:
        assert load.enough.wait(PATIENCE)
        durable_postgres.stop("immediate")
        load.wanted = len(load.confirmed) + ENOUGH
        load.enough.clear()
        deadline = time.monotonic() + PATIENCE
        while load.refused < SENDERS and time.monotonic() < deadline:
            time.sleep(0.01)
        durable_postgres.start()
        assert load.enough.wait(PATIENCE)
    finally:
        load.over.set()
        for thread in threads:
            thread.join(PATIENCE)
        service.kill()
    assert load.refused >= SENDERS
    assert_nothing_is_lost(load, stored(url, tmp_path))
