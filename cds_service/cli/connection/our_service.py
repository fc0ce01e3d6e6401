"""Calls to the service itself, by an address that clients use: without proxy and redirects, with all headers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import requests

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Self

_TIMEOUT: Final = (5.0, 10.0)
_MOST_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of any status; header names are in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def redirect(self) -> str | None:
        """Where a redirect leads, without what follows a question mark; None where it is none."""
        place = self.headers.get("Location", "")
        if self.status not in (301, 302, 303, 307, 308):
            return None
        parts = urlsplit(place)
        host = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""
        return f"{host}{parts.path}" or "nowhere"


class OurService:
    """Asks a service of ours, trusting the authorities that the settings name."""

    def __init__(self, ca_bundle: Path | None = None) -> None:
        """Take whom to trust."""
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(ca_bundle) if ca_bundle else True

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close what is open."""
        self._session.close()

    def ask(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes | None = None
    ) -> Answer | None:
        """Return the answer, its body cut after a mebibyte; None where nothing answers."""
        with (
            suppress(requests.RequestException, UnicodeError),
            self._session.request(
                method,
                url,
                headers=dict(headers or {}),
                data=body,
                timeout=_TIMEOUT,
                allow_redirects=False,
                stream=True,
            ) as found,
        ):
            return Answer(found.status_code, found.headers, next(found.iter_content(_MOST_BYTES), b""))
        return None
