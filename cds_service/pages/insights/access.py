"""Who may see the insights: whoever knows the administrator's token, and in development everybody.

Numbers of a hospital are nobody else's business, although no patient is in them. The token is never part of an address
and is compared in a time that tells nothing about it. Guessing is slowed for each address and for all together.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cds_service.auth.counts import Counts

_SALT: Final = b"lumbar-mri-cds insights session"
_OF_ADDRESS: Final = 5
_OF_ALL: Final = 60
_ALL: Final = "insights"


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

    @property
    def session_key(self) -> bytes | None:
        """What sessions are signed with: it comes from the token, so that another token ends all visits."""
        return hmac.digest(self.token.encode(), _SALT, hashlib.sha256) if self.token else None

    def matches(self, offered: str) -> bool:
        """Whether something offered is the token."""
        if not self.token:
            return False
        return hmac.compare_digest(offered.encode(errors="replace"), self.token.encode())


@dataclass(frozen=True, slots=True)
class Attempts:
    """Counts wrong tokens within a minute.

    Behind a proxy many people share one address, so a few wrong tokens must not keep out whoever has the right one:
    they only slow down the wrong ones. Comparing without end would be guessing without end, so after many, of one
    address or of all, nothing is looked at any more.
    """

    counts: Counts

    def shut(self, address: str) -> int:
        """Return after how many seconds any token of an address is looked at, the right one too; 0 for at once."""
        return max(self.counts.wait(_ALL, _OF_ALL), self.counts.wait(_name(address), _OF_ALL))

    def wait(self, address: str) -> int:
        """Return how many seconds somebody with a wrong token should wait; 0 for not at all."""
        return max(self.counts.wait(_ALL, _OF_ALL), self.counts.wait(_name(address), _OF_ADDRESS))

    def fail(self, address: str) -> None:
        """Count a wrong token; of one address only the first few among those of all, or it could shut out others."""
        if not self.counts.take(_name(address), _OF_ADDRESS):
            self.counts.take(_ALL, _OF_ALL)
        self.counts.take(_name(address), _OF_ALL)


def _name(address: str) -> str:
    return f"{_ALL} {address}"
