"""Identifiers in the rows of a replay: keyed hashes, by which rows join and nobody is found, unless told otherwise."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

KEY_FILE: Final = "key"
_KEY_BYTES: Final = 32
_HASH_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Hashes identifiers with a key, which its repr does not show; without a key they stay as they are."""

    key: bytes | None = field(default=None, repr=False)

    def of(self, identifier: str) -> str:
        """Return the hash of a patient's id or of a reference, 32 hexadecimal digits; "" for none."""
        if self.key is None or not identifier:
            return identifier
        return hmac.digest(self.key, identifier.encode(), hashlib.sha256)[:_HASH_BYTES].hex()


def kept_key(folder: Path) -> bytes:
    """Return the key of a replay, made at random when it begins and readable by its owner alone."""
    file = folder / KEY_FILE
    if not file.exists():
        draft = file.with_name(f".{KEY_FILE}.{os.getpid()}")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(secrets.token_bytes(_KEY_BYTES))
            os.fsync(stream.fileno())
        draft.rename(file)
    return file.read_bytes()
