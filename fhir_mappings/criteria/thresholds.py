"""The numbers of the guideline, each with where it comes from.

The guidance text is the one this service implements, a secondary source still under review. DESIGN marks a number that
no source states and a site may want to change.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import NamedTuple, TypeVar

_Number = TypeVar("_Number", int, float)


def _number(default: _Number, source: str, unit: str = "days") -> _Number:
    value: _Number = field(default=default, metadata={"source": source, "unit": unit})
    return value


class Change(NamedTuple):
    """A threshold that is not the guideline's own."""

    name: str
    old: float
    new: float
    unit: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Every threshold of the criteria; days unless the field says otherwise."""

    conservative_care: int = _number(42, "guidance text S01, S05a; ACR Low Back Pain variant 3")
    symptom_free_interval: int = _number(180, "HEDIS Use of Imaging Studies for Low Back Pain: negative history")
    nearly_complete: int = _number(7, "DESIGN: six weeks so nearly over that the order is only put off")
    recent_contact: int = _number(30, "DESIGN: persistence of symptoms")
    neurologic_window: int = _number(90, "DESIGN: what counts as new")
    post_void_residual_ml: int = _number(200, "UK cauda equina pathways; Todd 2022", "mL")
    post_void_residual_window: int = _number(7, "DESIGN")
    mimic_window: int = _number(30, "DESIGN: colic, pyelonephritis, pancreatitis, acute abdomen")
    infection_history: int = _number(365, "HEDIS exclusion window for spinal infection")
    fever_celsius: float = _number(38.0, "ACP 2011; IDSA 2015", "Cel")
    fever_window: int = _number(14, "DESIGN")
    inflammation_marker_window: int = _number(30, "DESIGN")
    esr_mm_per_hour: int = _number(20, "DESIGN: only where the laboratory gives no reference range", "mm/h")
    crp_mg_per_litre: int = _number(10, "DESIGN: only where the laboratory gives no reference range", "mg/L")
    drug_use_window: int = _number(365, "HEDIS exclusion window for IV drug use")
    weight_loss_window: int = _number(365, "DESIGN")
    immunosuppressant_age: int = _number(90, "HEDIS")
    trauma_window: int = _number(90, "HEDIS exclusion window for trauma and fragility fracture")
    low_energy_trauma_age: int = _number(65, "DESIGN; ACP 2011 gives >65 for men, >75 for women", "years")
    elderly_age: int = _number(70, "DESIGN; ACR Low Back Pain variant 6 names the elderly without an age", "years")
    adult_age: int = _number(18, "ACR Low Back Pain is an adult topic", "years")
    steroid_days: int = _number(90, "HEDIS: consecutive days of a systemic corticosteroid")
    steroid_look_back: int = _number(366, "HEDIS")
    egfr_window: int = _number(90, "DESIGN")
    egfr_severe: int = _number(30, "ACR-NKF 2021", "mL/min/1.73 m2")
    egfr_reduced: int = _number(45, "ACR-NKF 2021", "mL/min/1.73 m2")
    pregnancy_window: int = _number(270, "DESIGN")
    negative_pregnancy_test_window: int = _number(7, "DESIGN")
    nondiagnostic_window: int = _number(180, "DESIGN")
    repeat_imaging_window: int = _number(180, "DESIGN")
    recent_imaging_window: int = _number(60, "DESIGN")
    cancer_silence: int = _number(1826, "DESIGN: five years without a mention, a drug, a visit or a result")
    early_after_surgery: int = _number(42, "DESIGN: a haematoma or an abscess may follow the operation")
    candidate_window: int = _number(90, "DESIGN")
    indication_window: int = _number(90, "DESIGN")
    disagreement: int = _number(30, "DESIGN: two clinicians who disagree within this time leave a red flag standing")
    data_error_after: int = _number(1, "DESIGN: dates further in the future than this are not believed")

    @property
    def changes(self) -> tuple[Change, ...]:
        """The thresholds that differ from the guideline's own."""
        usual = Thresholds()
        pairs = ((item, getattr(usual, item.name), getattr(self, item.name)) for item in fields(self))
        return tuple(Change(item.name, old, new, item.metadata["unit"]) for item, old, new in pairs if old != new)
