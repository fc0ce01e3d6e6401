"""Scenarios as data: read from YAML, posted to the application like an EHR would."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fhir_mappings.fhir.needs import DATA_NEEDS
from tests.spec.records import BUILDERS, Recorder, concept, filled, listed

FOLDER = Path(__file__).parent
FILES = ("vignettes.yaml", "scenarios.yaml", "settlement.yaml", "coverage.yaml", "archetypes.yaml")
PATIENT = "patient-1"
ORDER = "order-1"
DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class Scenario:
    """One scenario: the facts, the order and what is expected."""

    id: str
    title: str
    body: dict[str, Any]

    @property
    def expected(self) -> dict[str, Any]:
        """What the service must answer."""
        expected: dict[str, Any] = self.body["expected"]
        return expected

    @property
    def order_date(self) -> date:
        """The day the order is written."""
        return date.fromisoformat(str(self.body["order_date"]))

    def request(self, hook: str, sources: Collection[str] | None = None) -> dict[str, Any]:
        """Return the hook request: every prefetch key answered, failed searches as OperationOutcomes.

        A client that has only some `sources` sends the keys of those.
        """
        recorder = Recorder(self.order_date, PATIENT)
        order = self._order()
        records: dict[str, list[dict[str, Any]]] = {}
        failed = []
        for fact in self.body["facts"]:
            if fact["resource"] == "error":
                failed.append(fact["search"])
                continue
            resource_type, build = BUILDERS[fact["resource"]]
            found = records.setdefault(resource_type, [])
            found.append(
                {
                    "resourceType": resource_type,
                    "id": f"{resource_type.lower()}-{len(found) + 1}",
                    **build(recorder, fact),
                }
            )
            if "question" in fact and resource_type == "Observation":
                order.setdefault("supportingInfo", []).append({"reference": f"Observation/{found[-1]['id']}"})
        context: dict[str, Any] = {"userId": "Practitioner/p-1", "patientId": PATIENT}
        if hook == "order-select":
            context["selections"] = [f"ServiceRequest/{ORDER}"]
        context["draftOrders"] = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]}
        prefetch = {
            need.key: outcome() if need.resource_type in failed else self._answer(need.resource_type, records)
            for need in DATA_NEEDS
            if sources is None or need.resource_type in sources
        }
        return {
            "hook": hook,
            "hookInstance": "6f8c2c3e-0000-4000-8000-000000000001",
            "context": context,
            "prefetch": prefetch,
        }

    def _answer(self, resource_type: str, records: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
        if resource_type == "Patient":
            age = self.body.get("age")
            # Half a year away from a birthday, so that the age holds on the day of the order.
            born = None if age is None else self.order_date - timedelta(days=int((age + 0.5) * DAYS_PER_YEAR))
            return filled(
                resourceType="Patient", id=PATIENT, gender=self.body["sex"], birthDate=born and born.isoformat()
            )
        found = records.get(resource_type, [])
        entries = [{"resource": resource, "search": {"mode": "match"}} for resource in found]
        return {"resourceType": "Bundle", "type": "searchset", "total": len(found)} | (
            {"entry": entries} if entries else {}
        )

    def _order(self) -> dict[str, Any]:
        order = self.body["order"]
        reasons = [concept(reason) for reason in listed(order.get("reasonCode"))]
        if order.get("text"):
            if reasons and reasons[0] and "text" not in reasons[0]:
                reasons[0]["text"] = order["text"]
            else:
                reasons.append({"text": order["text"]})
        coded = {key: order[key] for key in ("system", "code", "display") if key in order}
        return filled(
            resourceType="ServiceRequest",
            id=ORDER,
            status=order["status"],
            intent=order["intent"],
            priority=order.get("priority"),
            code=concept(coded),
            subject={"reference": f"Patient/{PATIENT}"},
            authoredOn=self.order_date.isoformat(),
            requester=filled(reference="Practitioner/p-1", display=order.get("requester")),
            reasonCode=reasons,
            bodySite=listed(concept(order.get("bodySite"))),
            note=[{"text": note} for note in listed(order.get("note"))],
        )


def outcome() -> dict[str, Any]:
    """Return what a client sends for a search that failed."""
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}


@cache
def load(*files: str) -> tuple[Scenario, ...]:
    """Return the scenarios of some files, of all where none is named; read once."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found = []
    for name in files or FILES:
        file = FOLDER / name
        if file.exists():
            document = yaml.load(file.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 - a safe loader
            found += [Scenario(str(body["id"]), str(body["title"]), body) for body in document["vignettes"]]
    return tuple(found)
