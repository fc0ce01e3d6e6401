"""Users and patients in the records: keyed hashes, by which the same one is recognised and nobody is found.

A plain hash of an id is no protection, since all ids of a hospital can be tried in seconds; without the key that is
not possible. Purpose and client are part of what is hashed: the same id is another user, another patient and another
client's, and none of them can be joined.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from cds_service.protocol.errors import SettingsError

KEY_FILE: Final = "identity.key"
KEY_SETTING: Final = "LUMBAR_CDS_HASH_KEY"
FOLDER_SETTING: Final = "LUMBAR_CDS_DATA_DIR"

_KEY_BYTES: Final = 32
_HASH_BYTES: Final = 16
_SHORTEST: Final = 32  # characters of a key in the settings


@dataclass(frozen=True, slots=True)
class Identities:
    """Hashes ids with a key, which its repr does not show."""

    key: bytes = field(repr=False)

    def user(self, client: str, user_id: str) -> str:
        """Return the hash of a client's user, 32 hexadecimal digits; "" for no id."""
        return self._hash("user", client, user_id)

    def patient(self, client: str, patient_id: str) -> str:
        """Return the hash of a client's patient, 32 hexadecimal digits; "" for no id."""
        return self._hash("patient", client, patient_id)

    def seal(self, client: str, user_id: str, patient_id: str, text: str) -> str:
        """Return the hash of something that concerns one user and one patient of a client; "" without either."""
        if not (user_id and patient_id):
            return ""
        return self._hash("seal", client, msgspec.json.encode((user_id, patient_id, text)).decode())

    def _hash(self, purpose: str, client: str, value: str) -> str:
        if not value:
            return ""
        message = msgspec.json.encode((purpose, client, value))  # quoted, so that no two triples look the same
        return hmac.digest(self.key, message, hashlib.sha256)[:_HASH_BYTES].hex()


def load_identities(setting: str | None, data_dir: Path) -> Identities:
    """Return the hashes under a key from the settings, or under one that is made once and kept in the data folder.

    Several hosts that share a database need the same key, hence the setting. SettingsError when it is too short to
    protect anything, or when the file cannot be read or made.
    """
    if setting:
        check_hash_key(setting)
        return Identities(hashlib.sha256(setting.encode()).digest())
    try:
        return Identities(_stored_key(data_dir / KEY_FILE))
    except OSError as error:
        sentence = f"{KEY_FILE} cannot be read or made there ({error.strerror}); {KEY_SETTING} gives a key without it"
        raise SettingsError([f"{FOLDER_SETTING}: {sentence}"]) from error


def check_hash_key(setting: str) -> None:
    """Check a key from the settings, and store nothing; SettingsError when it is too short to protect anything."""
    if len(setting) < _SHORTEST:
        raise SettingsError([f"{KEY_SETTING}: must have at least {_SHORTEST} characters"])


def _stored_key(file: Path) -> bytes:
    """Return the key of a file; where there is none, make one that every process which starts now agrees on."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
        try:
            _write(draft, secrets.token_bytes(_KEY_BYTES))
            os.link(draft, file)  # whole, and only if nobody was quicker
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)
    key = file.read_bytes()
    if len(key) != _KEY_BYTES:
        raise SettingsError([f"{FOLDER_SETTING}: {KEY_FILE} there does not hold a key of this service"])
    return key


def _write(file: Path, content: bytes) -> None:
    """Write a new file that only its owner may read, and have it on disk before it is given its name."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
