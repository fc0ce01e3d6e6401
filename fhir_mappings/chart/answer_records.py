"""What answered questions amount to in the record: statements and denials of their day, and questions of our own.

An answer counts like a record on the day it was given, because a clinician or the patient said it then; afterwards
nobody knows, and it asks again. A yes to several things at once states what they have in common, or nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fhir_mappings.chart.answers import Answered, QuestionAnswer
from fhir_mappings.chart.entries import Assertion, ChartEntry
from fhir_mappings.chart.remarks import Remark
from fhir_mappings.terminology.concepts import CES_SIGN
from fhir_mappings.words.matcher import mentions_in, topics_in

# What stays true after the day it was said, or was then and has to be asked again.
_LATER = {
    "gadolinium_allergy": "gadolinium_allergy",
    "contrast_allergy_generic": "contrast_allergy_generic",
    "pregnancy": "pregnancy_possible",
    "pregnancy_possible": "pregnancy_possible",
}
_METAL = frozenset({"retained_metal", "external_pump"})
_CES = frozenset({"cauda_equina", "saddle_anaesthesia", "bladder_dysfunction", "bowel_dysfunction"})


def answer_entries(answers: Iterable[QuestionAnswer]) -> Iterator[ChartEntry]:
    """Yield what answers of the order or of its day state or deny, each as a record of that day.

    Of an older answer only an allergy, and a pregnancy as possible, are left.
    """
    for answer in answers:
        if not answer.states:
            lasting = frozenset(_LATER[name] for name in answer.concepts if name in _LATER)
            if lasting and answer.answered is Answered.YES:
                yield ChartEntry(answer.reference, answer.resource, lasting, (), when=answer.when)
            continue
        said_yes = answer.answered is Answered.YES
        concepts = _together(answer.concepts) if said_yes else answer.concepts
        vague = said_yes and len(answer.concepts) > 1
        assertion = Assertion.ABSENT if not said_yes else Assertion.SUSPECTED if vague else Assertion.PRESENT
        if found := frozenset(concepts) | answer.coded.concepts:
            words = f"{answer.question} {answer.value}".casefold()
            yield ChartEntry(
                answer.reference,
                answer.resource,
                found,
                answer.coded.codes,
                assertion,
                when=answer.when,
                words=words,
                of_order=True,
            )


def answer_remarks(answers: Iterable[QuestionAnswer]) -> Iterator[Remark]:
    """Yield the answers that settle nothing and may raise a question: older, unclear, or in words not understood."""
    for answer in answers:
        mixed = answer.answered is Answered.YES and len(answer.concepts) > 1 and not _together(answer.concepts)
        if answer.answered is Answered.NO or (answer.states and not mixed):
            continue
        own = answer.value if isinstance(answer.value, str) else ""
        # An answer in its own words may deny what the question named.
        raises = answer.topics if not mentions_in(own) else topics_in(own)
        if raises:
            text = f"{answer.question}: {'yes' if answer.value is True else 'no' if answer.value is False else own}"
            yield Remark(answer.reference, text, raises, "questionnaire", answer.when)


def _together(concepts: tuple[str, ...]) -> tuple[str, ...]:
    """Return what a yes to several things at once states: what they have in common, or nothing."""
    if len(concepts) <= 1:
        return concepts
    if _CES.issuperset(concepts):
        return (CES_SIGN,)
    return ("implant_other",) if all(name in _METAL or name.startswith("implant_") for name in concepts) else ()
