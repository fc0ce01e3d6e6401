"""Groups of concepts that several criteria share, and the sources that could show them."""

from __future__ import annotations

# Low back pain and what is treated like it: the guidance's "low back pain or radiculopathy".
NONSPECIFIC_PAIN = ("lbp_nonspecific", "lbp_strain", "radiculopathy", "disc_disorder", "spinal_stenosis")
PAIN = (*NONSPECIFIC_PAIN, "lbp_pregnancy", "spondylolisthesis")

CES_ITEMS = ("cauda_equina", "bladder_dysfunction", "bowel_dysfunction", "saddle_anaesthesia", "bladder_weak")
# What only an answer to a question states, and no code: a sign of cauda equina syndrome without saying which, and that
# a marker of inflammation was raised without saying how high.
CES_SIGN, MARKER_RAISED = "ces_sign", "marker_raised"
STATED_BY_ANSWERS = (CES_SIGN, MARKER_RAISED)

RED_FLAGS = (
    *CES_ITEMS,
    "sensory_generic",
    "motor_deficit",
    "motor_generic",
    "neuro_other",
    "cord_compression",
    "spinal_infection",
    "bacteraemia",
    "ivdu",
    "ivdu_proxy",
    "immunosuppression",
    "hiv",
    "cancer_active",
    "cancer_history",
    "cancer_metastatic_spine",
    "weight_loss",
    "weight_loss_generic",
    "night_sweats",
    "trauma_spine",
    "trauma_high_energy",
    "trauma_low_energy",
    "trauma_generic",
    "fragility_fracture",
    "osteoporosis",
)
AFTER_SURGERY = ("prior_lumbar_surgery", "prior_spine_surgery_level_unknown", "history_of_surgery")
INDICATIONS = (*PAIN, "inflammatory_spine", "plexopathy", *AFTER_SURGERY, *RED_FLAGS, "fever", "pregnancy")

IMMUNOSUPPRESSANTS = ("immunosuppressant_product", "immunosuppressant_drug")
# Treatment that was given, not only referred to.
THERAPY_PROCEDURES = ("pt_procedure", "manipulation")
THERAPY_DRUGS = ("nsaid_product", "nsaid_drug", "analgesic_adjunct_product", "analgesic_adjunct_drug")
# What shows that somebody treated the back, or meant to, without being care that was given.
TRACES_OF_CARE = ("pt_referral", "manual_therapy", "exercise_advice", "therapy_failed")
STEROIDS = ("steroid_systemic_product", "steroid_systemic_drug")
# All that a record of a drug can state.
DRUG_CONCEPTS = (
    *THERAPY_DRUGS,
    *STEROIDS,
    "steroid_excluded",
    "steroid_long_term",
    *IMMUNOSUPPRESSANTS,
    "osteoporosis_drug",
    "antineoplastic_drug",
    "anticoagulant_drug",
)

PROBLEMS = ("Condition", "Encounter")
FINDINGS = ("Condition", "Observation", "Encounter", "DiagnosticReport")
DRUGS = ("MedicationRequest", "MedicationStatement")
