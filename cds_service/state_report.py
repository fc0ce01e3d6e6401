"""Tells the metrics what no request carries: how records, circuits and modes stand in this process.

Metrics of several workers are added up from what each wrote last, so each writes its own, in passing, while it
answers; a second between two times keeps that free of cost.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from flask import request

from cds_service.records.recorder import QueueRecorder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask import Flask, Response

    from cds_service.clients.profile import ClientProfile
    from cds_service.clients.switches import Switches
    from cds_service.egress.breaker import Breakers
    from cds_service.metrics import Metrics
    from cds_service.records.invocations import Recorder

_INTERVAL: Final = 1.0


@dataclass(slots=True)
class StateReport:
    """What is looked at, and when it was looked at last."""

    metrics: Metrics
    clients: Sequence[ClientProfile]
    switches: Switches
    breakers: Breakers
    recorder: Recorder
    clock: Callable[[], float] = time.monotonic
    _next: float = field(default=0.0)
    _written: int = field(default=0)
    _dropped: int = field(default=0)

    def tell(self) -> None:
        """Bring the metrics of this process up to date."""
        for client in self.clients:
            self.metrics.client_mode(client.name, self.switches.mode(client))
        for client_name, state in self.breakers.states().items():
            self.metrics.circuits(client_name, [state])
        if isinstance(self.recorder, QueueRecorder):
            written, dropped = self.recorder.written, self.recorder.dropped
            self.metrics.records_queued(self.recorder.queued)
            self.metrics.records_written(max(0, written - self._written))
            self.metrics.records_dropped(max(0, dropped - self._dropped))
            self._written, self._dropped = written, dropped

    def tell_in_passing(self) -> None:
        """Do so unless it was done a moment ago."""
        moment = self.clock()
        if moment >= self._next:
            self._next = moment + _INTERVAL
            self.tell()


def report_state(app: Flask, report: StateReport) -> None:
    """Keep the metrics of an application up to date while it answers; a scrape sees the moment."""

    @app.before_request
    def _before_scrape() -> None:
        if request.endpoint == "metrics.scrape":
            report.tell()

    @app.after_request
    def _in_passing(response: Response) -> Response:
        report.tell_in_passing()
        return response
