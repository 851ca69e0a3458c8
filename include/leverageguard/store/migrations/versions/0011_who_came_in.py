"""used_nonces, service_accounts; whose request wrote a row of the audit log, and over what"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "used_nonces",
        sa.Column("nonce", sa.String(length=96), nullable=False),
        sa.Column("wallet", sa.String(length=42), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_used_nonces")),
    )
    op.create_index(op.f("ix_used_nonces_expires_at_ms"), "used_nonces", ["expires_at_ms"])
    op.create_table(
        "service_accounts",
        sa.Column("account_id", sa.String(length=24), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("key_hash", sa.String(length=66), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_by", sa.String(length=128), nullable=True),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(revoked_at_ms IS NULL) = (revoked_by IS NULL)",
            name=op.f("ck_service_accounts_revoked_by_somebody"),
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_service_accounts")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_service_accounts_key_hash")),
        sa.UniqueConstraint("name", name=op.f("uq_service_accounts_name")),
    )
    # The log is append-only: its rows of before keep NULLs, which their hashes do not cover.
    op.add_column("audit_events", sa.Column("before", sa.String(), nullable=True))
    op.add_column("audit_events", sa.Column("caller", sa.String(length=128), nullable=True))
    op.add_column("audit_events", sa.Column("request_id", sa.String(length=64), nullable=True))
