"""The tables in docs/clients.md, made from the schema and the ready-made profiles; run as a module, it writes them."""

from __future__ import annotations

import re
from dataclasses import is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cds_service.clients.file.profile_builder import build_profile
from cds_service.clients.file.ready_made import complete_table, ready_made
from cds_service.clients.profile import Certificates, Issuer
from cds_service.protocol import schemas

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"

_DEFS: dict[str, Any] = schemas.CLIENTS.document["$defs"]
_BLOCK = re.compile(r"(<!-- (\w+):begin[^\n]*-->\n).*?(<!-- \2:end -->)", re.DOTALL)
_STRICT = build_profile("a", complete_table({}))
# The tables of the file, with where each keeps its usual values.
TABLES: dict[str, Any] = {
    "client": _STRICT,
    "issuer": Issuer("x"),
    "site_code": None,
    "certificates": Certificates(),
    "network": _STRICT.network,
    "fhir": _STRICT.fhir,
    "pilot": _STRICT.pilot,
    "shape": _STRICT.shape,
    "limits": _STRICT,
}
_WORDS = {"string": "text", "integer": "whole number", "boolean": "true or false", "array": "list", "object": "table"}


def page_with_tables() -> str:
    """Return the page with every table as it must be."""
    text = PAGE.read_text(encoding="utf-8")
    return _BLOCK.sub(lambda found: f"{found[1]}{block(found[2])}{found[3]}", text)


def block(name: str) -> str:
    """Return the table that belongs between two marks."""
    return "\n".join([*(_comparison() if name == "profiles" else _keys(name)), ""])


def _keys(name: str) -> Iterator[str]:
    yield "| Key | Meaning | Values | Usual |"
    yield "|---|---|---|---|"
    required = _DEFS[name].get("required", ())
    for key, rule in _DEFS[name]["properties"].items():
        resolved = _DEFS[rule["$ref"].rsplit("/", 1)[1]] | rule if "$ref" in rule else rule
        usual = "(required)" if key in required else _usual(name, key)
        yield f"| `{key}` | {resolved['description']} | {_values(resolved)} | {usual} |"


def _values(rule: dict[str, Any]) -> str:
    if "enum" in rule:
        return ", ".join(f"`{value}`" for value in rule["enum"])
    if rule["type"] == "integer":
        return f"{rule['minimum']} to {rule['maximum']}"
    return _WORDS[rule["type"]]


def _usual(name: str, key: str) -> str:
    strict = ready_made()["strict"]
    if name == "client" and key == "extends":
        return "`strict`"
    holder: Any = strict if name == "client" else strict.get(name, {})
    return _literal(holder[key] if key in holder else getattr(TABLES[name], key, None))


def _literal(value: Any) -> str:
    if isinstance(value, dict) or is_dataclass(value) or value in (None, "", (), [], frozenset()):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list | tuple):
        return ", ".join(f"`{entry}`" for entry in value)
    return f"`{value}`"


def _comparison() -> Iterator[str]:
    profiles = ready_made()
    yield f"| | {' | '.join(f'`{name}`' for name in profiles)} |"
    yield "|---" * (len(profiles) + 1) + "|"
    for path in (
        "authentication",
        "algorithms",
        "mode",
        "origins",
        "strict_hook",
        "network.loopback",
        "fhir.any_loopback",
        "fhir.deadline_ms",
        "shape.action_style",
        "shape.selection_behavior",
        "shape.updates",
        "shape.recommends",
        "shape.detail",
        "shape.rating_place",
        "shape.link_hosts",
    ):
        yield f"| `{path}` | {' | '.join(_cell(profiles[name], path) for name in profiles)} |"


def _cell(profile: Any, path: str) -> str:
    for step in path.split("."):
        profile = profile.get(step, getattr(_STRICT.shape, step, None))
    if profile is None:
        return "of the issuer"
    return _literal(profile) or "none"


def main() -> None:
    """Write the tables into the page."""
    PAGE.write_text(page_with_tables(), encoding="utf-8")


if __name__ == "__main__":
    main()
