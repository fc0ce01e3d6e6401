"""Templates in, HTML answers out: one environment, everything escaped, every page under the same headers."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from flask import Response, request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from cds_service.pages.rendering.assets import load_assets
from cds_service.pages.rendering.markdown import block_html, line_html
from cds_service.pages.rendering.security import PAGE_HEADERS

if TYPE_CHECKING:
    from cds_service.pages.rendering.service_facts import PageFacts


class Renderer:
    """Renders the templates of this package; safe to share between threads.

    Every template sees `facts`, `asset(name)` for the address of a static file, and the filters `markdown` (blocks,
    such as a card's detail) and `markdown_line` (one line). A name that a template does not know is an error.
    """

    def __init__(self, facts: PageFacts) -> None:
        """Take what every page shows."""
        self.facts = facts
        self._environment = Environment(
            loader=PackageLoader("cds_service.pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals |= {"facts": facts, "asset": load_assets().url}
        self._environment.filters |= {"markdown": block_html, "markdown_line": line_html}

    def html(self, template: str, **values: Any) -> Markup:
        """Return a template as markup: a whole page, or a part that a script puts into one."""
        return Markup(self._environment.get_template(template).render(values))  # noqa: S704 - autoescaped

    def page(self, template: str, *, status: int = HTTPStatus.OK, **values: Any) -> Response:
        """Return the answer that shows a template."""
        return html_response(self.html(template, **values), status=status)

    def base_url(self) -> str:
        """Return the address of the service without a slash at its end: as configured, or as just called."""
        return self.facts.public_url or request.host_url.rstrip("/")


def html_response(body: str, *, status: int = HTTPStatus.OK) -> Response:
    """Return HTML under the headers of every page; browsers ask again before they show it from their cache."""
    response = Response(body, status=status, mimetype="text/html")
    response.headers.update(PAGE_HEADERS)
    response.cache_control.no_cache = True
    return response
