"""A hook request looked at from inside: who it is about, what the record holds, and what each criterion answers.

No second set of rules: the request is read, the chart built and the orders assessed by the functions that answer the
hook itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cds_service.pages.demo.chart_summary import ReadCount, SummarySection, others_unread, read_counts, summary_of
from cds_service.pages.demo.findings import AssessedOrder, assessed_order
from cds_service.pages.demo.patient_banner import Person, person_in_context
from cds_service.pages.demo.timeline import Timeline, timeline_of
from cds_service.pages.demo.timeline_drawing import LAYOUTS, drawing_of, said_when
from cds_service.pages.demo.timeline_layout import Drawing
from cds_service.pages.demo.unread_sources import OpenLane, not_read_whole, open_lanes
from cds_service.pages.demo.why import Why, explanations
from cds_service.protocol.discovery import SERVICES
from cds_service.protocol.envelope import read_hook_request
from cds_service.protocol.errors import BadRequestError
from cds_service.protocol.serialization import decode, decode_body
from fhir_mappings.chart.chart import Chart, read_chart
from fhir_mappings.criteria.facts import Facts
from fhir_mappings.fhir.dates import parse_date
from fhir_mappings.fhir.prefetch import read_prefetch
from fhir_mappings.orders.names import ContrastClass
from fhir_mappings.orders.orders import ImagingOrder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from cards.decision.assessment import Assessment
    from cds_service.hooks.adviser import Adviser
    from cds_service.protocol.envelope import HookRequest

_HOOKS: Final = frozenset(service.hook for service in SERVICES)


@dataclass(frozen=True, slots=True)
class TableLine:
    """One row of the timeline as text."""

    lane: str
    label: str
    when: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What a request looks like from inside.

    `missing` are required prefetch keys that were not sent: then nothing was assessed. `fetches` tells that the
    service may ask a FHIR server for what is missing here. `open_lanes` and `not_read` tell what the timeline lacks.
    `whys` explain the cards.
    """

    person: Person
    as_of: date
    today: date
    sections: tuple[SummarySection, ...]
    unread: tuple[tuple[str, str], ...]
    counts: tuple[ReadCount, ...]
    orders: tuple[AssessedOrder, ...]
    missing: tuple[str, ...]
    fetches: bool
    timeline: Timeline
    drawings: tuple[Drawing, ...]
    table: tuple[TableLine, ...]
    open_lanes: tuple[OpenLane, ...]
    not_read: str
    whys: tuple[Why, ...]


def look_at(body: bytes, adviser: Adviser, today: date) -> Look:
    """Return a hook request from inside; ServiceError where the hook itself would be refused."""
    hook = decode(decode_body(body).get("hook", b"null"), "hook")
    if not isinstance(hook, str) or hook not in _HOOKS:
        raise BadRequestError("value", f"hook is none of {', '.join(sorted(_HOOKS))}.", "hook")
    request = read_hook_request(body, hook)
    orders = adviser.orders(request)
    prefetch, client = request.prefetch, adviser.client
    readings = read_prefetch(prefetch, client.sources, client.fhir.form)
    chart = read_chart(request.patient_id, readings, adviser.index, adviser.labels)
    assessed = () if chart.missing_required else adviser.assess(orders, chart, today)
    order = orders[0] if orders else _no_order(request)
    timeline = _timeline(order, chart, assessed, adviser, today, has_order=bool(orders))
    wording = adviser.wording
    return Look(
        person=person_in_context(
            decode(prefetch.get("patient", b"null"), "prefetch.patient"),
            readings["patient"].state,
            request.patient_id,
            wording,
        ),
        as_of=timeline.as_of,
        today=today,
        sections=summary_of(readings, request.patient_id),
        unread=others_unread(readings),
        counts=read_counts((chart.ledger, *(found.ledger for found in orders)), wording),
        orders=tuple(assessed_order(assessment, wording) for assessment in assessed),
        missing=chart.missing_required if orders else (),
        fetches=request.fhir_server is not None,
        timeline=timeline,
        drawings=tuple(drawing_of(timeline, layout, wording) for layout in LAYOUTS),
        table=tuple(
            TableLine(row.lane.value, row.label, said_when(row, wording), tuple(mark.reference for mark in row.marks))
            for row in timeline.rows
        ),
        open_lanes=open_lanes(chart, wording),
        not_read=not_read_whole(chart, wording),
        whys=explanations(assessed, request, adviser) if assessed else (),
    )


def _timeline(  # noqa: PLR0913 - what the picture is made of
    order: ImagingOrder,
    chart: Chart,
    assessed: Sequence[Assessment],
    adviser: Adviser,
    today: date,
    *,
    has_order: bool,
) -> Timeline:
    profile = adviser.profile
    facts = Facts(order, chart, order.as_of(today), profile.thresholds, profile.treat_conditional_as)
    findings = [finding for assessment in assessed for finding in assessment.findings.values()]
    return timeline_of(facts, findings, adviser.wording, today, has_order=has_order)


def _no_order(request: HookRequest) -> ImagingOrder:
    """Return a stand-in that says nothing but the day of the first draft, so that the record can be drawn."""
    entries = request.draft_orders.get("entry")
    first: Any = entries[0] if isinstance(entries, list) and entries else None
    resource = first.get("resource") if isinstance(first, dict) else None
    written = parse_date(resource.get("authoredOn") if isinstance(resource, dict) else None)
    return ImagingOrder("", "", {}, ContrastClass.UNSPECIFIED, authored=written)
