"""Who may see the insights: whoever knows the administrator's token, and in development everybody.

Numbers of a hospital are nobody else's business, although no patient is in them. The token is never part of an address
and is compared in a time that tells nothing about it. A browser exchanges it for a signed note of when the visit ends;
the key of the signature comes from the token, so that another token ends all visits. Guessing is slowed for each
address and for all together.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from itsdangerous import BadData, URLSafeSerializer

VISIT: Final = timedelta(hours=2)

_SALT: Final = b"lumbar-mri-cds insights visit"


@dataclass(frozen=True, slots=True)
class InsightsAccess:
    """The administrator's token, and whether the insights are open to everybody where there is none."""

    token: str | None = field(default=None, repr=False)
    open_without: bool = False

    @property
    def is_open(self) -> bool:
        """Whether nobody is asked for anything."""
        return not self.token and self.open_without

    @property
    def is_closed(self) -> bool:
        """Whether nobody can get in."""
        return not self.token and not self.open_without

    def matches(self, offered: str) -> bool:
        """Whether something offered is the token."""
        if not self.token:
            return False
        return hmac.compare_digest(offered.encode(errors="replace"), self.token.encode())


class Visits:
    """Writes and reads the signed note that a browser keeps."""

    def __init__(self, access: InsightsAccess, clock: Callable[[], datetime]) -> None:
        """Take the access whose token the key comes from."""
        key = hmac.digest((access.token or "").encode(), _SALT, hashlib.sha256)
        self._notes = URLSafeSerializer(
            key, salt=_SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )
        self._allowed = bool(access.token)
        self._clock = clock

    def begin(self) -> str:
        """Return the note of a visit that begins in this moment."""
        return str(self._notes.dumps({"until": math.floor((self._clock() + VISIT).timestamp())}))

    def is_under_way(self, note: str) -> bool:
        """Whether a note is ours and its visit has not ended."""
        if not self._allowed:
            return False
        try:
            content: Any = self._notes.loads(note)
        except BadData:
            return False
        until = content.get("until") if isinstance(content, dict) else None
        return isinstance(until, int) and self._clock().timestamp() < until


class Attempts:
    """Counts failed attempts; `clock` is monotonic, in seconds. The counts are those of one process.

    Behind a proxy many people share one address, so a few failures must not keep out whoever has the token: they only
    slow down the wrong ones. Comparing without end would be guessing without end, so after many failures, of one
    address or of all, nothing is looked at any more.
    """

    def __init__(self, clock: Callable[[], float], *, of_address: int = 5, of_all: int = 60) -> None:
        """Take how many attempts may fail within a minute: from one address, and before nothing is looked at."""
        self._clock = clock
        self._of_address, self._of_all = of_address, of_all
        self._failures: OrderedDict[str, list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def shut(self, address: str) -> int:
        """Return after how many seconds any token of an address is looked at, the right one too; 0 for at once."""
        with self._lock:
            return max(self._left("", self._of_all), self._left(address, self._of_all))

    def wait(self, address: str) -> int:
        """Return how many seconds somebody with a wrong token should wait; 0 for not at all."""
        with self._lock:
            return max(self._left("", self._of_all), self._left(address, self._of_address))

    def fail(self, address: str) -> None:
        """Count a failed attempt; of one address only the first few among those of all, or it could shut out others."""
        with self._lock:
            names = (address,) if self._left(address, self._of_address) else ("", address)
            for name in names:
                self._failures.setdefault(name, []).append(self._clock())
                self._failures.move_to_end(name)
            while len(self._failures) > _MOST_ADDRESSES:
                self._failures.popitem(last=False)

    def _left(self, name: str, limit: int) -> int:
        """Return for how long one address, or all under the empty name, are over a limit; forget older failures."""
        if name not in self._failures:
            return 0
        moment = self._clock()
        recent = [failed for failed in self._failures[name] if moment - failed < _MINUTE][-self._of_all :]
        if recent:
            self._failures[name] = recent
        else:
            del self._failures[name]
        return math.ceil(_MINUTE - (moment - recent[-limit])) if len(recent) >= limit else 0


_MINUTE: Final = 60.0
_MOST_ADDRESSES: Final = 1000
