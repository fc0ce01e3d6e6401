"""The clients file: which EHRs may call, and what each may do and wants; read once at start.

A file that is not understood whole refuses to start, with every reason at once, the file and the path inside it. No
sentence holds a value of the file: a secret that was put in the wrong place stays where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cds_service.clients.file.ambiguities import rivalries
from cds_service.clients.file.consistency import contradictions
from cds_service.clients.file.profile_builder import build_profile
from cds_service.clients.file.ready_made import complete_table
from cds_service.clients.file.schema_errors import misfits
from cds_service.config.files import read_table
from cds_service.protocol.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from cds_service.clients.profile import ClientProfile


def load_clients(file: Path) -> tuple[ClientProfile, ...]:
    """Return the clients of a TOML or YAML file; SettingsError names everything in it that cannot be used."""
    document = read_table(file)
    problems = [*misfits(document)]
    tables = _fitting(document, problems)
    clients = []
    for name, own in tables.items():
        complete = complete_table(own)
        found = [f"clients.{name}.{problem}" for problem in contradictions(own, complete, file.parent)]
        problems += found
        if not found:
            clients.append(build_profile(name, complete, file.parent))
    problems += rivalries(clients)
    if problems:
        raise SettingsError(f"{file}: {problem}" for problem in problems)
    return tuple(clients)


def _fitting(document: Mapping[str, Any], problems: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Return the clients' tables in which the schema found nothing wrong; the others are not looked at further."""
    tables = document.get("clients")
    if not isinstance(tables, dict):
        return {}
    return {
        name: table
        for name, table in tables.items()
        if not any(problem.startswith((f"clients.{name}.", f"clients.{name}:")) for problem in problems)
    }
