"""Whether the service is alive and answers hooks, for supervisors and load balancers.

A service that can advise is ready. What else may be broken (a full disk, a FHIR server that is down, a client that is
switched off) is reported and never makes it unready: a load balancer that took all instances away would turn a small
fault into silence about cauda equina syndromes. Both addresses are open, so they name no client and no address.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal

from flask import Blueprint, Response

from cds_service import __version__
from cds_service.protocol.serialization import encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from cds_service.records.stores import FeedbackStore


@dataclass(slots=True)
class Lifecycle:
    """How far this process is: it is started once, and it stops when what runs it says so."""

    started: bool = False
    stopping: Callable[[], bool] = lambda: False

    @property
    def state(self) -> Literal["starting", "ready", "stopping"]:
        """The state in one word."""
        if self.stopping():
            return "stopping"
        return "ready" if self.started else "starting"


@dataclass(frozen=True, slots=True)
class Health:
    """Both addresses and what they look at.

    `parts` are further stores by name and whether they work; `circuits` and `modes` return a state for each circuit
    breaker and the mode in force for each client, `switched` the modes of those that the kill switch lowers. `labels`
    tells of which day the labels of devices are, where there are any.
    """

    lifecycle: Lifecycle
    feedback: FeedbackStore
    parts: Mapping[str, Callable[[], bool]] = field(default_factory=dict)
    circuits: Callable[[], Iterable[str]] = tuple
    modes: Callable[[], Iterable[str]] = tuple
    switched: Callable[[], Iterable[str]] = tuple
    labels: Callable[[], Mapping[str, object]] = dict

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        blueprint = Blueprint("health", __name__)
        blueprint.get("/livez")(self.live)
        blueprint.get("/readyz")(self.ready)
        return blueprint

    def live(self) -> Response:
        """Answer as long as the process does."""
        return _answer({"status": "ok", "version": __version__})

    def ready(self) -> Response:
        """Tell whether hooks are answered, and what works beside that; 503 while starting and stopping."""
        state = self.lifecycle.state
        report: dict[str, Any] = {"status": state, "feedback": _works(self.feedback.available)}
        report |= {name: _works(works) for name, works in self.parts.items()}
        counted = {"circuits": Counter(self.circuits()), "modes": Counter(self.modes())}
        counted["switched"] = Counter(self.switched())
        report |= {name: dict(counts) for name, counts in counted.items() if counts}
        report |= {"gudid": labels} if (labels := dict(self.labels())) else {}
        return _answer(report, HTTPStatus.OK if state == "ready" else HTTPStatus.SERVICE_UNAVAILABLE)


def _works(check: Callable[[], bool]) -> str:
    return "ok" if check() else "unavailable"


def _answer(report: Mapping[str, Any], status: int = HTTPStatus.OK) -> Response:
    response = Response(encode(report), status=status, mimetype="application/json")
    response.cache_control.no_store = True
    return response
