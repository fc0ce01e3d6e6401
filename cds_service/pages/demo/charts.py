"""The patients of the demo EHR: those that come with the service, and those of a folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from cds_service.demo.requests import find_demo, load_demos
from cds_service.pages.demo.folder import ChartFolder
from cds_service.pages.demo.patient_banner import person_of
from cds_service.protocol.serialization import decode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    from cds_service.demo.requests import Demo
    from cds_service.pages.demo.folder import FolderChart
    from cds_service.pages.demo.patient_banner import Person

# A bundled patient's name has none of these; the two kinds of ids cannot collide.
_IN_FOLDER: Final = "folder:"
_USER: Final = "Practitioner/demo-clinician"

Origin = Literal["bundled", "folder"]


@dataclass(frozen=True, slots=True)
class ListedChart:
    """A patient to choose: what makes the case worth trying, and what to expect; both empty where nobody said."""

    id: str
    origin: Origin
    person: Person
    title: str = ""
    expect: str = ""
    hook: str = "order-select"

    def document(self, day: date) -> dict[str, Any]:
        """Return it as the page reads it."""
        return {
            "id": self.id,
            "origin": self.origin,
            "title": self.title,
            "expect": self.expect,
            "hook": self.hook,
            "patient": self.person.banner(day),
        }


@dataclass(frozen=True, slots=True)
class DemoChart:
    """One patient as the demo EHR opens it.

    `context` is the context of the hooks without orders, `prefetch` the value of each key that the chart has,
    `orders` the entries of a Bundle of draft orders, and `order_date` the day on which an order would be written.
    """

    listed: ListedChart
    context: Mapping[str, Any]
    prefetch: Mapping[str, Any]
    orders: tuple[Mapping[str, Any], ...]
    order_date: str

    def document(self, day: date) -> dict[str, Any]:
        """Return it as the page reads it."""
        return {
            **self.listed.document(day),
            "context": self.context,
            "prefetch": self.prefetch,
            "orders": self.orders,
            "orderDate": self.order_date or day.isoformat(),
        }


class DemoCharts:
    """All patients; files of the folder, if there is one, are read when they are asked for."""

    def __init__(self, folder: Path | None = None) -> None:
        """Take a folder of FHIR Bundles, one patient each."""
        self._folder = ChartFolder(folder) if folder else None

    @property
    def problems(self) -> tuple[tuple[str, str], ...]:
        """The names of files in the folder that cannot be used, each with the reason."""
        return self._folder.problems if self._folder else ()

    def listed(self) -> Iterator[ListedChart]:
        """Yield every patient, the bundled ones first."""
        for demo in load_demos():
            yield _listed_demo(demo, decode(demo.body()))
        for chart in self._folder.charts if self._folder else ():
            yield _listed_file(chart)

    def find(self, chart_id: str) -> DemoChart | None:
        """Return a patient by id; ChartFileError when the file can no longer be read."""
        if not chart_id.startswith(_IN_FOLDER):
            demo = find_demo(chart_id)
            return _open_demo(demo) if demo else None
        name = chart_id.removeprefix(_IN_FOLDER)
        chart = next((chart for chart in self._folder.charts if chart.id == name), None) if self._folder else None
        return self._open_file(chart) if chart else None

    def _open_file(self, chart: FolderChart) -> DemoChart:
        assert self._folder is not None  # noqa: S101 - a chart of the folder is at hand
        context = {"userId": _USER, "patientId": chart.person.id}
        return DemoChart(_listed_file(chart), context, self._folder.prefetch(chart), (), chart.last_contact)


def _listed_file(chart: FolderChart) -> ListedChart:
    return ListedChart(f"{_IN_FOLDER}{chart.id}", "folder", chart.person)


def _listed_demo(demo: Demo, request: Mapping[str, Any]) -> ListedChart:
    person = person_of(request["prefetch"]["patient"])
    return ListedChart(demo.name, "bundled", person, demo.title, demo.expect, demo.hook)


def _open_demo(demo: Demo) -> DemoChart:
    """Return a bundled request as a patient with a draft order."""
    request = decode(demo.body())
    context = request["context"]
    orders = tuple(context["draftOrders"]["entry"])
    kept = {key: value for key, value in context.items() if key not in ("draftOrders", "selections")}
    written = str(orders[0]["resource"].get("authoredOn", ""))[:10]
    return DemoChart(_listed_demo(demo, request), kept, request["prefetch"], orders, written)
