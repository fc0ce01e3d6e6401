"""What a draft order says beside its code: its reasons, its words by place, and the resources it brings along.

Whose words they are decides what they may do. The reason and the notes are the author's own and speak of now; an
instruction to the patient is advice, and what stands in a contained or referenced record was said elsewhere. So the two
are kept apart, and each text knows its place. Everything is read from plain JSON: R4, R5 and half-written orders alike.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from fhir_mappings.chart.answers import QuestionAnswer, answers_of, own_answer
from fhir_mappings.chart.entries import ReadingContext, concepts_of, reference_of, words_of
from fhir_mappings.chart.readers import entries_of
from fhir_mappings.chart.remarks import Remark, places_that_count, remarks_of
from fhir_mappings.fhir import resources as fhir
from fhir_mappings.fhir.datatypes import CodeableConcept, id_in, named_type
from fhir_mappings.fhir.dates import UNKNOWN_DATE, DateInterval, parse_date, possible_days
from fhir_mappings.fhir.decoding import convert, convert_resource
from fhir_mappings.questionnaire.fixed_words import answers_in
from fhir_mappings.questionnaire.table import QUESTIONS
from fhir_mappings.terminology.index import TerminologyIndex
from fhir_mappings.words.matcher import topics_in
from fhir_mappings.words.topics import topics_of

# Types whose words are about people and places, or are questions and not what was answered.
# fmt: off
_NOT_TOLD: Final = frozenset({
    "Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Person", "Organization", "Location", "Group",
    "Provenance", "Questionnaire", "QuestionnaireResponse",
})
_WORDY: Final = frozenset({
    "text", "conclusion", "description", "comment", "title", "instruction", "instructionMarkdown", "patientInstruction",
    "valueString", "valueMarkdown", "contentString", "summary",
})
# Where names of people stand, and what is no word of the author.
_SKIPPED: Final = frozenset({
    "subject", "patient", "encounter", "performer", "recorder", "asserter", "author", "requester", "source",
    "participant", "identifier", "meta", "extension", "contained",
})
# fmt: on


@dataclass(frozen=True, slots=True)
class OrderText:
    """Words that come with an order: in which place, of which record, and from when, where that is told.

    `covered` are the topics that codes beside them settle already; `told` is the remark that they are in a record
    carried along, which has dates and a status of its own. `written` are the days on which a note may have been
    written, by its own zone and by the service's.
    """

    place: str
    text: str
    reference: str
    when: DateInterval = UNKNOWN_DATE
    covered: frozenset[str] = frozenset()
    told: Remark | None = None
    written: DateInterval = UNKNOWN_DATE

    def remark(self, topics: frozenset[str]) -> Remark:
        """Return what these words raise."""
        if self.told is not None:
            return replace(self.told, place=self.place, topics=topics)
        return Remark(self.reference, self.text, topics, self.place, self.when)


@dataclass(frozen=True, slots=True)
class OrderContents:
    """What an order says beside its code. `own_texts` are its author's words about now, `other_texts` all others.

    `reason_names` holds what the reasons that are only referred to are called, by their references.
    """

    reasons: tuple[CodeableConcept, ...]
    reason_references: tuple[str, ...]
    supporting_references: tuple[str, ...]
    own_texts: tuple[OrderText, ...]
    other_texts: tuple[OrderText, ...]
    answers: tuple[QuestionAnswer, ...]
    reason_names: Mapping[str, str]

    @property
    def remarks(self) -> tuple[Remark, ...]:
        """The texts that raise a topic which the codes beside them do not settle."""
        return tuple(
            said.remark(topics)
            for said in (*self.own_texts, *self.other_texts)
            if (topics := topics_in(said.text) - said.covered)
        )


@dataclass(frozen=True, slots=True)
class Companion:
    """A resource sent with an order: as the criteria read it, where they read its type, and as it came."""

    plain: Mapping[str, Any]
    resource: fhir.Resource | None

    @property
    def id(self) -> str:
        """Its id; empty where it has none that can be referred to."""
        given = self.resource.id if self.resource is not None else self.plain.get("id")
        return given if isinstance(given, str) else ""


class Companions:
    """The drafts of a hook, each read once, as the others may refer to them."""

    def __init__(self, drafts: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Take the drafts with their fullUrls; they are read when the first order asks."""
        self._drafts = list(drafts)

    @functools.cached_property
    def _read(self) -> list[tuple[str, Companion]]:
        return [(full_url, Companion(plain, convert_resource(plain))) for full_url, plain in self._drafts]

    def of(self, order: Mapping[str, Any]) -> dict[str, Companion]:
        """Return the other drafts and the contained resources, by each reference that the order may use for them."""
        found: dict[str, Companion] = {}
        for full_url, companion in self._read:
            if companion.plain is not order:
                if name := companion.id:
                    found[f"{companion.plain.get('resourceType')}/{name}"] = companion
                if full_url:
                    found[full_url] = companion
        for inside in objects(order.get("contained")):
            companion = Companion(inside, convert_resource(inside))
            if name := companion.id:
                found[f"#{name.removeprefix('#')}"] = companion
        return found


