"""The service under its own server, with one address more that reads a body and does nothing: what all is held against.

python -m benchmarks.served PORT FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

from cds_service.config.settings import load_settings
from cds_service.observability.logs import configure_logging
from cds_service.observability.metrics_folder import shared_metrics_folder


def add_nothing(app: Flask) -> None:
    """Add the address, with all that the application does around each of its answers."""

    def nothing() -> Response:
        request.get_data(cache=False)
        return Response(b'{"cards":[]}', mimetype="application/json")

    app.add_url_rule("/nothing", "nothing", nothing, methods=["POST"])


def main() -> None:
    """Serve until ended."""
    port, folder = int(sys.argv[1]), Path(sys.argv[2])
    settings = load_settings({}, profile="development", port=port, data_dir=folder, log_format="json", wait_ms=10_000)
    configure_logging(settings)
    with shared_metrics_folder():
        from cds_service.server.gunicorn import Server  # noqa: PLC0415 - after the folder is named

        class Served(Server):
            def load(self) -> Any:
                app = super().load()
                add_nothing(app)
                return app

        Served(settings).run()


if __name__ == "__main__":
    main()
