"""One patient's resources in, a row an order out: what the hook would have shown at the signature of each order.

There is no second way to an answer here. The chart of then is handed over as the prefetch of an order-sign call, and is
read, assessed and put on cards by what answers hooks; only who calls, what is remembered of answers, and the text and
buttons of the cards are missing.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from cards.decision.assessment import outcome_with
from cards.guideline.guideline import GUIDELINE_VERSION
from cds_service.hooks.adviser import Adviser
from cds_service.protocol.envelope import HookRequest
from cds_service.protocol.errors import BadRequestError
from cds_service.replay.as_of import as_of, draft_of
from cds_service.replay.later import followed_to, later_events
from cds_service.replay.marking import written_code
from cds_service.replay.orders import Kind, Recogniser, draft_for_study, past_orders
from cds_service.replay.pseudonyms import Pseudonyms
from cds_service.replay.records import read_records
from cds_service.replay.rows import Alternative, Counted, OrderRow
from cds_service.replay.whence import Whence
from fhir_mappings.chart.ledger import Standing
from fhir_mappings.criteria.findings import Status
from fhir_mappings.fhir.needs import DATA_NEEDS
from fhir_mappings.fhir.prefetch import read_prefetch
from fhir_mappings.fhir.sources import SourceState
from fhir_mappings.orders.contents import objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import date

    from cards.decision.assessment import Assessment
    from cds_service.replay.as_of import ChartThen
    from cds_service.replay.orders import PastOrder
    from cds_service.replay.records import Record

HOOK: Final = "order-sign"
# What other thresholds would have said: by the names of `Thresholds`.
ALTERNATIVES: Final = (
    ("conservative_care", 28),
    ("conservative_care", 56),
    ("elderly_age", 65),
    ("elderly_age", 75),
)
READ_TYPES: Final = frozenset({*(need.resource_type for need in DATA_NEEDS), "Medication"})
_MISSING: Final = (SourceState.PARTIAL, SourceState.UNAVAILABLE, SourceState.NOT_PROVIDED)


@dataclass(frozen=True, slots=True)
class Scope:
    """What is replayed, which is the same for all patients.

    `sources` are the resource types that the export has anything of: what it has nothing of, nothing shows that the
    site has. Orders before `since` are left out.
    """

    kind: Kind = Kind.ORDERS
    sources: frozenset[str] = READ_TYPES
    since: date | None = None


@dataclass(frozen=True, slots=True)
class PatientRows:
    """The rows of one patient, and how many orders were left out for what reason."""

    rows: tuple[OrderRow, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assessor:
    """Assesses patient by patient; made once a process, safe to share."""

    adviser: Adviser
    scope: Scope = field(default_factory=Scope)
    pseudonyms: Pseudonyms = field(default_factory=Pseudonyms)

    @property
    def recogniser(self) -> Recogniser:
        """What recognises the orders, by the terminology of the site."""
        return Recogniser(self.adviser.index, self.adviser.site.orders_by_text)

    def patient(self, patient_id: str, lines: Iterable[bytes], shared: Mapping[str, bytes]) -> PatientRows:
        """Return the rows of a patient, oldest first, from all resources that are about them, in any order.

        `shared` are resources without a patient, by reference, that the others may refer to. msgspec.DecodeError where
        a line is no JSON.
        """
        medications = [line for key, line in shared.items() if key.startswith("Medication/")]
        records = read_records([*lines, *medications])
        orders, left_out = past_orders(records, self.scope.kind, self.recogniser)
        if self.scope.since:
            wanted = [order for order in orders if _day(order) >= self.scope.since]
            left_out["before-since"] += len(orders) - len(wanted)
            orders = tuple(wanted)
        whence = Whence(records, shared)
        rows: list[OrderRow] = []
        for order in orders:
            found = self._row(patient_id, order, records, whence)
            if isinstance(found, OrderRow):
                rows.append(found)
            else:
                left_out[found] += 1
        return PatientRows(tuple(sorted(rows, key=lambda row: (row.day, row.order))), dict(+left_out))

    def request(self, patient_id: str, order: PastOrder) -> HookRequest:
        """Return the call that the hook would have had at the signature of an order, its prefetch apart."""
        draft = draft_of(order.resource, order.moment)
        requester = next((text for item in objects(draft.get("requester")) if (text := item.get("reference"))), "")
        context = {
            "patientId": patient_id,
            "userId": requester if isinstance(requester, str) else "",
            "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": draft}]},
        }
        return HookRequest(HOOK, f"replay-{draft.get('id', '')}", None, None, context, None)

    def chart_then(self, records: Sequence[Record], order: PastOrder) -> ChartThen:
        """Return the chart of then; a visit that stands for an order is there, an order or a study is not yet."""
        if order.origin == "what-if":
            return as_of(records, order.moment)
        recogniser = self.recogniser
        return as_of(records, order.moment, order.record, lambda done: recogniser.is_lumbar_mri(draft_for_study(done)))

    def _row(self, patient_id: str, order: PastOrder, records: Sequence[Record], whence: Whence) -> OrderRow | str:
        """Return the row of an order, or why there is none."""
        started = time.perf_counter()
        then = self.chart_then(records, order)
        request = self.request(patient_id, order)
        client = self.adviser.client
        try:
            found = self.adviser.orders(request)
        except BadRequestError:
            return "another-patient"
        if not found:
            return "not-recognised"
        readings = read_prefetch(then.prefetch(self.scope.sources), client.sources, client.fhir.form)
        chart = self.adviser.chart(patient_id, readings)
        if chart.missing_required:
            return f"without-{chart.missing_required[0]}"
        (assessment,) = self.adviser.assess(found, chart, _day(order))
        cards = self.adviser.messages_by_card(assessment, request)
        microseconds = round((time.perf_counter() - started) * 1_000_000)
        unread = Counter(line.source for line in _unrecognised(assessment))
        return OrderRow(
            order=self.pseudonyms.of(order.record.reference),
            patient=self.pseudonyms.of(f"Patient/{patient_id}"),
            day=_day(order),
            origin=order.origin,
            clinic=whence.clinic(order.resource),
            specialty=whence.specialty(order.resource),
            reason=whence.reason(order.resource),
            outcome=assessment.outcome.value,
            timing=assessment.timing.value,
            messages=tuple(message.id for message in assessment.messages),
            cards=tuple(itertools.chain.from_iterable(cards)),
            met=_criteria(assessment, Status.MET),
            unknown=_criteria(assessment, Status.UNKNOWN),
            unread=_counted(unread),
            unread_codes=_counted(Counter(_unread_codes(assessment))),
            missing=tuple(need.resource_type for need in DATA_NEEDS if chart.state(need.resource_type) in _MISSING),
            resources=then.count,
            assumed=then.assumed,
            updated_later=_counted(then.updated_later),
            later=later_events(records, order.moment, chart, self.pseudonyms),
            followed_to=followed_to(records),
            alternatives=tuple(self._alternatives(assessment)),
            guideline=GUIDELINE_VERSION,
            client=client.name,
            site=assessment.profile.site,
            microseconds=microseconds,
        )

    def _alternatives(self, assessment: Assessment) -> Iterator[Alternative]:
        """Yield what other thresholds would have said."""
        thresholds = self.adviser.profile.thresholds
        for name, value in ALTERNATIVES:
            if getattr(thresholds, name) != value:
                outcome = outcome_with(assessment, replace(thresholds, **{name: value}))
                yield Alternative(name, value, outcome.value)


def _day(order: PastOrder) -> date:
    day = order.moment.day
    assert day is not None  # noqa: S101 - an order without a day is none of `past_orders`
    return day


def _criteria(assessment: Assessment, status: Status) -> tuple[str, ...]:
    return tuple(name for name, finding in assessment.findings.items() if finding.status is status)


def _unrecognised(assessment: Assessment) -> Iterator[Any]:
    lines = (*assessment.order.ledger.lines, *assessment.chart.ledger.lines)
    return (line for line in lines if line.standing is Standing.UNRECOGNISED)


def _unread_codes(assessment: Assessment) -> Iterator[str]:
    """Yield the codes of what was unread that no value set knows, from the order's reasons and from the records."""
    chart = assessment.chart
    for line in _unrecognised(assessment):
        resource = None if line.source == "Order" else chart.by_reference(line.reference)
        concepts = assessment.order.reasons if line.source == "Order" else _concepts(resource)
        for coding in (coding for concept in concepts for coding in concept.coding):
            system, code = coding.system or "", coding.code or ""
            if not chart.concepts_of(system, code) and (written := written_code(system, code)):
                yield written


def _concepts(resource: object) -> list[Any]:
    names = ("code", "type", "reason_code", "medication_codeable_concept")
    found = [getattr(resource, name, None) for name in names]
    return [concept for value in found for concept in (value if isinstance(value, list) else [value]) if concept]


def _counted(counts: Mapping[str, int]) -> tuple[Counted, ...]:
    return tuple(Counted(name, count) for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])))
