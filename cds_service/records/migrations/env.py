"""Runs the steps on the connection that the service hands over, in its transaction; Alembic loads this file by name."""

from __future__ import annotations

from alembic import context

from cds_service.records.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    version_table=context.config.attributes["version_table"],
)
context.run_migrations()
