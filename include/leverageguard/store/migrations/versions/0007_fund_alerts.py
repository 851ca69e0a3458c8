"""fund_alerts: thresholds that were crossed, and what that halted"""

import sqlalchemy as sa
from alembic import op

from leverageguard.store.fund_tables import TRIGGERS

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "fund_alerts",
        sa.Column("alert_no", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("threshold_id", sa.String(length=48), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("from_leverage", sa.Integer(), nullable=True),
        sa.Column("figure", sa.BigInteger(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("open_key", sa.String(length=80), nullable=True),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.String(length=128), nullable=False),
        sa.Column("seen_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("told_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("closed_at_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "action IN ('halt_payouts', 'halt_sales', 'pause_leverage', 'tell')",
            name=op.f("ck_fund_alerts_action_known"),
        ),
        sa.CheckConstraint(
            "(open_key IS NULL) = (closed_at_ms IS NOT NULL)",
            name=op.f("ck_fund_alerts_open_until_closed"),
        ),
        sa.PrimaryKeyConstraint("alert_no", name=op.f("pk_fund_alerts")),
        sa.UniqueConstraint("open_key", name=op.f("uq_fund_alerts_open_key")),
    )
    for trigger in TRIGGERS:
        op.execute(trigger)
