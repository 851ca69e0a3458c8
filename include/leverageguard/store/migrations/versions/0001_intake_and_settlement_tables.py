"""intake and settlement tables."""

import sqlalchemy as sa
from alembic import op

from leverageguard.store.settlement_tables import TRIGGERS

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "accounts",
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("exchange", sa.String(length=32), nullable=False),
        sa.Column("uid", sa.String(length=64), nullable=False),
        sa.Column("root_uid", sa.String(length=64), nullable=False),
        sa.Column("wallet", sa.String(length=42), nullable=False),
        sa.Column("encrypted_credentials", sa.LargeBinary(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_accounts")),
    )
    op.create_table(
        "batches",
        sa.Column("batch_id", sa.String(length=64), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("batch_no", sa.BigInteger(), nullable=False),
        sa.Column("claim_count", sa.Integer(), nullable=False),
        sa.Column("total_micro_usdc", sa.BigInteger(), nullable=False),
        sa.Column("evidence_root", sa.String(length=66), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tx_hash", sa.String(length=66), nullable=True),
        sa.Column("gas_used", sa.BigInteger(), nullable=True),
        sa.Column("planned_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("is_landed", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "state IN ('PLANNED', 'SIGNED', 'SENT', 'PAY_UNKNOWN', 'REVERTED', 'MINED', 'FINAL')",
            name=op.f("ck_batches_state_known"),
        ),
        sa.CheckConstraint("batch_no > 0", name=op.f("ck_batches_batch_no_positive")),
        sa.CheckConstraint("claim_count > 0", name=op.f("ck_batches_claim_count_positive")),
        sa.CheckConstraint("total_micro_usdc > 0", name=op.f("ck_batches_total_positive")),
        sa.PrimaryKeyConstraint("batch_id", name=op.f("pk_batches")),
        sa.UniqueConstraint("batch_id", "chain_id", name=op.f("uq_batches_batch_id_chain_id")),
        sa.UniqueConstraint("chain_id", "batch_no", name=op.f("uq_batches_chain_id_batch_no")),
    )
    op.create_table(
        "leases",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("contract", sa.String(length=42), nullable=False),
        sa.Column("owner", sa.String(length=128), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "contract", name=op.f("pk_leases")),
    )
    op.create_table(
        "bindings",
        sa.Column("binding_id", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("exchange", sa.String(length=32), nullable=False),
        sa.Column("uid", sa.String(length=64), nullable=False),
        sa.Column("wallet", sa.String(length=42), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.String(length=140), nullable=False),
        sa.Column("signer", sa.String(length=42), nullable=False),
        sa.Column("signed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_bindings_account_id")
        ),
        sa.PrimaryKeyConstraint("binding_id", name=op.f("pk_bindings")),
        sa.UniqueConstraint("account_id", "nonce", name=op.f("uq_bindings_account_id_nonce")),
    )
    op.create_table(
        "payouts",
        sa.Column("chain_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("claim_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("claim_id", sa.String(length=64), nullable=False),
        sa.Column("liquidation_event_id", sa.String(length=160), nullable=False),
        sa.Column("policy_id", sa.String(length=66), nullable=False),
        sa.Column("party", sa.String(length=42), nullable=False),
        sa.Column("batch_id", sa.String(length=64), nullable=False),
        sa.Column("recipient", sa.String(length=42), nullable=False),
        sa.Column("amount_micro_usdc", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tx_hash", sa.String(length=66), nullable=True),
        sa.Column("log_index", sa.Integer(), nullable=True),
        sa.Column("planned_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('PLANNED', 'SIGNED', 'SENT', 'PAY_UNKNOWN', 'REVERTED', 'MINED', 'PAID', 'FAILED')",
            name=op.f("ck_payouts_state_known"),
        ),
        sa.CheckConstraint("amount_micro_usdc > 0", name=op.f("ck_payouts_amount_positive")),
        sa.CheckConstraint("claim_index > 0", name=op.f("ck_payouts_claim_index_positive")),
        sa.ForeignKeyConstraint(
            ["batch_id", "chain_id"],
            ["batches.batch_id", "batches.chain_id"],
            name=op.f("fk_payouts_batch_id_chain_id"),
        ),
        sa.PrimaryKeyConstraint("chain_id", "claim_index", name=op.f("pk_payouts")),
        sa.UniqueConstraint("claim_id", name=op.f("uq_payouts_claim_id")),
        sa.UniqueConstraint("liquidation_event_id", name=op.f("uq_payouts_liquidation_event_id")),
    )
    with op.batch_alter_table("payouts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_payouts_batch_id"), ["batch_id"], unique=False)

    op.create_table(
        "quotes",
        sa.Column("quote_id", sa.String(length=66), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("wallet", sa.String(length=42), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("product_version", sa.String(length=64), nullable=False),
        sa.Column("terms_hash", sa.String(length=66), nullable=False),
        sa.Column("inst_id", sa.String(length=64), nullable=False),
        sa.Column("leverage", sa.Integer(), nullable=False),
        sa.Column("principal_micro_usdc", sa.BigInteger(), nullable=False),
        sa.Column("premium_micro_usdc", sa.BigInteger(), nullable=False),
        sa.Column("payout_rate_ppm", sa.BigInteger(), nullable=False),
        sa.Column("max_payout_micro_usdc", sa.BigInteger(), nullable=False),
        sa.Column("cover_seconds", sa.BigInteger(), nullable=False),
        sa.Column("wait_seconds", sa.BigInteger(), nullable=False),
        sa.Column("filing_grace_seconds", sa.BigInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("max_payout_micro_usdc > 0", name=op.f("ck_quotes_max_payout_positive")),
        sa.CheckConstraint("payout_rate_ppm > 0", name=op.f("ck_quotes_payout_rate_positive")),
        sa.CheckConstraint("premium_micro_usdc > 0", name=op.f("ck_quotes_premium_positive")),
        sa.CheckConstraint("principal_micro_usdc > 0", name=op.f("ck_quotes_principal_positive")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_quotes_account_id")
        ),
        sa.PrimaryKeyConstraint("quote_id", name=op.f("pk_quotes")),
        sa.UniqueConstraint("reference", name=op.f("uq_quotes_reference")),
    )
    op.create_table(
        "settlement_events",
        sa.Column("event_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("batch_id", sa.String(length=64), nullable=False),
        sa.Column("claim_id", sa.String(length=64), nullable=True),
        sa.Column("tx_hash", sa.String(length=66), nullable=True),
        sa.Column("from_state", sa.String(length=16), nullable=True),
        sa.Column("to_state", sa.String(length=16), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("rule", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.batch_id"], name=op.f("fk_settlement_events_batch_id")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_settlement_events")),
    )
    with op.batch_alter_table("settlement_events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_settlement_events_batch_id"), ["batch_id"], unique=False
        )

    op.create_table(
        "transactions",
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.Column("batch_id", sa.String(length=64), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("sender", sa.String(length=42), nullable=False),
        sa.Column("nonce", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("payouts_hash", sa.String(length=66), nullable=False),
        sa.Column("deadline_s", sa.BigInteger(), nullable=False),
        sa.Column("gas_limit", sa.BigInteger(), nullable=False),
        sa.Column("max_fee_per_gas_wei", sa.String(length=32), nullable=False),
        sa.Column("priority_fee_per_gas_wei", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("block_hash", sa.String(length=66), nullable=True),
        sa.Column("gas_used", sa.BigInteger(), nullable=True),
        sa.Column("effective_gas_price_wei", sa.String(length=32), nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("updated_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('SIGNED', 'SENT', 'MINED', 'FINAL', 'REPLACED', 'REVERTED')",
            name=op.f("ck_transactions_state_known"),
        ),
        sa.CheckConstraint("nonce >= 0", name=op.f("ck_transactions_nonce_not_negative")),
        sa.ForeignKeyConstraint(
            ["batch_id", "chain_id"],
            ["batches.batch_id", "batches.chain_id"],
            name=op.f("fk_transactions_batch_id_chain_id"),
        ),
        sa.PrimaryKeyConstraint("tx_hash", name=op.f("pk_transactions")),
    )
    with op.batch_alter_table("transactions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transactions_batch_id"), ["batch_id"], unique=False)
        batch_op.create_index(
            "ix_transactions_chain_sender_nonce", ["chain_id", "sender", "nonce"], unique=False
        )

    op.create_table(
        "filed_claims",
        sa.Column("filing_id", sa.String(length=64), nullable=False),
        sa.Column("reference", sa.String(length=64), nullable=False),
        sa.Column("policy_id", sa.String(length=66), nullable=False),
        sa.Column("claimed_by", sa.String(length=42), nullable=False),
        sa.Column("inst_id", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.String(length=140), nullable=False),
        sa.Column("filed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["policy_id"], ["quotes.quote_id"], name=op.f("fk_filed_claims_policy_id")
        ),
        sa.PrimaryKeyConstraint("filing_id", name=op.f("pk_filed_claims")),
        sa.UniqueConstraint("reference", name=op.f("uq_filed_claims_reference")),
    )
    for trigger in TRIGGERS:
        op.execute(trigger)


def downgrade() -> None:
    """Take it back."""
    op.drop_table("filed_claims")
    with op.batch_alter_table("transactions", schema=None) as batch_op:
        batch_op.drop_index("ix_transactions_chain_sender_nonce")
        batch_op.drop_index(batch_op.f("ix_transactions_batch_id"))

    op.drop_table("transactions")
    with op.batch_alter_table("settlement_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_settlement_events_batch_id"))

    op.drop_table("settlement_events")
    op.drop_table("quotes")
    with op.batch_alter_table("payouts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_payouts_batch_id"))

    op.drop_table("payouts")
    op.drop_table("bindings")
    op.drop_table("leases")
    op.drop_table("batches")
    op.drop_table("accounts")