def read_contents(
    reference: str, order: Mapping[str, Any], companions: Mapping[str, Companion], index: TerminologyIndex
) -> OrderContents:
    """Return what an order says beside its code."""
    # R5 has one `reason` for both, and CodeableReferences as supporting information.
    told = objects(order.get("reason"))
    reasons = [convert(CodeableConcept, reason) for reason in objects(order.get("reasonCode"))]
    reasons += [convert(CodeableConcept, part["concept"]) for part in told if isinstance(part.get("concept"), dict)]
    named = [*objects(order.get("reasonReference")), *told]
    supporting = [*objects(order.get("supportingInfo")), *objects(order.get("supportingInformation"))]
    reason_references = tuple(references(named))
    supporting_references = tuple(references(supporting))
    carried = _carried(order, companions, {*reason_references, *supporting_references})
    own_texts, answered, beside = _parted(_own_texts(reference, order, reasons, index))
    return OrderContents(
        tuple(reasons),
        reason_references,
        supporting_references,
        own_texts,
        (*beside, *_other_texts(reference, order, named, supporting, carried, index)),
        (*answered, *_answers(order, carried, companions, index)),
        {next(references([part]), ""): next(_displays([part]), "") for part in named},
    )


def _parted(
    texts: Iterable[OrderText],
) -> tuple[tuple[OrderText, ...], tuple[QuestionAnswer, ...], tuple[OrderText, ...]]:
    """Return the author's words without the answers to questions of ours, those answers, and what stood in them.

    A no denies what was asked: whatever else a quoted record or a remark beside the day speaks of goes on asking.
    """
    kept: list[OrderText] = []
    answered: list[QuestionAnswer] = []
    beside: list[OrderText] = []
    for said in texts:
        found, rest = answers_in(said.text)
        answered += (own_answer(each, said.reference, said.written) for each in found)
        for each in found:
            asked = frozenset({QUESTIONS[each.question].topic})
            beside += [replace(said, text=each.quoted, covered=asked)] if each.quoted else []
            beside += [replace(said, text=each.more)] if each.more else []
        if rest:
            kept.append(replace(said, text=rest) if found else said)
    return tuple(kept), tuple(answered), tuple(beside)


def _own_texts(
    reference: str, order: Mapping[str, Any], reasons: list[CodeableConcept], index: TerminologyIndex
) -> Iterator[OrderText]:
    for reason in reasons:
        covered = topics_of(concepts_of(reason, index))
        for text in dict.fromkeys(filter(None, words_of(reason))):
            yield OrderText("order_reason", text, reference, covered=covered)
    for text in _strings(order.get("reasonCode")):
        yield OrderText("order_reason", text, reference)
    for note in objects(order.get("note")):
        said = note.get("text")
        if isinstance(said, str) and said:
            time = note.get("time")
            yield OrderText("order_note", said, reference, parse_date(time), written=possible_days(time))
    for text in _strings(order.get("note")):
        yield OrderText("order_note", text, reference)


def _other_texts(  # noqa: PLR0913, PLR0917 - the places where words stand
    reference: str,
    order: Mapping[str, Any],
    named: list[dict[str, Any]],
    supporting: list[dict[str, Any]],
    carried: list[tuple[str, Companion]],
    index: TerminologyIndex,
) -> Iterator[OrderText]:
    for place, element in (("order_instruction", "patientInstruction"), ("order_detail", "orderDetail")):
        for text in (*_strings(order.get(element)), *_words_in(order.get(element))):
            yield OrderText(place, text, reference)
    about = [concept for item in supporting for concept in _words_in(item.get("concept"))]
    for text in dict.fromkeys([*_displays([*named, *supporting]), *about]):
        yield OrderText("order_reference", text, reference)
    mine = patient_ids(order.get("subject"))
    for place, companion in carried:
        if not _is_of_other(companion, mine):
            yield from _told(place, companion, index)


