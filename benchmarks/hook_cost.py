"""What a hook call costs, in units of `json.loads` of its own body.

Absolute times depend on the machine and its neighbours; the ratio of two costs measured in turn within one run does
not. For each body size the hook, a call that does nothing (`/livez`) and `json.loads` of the same body alternate, and
the figure is (hook - nothing) / json.loads, as the median of all rounds.

    python benchmarks/hook_cost.py [--rounds 30]
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cds_service.app import create_app
from cds_service.config.settings import load_settings
from cds_service.hooks.storage import Storage
from fhir_mappings.fhir.needs import DATA_NEEDS

PATIENT = "bench-1"
SNOMED, LOINC, ICD = "http://snomed.info/sct", "http://loinc.org", "http://hl7.org/fhir/sid/icd-10-cm"
SIZES = {"10 kB": 8, "100 kB": 100, "1 MB": 1000}


def coded(system: str, code: str, display: str) -> dict[str, Any]:
    """Return a CodeableConcept."""
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def resource(number: int) -> dict[str, Any]:
    """Return one record of an ordinary chart: half of them observations, a few about the back."""
    subject = {"reference": f"Patient/{PATIENT}"}
    common = {
        "id": f"r-{number}",
        "meta": {"versionId": "1", "lastUpdated": "2026-01-01T08:00:00Z"},
        "subject": subject,
    }
    if number % 20 == 0:
        code = coded(ICD, "M54.50", "Low back pain, unspecified")
        return {"resourceType": "Condition", **common, "code": code, "onsetDateTime": "2026-05-20"}
    if number % 5 == 0:
        code = coded(SNOMED, "38341003", "Hypertensive disorder")
        return {"resourceType": "Condition", **common, "code": code, "onsetDateTime": "2015-02-03"}
    return {
        "resourceType": "Observation",
        **common,
        "status": "final",
        "category": [coded("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory", "Laboratory")],
        "code": coded(LOINC, "2345-7", "Glucose [Mass/volume] in Serum or Plasma"),
        "effectiveDateTime": "2026-03-01T09:00:00+01:00",
        "issued": "2026-03-01T10:00:00.000+01:00",
        "valueQuantity": {"value": 91.5, "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL"},
    }


def request(records: int, *, ours: bool) -> bytes:
    """Return the body of an order-sign call with a chart of some records."""
    order = {
        "resourceType": "ServiceRequest",
        "id": "order-1",
        "status": "draft",
        "intent": "order",
        "code": coded("http://www.ama-assn.org/go/cpt", "72148" if ours else "72131", "order"),
        "subject": {"reference": f"Patient/{PATIENT}"},
        "authoredOn": "2026-06-02",
        "reasonCode": [coded(ICD, "M54.50", "Low back pain, unspecified")],
    }
    found = [resource(number) for number in range(records)]
    prefetch: dict[str, Any] = {
        need.key: {
            "resourceType": "Bundle",
            "type": "searchset",
            "entry": [{"resource": item} for item in found if item["resourceType"] == need.resource_type],
        }
        for need in DATA_NEEDS
    }
    prefetch["patient"] = {"resourceType": "Patient", "id": PATIENT, "birthDate": "1988-01-01"}
    context = {
        "userId": "Practitioner/p",
        "patientId": PATIENT,
        "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": order}]},
    }
    body = {"hook": "order-sign", "hookInstance": "bench", "context": context, "prefetch": prefetch}
    return json.dumps(body).encode()


def cost(call: Callable[[], object], repeat: int) -> float:
    """Return the processor seconds of one call, averaged over some."""
    started = time.process_time()
    for _ in range(repeat):
        call()
    return (time.process_time() - started) / repeat


def main() -> None:
    """Measure and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    settings = load_settings({}, profile="production", log_level="error")
    app = create_app(settings, clock=lambda: datetime(2026, 6, 2, tzinfo=UTC), storage=Storage())
    client = app.test_client()
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)
    print(f"{'body':>8} {'order':<10} {'x json.loads':>13} {'quartiles':>17}")
    for name, records in SIZES.items():
        for ours in (False, True):
            body = request(records, ours=ours)
            repeat = max(3, 400 // records)
            ratios = []
            for _ in range(rounds):
                nothing = cost(lambda: client.get("/livez"), repeat)
                hook = cost(
                    lambda body=body: client.post(
                        "/cds-services/lumbar-mri-order-sign", data=body, content_type="application/json"
                    ),
                    repeat,
                )
                parse = cost(lambda body=body: json.loads(body), repeat)
                ratios.append((hook - nothing) / parse)
            low, middle, high = statistics.quantiles(ratios, n=4)
            kind = "lumbar MRI" if ours else "another"
            print(f"{name:>8} {kind:<10} {middle:>13.2f} {low:>8.2f}-{high:.2f}")


if __name__ == "__main__":
    main()
