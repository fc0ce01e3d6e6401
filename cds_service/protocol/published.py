"""What is the same for every caller and never changes while the service runs: clients may keep it, and ask again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from flask import Response, request

_CACHE_SECONDS: Final = 300


@dataclass(frozen=True, slots=True)
class Published:
    """A body that any client may keep for a while."""

    body: bytes
    media_type: str

    def response(self) -> Response:
        """Answer the request in hand with the body, or with 304 that the client still has the same one."""
        response = Response(self.body, status=HTTPStatus.OK, mimetype=self.media_type)
        response.set_etag(hashlib.sha256(self.body).hexdigest()[:32])
        response.cache_control.public = True
        response.cache_control.max_age = _CACHE_SECONDS
        response.make_conditional(request)
        return response
