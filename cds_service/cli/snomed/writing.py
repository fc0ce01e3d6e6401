"""The descendants as files of a site's terminology folder, tried out before they take the place of older ones."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fhir_mappings.terminology.code_systems import SNOMED_CT
from fhir_mappings.terminology.site_terminology import load_site_terminology

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cds_service.cli.snomed.descent import Descent
    from fhir_mappings.terminology.index import TerminologyIndex

_PREFIX: Final = "snomed-ct-"
_URL: Final = "urn:lumbar-mri-cds:site:snomed-ct:"


class WritingError(Exception):
    """What keeps the files from being written; nothing was changed then."""


def own_files(folder: Path) -> list[Path]:
    """Return the files of a folder that this command wrote; WritingError for one that only has such a name."""
    found = sorted(folder.glob(f"{_PREFIX}*.json"))
    for file in found:
        try:
            url = json.loads(file.read_bytes()).get("url", "")
        except (OSError, ValueError, AttributeError):
            url = ""
        if not str(url).startswith(_URL):
            raise WritingError(f"{file}: was not written by this command; give it another name")
    return found


def site_without_own(folder: Path, bundled: TerminologyIndex) -> TerminologyIndex:
    """Return what the site knows by its other files; KnowledgeError when they cannot be used."""
    own = set(own_files(folder)) if folder.is_dir() else set()
    others = [file for file in folder.glob("*.json") if file not in own] if folder.is_dir() else []
    if not others:
        return bundled
    with tempfile.TemporaryDirectory() as copy:
        for file in others:
            shutil.copy(file, copy)
        return load_site_terminology(Path(copy), bundled).applied_to(bundled)


def write_value_sets(
    folder: Path, descent: Descent, names: Mapping[str, str], source: str, bundled: TerminologyIndex
) -> list[Path]:
    """Write a ValueSet for each concept that gains codes, and remove older ones; the files that are there now.

    KnowledgeError or WritingError when the site could not start with them; nothing is changed then.
    """
    folder.mkdir(parents=True, exist_ok=True)
    old = own_files(folder)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".snomed-ct-") as made:
        for concept, codes in descent.added.items():
            document = _value_set(concept, codes, names, source)
            text = json.dumps(document, ensure_ascii=False, indent=1)
            (Path(made) / f"{_PREFIX}{concept.replace('_', '-')}.json").write_text(f"{text}\n", encoding="utf-8")
        new = sorted(Path(made).iterdir())
        for file in folder.glob("*.json"):
            if file not in old:
                shutil.copy(file, made)
        if new:
            load_site_terminology(Path(made), bundled)
        for file in old:
            file.unlink()
        return [file.replace(folder / file.name) for file in new]


def _value_set(concept: str, codes: tuple[str, ...], names: Mapping[str, str], source: str) -> dict[str, Any]:
    name = concept.replace("_", "-")
    return {
        "resourceType": "ValueSet",
        "id": name,
        "url": f"{_URL}{name}",
        "version": source,
        "title": f"What is below the SNOMED CT codes of {name}",
        "status": "active",
        "copyright": "SNOMED CT, under the licence of the site that made this file; not to be passed on.",
        "compose": {
            "include": [
                {
                    "system": SNOMED_CT,
                    "concept": [
                        {"code": code, "display": names[code]} if names.get(code) else {"code": code} for code in codes
                    ],
                }
            ]
        },
    }
