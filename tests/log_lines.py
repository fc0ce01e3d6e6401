"""What the process logs, as its operators read it."""

from __future__ import annotations

import io
import json
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cds_service.config.settings import load_settings
from cds_service.observability.logs import configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator


class LogLines:
    """Everything that is logged, as JSON and at its most talkative."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        """All of it."""
        return self.stream.getvalue()

    def of(self, request_id: str) -> dict[str, Any]:
        """Return the access line of a request."""
        lines = [json.loads(line) for line in self.text.splitlines()]
        found: dict[str, Any]
        (found,) = [line for line in lines if line.get("request_id") == request_id and "status" in line]
        return found


@contextmanager
def logging_as_json() -> Iterator[LogLines]:
    """Log as in production, to a place where a test can look."""
    lines, root = LogLines(), logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    configure_logging(load_settings({}, log_level="debug", log_format="json"), lines.stream)
    root.setLevel(logging.DEBUG)
    yield lines
    root.setLevel(level)
    root.handlers = handlers
