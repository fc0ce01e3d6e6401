"""The insights: what was asked, advised, accepted and overridden, as a page and as files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Final

from flask import Blueprint, Response, request
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response as BaseResponse

from cds_service.pages.insights.filters import PERIODS, RECORDS, Filters, read_filters
from cds_service.pages.insights.labels import InsightsWords
from cds_service.pages.insights.login import InsightsLogin
from cds_service.pages.insights.report import make_report
from cds_service.pages.insights.trend import day_words
from cds_service.pages.insights.visits import PATH, form_token
from cds_service.pages.rendering.renderer import Renderer
from cds_service.pages.rendering.security import PAGE_HEADERS
from cds_service.protocol.errors import BadRequestError, ServiceError
from cds_service.records.database import Database
from cds_service.records.insights.export import export_json, export_tables
from cds_service.records.insights.insights import Choices, Insights, read_choices, read_insights
from cds_service.records.insights.table import ExportTable

_PATIENCE: Final = 5.0  # seconds to wait for another reader
_UNREADABLE: Final = "The records cannot be read at this moment; please try again later."
_PERIOD_NAMES: Final = {"7": "7 days", "30": "30 days", "90": "90 days", "all": "All"}


@dataclass(frozen=True, slots=True)
class InsightsPage:
    """The page at `/insights`, its exports and its login.

    The records are read by one request at a time in each process: whoever answers hooks comes first.
    """

    renderer: Renderer
    database: Database
    login: InsightsLogin
    words: InsightsWords
    clock: Callable[[], datetime]
    _reading: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def blueprint(self) -> Blueprint:
        """Return the routes."""
        routes = Blueprint("insights", __name__)
        self.login.add_routes(routes)

        @routes.before_request
        def _admit() -> BaseResponse | None:
            return self.login.refusal() if request.endpoint in _GUARDED else None

        routes.get(PATH)(self.show)
        routes.get(f"{PATH}/export.json")(self.export_all)
        routes.get(f"{PATH}/export/<name>.<any(csv,json):form>")(self.export)
        return routes

    def show(self) -> Response:
        """Show the page; what cannot be read of the question is told above an empty form."""
        filters = self._filters()
        try:
            with self._turn():
                choices = self._choices(filters.records)
                others = [kind for kind in RECORDS if kind != filters.records and self._choices(kind).first]
                filters = filters.checked(choices)
                insights = None if filters.problems else self._read(filters, choices)
        except (SQLAlchemyError, TimeoutError):
            return self._page(HTTPStatus.SERVICE_UNAVAILABLE, problem=_UNREADABLE)
        return self._page(
            HTTPStatus.BAD_REQUEST if filters.problems else HTTPStatus.OK,
            filters=filters,
            choices=choices,
            others=others,
            report=insights and make_report(insights, filters.days(choices), self.words),
            unit=insights and insights.unit,
            time_words=_time_words(filters, choices),
        )

    def export_all(self) -> Response:
        """Answer with all tables of the page and what was selected."""
        filters, insights = self._insights()
        return _file(export_json(insights), "application/json", f"{_file_stem(filters)}.json")

    def export(self, name: str, form: str) -> Response:
        """Answer with one table of the page; every row says which kind of records it counts."""
        filters, insights = self._insights()
        tables = export_tables(insights)
        if name not in tables:
            raise ServiceError(HTTPStatus.NOT_FOUND, "not-found", "There is no such table.")
        table = _marked(tables[name], filters)
        file = f"{_file_stem(filters, name)}.{form}"
        return _file(table.csv(), "text/csv", file) if form == "csv" else _file(table.json(), "application/json", file)

    def _choices(self, records: str) -> Choices:
        return read_choices(self.database, synthetic=records == "synthetic", demo=records == "demo")

    def _filters(self) -> Filters:
        return read_filters(request.args.items(multi=True), self.clock().date())

    def _insights(self) -> tuple[Filters, Insights]:
        """Return what the address in hand asks for; ServiceError when it asks for something else, or nobody can."""
        filters = self._filters()
        try:
            with self._turn():
                choices = self._choices(filters.records)
                filters = filters.checked(choices)
                if filters.problems:
                    raise BadRequestError("value", " ".join(filters.problems))
                return filters, self._read(filters, choices)
        except (SQLAlchemyError, TimeoutError):
            raise ServiceError(HTTPStatus.SERVICE_UNAVAILABLE, "transient", _UNREADABLE) from None

    def _read(self, filters: Filters, choices: Choices) -> Insights:
        return read_insights(self.database, filters.selection(), filters.unit(choices))

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for whoever else reads the records; TimeoutError when that takes too long."""
        if not self._reading.acquire(timeout=_PATIENCE):
            raise TimeoutError
        try:
            yield
        finally:
            self._reading.release()

    def _page(self, status: int, **values: object) -> Response:
        """Return the page; nobody but its reader may keep it."""
        page = {"problem": "", "filters": Filters(), "choices": Choices((), (), None, None), "others": []}
        page |= {"report": None, "unit": None, "time_words": "", "periods": PERIODS, "period_names": _PERIOD_NAMES}
        page |= {"csrf_token": form_token() if self.login.access.token else ""}
        response = self.renderer.page("insights.html", status=status, **(page | values))
        response.cache_control.no_store = True
        return response


_GUARDED: Final = frozenset({"insights.show", "insights.export", "insights.export_all"})


def _time_words(filters: Filters, choices: Choices) -> str:
    """Return the selected time as people write it."""
    days = filters.days(choices)
    if days is None:
        return "no time: nothing is on record"
    if days[0] == days[1]:
        return day_words(days[0])
    return f"{day_words(days[0], year=days[0].year != days[1].year)} – {day_words(days[1])}"


def _marked(table: ExportTable, filters: Filters) -> ExportTable:
    """Return a table with a first column that says what kind of records it counts."""
    return ExportTable(("records", *table.columns), tuple((filters.records, *row) for row in table.rows))


def _file_stem(filters: Filters, name: str = "") -> str:
    """Return a file name that says what is in the file; nothing of it comes from the address but checked days."""
    parts = ["lumbar-mri-insights", "" if filters.records == "real" else filters.records, name]
    parts += [day.isoformat() for day in (filters.first, filters.last) if day]
    return "-".join(part for part in parts if part)


def _file(body: str | bytes, media_type: str, name: str) -> Response:
    response = Response(body, mimetype=media_type)
    response.headers.update(PAGE_HEADERS)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.cache_control.no_store = True
    return response
