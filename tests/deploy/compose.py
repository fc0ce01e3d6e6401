"""The compose file as it would run: settings from its environment files, with every variable filled in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

DEPLOY: Final = Path(__file__).parents[2] / "deploy"
SERVICE: Final = "lumbar-cds"

_VARIABLE: Final = re.compile(r"\$\{(\w+)([^}]*)\}")


def compose() -> dict[str, Any]:
    """Return the compose file as it stands."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return found


def pairs(file: str) -> dict[str, str]:
    """Return the variables of a file of `NAME=value` lines."""
    lines = (DEPLOY / file).read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def variables(text: str) -> dict[str, str]:
    """Return what a text asks the environment for, and what stands behind the name, such as a default."""
    return dict(_VARIABLE.findall(text))


def filled(text: str, values: dict[str, str]) -> str:
    """Return a text with its variables filled in."""
    return _VARIABLE.sub(lambda found: values[found[1]], text)


def settings(secrets: dict[str, str]) -> dict[str, str]:
    """Return the environment of the service's container, with these secrets."""
    own = compose()["services"][SERVICE]
    return pairs(own["env_file"]) | {name: filled(value, secrets) for name, value in own["environment"].items()}
