"""What a sentence hints at: no other sentence changes it, denying it takes it away, affirming it brings it."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from fhir_mappings.words.matcher import mentions_in, topics_in
from tests.property.advice import Case, advise, urgency
from tests.property.profile import law
from tests.property.stories import cases

PHRASES = {
    "ces": ("saddle numbness", "perianal numbness", "urinary retention", "fecal incontinence", "cauda equina syndrome"),
    "motor": ("foot drop", "leg weakness", "paraplegia", "motor deficit"),
    "cord": ("myelopathy", "cord compression"),
    "infection": ("fever", "chills", "discitis", "epidural abscess", "bacteremia"),
    "cancer": ("prostate cancer", "bone metastases", "lymphoma", "malignancy"),
    "risk": ("weight loss", "night sweats", "IV drug use", "osteoporosis", "immunosuppression"),
    "trauma": ("recent fall", "car accident", "trauma"),
    "surgery": ("laminectomy", "spinal fusion"),
    "implant": ("pacemaker", "cochlear implant", "aneurysm clip"),
}
SAYINGS = st.sampled_from([(topic, phrase) for topic, phrases in PHRASES.items() for phrase in phrases])
UNRELATED = st.sampled_from(
    (
        "Patient seen in clinic today",
        "No known drug allergies",
        "Denies smoking",
        "Works as a teacher",
        "Lives with her mother",
        "BP 120/80, HR 70",
        "Negative for blood in stool",
        "Pain is worse at night",
        "Without improvement on ibuprofen",
    )
)
ENDS = st.sampled_from((". ", "; ", "\n", "! ", ".\n"))
AFFIRMING = st.sampled_from(("Reports {}", "{}", "Now has {}", "New {} since Monday", "Presents with {}", "r/o {}"))
DENYING = st.sampled_from(
    ("Denies {}", "No {}", "Patient denies {}", "Negative for {}", "Without {}", "No evidence of {}")
)


@law(300)
@given(SAYINGS, AFFIRMING | DENYING, UNRELATED, ENDS)
def test_another_sentence_changes_nothing(saying: tuple[str, str], form: str, other: str, end: str) -> None:
    """A sentence about something else, before or after, changes no hint of a sentence."""
    text = form.format(saying[1])
    assert topics_in(f"{other}{end}{text}") == topics_in(text)
    assert topics_in(f"{text}{end}{other}") == topics_in(text)


@law(200)
@given(SAYINGS, AFFIRMING)
def test_what_is_affirmed_is_a_hint(saying: tuple[str, str], form: str) -> None:
    """A phrase that is affirmed, or only suspected, hints at its topic, and the quick look keeps its text."""
    topic, phrase = saying
    assert topic in topics_in(form.format(phrase))
    assert mentions_in(form.format(phrase))


@law(200)
@given(SAYINGS, DENYING)
def test_what_is_denied_is_no_hint(saying: tuple[str, str], form: str) -> None:
    """A phrase that is denied hints at nothing."""
    assert topics_in(form.format(saying[1])) == frozenset()


@law(100)
@given(
    SAYINGS,
    st.sampled_from(
        (
            "No relief from therapy, {}",
            "No change in {}",
            "Not improving: {}",
            "No prior surgery, {}",
            "Has not resolved, {}",
            "Without warning {}",
        )
    ),
)
def test_a_denial_of_something_else_hides_nothing(saying: tuple[str, str], form: str) -> None:
    """A "no" that is about relief, change, time or another matter leaves the hint standing."""
    assert saying[0] in topics_in(form.format(saying[1]))


@law(20)
@given(
    st.sampled_from(
        (
            "no longer able to control her bladder",
            "not able to feel the saddle area",
            "cannot control bowels",
            "unable to urinate",
        )
    ),
    UNRELATED,
)
def test_an_inability_is_no_denial(text: str, other: str) -> None:
    """What the patient can no longer do or feel is a hint at cauda equina syndrome."""
    assert "ces" in topics_in(f"{other}. {text}")


@law(20)
@given(
    st.sampled_from(
        (
            ("motor", "paraparesis"),
            ("motor", "leg is getting weaker"),
            ("motor", "drop foot"),
            ("risk", "IVDU"),
            ("trauma", "fractured vertebra"),
            ("infection", "feverish"),
            ("implant", "two pacemakers"),
        )
    )
)
def test_other_forms_of_a_word_are_hints(saying: tuple[str, str]) -> None:
    """Plurals, participles and usual abbreviations hint as the word itself does."""
    assert saying[0] in topics_in(saying[1])


@law(300)
@given(SAYINGS, SAYINGS, DENYING, st.sampled_from((" but reports ", ". Reports ", "; has ", ", now ", ", however ")))
def test_a_denial_ends_where_something_is_affirmed(
    denied: tuple[str, str], affirmed: tuple[str, str], form: str, turn: str
) -> None:
    """What follows a denial as a statement of its own is a hint, and only that."""
    assert topics_in(form.format(denied[1]) + turn + affirmed[1]) == topics_in(affirmed[1])


@law(200)
@given(SAYINGS, SAYINGS, DENYING, st.sampled_from((" or ", ", or ", " nor ")))
def test_a_denial_reaches_its_whole_list(one: tuple[str, str], other: tuple[str, str], form: str, link: str) -> None:
    """Everything in a list that is denied is denied; a bare comma may begin a statement of its own, and is left out."""
    assert topics_in(form.format(one[1] + link + other[1])) == frozenset()


@law(200)
@given(SAYINGS, AFFIRMING, st.sampled_from(("  ", "\t", "\u00a0", " \t ")))
def test_spacing_changes_nothing(saying: tuple[str, str], form: str, space: str) -> None:
    """Double spaces, tabs and fixed spaces hide no hint."""
    text = form.format(saying[1])
    assert topics_in(text.replace(" ", space)) == topics_in(text)
    assert mentions_in(text.replace(" ", space))


@law(100)
@given(SAYINGS, AFFIRMING, st.sampled_from((str.upper, str.title, str.casefold)))
def test_letter_case_changes_nothing(saying: tuple[str, str], form: str, case: object) -> None:
    """Capitals hide no hint."""
    assert callable(case)
    assert topics_in(case(form.format(saying[1]))) == topics_in(form.format(saying[1]))


@law(80)
@given(cases(), SAYINGS, AFFIRMING)
def test_a_hint_in_the_order_is_careful(case: Case, saying: tuple[str, str], form: str) -> None:
    """What an order's note affirms keeps "not appropriate" from being said or warns of an implant."""
    before = advise(case)
    noted = {**case.order, "note": [*case.order.get("note", []), {"text": form.format(saying[1])}]}
    after = advise(replace(case, order=noted))
    if saying[0] == "implant":
        assert any(message.startswith("C-MR-") for message in after.messages)
    else:
        assert not after.discourages
    assert urgency(after.outcome) >= urgency(before.outcome)


@law(50)
@given(cases(), SAYINGS, DENYING)
def test_a_denial_in_the_order_reassures_nobody(case: Case, saying: tuple[str, str], form: str) -> None:
    """A denial in an order's note changes no outcome."""
    assume("note" not in case.order)
    noted = {**case.order, "note": [{"text": form.format(saying[1])}]}
    assert advise(replace(case, order=noted)).outcome is advise(case).outcome
