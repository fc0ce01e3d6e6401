"""The ready-made profiles, and a client's own table laid over one of them."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from cds_service.clients.file.profile_builder import build_profile
from cds_service.clients.profile import Authentication

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cds_service.clients.profile import ClientProfile

DEFAULT_BASE: Final = "strict"

# Whoever calls a production process that was given no clients file; so it listens on loopback only.
_ANYONE: Final[Mapping[str, Any]] = {
    "title": "Anyone on this machine",
    "authentication": Authentication.NONE.value,
    "shape": {"link_hosts": ["*"]},
}


@cache
def ready_made() -> Mapping[str, Mapping[str, Any]]:
    """Return the ready-made profiles as tables by name."""
    text = resources.files(__package__).joinpath("ready_made.toml").read_text(encoding="utf-8")
    tables: Mapping[str, Mapping[str, Any]] = tomllib.loads(text)["clients"]
    return tables


def laid_over(base: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a table with another laid over it: tables in it are merged, everything else takes the other's value."""
    merged = dict(base)
    for key, value in own.items():
        below = merged.get(key)
        merged[key] = laid_over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def complete_table(own: Mapping[str, Any]) -> dict[str, Any]:
    """Return a client's table with what it leaves out taken from the profile that it extends."""
    base = own.get("extends", DEFAULT_BASE)
    return laid_over(ready_made()[base], own) | {"extends": base}


def default_clients(*, development: bool) -> tuple[ClientProfile, ...]:
    """Return the clients of a process that was given no clients file; none of them is authenticated.

    In development these are `development` and `cds-hooks-sandbox`, told apart by the origin of the page that calls. A
    production process has `anyone`, from whom only prefetch is taken.
    """
    if development:
        return tuple(
            build_profile(name, complete_table({"extends": name})) for name in ("development", "cds-hooks-sandbox")
        )
    return (build_profile("anyone", complete_table(_ANYONE)),)
