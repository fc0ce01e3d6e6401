"""Whole charts of synthetic patients, as generators and EHRs really write them: assessed by prefetch without an error.

`TEST_CHARTS_FOLDER` names the folder that holds them, one FHIR Bundle a file.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cds_service.pages.demo.charts import DemoCharts
from fhir_mappings.fhir.needs import DATA_NEEDS
from tests.protocol.builders import SERVICES, SIGN, HookClient, hook_request, lumbar_mri, make_app
from tests.spec.wording_rules import reassurances

FOLDER = Path(
    os.environ.get("TEST_CHARTS_FOLDER") or Path(__file__).resolve().parents[2].parent / "shared" / "data" / "patients"
)
FILES = sorted(FOLDER.glob("*.json"))
# Words of devices that are used by patients, not put into them.
EXTERNAL = ("glucose", "meter", "positive airway", "wheelchair", "nebulizer", "crutch", "cane", "monitor", "walker")

pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FILES, reason="no charts: TEST_CHARTS_FOLDER names no folder with FHIR Bundles"),
]


@pytest.fixture(scope="module")
def client() -> HookClient:
    """A client of the application that takes whole charts."""
    return HookClient(make_app(max_body_bytes=64 * 1024 * 1024))


def resources_of(file: Path) -> list[dict[str, Any]]:
    """Return the resources of a chart."""
    entries = json.loads(file.read_text(encoding="utf-8"))["entry"]
    return [entry["resource"] for entry in entries]


def request_for(file: Path, service: str) -> dict[str, Any]:
    """Return a hook call about a chart, with every prefetch key answered from it."""
    resources = resources_of(file)
    (patient,) = [resource for resource in resources if resource["resourceType"] == "Patient"]
    values: dict[str, Any] = {}
    for need in DATA_NEEDS:
        kinds = (
            {need.resource_type, "Medication"} if need.resource_type.startswith("Medication") else {need.resource_type}
        )
        found = [resource for resource in resources if resource["resourceType"] in kinds]
        entries = [
            {
                "resource": resource,
                "search": {"mode": "match" if resource["resourceType"] == need.resource_type else "include"},
            }
            for resource in found
        ]
        values[need.key] = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    values["patient"] = patient
    order = lumbar_mri(subject={"reference": f"Patient/{patient['id']}"})
    return hook_request(service, order, context={"patientId": patient["id"]}, prefetch=values)


def words(device: dict[str, Any]) -> str:
    """Return what a device is called."""
    kind = device.get("type", {})
    names = [kind.get("text", ""), *(coding.get("display", "") for coding in kind.get("coding", []))]
    names += [name.get("name", "") for name in device.get("deviceName", [])]
    return " ".join(names).casefold()


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_chart_is_assessed(client: HookClient, file: Path, service: str) -> None:
    """A whole chart gets an answer that explains itself and reassures nobody."""
    reply = client.call(service, request_for(file, service))
    assert reply.status == 200
    (assessment,) = reply.assessments
    assert assessment["order"] == "ServiceRequest/mri-1"
    for card in reply.cards:
        assert reassurances(card) == []
    assert not [
        line for line in assessment["limits"] if "could be read only in part" in line or "another patient" in line
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_aids_are_no_implants(client: HookClient, file: Path) -> None:
    """Glucose meters, breathing aids, wheelchairs and monitors of a chart are not taken for implants."""
    external = {
        f"Device/{resource['id']}"
        for resource in resources_of(file)
        if resource["resourceType"] == "Device" and any(word in words(resource) for word in EXTERNAL)
    }
    (assessment,) = client.call(SIGN, request_for(file, SIGN)).assessments
    (implants,) = [finding for finding in assessment["findings"] if finding["criterion"] == "R-MR"]
    assert not external & set(implants["evidence"])


def test_charts_hold_aids() -> None:
    """The charts do hold such devices, or the test above would prove nothing."""
    named = [words(found) for file in FILES for found in resources_of(file) if found["resourceType"] == "Device"]
    assert any("glucose" in name for name in named)


def test_demo_opens_every_chart() -> None:
    """Given as the demo's folder, each chart can be chosen, and is opened with its patient and its records."""
    charts = DemoCharts(FOLDER)
    assert charts.problems == ()
    listed = [chart.id for chart in charts.listed() if chart.origin == "folder"]
    assert len(listed) == len(FILES)
    for chart in map(charts.find, listed):
        assert chart
        assert chart.prefetch["patient"]["id"] == chart.context["patientId"]
        assert chart.prefetch["conditions"]["entry"]
        assert chart.order_date
