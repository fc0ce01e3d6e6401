"""One generated case through the pure functions, and how urgent the answer is."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec

from cards.decision.assessment import Assessment, AssessmentProfile, assess
from cards.guideline.guideline import Outcome
from cards.guideline.wording import Wording, load_wording
from cards.response.client_shape import ResponseShape
from cards.response.response import respond
from fhir_mappings.chart.chart import read_chart
from fhir_mappings.devices.labels import NO_LABELS, DeviceLabels
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.prefetch import read_prefetch
from fhir_mappings.fhir.sources import SourceReading
from fhir_mappings.orders.orders import read_lumbar_mri_orders
from tests.terminology import bundled_index

PATIENT, OTHER_PATIENT, ORDER = "patient-1", "patient-2", "order-1"
KEYS = {need.resource_type: need.key for need in DATA_NEEDS}
PROFILE = AssessmentProfile()

Json = Any
Resource = dict[str, Any]
_ORDERS = msgspec.json.Decoder(float_hook=Decimal)
index = bundled_index


@cache
def wording() -> Wording:
    """Return the English catalogue, read once."""
    return load_wording()


@dataclass(frozen=True)
class Case:
    """A hook call: the order, what is drafted beside it, the chart by prefetch key, and the day.

    `replaced` are values that stand in the place of what a key would hold; None is a key that is not sent.
    """

    order: Resource
    today: date
    records: Mapping[str, tuple[Resource, ...]]
    drafts: tuple[Resource, ...] = ()
    replaced: Mapping[str, Json] = field(default_factory=dict)

    def having(self, key: str, *resources: Resource) -> Case:
        """Return the case with more resources under a key."""
        return replace(self, records={**self.records, key: (*self.records.get(key, ()), *resources)})

    def holding(self, key: str, *resources: Resource) -> Case:
        """Return the case with exactly these resources under a key."""
        return replace(self, records={**self.records, key: resources})

    def answering(self, key: str, value: Json) -> Case:
        """Return the case with another value under a prefetch key; None leaves the key out."""
        return replace(self, replaced={**self.replaced, key: value})

    def prefetch(self) -> dict[str, Json]:
        """Return the prefetch values."""
        values: dict[str, Json] = {}
        for need in DATA_NEEDS:
            found = self.records.get(need.key, ())
            if need.key == "patient":
                values[need.key] = found[0] if found else {"resourceType": "Patient"}
            else:
                values[need.key] = bundle(need.resource_type, found)
        values |= self.replaced
        return {key: value for key, value in values.items() if value is not None}


def bundle(expected: str, resources: Sequence[Resource], **elements: Json) -> Resource:
    """Return the result of a search for a type; whatever is of another type came by an `_include`."""
    modes = ["match" if resource["resourceType"] == expected else "include" for resource in resources]
    pairs = zip(resources, modes, strict=True)
    entries = [{"resource": resource, "search": {"mode": mode}} for resource, mode in pairs]
    return {"resourceType": "Bundle", "type": "searchset", "total": modes.count("match"), "entry": entries, **elements}


@dataclass(frozen=True)
class Answer:
    """The answer to one case."""

    assessment: Assessment
    response: dict[str, Any]

    @property
    def outcome(self) -> Outcome:
        """The outcome of the order."""
        return self.assessment.outcome

    @property
    def messages(self) -> tuple[str, ...]:
        """The ids of the messages, the most important first."""
        return tuple(message.id for message in self.assessment.messages)

    @property
    def cards(self) -> list[dict[str, Any]]:
        """The cards."""
        cards: list[dict[str, Any]] = self.response["cards"]
        return cards

    @property
    def discourages(self) -> bool:
        """Whether it says that the scan should not be done now, as the outcome or beside a safety message."""
        return self.outcome is Outcome.NOT_APPROPRIATE or "C-NOTAPP-6W" in self.messages

    def evidence(self, *messages: str) -> frozenset[str]:
        """Return the references that some of the messages rest on."""
        found = [message for message in self.assessment.messages if message.id in messages]
        return frozenset(item.reference for message in found for item in message.evidence)

    def actions(self) -> Iterator[dict[str, Any]]:
        """Yield every action of every suggestion."""
        for card in self.cards:
            for suggestion in card.get("suggestions", ()):
                yield from suggestion["actions"]


def encoded(value: Json) -> bytes:
    """Return JSON text as a client writes it."""
    return json.dumps(value, allow_nan=False).encode()


def answers(
    draft_orders: Json,
    prefetch: Mapping[str, Json],
    today: date,
    hook: str = "order-sign",
    labels: DeviceLabels = NO_LABELS,
) -> tuple[list[Assessment], dict[str, Any]]:
    """Walk one hook call from JSON text, the way the service does."""
    readings = read_prefetch({key: encoded(value) for key, value in prefetch.items()})
    return answers_from(draft_orders, readings, today, hook, labels)


def answers_from(
    draft_orders: Json,
    readings: Mapping[str, SourceReading],
    today: date,
    hook: str = "order-sign",
    labels: DeviceLabels = NO_LABELS,
) -> tuple[list[Assessment], dict[str, Any]]:
    """Return what a hook call is answered once its sources are read, by whatever way."""
    orders = read_lumbar_mri_orders(_ORDERS.decode(encoded(draft_orders)), None, index())
    chart = read_chart(PATIENT, readings, index(), labels)
    assessments = [assess(order, chart, order.as_of(today), PROFILE, today) for order in orders]
    shape = ResponseShape("d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", hook, wording(), explain=True)
    return assessments, respond(assessments, shape).document


def advise(case: Case, labels: DeviceLabels = NO_LABELS) -> Answer:
    """Return the answer for the order of a case; `labels` are those that the site has imported."""
    entries = [{"resource": resource} for resource in (case.order, *case.drafts)]
    orders = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    found, response = answers(copy.deepcopy(orders), case.prefetch(), case.today, labels=labels)
    assert [item.order.reference for item in found] == [f"ServiceRequest/{ORDER}"]
    return Answer(found[0], response)


# How urgently somebody has to act, by the outcome. The order is the one in which the guideline tries its classes,
# with three steps merged or moved:
# - a change of contrast and "appropriate" both say that the scan is due, and a red flag may turn one into the other
#   (it gives the reason for the contrast that was to be dropped);
# - "cannot determine" and "degraded" both ask somebody to look, and stand above "not appropriate", because a red flag
#   that only raises a question must be allowed to take "not appropriate" back, and nothing may do the reverse;
# - answers without a call to act, "not appropriate", "no criteria apply" and "out of scope", share the last place.
# An implant that forbids the scan stands above "urgent", as in the guideline: acting on an urgent order can harm then.
# The outcome alone would hide an urgent message behind an implant, so the laws compare critical messages as well.
_STEPS: tuple[frozenset[Outcome], ...] = (
    frozenset({Outcome.NOT_APPROPRIATE, Outcome.NO_CRITERIA_APPLY, Outcome.OUT_OF_SCOPE}),
    frozenset({Outcome.CANNOT_DETERMINE, Outcome.SERVICE_DEGRADED}),
    frozenset({Outcome.PROTOCOL_CHANGE, Outcome.APPROPRIATE}),
    frozenset({Outcome.URGENT}),
    frozenset({Outcome.SAFETY_HOLD}),
    frozenset({Outcome.CONTRAINDICATED}),
    frozenset({Outcome.EMERGENCY}),
)


def urgency(outcome: Outcome) -> int:
    """Return how urgent an outcome is; more is more urgent."""
    return next(rank for rank, step in enumerate(_STEPS) if outcome in step)
