"""The service on a given database, in a process of its own: `python -m tests.safety.feedback_server URL OPTIONS`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from cds_service.app import create_app
from cds_service.logs import configure_logging
from cds_service.records.feedback import DatabaseFeedbackStore
from cds_service.records.opening import open_database
from cds_service.server import Server
from cds_service.settings import load_settings

if TYPE_CHECKING:
    from cds_service.settings import Settings


class DatabaseServer(Server):
    """The production server, with feedback stored at an address."""

    def __init__(self, settings: Settings, url: str) -> None:
        """Take the address of a database."""
        self._url = url
        self._service_settings = settings
        super().__init__(settings)

    def load(self) -> Any:
        """Open the database in the parent, as the service does."""
        database = open_database(self._url, self._service_settings.data_dir)
        return create_app(self._service_settings, feedback=DatabaseFeedbackStore(database))


def main(url: str, port: str) -> None:
    """Serve until stopped."""
    settings = load_settings(port=port, workers=2, threads=4)
    configure_logging(settings)
    DatabaseServer(settings, url).run()


if __name__ == "__main__":
    main(*sys.argv[1:])
