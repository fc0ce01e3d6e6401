"""Patients from a folder of FHIR Bundles, one file a patient, as a FHIR server would hand them to an EHR.

The files are written by other programs (Synthea, an export), so nothing about them is taken for granted: one that is
too large, is no Bundle or holds no single patient is named with the reason, and the others are offered all the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from cds_service.pages.demo.patient_banner import Person, person_of
from cds_service.protocol.errors import BadRequestError
from cds_service.protocol.serialization import decode
from fhir_mappings.fhir.needs import DATA_NEEDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from fhir_mappings.fhir.needs import DataNeed

MOST_FILES: Final = 200
LARGEST_FILE: Final = 8 * 1024 * 1024  # bytes
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_DRUGS: Final = ("MedicationRequest", "MedicationStatement")


class ChartFileError(ValueError):
    """A file that holds no chart; the message says why and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class FolderChart:
    """A patient of the folder: the file's name without its ending, who it is, and the day of the last contact."""

    id: str
    file: Path
    person: Person
    last_contact: str


class ChartFolder:
    """The charts of a folder, looked through on first use and each read again when it is asked for."""

    def __init__(self, path: Path) -> None:
        """Take a folder; nothing is read yet."""
        self._path = path

    @cached_property
    def _found(self) -> tuple[tuple[FolderChart, ...], tuple[tuple[str, str], ...]]:
        charts: list[FolderChart] = []
        problems: list[tuple[str, str]] = []
        try:
            files = sorted(self._path.glob("*.json"))
        except OSError:
            files = []
        if not files:
            problems.append((self._path.name, "no .json file is there"))
        for file in files[:MOST_FILES]:
            try:
                charts.append(_chart(file))
            except ChartFileError as error:
                problems.append((file.name, str(error)))
        if len(files) > MOST_FILES:
            problems.append((self._path.name, f"only the first {MOST_FILES} of {len(files)} files are offered"))
        return tuple(charts), tuple(problems)

    @property
    def charts(self) -> tuple[FolderChart, ...]:
        """The charts that can be used, by file name."""
        return self._found[0]

    @property
    def problems(self) -> tuple[tuple[str, str], ...]:
        """The names of files that cannot be used, each with the reason."""
        return self._found[1]

    def prefetch(self, chart: FolderChart) -> dict[str, Any]:
        """Return the prefetch of a chart; ChartFileError when the file can no longer be read."""
        resources = _resources(chart.file)
        return {need.key: _value(need, resources) for need in DATA_NEEDS}


def _chart(file: Path) -> FolderChart:
    resources = _resources(file)
    contacts = (item.get("period") for item in resources if item["resourceType"] == "Encounter")
    days = [str(period.get("start"))[:10] for period in contacts if isinstance(period, dict)]
    last = max((day for day in days if _DAY.fullmatch(day)), default="")
    patient = next(item for item in resources if item["resourceType"] == "Patient")
    return FolderChart(file.stem, file, person_of(patient), last)


def _resources(file: Path) -> list[dict[str, Any]]:
    """Return the resources of a chart with relative references; ChartFileError when it is none."""
    try:
        if file.stat().st_size > LARGEST_FILE:
            raise ChartFileError(f"larger than {LARGEST_FILE // 1024**2} MB")
        bundle = decode(file.read_bytes())
    except OSError:
        raise ChartFileError("cannot be read") from None
    except (BadRequestError, RecursionError):
        raise ChartFileError("no sound JSON") from None
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise ChartFileError("no FHIR Bundle")
    entries = bundle.get("entry")
    found = list(_entries(entries if isinstance(entries, list) else ()))
    names = {url: f"{item['resourceType']}/{item.get('id')}" for url, item in found if url}
    resources = [_relative(item, names) for _, item in found]
    patients = [item for item in resources if item["resourceType"] == "Patient" and isinstance(item.get("id"), str)]
    if len(patients) != 1:
        raise ChartFileError(f"holds {len(patients)} patients instead of one")
    return resources


def _entries(entries: Iterable[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for entry in entries:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and isinstance(resource.get("resourceType"), str):
            url = entry.get("fullUrl")
            yield url if isinstance(url, str) else "", resource


def _relative(value: Any, names: Mapping[str, str]) -> Any:
    """Return JSON in which references by the Bundle's own addresses name the resource instead."""
    if isinstance(value, dict):
        return {
            key: names.get(item, item) if key == "reference" and isinstance(item, str) else _relative(item, names)
            for key, item in value.items()
        }
    return [_relative(item, names) for item in value] if isinstance(value, list) else value


def _value(need: DataNeed, resources: list[dict[str, Any]]) -> Any:
    """Return what a FHIR server answers to one prefetch template, except that the pages of a search are one."""
    found = [item for item in resources if item["resourceType"] == need.resource_type]
    if not need.parameters:
        return found[0] if found else None
    found.sort(key=_date_of, reverse=True)
    entries: list[dict[str, Any]] = [{"resource": item, "search": {"mode": "match"}} for item in found]
    if need.resource_type in _DRUGS:
        # There is no server to be asked for them afterwards, as the service would do.
        drugs = {_drug(item) for item in found}
        medications = (item for item in resources if f"{item['resourceType']}/{item.get('id')}" in drugs)
        entries += [{"resource": item, "search": {"mode": "include"}} for item in medications]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(found)}
    return bundle | ({"entry": entries} if entries else {})


def _drug(resource: Mapping[str, Any]) -> str:
    reference = resource.get("medicationReference")
    return str(reference.get("reference")) if isinstance(reference, dict) else ""


def _date_of(resource: Mapping[str, Any]) -> str:
    """Return the date that a search would sort by, as text; empty where there is none."""
    for name in ("effectiveDateTime", "performedDateTime", "authoredOn", "onsetDateTime", "started", "issued", "start"):
        if isinstance(date := resource.get(name), str):
            return date
    for name in ("effectivePeriod", "performedPeriod", "period"):
        if isinstance(period := resource.get(name), dict):
            return str(period.get("start") or "")
    return ""
