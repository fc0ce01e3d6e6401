"""The editions of the guideline: as it is in force for which clients, and what it then answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any, Literal

from cards.decision.assessment import Assessment
from cards.guideline.wording import Wording
from cards.response.client_shape import ClientShape
from cds_service.guideline.document import Guideline
from cds_service.guideline.reading import read_guideline
from cds_service.hooks.adviser import Adviser
from cds_service.protocol.envelope import HookRequest
from fhir_mappings.chart.chart import read_chart
from fhir_mappings.fhir.prefetch import read_prefetch


@dataclass(frozen=True)
class Edition:
    """The guideline as in force for some clients, in their language; `adviser` is that of any of them."""

    clients: tuple[str, ...]
    adviser: Adviser

    @property
    def wording(self) -> Wording:
        """The sentences."""
        return self.adviser.wording

    @cached_property
    def guideline(self) -> Guideline:
        """The guideline with what the site has changed."""
        return read_guideline(self.wording, self.adviser.index, self.adviser.profile)

    def answer(self, request: HookRequest, today: date) -> Mapping[str, Any]:
        """Return the response to a request with nothing but its prefetch: every message, in its fullest form."""
        return self.respond(self.assess(request, today), request)

    def assess(self, request: HookRequest, today: date) -> Sequence[Assessment]:
        """Return what the guideline says of the orders of a request with nothing but its prefetch."""
        client = self.adviser.client
        readings = read_prefetch(request.prefetch, client.sources, client.fhir.form)
        chart = read_chart(request.patient_id, readings, self.adviser.index, self.adviser.labels)
        return self.adviser.assess(self.adviser.orders(request), chart, today)

    def respond(
        self, assessments: Sequence[Assessment], request: HookRequest, verbosity: Literal["all", "action"] = "all"
    ) -> Mapping[str, Any]:
        """Return the response that says so to a client that takes every form of suggestion."""
        client = replace(self.adviser.client, shape=ClientShape())
        adviser = replace(self.adviser, client=client, verbosity=verbosity, explain=False)
        return adviser.respond(assessments, request).document


def editions_of(advisers: Mapping[str, Adviser]) -> Sequence[Edition]:
    """Return an edition for each way in which the guideline is in force, in the order of the clients."""
    found: dict[tuple[object, ...], list[str]] = {}
    for name, adviser in advisers.items():
        key = (adviser.profile, adviser.wording.language, adviser.site.file)
        found.setdefault(key, []).append(name)
    return tuple(Edition(tuple(names), advisers[names[0]]) for names in found.values())
