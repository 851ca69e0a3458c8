"""incidents: what stops the payments until somebody resolved it."""

import sqlalchemy as sa
from alembic import op

from leverageguard.store.incident_tables import TRIGGERS

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "incidents",
        sa.Column("incident_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(length=48), nullable=False),
        sa.Column("subject", sa.String(length=160), nullable=False),
        sa.Column("detail", sa.String(length=2000), nullable=False),
        sa.Column("open_key", sa.String(length=240), nullable=True),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.String(length=128), nullable=False),
        sa.Column("resolved_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("resolved_by", sa.String(length=128), nullable=True),
        sa.Column("resolution", sa.String(length=2000), nullable=True),
        sa.CheckConstraint(
            "(open_key IS NULL) = (resolved_at_ms IS NOT NULL)",
            name=op.f("ck_incidents_open_until_resolved"),
        ),
        sa.CheckConstraint(
            "(resolved_at_ms IS NULL) = (resolved_by IS NULL) "
            "AND (resolved_at_ms IS NULL) = (resolution IS NULL)",
            name=op.f("ck_incidents_resolved_by_somebody_for_a_reason"),
        ),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_incidents")),
        sa.UniqueConstraint("open_key", name=op.f("uq_incidents_open_key")),
    )
    for trigger in TRIGGERS:
        op.execute(trigger)


def downgrade() -> None:
    """Take it back."""
    op.drop_table("incidents")
