"""The tables, as this version reads and writes them; a migration brings a stored database to this layout.

A hook call with lumbar MRI orders is a row in `invocations`, each order one in `assessments`, each card one in `cards`
and each of its suggestions one in `suggestions`. Calls without such orders, nearly all, are only counted by the hour.
Ids of rows are made by the writer, and the other keys are natural: writing the same record twice changes nothing, so a
commit whose confirmation was lost can be repeated. Feedback refers to a card by its uuid and not by a foreign key: it
comes for cards of which there is no record.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
)

from cds_service.records.column_types import Members, Names, UtcDateTime

METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

INVOCATIONS: Final = Table(
    "invocations",
    METADATA,
    Column("id", BigInteger, nullable=False, autoincrement=False),
    Column("request_id", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("client", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("hook", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("mode", Text, nullable=False),
    Column("shown", Boolean, nullable=False),
    Column("guideline", Text, nullable=False),
    Column("milliseconds", Double, nullable=False),
    Column("user_hash", Text, nullable=False),
    Column("patient_hash", Text, nullable=False),
    Column("phases", Members, nullable=False),
    Column("sources", Members, nullable=False),
    Column("synthetic", Boolean, nullable=False),
    PrimaryKeyConstraint("id"),
    Index(None, "at"),
    Index(None, "client", "at"),
    Index(None, "guideline", "at"),
    Index(None, "patient_hash", "user_hash", "at"),
)

ASSESSMENTS: Final = Table(
    "assessments",
    METADATA,
    Column("invocation", BigInteger, nullable=False),
    Column("position", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("messages", Names, nullable=False),
    PrimaryKeyConstraint("invocation", "position"),
    ForeignKeyConstraint(["invocation"], ["invocations.id"], ondelete="CASCADE"),
)

CARDS: Final = Table(
    "cards",
    METADATA,
    Column("invocation", BigInteger, nullable=False),
    Column("assessment", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("uuid", Text, nullable=False),
    Column("indicator", Text, nullable=False),
    Column("lead", Text, nullable=False),
    Column("messages", Names, nullable=False),
    # What a later call is compared with: keyed hashes of what the messages rest on, and of the order.
    Column("message_keys", Names, nullable=False, server_default=""),
    Column("marks", Names, nullable=False, server_default=""),
    PrimaryKeyConstraint("invocation", "assessment", "position"),
    ForeignKeyConstraint(
        ["invocation", "assessment"], ["assessments.invocation", "assessments.position"], ondelete="CASCADE"
    ),
    Index(None, "uuid"),
)

SUGGESTIONS: Final = Table(
    "suggestions",
    METADATA,
    Column("invocation", BigInteger, nullable=False),
    Column("assessment", Integer, nullable=False),
    Column("card", Integer, nullable=False),
    Column("position", Integer, nullable=False),
    Column("uuid", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("marks", Names, nullable=False, server_default=""),  # of the order once the suggestion is taken
    PrimaryKeyConstraint("invocation", "assessment", "card", "position"),
    ForeignKeyConstraint(
        ["invocation", "assessment", "card"],
        ["cards.invocation", "cards.assessment", "cards.position"],
        ondelete="CASCADE",
    ),
    Index(None, "uuid"),
)

UNRELATED_CALLS: Final = Table(
    "unrelated_calls",
    METADATA,
    Column("hour", UtcDateTime, nullable=False),
    Column("client", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("guideline", Text, nullable=False),
    Column("shown", Boolean, nullable=False),
    Column("synthetic", Boolean, nullable=False),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("hour", "client", "service", "guideline", "shown", "synthetic"),
)

FEEDBACK: Final = Table(
    "feedback",
    METADATA,
    Column("fingerprint", Text, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("client", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("card", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("outcome_at", UtcDateTime, nullable=False),
    Column("reason_code", Text, nullable=False),
    Column("reason_system", Text, nullable=False),
    Column("reason_display", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("synthetic", Boolean, nullable=False),
    PrimaryKeyConstraint("fingerprint"),
    Index(None, "card"),
    Index(None, "received_at"),
)

ACCEPTED_SUGGESTIONS: Final = Table(
    "accepted_suggestions",
    METADATA,
    Column("feedback", Text, nullable=False),
    Column("suggestion", Text, nullable=False),
    PrimaryKeyConstraint("feedback", "suggestion"),
    ForeignKeyConstraint(["feedback"], ["feedback.fingerprint"], ondelete="CASCADE"),
    Index(None, "suggestion"),
)
