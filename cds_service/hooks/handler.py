"""One hook call from an admitted caller to the bytes of the answer, and the record of it.

The order of the steps is a safety rule. Orders that are not ours are let go before any patient data is decoded or
fetched, and before a call waits for a place; a request that mixes two patients is refused before that; and nothing here
turns a failure into silence.
What a client's mode hides is decided last, so that a silent client is assessed exactly as one that is shown cards.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from cards.guideline.guideline import GUIDELINE_VERSION
from cds_service.clients.pilot import shows_cards
from cds_service.clients.profile import Mode
from cds_service.protocol.envelope import read_hook_request
from cds_service.protocol.errors import BadRequestError, DataMissingError, ServiceError
from cds_service.protocol.serialization import encode
from cds_service.records.invocations import DEMO_MARK, AssessmentRecord, CardRecord, Invocation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from cards.decision.assessment import Assessment
    from cards.response.response import Response, SentAssessment
    from cds_service.auth.verifiers.callers import Caller
    from cds_service.clients.profile import ClientProfile
    from cds_service.clients.switches import Switches
    from cds_service.hooks.adviser import Adviser
    from cds_service.hooks.data_access import DataAccess, Gathered
    from cds_service.hooks.memory import Remembrance
    from cds_service.overload.places import Places
    from cds_service.protocol.discovery import HookService
    from cds_service.protocol.envelope import HookRequest
    from cds_service.protocol.trace import Trace
    from cds_service.records.identities import Identities
    from cds_service.records.invocations import Recorder
    from fhir_mappings.orders.orders import ImagingOrder

_NO_CARDS: Final[Mapping[str, Any]] = {"cards": []}


@dataclass(slots=True)
class _Call:
    """A hook call under way, and what is known of it by now."""

    caller: Caller
    service: HookService
    trace: Trace
    mode: Mode
    request: HookRequest | None = None
    sent: Sequence[SentAssessment] = ()
    status: int = HTTPStatus.OK

    @property
    def client(self) -> ClientProfile:
        """The profile of the caller."""
        return self.caller.client


@dataclass(frozen=True, slots=True)
class HookHandler:
    """Answers the hook calls of all clients; safe to share between threads."""

    advisers: Mapping[str, Adviser]
    data_access: DataAccess
    switches: Switches
    identities: Identities
    recorder: Recorder
    remembrance: Remembrance
    places: Places
    clock: Callable[[], datetime]

    def answer(self, caller: Caller, service: HookService, body: bytes, trace: Trace) -> bytes:
        """Return the response to a hook call as JSON; ServiceError when there must be no advice."""
        call = _Call(caller, service, trace, self.switches.mode(caller.client))
        trace.mode = call.mode.value
        try:
            return encode(self._document(call, body))
        except RecursionError:
            call.status = HTTPStatus.BAD_REQUEST
            raise BadRequestError("structure", "The request is nested too deeply.") from None
        except ServiceError as refusal:
            call.status = refusal.status
            raise
        except Exception:
            call.status = HTTPStatus.INTERNAL_SERVER_ERROR
            raise
        finally:
            self._record(call)

    def _document(self, call: _Call, body: bytes) -> Mapping[str, Any]:
        trace, client = call.trace, call.client
        with trace.phase("read"):
            request = read_hook_request(body, call.service.hook, strict_hook=client.strict_hook)
            call.request = request
            if request.names_other_hook:
                trace.remarks.append("hook-mismatch")
            if request.lacks_selections:
                trace.remarks.append("no-selections")
            if request.was_repaired:
                trace.remarks.append("lone-surrogate")
            if not request.user_id:
                trace.remarks.append("no-user")
            trace.shown = shows_cards(client, call.mode, request.user_id, self.identities.key)
            if call.mode is Mode.OFF:
                return _NO_CARDS
            adviser = self.advisers[client.name]
            orders = adviser.orders(request)
            trace.unrecognised_orders = adviser.unrecognised_orders(request)
        if not orders:
            return _NO_CARDS
        if not request.user_id:
            _refuse_nobody(call.mode)
        trace.orders = len(orders)
        with self.places.place(client.name, trace):
            response = self._advice(call, request, orders)
        return response.document if trace.shown else _NO_CARDS

    def _advice(self, call: _Call, request: HookRequest, orders: Sequence[ImagingOrder]) -> Response:
        trace = call.trace
        with self.places.work(trace, is_begun=False):
            sent = self.data_access.sent(request, call.client, trace)
        gathered = self.data_access.gather(sent, request, orders, call.client, trace)
        with self.places.work(trace, is_begun=True):
            return self._answer(call, request, orders, gathered)

    def _answer(
        self, call: _Call, request: HookRequest, orders: Sequence[ImagingOrder], gathered: Gathered
    ) -> Response:
        trace, adviser = call.trace, self.advisers[call.client.name]
        with trace.phase("chart"):
            chart = adviser.chart(request.patient_id, gathered.readings)
        if missing := tuple(dict.fromkeys((*gathered.missing_required, *chart.missing_required))):
            raise DataMissingError(missing, gathered.server)
        with trace.phase("assess"):
            assessments = adviser.assess(orders, chart, self.clock().date())
        response = self._response(call, request, assessments)
        call.sent = response.sent
        trace.outcomes = tuple(found.outcome.value for found in response.sent)
        trace.messages = tuple(message for found in response.sent for message in found.messages)
        trace.not_repeated = tuple((item.message, item.how) for found in response.sent for item in found.not_repeated)
        return response

    def _response(self, call: _Call, request: HookRequest, assessments: Sequence[Assessment]) -> Response:
        """Return the response without what was answered; only who would be shown a card pays for finding that out."""
        trace, client, adviser = call.trace, call.client, self.advisers[call.client.name]
        memory = self.remembrance.empty(client, request)
        with trace.phase("respond"):
            response = adviser.respond(assessments, request, memory)
        if not (memory.keeps and trace.shown and response.document["cards"]):
            return response
        with self.places.rest(trace), trace.phase("recall"):
            filled = self.remembrance.filled(memory, client, request)
        if filled is None:
            trace.remarks.append("answers-not-looked-up")
        elif filled.answers:
            with trace.phase("respond"):
                return adviser.respond(assessments, request, filled)
        return response

    def _record(self, call: _Call) -> None:
        """Hand a record to the recorder, which neither waits nor fails; of a call that nobody could read, none."""
        request, trace = call.request, call.trace
        if request is None:
            return
        client = call.client.name
        ours = bool(trace.orders)
        self.recorder.record(
            Invocation(
                request_id=trace.request_id,
                at=self.clock(),
                client=client,
                service=f"{DEMO_MARK if trace.is_demo else ''}{call.service.id}",
                hook=call.service.hook,
                status=int(call.status),
                mode=call.mode.value,
                shown=trace.shown,
                guideline=GUIDELINE_VERSION,
                milliseconds=trace.milliseconds,
                user=self.identities.user(client, request.user_id) if ours else "",
                patient=self.identities.patient(client, request.patient_id) if ours else "",
                assessments=tuple(map(_record_of, call.sent)),
                phases=dict(trace.phases),
                sources=dict(trace.sources),
            )
        )


def _refuse_nobody(mode: Mode) -> None:
    """Refuse a call without a user in a pilot, where nobody could say whether that user takes part."""
    if mode is Mode.PILOT:
        message = (
            "context.userId is missing; while this service is shown to some users only, it must be told who orders."
        )
        raise BadRequestError("required", message, "context.userId")


def _record_of(sent: SentAssessment) -> AssessmentRecord:
    return AssessmentRecord(
        outcome=sent.outcome.value,
        messages=sent.messages,
        cards=tuple(
            CardRecord(
                uuid=card.uuid,
                indicator=card.indicator.value,
                messages=card.messages,
                suggestions=card.suggestions,
                message_keys=card.message_keys,
                marks=card.marks,
                suggestion_marks=card.suggestion_marks,
            )
            for card in sent.cards
        ),
    )
