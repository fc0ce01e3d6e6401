"""The guideline's versions and what each changed, so that an old card can be understood by the rules of its day."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from importlib import resources


@dataclass(frozen=True, slots=True)
class Release:
    """One version of the guideline."""

    version: str
    date: date
    changes: tuple[str, ...]


def load_changelog() -> tuple[Release, ...]:
    """Return all versions, the newest first."""
    file = resources.files("cards.guideline") / "changelog.toml"
    releases = tomllib.loads(file.read_text(encoding="utf-8"))["release"]
    return tuple(Release(str(item["version"]), item["date"], tuple(item["changes"])) for item in releases)
