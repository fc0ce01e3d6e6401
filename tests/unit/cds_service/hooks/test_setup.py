"""What is set up for the clients of a process: where used tokens are kept, and what their proofs are."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cds_service.auth.gate import Gate, gate_for
from cds_service.auth.replay.guard import ReplayGuard
from cds_service.auth.replay.redis import RedisReplayStore
from cds_service.auth.replay.sqlite import SqliteReplayStore
from cds_service.auth.replay.store import MemoryReplayStore
from cds_service.auth.verifiers.callers import Credentials, NotAuthenticatedError
from cds_service.clients.file.reading import load_clients
from cds_service.clients.file.ready_made import default_clients
from cds_service.clients.profile import ClientProfile
from cds_service.config.settings import Settings, load_settings
from cds_service.hooks.setup import replay_store
from tests.unit.cds_service.auth.builders import (
    ISS,
    JKU,
    NOW,
    PUBLIC_URL,
    SERVICE,
    FakeClock,
    FakeFetcher,
    bearer,
    claims_now,
    client,
    public_jwk,
    sign,
)

PROXY = "10.0.0.1"
CERTIFICATE = {"x-ssl-client-verify": "SUCCESS", "x-ssl-client-subject-dn": "CN=ehr"}


def settings(folder: Path, **more: Any) -> Settings:
    """Return the settings of a process that keeps its data in a folder."""
    return load_settings({}, data_dir=str(folder), public_url=PUBLIC_URL, **more)


@pytest.mark.parametrize("workers", [1, 2])
def test_used_token_is_recognised_after_a_restart(tmp_path: Path, workers: int) -> None:
    """A recorded token is refused by the process that takes the place of the one which saw it, with one worker too."""
    seen = []
    for _ in range(2):
        store = replay_store([client()], settings(tmp_path, workers=workers), FakeClock())
        assert isinstance(store, SqliteReplayStore)
        seen.append(store.first_use(ISS, "1", NOW + timedelta(minutes=5)))
        store.close()
    assert seen == [True, False]
    assert (tmp_path / "replay.sqlite3").is_file()


def test_store_of_used_tokens_fits_the_process(tmp_path: Path) -> None:
    """Redis is for several hosts; where nobody signs there is nothing to keep, and no file is made for it."""
    redis_url = "redis://127.0.0.1:1/0"
    store = replay_store([client()], settings(tmp_path, redis_url=redis_url), FakeClock())
    assert isinstance(store, RedisReplayStore)
    store.close()
    unsigned = replay_store(default_clients(development=True), settings(tmp_path), FakeClock())
    assert isinstance(unsigned, MemoryReplayStore)
    assert list(tmp_path.iterdir()) == []


def both(folder: Path, authentication: str) -> ClientProfile:
    """Return a client of a file that must bring a token and a certificate."""
    file = folder / "clients.toml"
    file.write_text(
        f"""
[clients.hospital]
authentication = "{authentication}"
certificates = {{ proxies = ["{PROXY}"], subjects = ["CN=ehr"] }}
[[clients.hospital.issuers]]
iss = "{ISS}"
jku = "{JKU}"
audiences = ["{PUBLIC_URL}"]
""",
        encoding="utf-8",
    )
    return load_clients(file)[0]


def gate(folder: Path, profile: ClientProfile) -> Gate:
    """Return the gate for one client, whose key is published."""
    clock, fetcher = FakeClock(), FakeFetcher()
    fetcher.publish(public_jwk("P-384", "ec"))
    return gate_for([profile], PUBLIC_URL, fetcher, ReplayGuard(MemoryReplayStore(clock), clock), clock)


@pytest.mark.parametrize("authentication", ["cds-hooks-jwt", "oauth-bearer"])
def test_token_and_certificate_are_both_needed(tmp_path: Path, authentication: str) -> None:
    """A client of the file with issuers and certificates comes in with both, and with neither of them alone."""
    ours = gate(tmp_path, both(tmp_path, authentication))

    def token(number: int) -> str:
        return sign(claims_now(jti=str(number), aud=PUBLIC_URL))

    assert ours.admit(bearer(token(1), headers=CERTIFICATE, remote_address=PROXY)).client.name == "hospital"
    other = CERTIFICATE | {"x-ssl-client-subject-dn": "CN=other"}
    for number, brought, address, reason in (
        (2, {}, PROXY, "certificate"),
        (3, other, PROXY, "certificate"),
        (4, CERTIFICATE | {"x-ssl-client-verify": "FAILED"}, PROXY, "certificate"),
        (5, CERTIFICATE, "10.0.0.2", "proxy"),
    ):
        with pytest.raises(NotAuthenticatedError, match=f"^{reason}$"):
            ours.admit(bearer(token(number), headers=brought, remote_address=address))
    with pytest.raises(NotAuthenticatedError, match=r"^no-credentials$"):
        ours.admit(Credentials(SERVICE, headers=CERTIFICATE, remote_address=PROXY))
