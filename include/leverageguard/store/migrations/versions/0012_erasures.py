"""erasures: whose personal data was erased"""

import sqlalchemy as sa
from alembic import op

from leverageguard.store.erasure_tables import TRIGGERS

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "erasures",
        sa.Column("erasure_id", sa.String(length=64), nullable=False),
        sa.Column("wallet", sa.String(length=42), nullable=False),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.Column("erased_by", sa.String(length=128), nullable=False),
        sa.Column("erased_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("contact_count", sa.Integer(), nullable=False),
        sa.Column("key_count", sa.Integer(), nullable=False),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "contact_count >= 0 AND key_count >= 0 AND message_count >= 0",
            name=op.f("ck_erasures_counts_not_negative"),
        ),
        sa.PrimaryKeyConstraint("erasure_id", name=op.f("pk_erasures")),
    )
    op.create_index(op.f("ix_erasures_wallet"), "erasures", ["wallet"])
    for trigger in TRIGGERS:
        op.execute(trigger)
