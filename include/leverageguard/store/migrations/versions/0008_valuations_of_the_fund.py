"""fund_valuations: what the fund was worth, owed and needed at each instant it was valued."""

import sqlalchemy as sa
from alembic import op

from leverageguard.store.valuation_tables import TRIGGERS

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

MONEY = (
    "cash", "free", "reserved", "written", "earned", "unearned", "unearned_hazard", "case_reserve",
    "ibnr_cl", "ibnr_bf", "payable", "own_funds", "scr_1d", "scr_10d", "independent_1d",
)  # fmt: skip
CHECKS = {
    "unearned_not_negative": "unearned_micro_usdc >= 0",
    "case_reserve_not_negative": "case_reserve_micro_usdc >= 0",
    "payable_not_negative": "payable_micro_usdc >= 0",
    "ibnr_not_negative": "ibnr_cl_micro_usdc >= 0 AND ibnr_bf_micro_usdc >= 0",
    "scr_is_no_gain": "scr_1d_micro_usdc >= 0 AND scr_10d_micro_usdc >= 0",
    "written_is_both": "earned_micro_usdc + unearned_micro_usdc = written_micro_usdc",
    "ratio_of_something": "(solvency_ratio_ppm IS NULL) = (scr_1d_micro_usdc = 0)",
}


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "fund_valuations",
        sa.Column("valuation_id", sa.String(length=66), nullable=False),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("valued_at_ms", "recorded_at_ms", "block_number")
        ),
        *(sa.Column(f"{name}_micro_usdc", sa.BigInteger(), nullable=False) for name in MONEY),
        sa.Column("solvency_ratio_ppm", sa.BigInteger(), nullable=True),
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("paths", sa.Integer(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("details", sa.String(), nullable=False),
        sa.Column("inputs_hash", sa.String(length=66), nullable=False),
        *(
            sa.CheckConstraint(rule, name=op.f(f"ck_fund_valuations_{name}"))
            for name, rule in CHECKS.items()
        ),
        sa.PrimaryKeyConstraint("valuation_id", name=op.f("pk_fund_valuations")),
    )
    op.create_index(op.f("ix_fund_valuations_valued_at_ms"), "fund_valuations", ["valued_at_ms"])
    for trigger in TRIGGERS:
        op.execute(trigger)
