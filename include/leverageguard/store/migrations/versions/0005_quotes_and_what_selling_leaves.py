"""quotes: what they rest on; refusals, and purchases in double entry."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from leverageguard.store.sales_tables import TRIGGERS

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

QUOTE_COLUMNS: dict[str, sa.types.TypeEngine[Any]] = {
    "expires_at_ms": sa.BigInteger(),
    "body_hash": sa.String(length=66),
    "base_asset": sa.String(length=16),
    "side": sa.String(length=8),
    "model_version": sa.String(length=64),
    "p_ppm": sa.BigInteger(),
    "expected_loss_micro_usdc": sa.BigInteger(),
    "surcharge_micro_usdc": sa.BigInteger(),
    "referrer": sa.String(length=42),
    "referral_micro_usdc": sa.BigInteger(),
    "inputs": sa.String(length=4000),
    "inputs_hash": sa.String(length=66),
    "chain_id": sa.BigInteger(),
    "signature": sa.String(length=140),
}


def upgrade() -> None:
    """Bring the schema forward."""
    for name, kind in QUOTE_COLUMNS.items():
        op.add_column("quotes", sa.Column(name, kind, nullable=True))
    op.create_table(
        "quote_refusals",
        sa.Column("refusal_id", sa.String(length=66), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("wallet", sa.String(length=42), nullable=False),
        sa.Column("product_version", sa.String(length=64), nullable=False),
        sa.Column("reason_code", sa.String(length=32), nullable=False),
        sa.Column("message", sa.String(length=500), nullable=False),
        sa.Column("body", sa.String(length=2000), nullable=False),
        sa.Column("body_hash", sa.String(length=66), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("refusal_id", name=op.f("pk_quote_refusals")),
    )
    for column in ("reference", "reason_code"):
        op.create_index(op.f(f"ix_quote_refusals_{column}"), "quote_refusals", [column])
    op.create_table(
        "ledger_entries",
        sa.Column("entry_id", sa.String(length=64), nullable=False),
        sa.Column("leg_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("account", sa.String(length=48), nullable=False),
        sa.Column("amount_micro_usdc", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.String(length=42), nullable=False),
        sa.Column("policy_id", sa.String(length=66), nullable=False),
        sa.Column("occurred_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.CheckConstraint("leg_no > 0", name=op.f("ck_ledger_entries_leg_no_positive")),
        sa.CheckConstraint("amount_micro_usdc <> 0", name=op.f("ck_ledger_entries_amount_moves")),
        sa.ForeignKeyConstraint(
            ["policy_id"], ["quotes.quote_id"], name=op.f("fk_ledger_entries_policy_id")
        ),
        sa.PrimaryKeyConstraint("entry_id", "leg_no", name=op.f("pk_ledger_entries")),
    )
    for column in ("party", "policy_id"):
        op.create_index(op.f(f"ix_ledger_entries_{column}"), "ledger_entries", [column])
    for trigger in TRIGGERS:
        op.execute(trigger)
