"""What fills any chart: visits for ordinary reasons, and what was measured, prescribed and done there.

None of it bears on a lumbar MRI order, so a planted situation keeps its answer in any of these charts.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from cds_service.replay.synthetic.charts import UNTIL, Chart, concept

if TYPE_CHECKING:
    from random import Random

_DAYS: Final = 6 * 365
_USUAL_VISITS: Final = 8
# Few have very many: charts are skewed.
_FREQUENT: Final = 0.01
_FREQUENT_VISITS: Final = 60

_PROBLEMS: Final = tuple(
    concept(f"icd {code}", text)
    for code, text in (
        ("I10", "Essential (primary) hypertension"),
        ("E78.5", "Hyperlipidemia, unspecified"),
        ("J06.9", "Acute upper respiratory infection, unspecified"),
        ("J02.9", "Acute pharyngitis, unspecified"),
        ("J30.9", "Allergic rhinitis, unspecified"),
        ("K21.9", "Gastro-esophageal reflux disease without esophagitis"),
        ("L30.9", "Dermatitis, unspecified"),
        ("H61.23", "Impacted cerumen, bilateral"),
        ("E03.9", "Hypothyroidism, unspecified"),
        ("F41.9", "Anxiety disorder, unspecified"),
    )
)
_VITALS: Final = (
    (concept("loinc 29463-7", "Body Weight"), 55, 60, "kg"),
    (concept("loinc 8302-2", "Body Height"), 150, 40, "cm"),
    (concept("loinc 8867-4", "Heart rate"), 55, 40, "/min"),
)
_GLUCOSE: Final = concept("loinc 2345-7", "Glucose [Mass/volume] in Serum or Plasma")
_MEDICINES: Final = (
    concept("rxnorm 351109", "budesonide 0.25 MG/ML Inhalation Suspension"),
    concept("rxnorm 630208", "albuterol 0.83 MG/ML Inhalation Solution"),
    concept("rxnorm 106258", "Hydrocortisone 10 MG/ML Topical Cream"),
)
_PROCEDURES: Final = (
    concept("sct 171207006", "Depression screening (procedure)"),
    concept("sct 710824005", "Assessment of health and social care needs (procedure)"),
)
_BACK_PAIN: Final = concept("icd M54.50", "Low back pain, unspecified")
_XRAY: Final = concept("loinc 24970-6", "XR Lumbar spine AP and Lateral")
_DEVICE: Final = concept("sct 433296005", "Infusion pump for intravenous fluids (physical object)")


def fill(chart: Chart, chance: Random, *, may_ache: bool) -> None:
    """Fill a chart with some years of primary care; with back pain now and then where nobody ordered an MRI for it."""
    usual = 1 + int(chance.random() * _USUAL_VISITS)
    visits = _FREQUENT_VISITS if chance.random() < _FREQUENT else usual
    for _ in range(visits):
        _visit(chart, UNTIL - timedelta(days=int(chance.random() * _DAYS)), chance)
    if chance.random() < 0.12:  # noqa: PLR2004 - invented shares of patients, here and below
        chart.add(
            "AllergyIntolerance",
            clinicalStatus=_status("allergyintolerance-clinical", "active"),
            verificationStatus=_status("allergyintolerance-verification", "confirmed"),
            code={"text": "Dust"},
            recordedDate=(UNTIL - timedelta(days=int(chance.random() * _DAYS))).isoformat(),
        )
    if may_ache and chance.random() < 0.1:  # noqa: PLR2004
        _back_pain(chart, UNTIL - timedelta(days=int(chance.random() * _DAYS)), chance)
    if may_ache and chance.random() < 0.03:  # noqa: PLR2004
        chart.add("Device", status="active", type=_DEVICE)


def _visit(chart: Chart, day: date, chance: Random) -> None:
    problem = _PROBLEMS[int(chance.random() * len(_PROBLEMS))]
    visit = chart.visit(day, reason=problem)
    for _ in _VITALS:
        measure(chart, day, visit, chance)
    kind = chance.random()
    if kind < 0.35:  # noqa: PLR2004
        chart.condition(problem, day, visit)
    if kind < 0.3:  # noqa: PLR2004
        chart.medication(_MEDICINES[int(chance.random() * len(_MEDICINES))], day, visit, "completed")
    if kind > 0.8:  # noqa: PLR2004
        chart.procedure(_PROCEDURES[int(chance.random() * len(_PROCEDURES))], day, visit)
    if kind > 0.85:  # noqa: PLR2004
        order = chart.add(
            "ServiceRequest",
            status="completed",
            intent="order",
            code=_GLUCOSE,
            encounter={"reference": visit},
            authoredOn=f"{day}T09:20:00-05:00",
        )
        result = chart.observation(_GLUCOSE, day, visit, round(70 + chance.random() * 60, 1), "mg/dL")
        report(chart, _GLUCOSE, day, based_on=order, result=[{"reference": result}])


def measure(chart: Chart, day: date, visit: str, chance: Random) -> None:
    """Add one of the usual measurements."""
    code, least, spread, unit = _VITALS[int(chance.random() * len(_VITALS))]
    chart.observation(code, day, visit, round(least + chance.random() * spread, 1), unit)


def _back_pain(chart: Chart, day: date, chance: Random) -> None:
    """Add a bout of back pain, with a radiograph for some."""
    visit = chart.visit(day, reason=_BACK_PAIN)
    chart.condition(_BACK_PAIN, day, visit)
    if chance.random() < 0.3:  # noqa: PLR2004
        order = chart.add(
            "ServiceRequest",
            status="completed",
            intent="order",
            code=_XRAY,
            encounter={"reference": visit},
            authoredOn=f"{day}T09:20:00-05:00",
            requester={"reference": f"Practitioner/{chart.clinician}"},
        )
        study(chart, _XRAY, day, based_on=order)


def study(chart: Chart, code: dict[str, object], day: date, based_on: str) -> str:
    """Add a study that was done for an order, and its report."""
    found = chart.add(
        "ImagingStudy",
        status="available",
        started=f"{day}T14:00:00-05:00",
        procedureCode=[code],
        basedOn=[{"reference": based_on}],
    )
    report(chart, code, day, based_on=based_on, imagingStudy=[{"reference": found}])
    return found


def report(chart: Chart, code: dict[str, object], day: date, based_on: str, **elements: object) -> None:
    """Add the report on an order."""
    chart.add(
        "DiagnosticReport",
        status="final",
        code=code,
        basedOn=[{"reference": based_on}],
        effectiveDateTime=f"{day}T14:00:00-05:00",
        issued=f"{day}T16:00:00.000-05:00",
        **elements,
    )


def _status(system: str, code: str) -> dict[str, object]:
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": code}]}
