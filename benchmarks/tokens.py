"""What it costs to let a signed call in, in units of the bare verification of its signature (ES384)."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from cds_service.auth.replay.guard import ReplayGuard
from cds_service.auth.replay.store import MemoryReplayStore
from cds_service.auth.verifiers.callers import Credentials
from cds_service.auth.verifiers.cds_hooks_jwt import JwtVerifier
from cds_service.auth.verifiers.key_set import KeySet
from cds_service.auth.verifiers.signed_tokens import Registration
from cds_service.clients.profile import ClientProfile, Issuer
from tests.ehr import PUBLIC_URL, Ehr
from tests.protocol.builders import NOW, SIGN
from tests.unit.cds_service.auth.builders import private_key

_ENDPOINT: Final = f"/cds-services/{SIGN}"
_TOKENS: Final = 20  # of a round; each may be used once


def measure(rounds: int) -> float:
    """Return the median over rounds in which both alternate."""
    ehr = Ehr("https://ehr.example.org", "bench")
    keys = KeySet([ehr.jwk])
    issuer = Issuer(ehr.iss, keys=(ehr.jwk,))
    registration = Registration(ClientProfile("bench", issuers=(issuer,)), issuer, keys)
    replay = ReplayGuard(MemoryReplayStore(lambda: NOW), lambda: NOW)
    verifier = JwtVerifier([registration], public_url=PUBLIC_URL, replay=replay, clock=lambda: NOW)
    bare = _bare(ehr)
    ratios = []
    for _ in range(rounds):
        calls = [
            Credentials(_ENDPOINT, (header["Authorization"],))
            for header in (ehr.headers(_ENDPOINT) for _ in range(_TOKENS))
        ]
        ratios.append(_seconds(verifier.verify, calls) / _seconds(bare, range(_TOKENS)))
    return statistics.median(ratios)


def _bare(ehr: Ehr) -> Callable[[object], None]:
    key = cast("ec.EllipticCurvePrivateKey", private_key(ehr.kind, ehr.iss))
    signature = key.sign(b"bench" * 60, ec.ECDSA(hashes.SHA384()))
    raw = [number.to_bytes(48, "big") for number in utils.decode_dss_signature(signature)]
    public = key.public_key()

    def verify(_: object) -> None:
        parts = (int.from_bytes(part, "big") for part in raw)
        public.verify(utils.encode_dss_signature(*parts), b"bench" * 60, ec.ECDSA(hashes.SHA384()))

    return verify


def _seconds(work: Callable[[Any], object], given: Iterable[Any]) -> float:
    started = time.process_time()
    for each in given:
        work(each)
    return time.process_time() - started
