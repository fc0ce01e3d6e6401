"""Styles, scripts and pictures, served from memory under an address that changes when any of them does.

One hash stands for the whole folder, so that scripts can import their neighbours by relative address and a browser
never mixes files of two versions. Under the current hash a file may be kept for a year.
"""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from importlib import resources
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from flask import Blueprint, Response, request
from markupsafe import Markup

from cds_service.pages.rendering.security import PAGE_HEADERS
from cds_service.protocol.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from importlib.resources.abc import Traversable

_YEAR: Final = 365 * 24 * 60 * 60
# Not left to the system's table, which differs between machines.
_MEDIA_TYPES: Final = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".md": "text/plain"}


@dataclass(frozen=True, slots=True)
class Assets:
    """The files of the static folder by their path in it, and the hash of them all."""

    files: Mapping[str, bytes]
    version: str

    def url(self, name: str) -> str:
        """Return the address of a file; KeyError when there is none, so that a page cannot refer to it."""
        if name not in self.files:
            raise KeyError(name)
        return f"/static/{self.version}/{name}"

    def inline_style(self, name: str) -> Markup:
        """Return a style sheet as an element, for files that are handed on and stand under no content policy."""
        return Markup(f"<style>\n{self.files[name].decode()}</style>")  # noqa: S704 - a file of ours

    def blueprint(self) -> Blueprint:
        """Return the route."""
        routes = Blueprint("static", __name__)
        routes.get("/static/<version>/<path:name>")(self.serve)
        return routes

    def serve(self, version: str, name: str) -> Response:
        """Answer with a file; under an outdated hash too, while several versions run, but then nobody may keep it."""
        if name not in self.files:
            raise ServiceError(HTTPStatus.NOT_FOUND, "not-found", "There is no such file.")
        body = self.files[name]
        response = Response(body, mimetype=_media_type(name))
        response.headers.update(PAGE_HEADERS)
        response.set_etag(hashlib.sha256(body).hexdigest()[:32])
        if version == self.version:
            response.cache_control.public = True
            response.cache_control.max_age = _YEAR
            response.cache_control.immutable = True
        else:
            response.cache_control.no_cache = True
        response.make_conditional(request)
        return response


@cache
def load_assets() -> Assets:
    """Read the static folder; the same files for every application of the process."""
    files = dict(sorted(_walk(resources.files("cds_service.pages") / "static")))
    digest = hashlib.sha256()
    for name, body in files.items():
        digest.update(f"{name}\0{len(body)}\0".encode() + body)
    return Assets(files, digest.hexdigest()[:16])


def _walk(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    for item in folder.iterdir():
        if item.is_dir():
            yield from _walk(item, f"{prefix}{item.name}/")
        else:
            yield f"{prefix}{item.name}", item.read_bytes()


def _media_type(name: str) -> str:
    suffix = PurePosixPath(name).suffix
    return _MEDIA_TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
