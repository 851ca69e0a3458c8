"""notifications: where traders are told, and what is told once."""

import sqlalchemy as sa
from alembic import op

revision = "0003a"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "contacts",
        sa.Column("wallet", sa.String(length=42), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("encrypted_address", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "channel IN ('email', 'webhook')", name=op.f("ck_contacts_channel_known")
        ),
        sa.PrimaryKeyConstraint("wallet", "channel", name=op.f("pk_contacts")),
    )
    op.create_table(
        "notifications",
        sa.Column("notification_id", sa.String(length=64), nullable=False),
        sa.Column("wallet", sa.String(length=42), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("claim_id", sa.String(length=64), nullable=False),
        sa.Column("txn_no", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=500), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("sent_at_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "channel IN ('email', 'webhook')", name=op.f("ck_notifications_channel_known")
        ),
        sa.CheckConstraint(
            "kind IN ('received', 'decided', 'paid', 'appeal')",
            name=op.f("ck_notifications_kind_known"),
        ),
        sa.CheckConstraint(
            "state IN ('PENDING', 'SENT', 'FAILED')", name=op.f("ck_notifications_state_known")
        ),
        sa.CheckConstraint("tries >= 0", name=op.f("ck_notifications_tries_not_negative")),
        sa.PrimaryKeyConstraint("notification_id", name=op.f("pk_notifications")),
        sa.UniqueConstraint(
            "claim_id", "txn_no", "channel", name=op.f("uq_notifications_claim_id_txn_no_channel")
        ),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("notifications")
    op.drop_table("contacts")
