"""Every criterion with what it implements; the one list behind the assessment and its documentation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fhir_mappings.criteria import (
    cancer,
    contrast,
    episode,
    first_contact,
    hints,
    implants,
    infection,
    neurology,
    scope,
    surgery,
    trauma,
)
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.criteria.findings import Finding
from fhir_mappings.fhir.needs import CORE_SOURCES
from fhir_mappings.terminology import concepts as groups


@dataclass(frozen=True, slots=True)
class Criterion:
    """A rule of the guideline: its id, what it asks, the guidance statements it implements, and how it is computed.

    What it rests on is data too, for the documentation and for whoever reviews it: the concepts it asks the record
    for, the fields of `Thresholds` it compares with, the FHIR types that can hold its evidence, and keys of the
    wording catalogue's citations. The draft order counts as a record of its day for every criterion.
    """

    id: str
    title: str
    statements: tuple[str, ...]
    evaluate: Callable[[Facts], Finding]
    concepts: tuple[str, ...] = ()
    thresholds: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    citations: tuple[str, ...] = ()


_CANCER = ("cancer_active", "cancer_history", "cancer_metastatic_spine")
_HOST_RISK = ("immunosuppression", "hiv", *groups.IMMUNOSUPPRESSANTS, "ivdu")
_HOST_RISK_LIMITS = ("immunosuppressant_age", "drug_use_window")
_BONE = ("osteoporosis", "osteoporosis_drug", "steroid_long_term", *groups.STEROIDS, "steroid_excluded")
_BONE_LIMITS = ("trauma_window", "low_energy_trauma_age", "steroid_days", "steroid_look_back")
_TREATMENT = (*groups.THERAPY_PROCEDURES, *groups.THERAPY_DRUGS)
_PREGNANCY = ("pregnancy", "pregnancy_possible", "pregnancy_absent", "pregnancy_observation", "lbp_pregnancy")
_PREGNANCY_LIMITS = ("pregnancy_window", "negative_pregnancy_test_window")
_EPISODE_LIMITS = ("conservative_care", "symptom_free_interval")
_PROBLEMS_AND_CARE = (*groups.PROBLEMS, *episode.THERAPY_SOURCES, "Observation", "QuestionnaireResponse")
_DEVICES = ("Device", "DeviceUseStatement", "Procedure", "Condition", "Encounter")

CRITERIA: tuple[Criterion, ...] = (
    Criterion("R-SCOPE", "Adult patient", (), scope.r_scope, thresholds=("adult_age",), sources=("Patient",)),
    Criterion(
        "R-IND",
        "Back pain, radicular pain or a red flag is the reason",
        (),
        scope.r_ind,
        concepts=groups.INDICATIONS,
        thresholds=("indication_window", "neurologic_window", "fever_window", "fever_celsius"),
        sources=(*groups.FINDINGS, "Procedure"),
    ),
    Criterion(
        "R-AGE",
        "Age alone",
        (),
        scope.r_age,
        thresholds=("elderly_age", "low_energy_trauma_age"),
        sources=("Patient",),
        citations=("acr-v6",),
    ),
    Criterion(
        "R-CES",
        "Suspected cauda equina syndrome",
        ("S02", "S02a", "S02b", "S02c"),
        neurology.r_ces,
        concepts=(
            "anticoagulant_drug",
            *groups.CES_ITEMS,
            *("sensory_generic", "pvr", "bladder_exclude", "bladder_voiding"),
            *("motor_deficit", "radiculopathy", "family_history_cancer", "renal_severe"),
        ),
        thresholds=(
            "neurologic_window",
            "post_void_residual_ml",
            "post_void_residual_window",
            "infection_history",
            "mimic_window",
        ),
        sources=groups.FINDINGS,
        citations=("guidance", "acr-v4", "acp-2011"),
    ),
    Criterion(
        "R-CORD",
        "Spinal cord compression",
        ("S04b",),
        neurology.r_cord,
        concepts=(
            "anticoagulant_drug",
            "cord_compression",
            "cancer_metastatic_spine",
            "motor_deficit",
            "motor_generic",
            "neuro_other",
            "disc_disorder",
        ),
        thresholds=("neurologic_window",),
        sources=groups.FINDINGS,
        citations=("guidance", "acr-v7", "acp-2011"),
    ),
    Criterion(
        "R-MOTOR",
        "New or progressive leg weakness",
        ("S03a",),
        neurology.r_motor,
        concepts=("anticoagulant_drug", "motor_deficit", "motor_generic"),
        thresholds=("neurologic_window",),
        sources=groups.FINDINGS,
        citations=("guidance", "acp-2011"),
    ),
    Criterion(
        "R-MULTI",
        "Deficits at more than one place",
        ("S03b",),
        neurology.r_multi,
        concepts=("motor_deficit", "neuro_other"),
        thresholds=("neurologic_window",),
        sources=groups.FINDINGS,
        citations=("guidance", "acp-2011"),
    ),
    Criterion(
        "R-BILAT",
        "Radicular pain on both sides",
        (),
        neurology.r_bilat,
        concepts=("radiculopathy",),
        thresholds=("neurologic_window",),
        sources=groups.FINDINGS,
        citations=("guidance",),
    ),
    Criterion(
        "R-INFECT",
        "Suspected infection of the spine",
        ("S04a",),
        infection.r_infect,
        concepts=("spinal_infection", "bacteraemia", "fever", "esr", "crp", "night_sweats", *_HOST_RISK, "ivdu_proxy"),
        thresholds=(
            "infection_history",
            "fever_celsius",
            "fever_window",
            "inflammation_marker_window",
            "esr_mm_per_hour",
            "crp_mg_per_litre",
            "neurologic_window",
            *_HOST_RISK_LIMITS,
        ),
        sources=(*groups.FINDINGS, "MedicationRequest", "MedicationStatement"),
        citations=("guidance", "acr-v7", "idsa-2015"),
    ),
    Criterion(
        "R-CANCER",
        "Cancer with possible cord compression",
        ("S04b",),
        cancer.r_cancer,
        concepts=(*_CANCER, "antineoplastic_drug", "plexopathy", "weight_loss_generic"),
        thresholds=("weight_loss_window", "cancer_silence"),
        sources=(*groups.FINDINGS, "Procedure", *groups.DRUGS),
        citations=("guidance", "acr-v7"),
    ),
    Criterion(
        "R-TRAUMA",
        "Recent significant trauma",
        ("S04c",),
        trauma.r_trauma,
        concepts=(
            "trauma_spine",
            "trauma_high_energy",
            "trauma_low_energy",
            "trauma_generic",
            "inflammatory_spine",
            *_BONE,
        ),
        thresholds=_BONE_LIMITS,
        sources=("Patient", *groups.FINDINGS, "Procedure", "MedicationRequest", "MedicationStatement"),
        citations=("guidance",),
    ),
    Criterion(
        "R-V6",
        "Fragile bone or low-velocity trauma",
        ("S04c",),
        trauma.r_v6,
        concepts=("fragility_fracture", "trauma_low_energy", *_BONE),
        thresholds=_BONE_LIMITS,
        sources=("Patient", *groups.FINDINGS, "Procedure", "MedicationRequest", "MedicationStatement"),
        citations=("guidance", "acr-v6"),
    ),
    Criterion(
        "R-V7",
        "Risk of cancer or infection",
        ("S04a", "S04b"),
        scope.r_v7,
        concepts=(*_CANCER, "antineoplastic_drug", "plexopathy", *_HOST_RISK, "weight_loss"),
        thresholds=(*_HOST_RISK_LIMITS, "weight_loss_window", "cancer_silence"),
        sources=(*groups.FINDINGS, "Procedure", "MedicationRequest", "MedicationStatement"),
        citations=("guidance", "acr-v7"),
    ),
    Criterion(
        "R-HINT",
        "Hints in free text",
        (),
        hints.r_hint,
        # A code for what a text mentions settles the text; only this concept is read for nothing else.
        concepts=("family_history_cancer", "renal_severe"),
        thresholds=("neurologic_window", "infection_history", "mimic_window", "trauma_window"),
        sources=hints.SOURCES,
    ),
    Criterion(
        "R-MIMIC",
        "Aorta, kidney or bowel as the cause of the pain",
        (),
        hints.r_mimic,
        concepts=("aortic_disease", "abdominal_mimic", "family_history_cancer", "renal_severe"),
        thresholds=("mimic_window", "neurologic_window", "infection_history", "trauma_window"),
        sources=hints.SOURCES,
    ),
    Criterion(
        "R-UNREAD",
        "Records that nobody recognised",
        (),
        hints.r_unread,
        concepts=("renal_severe",),
        thresholds=(
            "neurologic_window",
            "infection_history",
            "mimic_window",
            "trauma_window",
            "repeat_imaging_window",
        ),
        sources=hints.SOURCES,
    ),
    Criterion(
        "R-DATE",
        "Records dated in the future",
        (),
        scope.r_date,
        concepts=(*groups.RED_FLAGS, "fever", "pvr", "esr", "crp", *implants.IMPLANTS),
        thresholds=("data_error_after", "inflammation_marker_window"),
        sources=groups.FINDINGS,
    ),
    Criterion(
        "R-EPISODE",
        "Episode of at least six weeks",
        ("S01", "S05a"),
        episode.r_episode,
        concepts=(*groups.PAIN, *_TREATMENT),
        thresholds=_EPISODE_LIMITS,
        sources=(*groups.PROBLEMS, *episode.THERAPY_SOURCES),
        citations=("guidance", "acr-v3"),
    ),
    Criterion(
        "R-6W-NO",
        "Nonspecific pain within six weeks of conservative care",
        ("S01",),
        episode.r_6w_no,
        concepts=(*groups.PAIN, *_TREATMENT, "pt_referral"),
        thresholds=(*_EPISODE_LIMITS, "nearly_complete", "neurologic_window"),
        sources=_PROBLEMS_AND_CARE,
        citations=("guidance", "acr-v1", "choosing-wisely"),
    ),
    Criterion(
        "R-FIRST",
        "Care for this pain has only begun",
        ("S01",),
        first_contact.r_first,
        concepts=(*groups.PAIN, *_TREATMENT, *groups.TRACES_OF_CARE),
        thresholds=(*_EPISODE_LIMITS, "nearly_complete", "neurologic_window"),
        sources=CORE_SOURCES,
        citations=("guidance", "acr-v1"),
    ),
    Criterion(
        "R-PRIORITY",
        "Treated as pressing already",
        (),
        first_contact.r_priority,
        sources=("Encounter",),
    ),
    Criterion(
        "R-SPECIALIST",
        "Ordered by a spine clinic, a pain clinic or a surgeon",
        (),
        first_contact.r_specialist,
        sources=("Encounter",),
    ),
    Criterion(
        "R-FAIL6W",
        "Pain after six weeks of conservative care",
        ("S05", "S05a", "S05b"),
        episode.r_fail6w,
        concepts=(*groups.PAIN, *_TREATMENT, "pt_referral", "neuro_other", "sensory_generic"),
        thresholds=(*_EPISODE_LIMITS, "neurologic_window", "recent_contact"),
        sources=_PROBLEMS_AND_CARE,
        citations=("guidance", "acr-v3"),
    ),
    Criterion(
        "R-DX",
        "Unclear diagnosis",
        ("S06a", "S06b"),
        surgery.r_dx,
        concepts=(*groups.PAIN, "plexopathy", "inflammatory_spine"),
        sources=("Condition", "Encounter"),
        citations=("guidance",),
    ),
    Criterion(
        "R-POSTOP-EARLY",
        "Deficit or fever soon after spine surgery",
        (),
        surgery.r_postop_early,
        concepts=(
            *groups.AFTER_SURGERY[:2],
            *groups.CES_ITEMS,
            *("sensory_generic", "pvr", "bladder_exclude", "motor_deficit", "motor_generic", "neuro_other", "fever"),
            *("bladder_voiding", "radiculopathy"),
            *("anticoagulant_drug", "renal_severe"),
        ),
        thresholds=(
            "early_after_surgery",
            "neurologic_window",
            "post_void_residual_ml",
            "post_void_residual_window",
            "fever_window",
            "fever_celsius",
        ),
        sources=("Procedure", *groups.FINDINGS),
    ),
    Criterion(
        "R-CANDIDATE",
        "Candidate for surgery or intervention",
        ("S05c",),
        surgery.r_candidate,
        concepts=("surgery_candidate", "intervention_candidate"),
        thresholds=("candidate_window",),
        sources=("ServiceRequest", "Appointment"),
        citations=("guidance", "acr-v3"),
    ),
    Criterion(
        "R-MR",
        "Implant that may forbid or limit MRI",
        ("S07a",),
        implants.r_mr,
        concepts=(
            *implants.IMPLANTS,
            "implant_cardiac_removed",
            "implant_neurostimulator_removed",
            "device_external_ignore",
            "mr_unsafe",
            "mr_no_label",
            "mr_conditional",
            "mr_safe",
        ),
        sources=_DEVICES,
        citations=("guidance",),
    ),
    Criterion(
        "R-ARTIFACT",
        "Artifact from metal hardware",
        ("S07b",),
        implants.r_artifact,
        concepts=("implant_spinal_hardware", "prior_lumbar_surgery", "mr_safe"),
        sources=_DEVICES,
        citations=("guidance",),
    ),
    Criterion(
        "R-CON-NONDIAG",
        "Nondiagnostic MRI without contrast",
        ("S10a",),
        contrast.r_con_nondiag,
        concepts=("order_mri_lumbar_wo", "imaging_result_status"),
        thresholds=("nondiagnostic_window",),
        sources=("DiagnosticReport",),
        citations=("guidance",),
    ),
    Criterion(
        "R-CON-POSTOP",
        "Pain after lumbar surgery",
        ("S10b",),
        surgery.r_con_postop,
        concepts=(*groups.AFTER_SURGERY, "implant_spinal_hardware", *groups.PAIN),
        thresholds=("neurologic_window",),
        sources=("Procedure", "Condition", "Encounter", "Device"),
        citations=("guidance", "acr-v5"),
    ),
    Criterion(
        "R-CON-MIT",
        "Inflammatory disease of the spine",
        ("S10c",),
        contrast.r_con_mit,
        concepts=("inflammatory_spine",),
        sources=("Condition", "Encounter"),
        citations=("guidance",),
    ),
    Criterion(
        "R-CON-SAFE",
        "Reason for caution with contrast",
        (),
        contrast.r_con_safe,
        concepts=("egfr", "renal_severe", "gadolinium_allergy", "contrast_allergy_generic", *_PREGNANCY),
        thresholds=("egfr_window", "egfr_severe", "egfr_reduced", *_PREGNANCY_LIMITS),
        sources=(*groups.FINDINGS, "Procedure", "AllergyIntolerance"),
        citations=("acr-nkf-2021",),
    ),
    Criterion(
        "R-PREG",
        "Pregnancy",
        (),
        contrast.r_preg,
        concepts=_PREGNANCY,
        thresholds=_PREGNANCY_LIMITS,
        sources=groups.FINDINGS,
    ),
    Criterion(
        "R-DUP",
        "Recent imaging of the same region",
        (),
        scope.r_dup,
        concepts=(*scope.LUMBAR_MRI, "imaging_result_status", "renal_severe", *groups.INDICATIONS),
        thresholds=("repeat_imaging_window", "recent_imaging_window"),
        sources=("DiagnosticReport", "ImagingStudy"),
        citations=("acp-2011",),
    ),
    Criterion(
        "R-UPRIGHT",
        "Upright imaging",
        ("S13a", "S13b", "S13c"),
        scope.r_upright,
        concepts=("spondylolisthesis",),
        sources=("Condition", "Encounter"),
        citations=("guidance",),
    ),
    Criterion(
        "R-CLAUS",
        "Claustrophobia",
        (),
        scope.r_claus,
        concepts=("claustrophobia",),
        sources=("Condition", "Encounter"),
    ),
)

# What is read before any criterion is asked: which orders are lumbar MRIs, and whether a record affirms or denies.
ORDER_CONCEPTS = (*scope.LUMBAR_MRI, "order_mri_generic", "order_mri_spine_wider", "body_site_lumbar")
READING_CONCEPTS = ("qualifier_presence",)
READING_THRESHOLDS = ("disagreement", "data_error_after")
# Numbers that decide whether a record that nobody recognised is of now; R-UNREAD states them for all criteria.
UNREAD_THRESHOLDS = ("neurologic_window", "infection_history", "trauma_window", "repeat_imaging_window")

# Published, and verified like the others, but asked for by no rule yet.
UNUSED_CONCEPTS = (
    "cancer_absent",
    "cancer_skin_excluded",
    "creatinine",
    "order_bone_scan_pet",
    "order_ct_lumbar_other",
    "plexus_body_site",
    "retained_metal_removed",
    "trauma_absent",
    "wbc",
)


def evaluate(facts: Facts) -> dict[str, Finding]:
    """Return the finding of every criterion, by its id."""
    return {criterion.id: criterion.evaluate(facts) for criterion in CRITERIA}
