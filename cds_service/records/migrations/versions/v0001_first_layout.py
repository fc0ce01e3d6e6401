"""The first layout: hook calls with their orders, cards and suggestions, counted calls, and feedback."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    _create_invocations()
    _create_answers()
    _create_counts()
    _create_feedback()


def _text(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _create_invocations() -> None:
    op.create_table(
        "invocations",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        *_text("request_id"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        *_text("client", "service", "hook"),
        sa.Column("status", sa.Integer(), nullable=False),
        *_text("mode"),
        sa.Column("shown", sa.Boolean(), nullable=False),
        *_text("guideline"),
        sa.Column("milliseconds", sa.Double(), nullable=False),
        *_text("user_hash", "patient_hash", "phases", "sources"),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_invocations"),
    )
    op.create_index("ix_invocations_at", "invocations", ["at"])
    op.create_index("ix_invocations_client_at", "invocations", ["client", "at"])
    op.create_index("ix_invocations_guideline_at", "invocations", ["guideline", "at"])


def _create_answers() -> None:
    op.create_table(
        "assessments",
        sa.Column("invocation", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *_text("outcome", "messages"),
        sa.PrimaryKeyConstraint("invocation", "position", name="pk_assessments"),
        sa.ForeignKeyConstraint(
            ["invocation"], ["invocations.id"], name="fk_assessments_invocations", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "cards",
        sa.Column("invocation", sa.BigInteger(), nullable=False),
        sa.Column("assessment", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *_text("uuid", "indicator", "lead", "messages"),
        sa.PrimaryKeyConstraint("invocation", "assessment", "position", name="pk_cards"),
        sa.ForeignKeyConstraint(
            ["invocation", "assessment"],
            ["assessments.invocation", "assessments.position"],
            name="fk_cards_assessments",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_cards_uuid", "cards", ["uuid"])
    op.create_table(
        "suggestions",
        sa.Column("invocation", sa.BigInteger(), nullable=False),
        sa.Column("assessment", sa.Integer(), nullable=False),
        sa.Column("card", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *_text("uuid", "key"),
        sa.PrimaryKeyConstraint("invocation", "assessment", "card", "position", name="pk_suggestions"),
        sa.ForeignKeyConstraint(
            ["invocation", "assessment", "card"],
            ["cards.invocation", "cards.assessment", "cards.position"],
            name="fk_suggestions_cards",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_suggestions_uuid", "suggestions", ["uuid"])


def _create_counts() -> None:
    op.create_table(
        "unrelated_calls",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        *_text("client", "service", "guideline"),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "hour", "client", "service", "guideline", "shown", "synthetic", name="pk_unrelated_calls"
        ),
    )


def _create_feedback() -> None:
    op.create_table(
        "feedback",
        *_text("fingerprint"),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        *_text("client", "service", "card", "outcome"),
        sa.Column("outcome_at", sa.DateTime(timezone=True), nullable=False),
        *_text("reason_code", "reason_system", "reason_display", "comment"),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_feedback"),
    )
    op.create_index("ix_feedback_card", "feedback", ["card"])
    op.create_index("ix_feedback_received_at", "feedback", ["received_at"])
    op.create_table(
        "accepted_suggestions",
        *_text("feedback", "suggestion"),
        sa.PrimaryKeyConstraint("feedback", "suggestion", name="pk_accepted_suggestions"),
        sa.ForeignKeyConstraint(
            ["feedback"], ["feedback.fingerprint"], name="fk_accepted_suggestions_feedback", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_accepted_suggestions_suggestion", "accepted_suggestions", ["suggestion"])
