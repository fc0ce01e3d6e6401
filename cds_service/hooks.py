"""The walk of one hook call: is it ours, whose is it, what do we know, what do we advise.

The order of the steps is a safety rule. Orders that are not ours are let go before any patient data is decoded; a
request that mixes two patients is refused before it is assessed; and nothing here turns a failure into silence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cards.assessment import AssessmentProfile, assess
from cards.response import ResponseShape, respond
from cards.wording import Wording, WordingError, load_wording
from cds_service.envelope import bare_patient_id
from cds_service.errors import BadRequestError, DataMissingError, SettingsError
from cds_service.site import Site, load_site
from fhir_mappings.chart import read_chart
from fhir_mappings.orders import read_lumbar_mri_orders
from fhir_mappings.readings import read_prefetch
from fhir_mappings.terminology import TerminologyIndex, bundled_value_sets

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from cards.assessment import Assessment
    from cds_service.envelope import HookRequest
    from cds_service.settings import Settings
    from fhir_mappings.orders import ImagingOrder


@dataclass(frozen=True, slots=True)
class Answer:
    """The response to a hook call, and the assessments behind it for the log."""

    response: dict[str, Any]
    assessments: Sequence[Assessment] = ()


@dataclass(frozen=True, slots=True)
class Adviser:
    """Everything that is built once at start and needed for each call; safe to share between threads."""

    index: TerminologyIndex
    profile: AssessmentProfile
    wording: Wording
    verbosity: Literal["all", "action"]
    explain: bool
    max_orders: int
    site: Site

    @classmethod
    def from_settings(cls, settings: Settings) -> Adviser:
        """Read value sets, site file and wording; SettingsError when one of them cannot be used."""
        try:
            wording = load_wording(settings.language)
        except WordingError as error:
            raise SettingsError([f"LUMBAR_CDS_LANGUAGE: {error}"]) from error
        index = TerminologyIndex.from_directory(bundled_value_sets())
        site = load_site(settings.site_file, index) if settings.site_file else Site()
        return cls(
            index=site.terminology.applied_to(index),
            profile=_profile(settings, site),
            wording=wording,
            verbosity=settings.verbosity,
            explain=settings.explain,
            max_orders=settings.max_orders,
            site=site,
        )

    def answer(self, request: HookRequest, today: date) -> Answer:
        """Return the cards for the lumbar MRI orders of a request; ServiceError when there must be no advice."""
        orders = read_lumbar_mri_orders(request.draft_orders, request.selections, self.index)
        if not orders:
            return Answer({"cards": []})
        self._refuse_too_many(orders)
        _refuse_mixed_patients(request, orders)
        chart = read_chart(request.patient_id, read_prefetch(request.prefetch), self.index)
        if chart.missing_required:
            raise DataMissingError(chart.missing_required)
        assessments = [assess(order, chart, order.as_of(today), self.profile) for order in orders]
        response = respond(assessments, self._shape(request))
        return Answer(response.document, assessments)

    def _shape(self, request: HookRequest) -> ResponseShape:
        return ResponseShape(
            hook_instance=request.hook_instance,
            hook=request.hook,
            verbosity=self.verbosity,
            explain=self.explain,
            ask_questions_at=self.site.ask_questions_at,
            wording=self.wording,
        )

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
