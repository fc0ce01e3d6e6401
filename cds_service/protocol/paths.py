"""Serves `//` and a trailing `/` as if they were not there.

Clients glue a base URL and `/cds-services` together, with or without slashes, and sign the result. Flask would answer
with a redirect or a 404; hook clients and CORS preflights do not follow redirects.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SLASHES: Final = re.compile("/{2,}")


class TidyPaths:
    """WSGI middleware that hands on the path with single slashes and without one at its end."""

    def __init__(self, application: WSGIApplication) -> None:
        """Wrap an application."""
        self._application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does."""
        path = environ.get("PATH_INFO", "")
        if "//" in path or path.endswith("/"):
            environ["PATH_INFO"] = _SLASHES.sub("/", path).rstrip("/") or "/"
        return self._application(environ, start_response)
