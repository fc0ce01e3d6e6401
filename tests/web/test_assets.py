"""Static files: what is served, how long it may be kept, and that vendored files are what they claim to be."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cds_service.pages.rendering.assets import load_assets

if TYPE_CHECKING:
    from flask import Flask

STATIC = Path(__file__).parents[2] / "cds_service" / "pages" / "static"
VENDOR = STATIC / "vendor"
TEMPLATES = STATIC.parent / "templates"


def test_vendored_files_are_as_recorded() -> None:
    """Nobody edits a vendored file, or adds one without its version, source and licence."""
    recorded = tomllib.loads((VENDOR / "VENDORED.toml").read_text(encoding="utf-8"))["vendored"]
    hashes = {name: digest for package in recorded for name, digest in package["sha256"].items()}
    files = [file for file in VENDOR.rglob("*") if file.is_file() and file.name != "VENDORED.toml"]
    found = {file.relative_to(VENDOR).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest() for file in files}
    assert found == hashes
    for package in recorded:
        assert package["licence_file"] in package["sha256"]
        assert package["licence"] in (VENDOR / package["licence_file"]).read_text(encoding="utf-8")
        assert package["version"] in package["source"]


@pytest.mark.parametrize("name", sorted(load_assets().files))
def test_file_may_be_kept_for_a_year(app: Flask, name: str) -> None:
    """Under its current address a file never changes, and a browser need not ask again."""
    client = app.test_client()
    response = client.get(load_assets().url(name))
    assert response.status_code == 200
    assert response.data == (STATIC / name).read_bytes()
    assert response.cache_control.max_age == 31536000
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    again = client.get(load_assets().url(name), headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("pages.css", "text/css"), ("js/copy.js", "text/javascript"), ("icon.svg", "image/svg+xml")],
)
def test_media_type_is_stated(app: Flask, name: str, media_type: str) -> None:
    """Browsers refuse a style or script of another type, since they may not guess."""
    assert app.test_client().get(load_assets().url(name)).mimetype == media_type


def test_outdated_address_is_answered_and_not_kept(app: Flask) -> None:
    """A page of another version, during a rollout, still gets its style, but no cache remembers it."""
    response = app.test_client().get("/static/0000/pages.css")
    assert response.status_code == 200
    assert response.cache_control.no_cache
    assert response.cache_control.max_age is None


@pytest.mark.parametrize("path", ["/static/0000/none.css", "/static/0000/../assets.py", "/static/0000/%2e%2e/views.py"])
def test_nothing_else_is_served(app: Flask, path: str) -> None:
    """Only files of the static folder have an address."""
    assert app.test_client().get(path).status_code == 404


def test_unknown_file_has_no_address() -> None:
    """A template cannot refer to a file that is not there."""
    with pytest.raises(KeyError):
        load_assets().url("none.css")


@pytest.mark.parametrize("template", sorted(TEMPLATES.glob("*.html")), ids=lambda file: file.name)
def test_templates_hold_no_inline_code(template: Path) -> None:
    """The content policy would block inline scripts, styles and handlers, silently for whoever writes them."""
    text = template.read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert all('src="{{ asset(' in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize(
    "file", sorted([*STATIC.glob("*.css"), *STATIC.glob("js/*.js")]), ids=lambda file: str(file.name)
)
def test_nothing_is_loaded_from_elsewhere(file: Path) -> None:
    """Styles and scripts name no other host; the pages work without the internet."""
    addresses = re.findall(r"https?://[^\s'\"),]+", file.read_text(encoding="utf-8"))
    assert set(addresses) <= {"http://www.w3.org/2000/svg"}
