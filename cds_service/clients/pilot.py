"""Who sees cards: everybody, nobody, or in a pilot the users who take part.

A clinician must not see a card in the morning and none in the afternoon, on whichever worker the call lands. So a
share of users is drawn by a keyed hash of the user's id: the same users always, and when the share grows, more of them.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from cds_service.clients.profile import Mode

if TYPE_CHECKING:
    from cds_service.clients.profile import ClientProfile

_TYPE: Final = re.compile(r"[A-Z][A-Za-z]+")


def shows_cards(profile: ClientProfile, mode: Mode, user_id: str | None, key: bytes) -> bool:
    """Whether a user of a client sees cards in the mode that is in force.

    `user_id` is `context.userId`: `Practitioner/123` as it should be, the address of such a resource, or a bare id; a
    user who is not known takes no part in a pilot. `key` is secret and the same in all processes.
    """
    if mode is not Mode.PILOT:
        return mode is Mode.ON
    kind, number = _user(user_id or "")
    if not number:
        return False
    if any(_same((kind, number), _user(listed)) for listed in profile.pilot.users):
        return True
    return _draw(profile.name, number, key) < profile.pilot.percent


def _user(text: str) -> tuple[str, str]:
    """Return resource type and id of a user; the type is empty where only an id was given."""
    path = urlsplit(text.strip()).path if "://" in text else text.strip()
    steps = [step for step in path.partition("/_history")[0].split("/") if step]
    if not steps:
        return "", ""
    kind = steps[-2] if len(steps) > 1 and _TYPE.fullmatch(steps[-2]) else ""
    return kind, steps[-1]


def _same(one: tuple[str, str], other: tuple[str, str]) -> bool:
    return one[1] == other[1] and (one[0] == other[0] or not one[0] or not other[0])


def _draw(client: str, user: str, key: bytes) -> int:
    """Return a number from 0 to 99 that is always the same for a user of a client."""
    digest = hmac.digest(key, f"pilot|{client}|{user}".encode(), hashlib.sha256)
    return int.from_bytes(digest[:8]) % 100
