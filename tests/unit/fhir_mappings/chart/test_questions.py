"""Questions of order forms in the words of real forms: what each asks about, and how."""

from __future__ import annotations

import time

import pytest

from fhir_mappings.chart.questions import understood


@pytest.mark.parametrize(
    ("question", "concepts"),
    [
        ("Any new saddle numbness?", {"saddle_anaesthesia"}),
        ("Saddle anesthesia", {"saddle_anaesthesia"}),
        ("Numbness in the groin or genital area?", {"saddle_anaesthesia"}),
        ("PERIANAL NUMBNESS", {"saddle_anaesthesia"}),
        ("Bladder dysfunction", {"bladder_dysfunction"}),
        ("Urinary retention or incontinence?", {"bladder_dysfunction"}),
        ("Is the patient unable to urinate?", {"bladder_dysfunction"}),
        ("Loss of bladder or bowel control", {"bladder_dysfunction", "bowel_dysfunction"}),
        ("Bowel/bladder changes", {"bladder_dysfunction", "bowel_dysfunction"}),
        ("Fecal incontinence?", {"bowel_dysfunction"}),
        ("Signs of cauda equina syndrome?", {"cauda_equina"}),
        (
            "Does the patient have new saddle numbness, bladder or bowel dysfunction?",
            {"saddle_anaesthesia", "bladder_dysfunction", "bowel_dysfunction"},
        ),
        ("Leg weakness?", {"motor_deficit"}),
        ("New foot drop", {"motor_deficit"}),
        ("Progressive motor weakness", {"motor_deficit"}),
        ("Fever?", {"fever"}),
        ("History of cancer?", {"cancer_history"}),
        ("Active cancer", {"cancer_active"}),
        ("IV drug use", {"ivdu"}),
        ("Unexplained weight loss", {"weight_loss"}),
        ("Does the patient have a pacemaker?", {"implant_pacemaker"}),
        ("Pacemaker/ICD", {"implant_pacemaker", "implant_icd"}),
        ("Defibrillator", {"implant_icd"}),
        ("Spinal cord stimulator?", {"implant_neurostimulator"}),
        ("Insulin pump", {"external_pump"}),
        ("Pain pump", {"implant_pump"}),
        ("Cochlear implant?", {"implant_cochlear"}),
        ("Brain aneurysm clip", {"implant_aneurysm_clip"}),
        ("Metal fragments in the eye?", {"retained_metal"}),
        ("Any implants?", {"implant_other"}),
        ("Is the patient pregnant?", {"pregnancy"}),
        ("Could the patient be pregnant?", {"pregnancy_possible"}),
        ("Allergy to gadolinium?", {"gadolinium_allergy"}),
        ("Prior reaction to IV contrast?", {"contrast_allergy_generic"}),
        ("Weakness?", set()),
        ("Recent trauma or fall?", set()),
        ("Red flags present?", set()),
        ("History of urinary retention", set()),
        ("Bladder ultrasound done?", set()),
        ("Is the pacemaker MRI compatible?", set()),
        ("Is bladder function normal?", set()),
        ("Has cauda equina syndrome been ruled out?", set()),
    ],
)
def test_question_names_what_it_asks_about(question: str, concepts: set[str]) -> None:
    """A plain question is about a concept; one about the past, or that takes the thing for granted, only asks."""
    found = understood(question)
    assert found is not None
    assert set(found.concepts) == concepts
    assert found.topics or concepts <= {
        "pregnancy",
        "pregnancy_possible",
        "gadolinium_allergy",
        "contrast_allergy_generic",
    }


@pytest.mark.parametrize(
    "question", ["Pain score", "Which side?", "Diabetes?", "Family history of cancer?", "Urinary tract infection?", ""]
)
def test_other_questions_are_passed_over(question: str) -> None:
    """A question about nothing that matters here, or about a relative, is none."""
    assert understood(question) is None


@pytest.mark.parametrize(
    ("question", "inverted", "presumes"),
    [
        ("Is bladder function normal?", True, False),
        ("No red flags (fever, weakness, saddle numbness)?", True, False),
        ("Is the pacemaker MRI conditional?", False, True),
        ("When did the weakness begin?", False, True),
        ("Saddle numbness?", False, False),
    ],
)
def test_what_a_yes_would_mean(question: str, *, inverted: bool, presumes: bool) -> None:
    """A yes may say that all is well, or nothing at all of whether the thing is there."""
    found = understood(question)
    assert found is not None
    assert (found.is_inverted, found.presumes) == (inverted, presumes)


def test_hostile_question_costs_no_more_than_a_long_one() -> None:
    """Words repeated without end are read as far as a question may go."""
    began = time.perf_counter()
    for words in ("bladder ", "numb a b ", "metal a b c ", "incontinence of the ", "implanted "):
        understood(words * 100_000)
    assert time.perf_counter() - began < 1
