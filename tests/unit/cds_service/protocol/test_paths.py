"""The middleware that tidies paths."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.protocol.paths import TidyPaths


@pytest.mark.parametrize(
    ("path", "tidy"),
    [("", ""), ("/", "/"), ("//", "/"), ("/a", "/a"), ("/a/", "/a"), ("//a///b//", "/a/b"), ("/a/b", "/a/b")],
)
def test_path_is_tidied(path: str, tidy: str) -> None:
    """Slashes are single, none is last, and the root stays the root."""
    seen: list[str] = []

    def application(environ: dict[str, Any], _start_response: object) -> list[bytes]:
        seen.append(environ["PATH_INFO"])
        return []

    TidyPaths(application)({"PATH_INFO": path}, lambda *_: lambda _: None)
    assert seen == [tidy]
