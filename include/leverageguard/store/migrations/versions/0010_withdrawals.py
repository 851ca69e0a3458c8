"""fund_requests: withdrawals from the pools"""

import sqlalchemy as sa
from alembic import op

from leverageguard.store.fund_tables import REQUEST_TRIGGERS

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "fund_requests",
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("recipient", sa.String(length=42), nullable=False),
        sa.Column("amount_micro_usdc", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(length=500), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("requested_by", sa.String(length=128), nullable=False),
        sa.Column("changed_by", sa.String(length=128), nullable=False),
        sa.Column("requested_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.String(length=66), nullable=True),
        sa.Column("tx_raw", sa.LargeBinary(), nullable=True),
        sa.Column("tx_nonce", sa.BigInteger(), nullable=True),
        sa.Column("withdrawal_no", sa.BigInteger(), nullable=True),
        sa.Column("ready_at_s", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('REQUESTED', 'APPROVED', 'ASKING', 'TIMELOCKED', 'TAKING', 'PAID', "
            "'REJECTED', 'CANCELLED', 'EXPIRED')",
            name=op.f("ck_fund_requests_state_known"),
        ),
        sa.CheckConstraint("amount_micro_usdc > 0", name=op.f("ck_fund_requests_amount_positive")),
        sa.CheckConstraint(
            "(withdrawal_no IS NULL) = (ready_at_s IS NULL)",
            name=op.f("ck_fund_requests_timelocked_until_a_time"),
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_fund_requests")),
    )
    for trigger in REQUEST_TRIGGERS:
        op.execute(trigger)
