"""The clinical part, set up for one client: which orders are ours, what the guideline says of them, how it is told."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from cards.decision.assessment import AssessmentProfile, assess
from cards.guideline.wording import Wording, WordingError, load_wording
from cards.response.client_shape import ResponseShape
from cards.response.response import messages_by_card, respond
from cds_service.config.site import Site, load_site
from cds_service.hooks.standing import Standing, standing_of
from cds_service.protocol.envelope import bare_patient_id
from cds_service.protocol.errors import BadRequestError, SettingsError
from cds_service.smart.contexts import FormContext
from fhir_mappings.chart.chart import read_chart
from fhir_mappings.devices.labels import NO_LABELS, DeviceLabels
from fhir_mappings.orders.orders import count_unrecognised_spine_mris, read_lumbar_mri_orders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from cards.decision.assessment import Assessment
    from cards.response.client_shape import CardAsks
    from cards.response.memory import Memory
    from cards.response.response import Response
    from cds_service.clients.profile import ClientProfile
    from cds_service.config.settings import Settings
    from cds_service.protocol.envelope import HookRequest
    from cds_service.smart.contexts import FormContexts
    from fhir_mappings.chart.chart import Chart
    from fhir_mappings.fhir.sources import SourceReading
    from fhir_mappings.orders.orders import ImagingOrder
    from fhir_mappings.terminology.index import TerminologyIndex


@dataclass(frozen=True, slots=True)
class Adviser:
    """Everything that is built once at start and needed for each call of a client; safe to share between threads."""

    client: ClientProfile
    index: TerminologyIndex
    profile: AssessmentProfile
    wording: Wording
    verbosity: Literal["all", "action"]
    explain: bool
    max_orders: int
    site: Site
    standing: Standing
    address: str = ""
    contexts: FormContexts | None = None
    labels: DeviceLabels = NO_LABELS

    @classmethod
    def of(
        cls,
        client: ClientProfile,
        settings: Settings,
        bundled: TerminologyIndex,
        labels: DeviceLabels = NO_LABELS,
    ) -> Adviser:
        """Read a client's site file and wording; SettingsError when one of them cannot be used.

        What the client's profile leaves open is as the settings say.
        """
        language = client.language or settings.language
        try:
            wording = load_wording(language)
        except WordingError as error:
            where = f"client {client.name}: language" if client.language else "LUMBAR_CDS_LANGUAGE"
            raise SettingsError([f"{where}: {error}"]) from error
        file = client.site_file or settings.site_file
        site = load_site(file, bundled) if file else Site()
        profile = _profile(settings, site)
        standing = standing_of(site, profile, wording)
        return cls(
            client=client,
            index=site.terminology.applied_to(bundled),
            profile=replace(profile, approval=site.approval if standing.approved else None),
            wording=wording,
            verbosity=client.verbosity or settings.verbosity,
            explain=settings.explain if client.explain is None else client.explain,
            max_orders=client.max_orders or settings.max_orders,
            site=site,
            standing=standing,
            address=settings.shown_url.rstrip("/"),
            labels=labels,
        )

    def orders(self, request: HookRequest) -> Sequence[ImagingOrder]:
        """Return the lumbar MRI orders of a request; BadRequestError when they must not be assessed."""
        by_text = self.site.orders_by_text
        orders = read_lumbar_mri_orders(request.draft_orders, request.selections, self.index, by_text=by_text)
        if orders:
            self._refuse_too_many(orders)
            _refuse_mixed_patients(request, orders)
        return orders

    def unrecognised_orders(self, request: HookRequest) -> int:
        """Return how many orders look like an MRI of the spine and are let go, for whoever maps the site's codes."""
        by_text = self.site.orders_by_text
        return count_unrecognised_spine_mris(request.draft_orders, request.selections, self.index, by_text=by_text)

    def chart(self, patient_id: str, readings: Mapping[str, SourceReading]) -> Chart:
        """Return the chart of a patient, with what this site knows of codes and of devices."""
        return read_chart(patient_id, readings, self.index, self.labels)

    def assess(self, orders: Sequence[ImagingOrder], chart: Chart, today: date) -> Sequence[Assessment]:
        """Return what the guideline says of each order."""
        return [assess(order, chart, order.as_of(today), self.profile, today) for order in orders]

    def respond(
        self, assessments: Sequence[Assessment], request: HookRequest, memory: Memory | None = None
    ) -> Response:
        """Return the response that says so, shaped for the client, without what was answered before."""
        return respond(assessments, self._shape(request), memory)

    def messages_by_card(self, assessment: Assessment, request: HookRequest) -> tuple[tuple[str, ...], ...]:
        """Return the messages of each card of the response for one order, and make no card."""
        return messages_by_card(assessment, self._shape(request))

    def _shape(self, request: HookRequest) -> ResponseShape:
        return ResponseShape(
            hook_instance=request.hook_instance,
            hook=request.hook,
            verbosity=self.verbosity,
            explain=self.explain,
            ask_questions_at=self.site.ask_questions_at,
            wording=self.wording,
            client=self.client.shape,
            consultation_scope=self.client.name,
            address=self.address,
            user=request.user_id,
            form_link=self._form_link if self.contexts and self.client.smart_client_id and self.address else None,
        )

    def _form_link(self, asks: CardAsks) -> tuple[str, str]:
        """Return where the form is launched, and the signed context of what a card asks."""
        assert self.contexts is not None  # noqa: S101 - asked for where there are some
        client = self.client.name
        mark = self.contexts.patient_mark(client, asks.patient)
        context = FormContext(client, asks.card, asks.order, asks.study, asks.questions, mark)
        return f"{self.address}/form/launch", self.contexts.sign(context)

    def _refuse_too_many(self, orders: Sequence[ImagingOrder]) -> None:
        """Refuse more orders than are assessed: an answer for the first few would look like approval of the rest."""
        if len(orders) > self.max_orders:
            message = (
                f"The request holds more than {self.max_orders} lumbar spine MRI orders, the most that are assessed "
                "at once; none was assessed."
            )
            raise BadRequestError("too-costly", message, "context.draftOrders")


def _profile(settings: Settings, site: Site) -> AssessmentProfile:
    """Return how orders are assessed here; SettingsError when settings and site file disagree on it."""
    by_setting, by_site = settings.treat_conditional_as, site.treat_conditional_as
    if by_site and by_site != by_setting and "treat_conditional_as" in settings.model_fields_set:
        other = f"LUMBAR_CDS_TREAT_CONDITIONAL_AS is {by_setting!r}"
        raise SettingsError([f"{site.file}: treat_conditional_as: is {by_site!r}, but {other}"])
    return AssessmentProfile(
        thresholds=site.thresholds,
        treat_conditional_as=by_site or by_setting,
        messages_off=site.messages_off,
        site=site.name if site.changes_anything else "",
    )


def _refuse_mixed_patients(request: HookRequest, orders: Sequence[ImagingOrder]) -> None:
    """Refuse a request in which an order or the token belongs to another patient than the context."""
    patient = request.patient_id
    if any(order.patient_ids - {patient} for order in orders):
        raise BadRequestError(
            "invariant",
            "A lumbar spine MRI order is for another patient than context.patientId; no order was assessed.",
            "context.draftOrders.entry.resource.subject",
            "context.patientId",
        )
    authorized = (request.fhir_authorization or {}).get("patient")
    if authorized and bare_patient_id(authorized) != patient:
        raise BadRequestError(
            "invariant",
            "fhirAuthorization.patient is another patient than context.patientId; no order was assessed.",
            "fhirAuthorization.patient",
            "context.patientId",
        )
