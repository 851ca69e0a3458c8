"""What stopped the payments, and who let them go on: one row an incident, never deleted."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from leverageguard.store.append_only import Refusal, guarded
from leverageguard.store.base import Base


class IncidentRecord(Base):
    """One incident; `chain_id` is null where it concerns every chain.

    `open_key` is chain, kind and subject while the incident is open and null afterwards: unique, so
    the same thing is open once at a time, on any database (a unique key over a null would not be).
    """

    __tablename__ = "incidents"
    __table_args__ = (
        CheckConstraint(
            "(open_key IS NULL) = (resolved_at_ms IS NOT NULL)", name="open_until_resolved"
        ),
        CheckConstraint(
            "(resolved_at_ms IS NULL) = (resolved_by IS NULL) "
            "AND (resolved_at_ms IS NULL) = (resolution IS NULL)",
            name="resolved_by_somebody_for_a_reason",
        ),
    )
    incident_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    chain_id: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(48))
    subject: Mapped[str] = mapped_column(String(160))
    detail: Mapped[str] = mapped_column(String(2000))
    open_key: Mapped[str | None] = mapped_column(String(240), unique=True)
    opened_at_ms: Mapped[int] = mapped_column(BigInteger)
    opened_by: Mapped[str] = mapped_column(String(128))
    resolved_at_ms: Mapped[int | None] = mapped_column(BigInteger)
    resolved_by: Mapped[str | None] = mapped_column(String(128))
    resolution: Mapped[str | None] = mapped_column(String(2000))


# A migration that creates the table must execute these too; create_all does so by itself.
TRIGGERS = guarded(
    IncidentRecord,
    Refusal(
        "incidents_no_delete",
        "DELETE",
        "incidents",
        "an incident is never deleted",
    ),
    Refusal(
        "incidents_fixed",
        "UPDATE OF chain_id, kind, subject, detail, opened_at_ms, opened_by",
        "incidents",
        "what was an incident stays as it was told",
    ),
    Refusal(
        "incidents_resolved_once",
        "UPDATE",
        "incidents",
        "a resolved incident stays resolved",
        when="OLD.resolved_at_ms IS NOT NULL",
    ),
)