def _told(place: str, companion: Companion, index: TerminologyIndex) -> Iterator[OrderText]:
    """Yield the words of a carried resource: of a type that is read elsewhere as there, of any other all its words."""
    resource, kind = companion.resource, companion.plain.get("resourceType")
    if resource is not None and type(resource) in _READ_AS_RECORDS:
        context = ReadingContext(index)
        covered = topics_of(concept for entry in entries_of(resource, context) for concept in entry.concepts)
        for remark in remarks_of(resource, places_that_count(resource, index), covered, context):
            yield OrderText(place, remark.text, remark.reference, remark.when, covered, remark)
    elif isinstance(kind, str) and kind not in _NOT_TOLD:
        where = reference_of(resource) if resource is not None else f"{kind}/{companion.plain.get('id', '')}"
        for text in dict.fromkeys(_words_in(companion.plain)):
            yield OrderText(place, text, where)


_READ_AS_RECORDS = frozenset({fhir.Condition, fhir.Device, fhir.Encounter, fhir.Observation, fhir.Procedure})


def _carried(
    order: Mapping[str, Any], companions: Mapping[str, Companion], referred: set[str]
) -> list[tuple[str, Companion]]:
    """Return what an order carries, with its place: all that it contains, and the other drafts that it refers to."""
    unique = {
        id(companion.plain): (
            "contained" if name.startswith("#") else "order_reference",
            companion,
        )
        for name, companion in companions.items()
        if name.startswith("#") or name in referred
    }
    inside = [Companion(plain, convert_resource(plain)) for plain in objects(order.get("contained"))]
    nameless = [("contained", found) for found in inside if not found.id]
    return [*unique.values(), *nameless]


def _answers(
    order: Mapping[str, Any],
    carried: list[tuple[str, Companion]],
    companions: Mapping[str, Companion],
    index: TerminologyIndex,
) -> Iterator[QuestionAnswer]:
    """Yield the answers that come with an order: carried, or drafted beside it for no other order."""
    found = {id(companion.plain): companion for _, companion in carried}
    for companion in companions.values():
        if isinstance(companion.resource, fhir.QuestionnaireResponse) and _is_for(companion.resource, order):
            found[id(companion.plain)] = companion
    mine = patient_ids(order.get("subject"))
    own = [companion.resource for companion in found.values() if not _is_of_other(companion, mine)]
    yield from answers_of([resource for resource in own if resource is not None], index, of_order=True)


def _is_for(response: fhir.QuestionnaireResponse, order: Mapping[str, Any]) -> bool:
    named = [id_in(base.reference, str(order.get("resourceType"))) for base in response.based_on]
    return not any(named) or order.get("id") in named


def _is_of_other(companion: Companion, mine: frozenset[str]) -> bool:
    """Whether a resource says that it is about somebody else than the order's patient."""
    theirs = patient_ids(companion.plain.get("subject") or companion.plain.get("patient"))
    return bool(mine and theirs) and mine.isdisjoint(theirs)


def _displays(items: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the displays of References, also inside R5 CodeableReferences."""
    for item in items:
        inner = item.get("reference")
        for named in (item, inner if isinstance(inner, dict) else {}):
            if isinstance(text := named.get("display"), str) and text:
                yield text


def _words_in(value: object) -> Iterator[str]:
    """Yield the words in a JSON value at any depth: texts, conclusions, the displays of codings; no names of people."""
    pending: list[tuple[str, object]] = [("", value)]
    while pending:
        where, current = pending.pop()
        if isinstance(current, list):
            pending += [(where, item) for item in reversed(current)]
        elif isinstance(current, dict):
            is_coding = where.casefold().endswith("coding")
            for key, item in current.items():
                if isinstance(item, str):
                    if item and (key in _WORDY or (key == "display" and is_coding)):
                        yield item
                elif key not in _SKIPPED and not (key == "text" and isinstance(item, dict)):
                    pending.append((key, item))


def _strings(value: object) -> list[str]:
    """Return an element that is a text, or the texts in one that is a list, against FHIR or as R5 has it."""
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str) and item]


def objects(value: object) -> list[dict[str, Any]]:
    """Return the objects of an element that should be a list and may be a single one."""
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]


def references(value: object) -> Iterator[str]:
    """Yield the literal references of an element, also inside R5 CodeableReferences."""
    for item in objects(value):
        reference = item.get("reference")
        if isinstance(reference, dict):
            reference = reference.get("reference")
        if isinstance(reference, str) and reference:
            yield reference


def patient_ids(subject: object) -> frozenset[str]:
    """Return the bare patient ids in a subject; empty for contained, logical or temporary references.

    A subject of another type, such as a Group, counts under its whole reference: it is not the patient.
    """
    found = []
    for reference in references(subject):
        patient_id = id_in(reference, "Patient")
        found.append(patient_id or (reference if named_type(reference) else None))
    return frozenset(name for name in found if name)
