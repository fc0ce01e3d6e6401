"""What a later call is compared with, so that what was answered is not asked again: keyed hashes beside the cards."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns, empty for what is on record, and the index by which the answers of a user are found."""
    for table, columns in (("cards", ("message_keys", "marks")), ("suggestions", ("marks",))):
        for name in columns:
            op.add_column(table, sa.Column(name, sa.Text(), server_default="", nullable=False))
    op.create_index("ix_invocations_patient_hash_user_hash_at", "invocations", ["patient_hash", "user_hash", "at"])
