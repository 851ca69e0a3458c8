"""claims and policies: their moves, reviews, payments without a policy, audit log."""

import sqlalchemy as sa
from alembic import op

from leverageguard.store import audit_tables, claim_tables, policy_tables

revision = "0004"
down_revision = "0003a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "audit_events",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=250), nullable=False),
        sa.Column("payload", sa.String(), nullable=False),
        sa.Column("prev_hash", sa.String(length=66), nullable=False),
        sa.Column("event_hash", sa.String(length=66), nullable=False),
        sa.CheckConstraint("seq > 0", name=op.f("ck_audit_events_seq_positive")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_events")),
        sa.UniqueConstraint("event_hash", name=op.f("uq_audit_events_event_hash")),
    )
    op.create_index(op.f("ix_audit_events_subject"), "audit_events", ["subject"], unique=False)
    op.create_table(
        "batch_proposals",
        sa.Column("proposal_id", sa.String(length=66), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("claim_count", sa.Integer(), nullable=False),
        sa.Column("total_micro_usdc", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.String(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("proposed_by", sa.String(length=128), nullable=False),
        sa.Column("proposed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_at_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "state IN ('OPEN', 'APPROVED', 'REJECTED', 'PLANNED', 'STALE')",
            name=op.f("ck_batch_proposals_state_known"),
        ),
        sa.CheckConstraint("claim_count > 0", name=op.f("ck_batch_proposals_claim_count_positive")),
        sa.CheckConstraint("total_micro_usdc > 0", name=op.f("ck_batch_proposals_total_positive")),
        sa.PrimaryKeyConstraint("proposal_id", name=op.f("pk_batch_proposals")),
    )
    op.create_table(
        "claim_txns",
        sa.Column("claim_id", sa.String(length=64), nullable=False),
        sa.Column("txn_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("policy_id", sa.String(length=66), nullable=False),
        sa.Column("from_state", sa.String(length=24), nullable=True),
        sa.Column("to_state", sa.String(length=24), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("rule_id", sa.String(length=48), nullable=False),
        sa.Column("inputs_hash", sa.String(length=66), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("reserve_micro_usdc", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(from_state IS NULL) = (txn_no = 1)",
            name=op.f("ck_claim_txns_only_the_first_from_nothing"),
        ),
        sa.CheckConstraint(
            "reserve_micro_usdc >= 0", name=op.f("ck_claim_txns_reserve_not_negative")
        ),
        sa.CheckConstraint("txn_no > 0", name=op.f("ck_claim_txns_txn_no_positive")),
        sa.PrimaryKeyConstraint("claim_id", "txn_no", name=op.f("pk_claim_txns")),
    )
    op.create_table(
        "payment_exceptions",
        sa.Column("payment_id", sa.String(length=120), nullable=False),
        sa.Column("chain_id", sa.BigInteger(), nullable=False),
        sa.Column("tx_hash", sa.String(length=66), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("payer", sa.String(length=42), nullable=False),
        sa.Column("amount_micro_usdc", sa.BigInteger(), nullable=False),
        sa.Column("quote_id", sa.String(length=66), nullable=True),
        sa.Column("reason_code", sa.String(length=48), nullable=False),
        sa.Column("detail", sa.String(length=2000), nullable=False),
        sa.Column("paid_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("resolved_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("resolved_by", sa.String(length=128), nullable=True),
        sa.Column("resolution", sa.String(length=2000), nullable=True),
        sa.CheckConstraint(
            "(resolved_at_ms IS NULL) = (resolved_by IS NULL) AND (resolved_at_ms IS NULL) = (resolution IS NULL)",
            name=op.f("ck_payment_exceptions_resolved_by_somebody_for_a_reason"),
        ),
        sa.CheckConstraint(
            "amount_micro_usdc >= 0", name=op.f("ck_payment_exceptions_amount_not_negative")
        ),
        sa.PrimaryKeyConstraint("payment_id", name=op.f("pk_payment_exceptions")),
        sa.UniqueConstraint(
            "chain_id",
            "tx_hash",
            "log_index",
            name=op.f("uq_payment_exceptions_chain_id_tx_hash_log_index"),
        ),
    )
    op.create_table(
        "policy_txns",
        sa.Column("policy_id", sa.String(length=66), nullable=False),
        sa.Column("txn_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("from_state", sa.String(length=24), nullable=True),
        sa.Column("to_state", sa.String(length=24), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("rule_id", sa.String(length=48), nullable=False),
        sa.Column("inputs_hash", sa.String(length=66), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.CheckConstraint(
            "(from_state IS NULL) = (txn_no = 1)",
            name=op.f("ck_policy_txns_only_the_first_from_nothing"),
        ),
        sa.CheckConstraint("txn_no > 0", name=op.f("ck_policy_txns_txn_no_positive")),
        sa.PrimaryKeyConstraint("policy_id", "txn_no", name=op.f("pk_policy_txns")),
    )
    op.create_table(
        "reviews",
        sa.Column("review_id", sa.String(length=64), nullable=False),
        sa.Column("subject_kind", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.String(length=66), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("covers", sa.String(length=400), nullable=False),
        sa.Column("approvals_needed", sa.Integer(), nullable=False),
        sa.Column("proposed_by", sa.String(length=128), nullable=False),
        sa.Column("asked_in", sa.String(length=250), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("inputs_hash", sa.String(length=66), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("open_key", sa.String(length=100), nullable=True),
        sa.Column("opened_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("closed_at_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(closed_at_ms IS NULL) = (state = 'OPEN')", name=op.f("ck_reviews_closed_at_a_time")
        ),
        sa.CheckConstraint(
            "(open_key IS NULL) = (state <> 'OPEN')", name=op.f("ck_reviews_open_until_closed")
        ),
        sa.CheckConstraint(
            "state IN ('OPEN', 'APPROVED', 'REJECTED', 'REVERIFY', 'REFUSED', 'TIMED_OUT', 'SUPERSEDED')",
            name=op.f("ck_reviews_state_known"),
        ),
        sa.CheckConstraint(
            "approvals_needed > 0", name=op.f("ck_reviews_approvals_needed_positive")
        ),
        sa.PrimaryKeyConstraint("review_id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("open_key", name=op.f("uq_reviews_open_key")),
    )
    op.create_index(op.f("ix_reviews_subject_id"), "reviews", ["subject_id"], unique=False)
    op.create_table(
        "review_answers",
        sa.Column("review_id", sa.String(length=64), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("refusal", sa.String(length=24), nullable=True),
        sa.Column("answered_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "answer IN ('approve', 'reject', 'reverify')",
            name=op.f("ck_review_answers_answer_known"),
        ),
        sa.CheckConstraint("step > 0", name=op.f("ck_review_answers_step_positive")),
        sa.ForeignKeyConstraint(
            ["review_id"], ["reviews.review_id"], name=op.f("fk_review_answers_review_id")
        ),
        sa.PrimaryKeyConstraint("review_id", "step", name=op.f("pk_review_answers")),
    )
    op.create_table(
        "claim_actions",
        sa.Column("action_id", sa.String(length=64), nullable=False),
        sa.Column("claim_id", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("review_id", sa.String(length=64), nullable=True),
        sa.Column("covers", sa.String(length=400), nullable=False),
        sa.Column("evidence_root", sa.String(length=66), nullable=True),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("signature", sa.String(length=140), nullable=True),
        sa.Column("once_key", sa.String(length=100), nullable=True),
        sa.Column("acted_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(once_key IS NOT NULL) = (action IN ('withdraw', 'appeal'))",
            name=op.f("ck_claim_actions_once_for_holders"),
        ),
        sa.CheckConstraint(
            "(review_id IS NOT NULL) = (action IN ('approve', 'reject', 'reverify'))",
            name=op.f("ck_claim_actions_people_answer_reviews"),
        ),
        sa.CheckConstraint(
            "(signature IS NOT NULL) = (action IN ('withdraw', 'appeal'))",
            name=op.f("ck_claim_actions_holders_sign"),
        ),
        sa.CheckConstraint(
            "action IN ('approve', 'reject', 'reverify', 'withdraw', 'appeal')",
            name=op.f("ck_claim_actions_action_known"),
        ),
        sa.ForeignKeyConstraint(
            ["review_id"], ["reviews.review_id"], name=op.f("fk_claim_actions_review_id")
        ),
        sa.PrimaryKeyConstraint("action_id", name=op.f("pk_claim_actions")),
        sa.UniqueConstraint("once_key", name=op.f("uq_claim_actions_once_key")),
        sa.UniqueConstraint("review_id", "actor", name=op.f("uq_claim_actions_review_id_actor")),
    )
    op.create_index(op.f("ix_claim_actions_claim_id"), "claim_actions", ["claim_id"], unique=False)
    op.create_table(
        "policy_endorsements",
        sa.Column("endorsement_id", sa.String(length=64), nullable=False),
        sa.Column("policy_id", sa.String(length=66), nullable=False),
        sa.Column("endorsement_no", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.String(length=64), nullable=False),
        sa.Column("inst_id", sa.String(length=64), nullable=False),
        sa.Column("leverage", sa.Integer(), nullable=False),
        sa.Column("signer", sa.String(length=42), nullable=False),
        sa.Column("signature", sa.String(length=140), nullable=False),
        sa.Column("effective_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "endorsement_no > 0", name=op.f("ck_policy_endorsements_endorsement_no_positive")
        ),
        sa.CheckConstraint("leverage > 0", name=op.f("ck_policy_endorsements_leverage_positive")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.account_id"], name=op.f("fk_policy_endorsements_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"], ["quotes.quote_id"], name=op.f("fk_policy_endorsements_policy_id")
        ),
        sa.PrimaryKeyConstraint("endorsement_id", name=op.f("pk_policy_endorsements")),
        sa.UniqueConstraint(
            "policy_id",
            "endorsement_no",
            name=op.f("uq_policy_endorsements_policy_id_endorsement_no"),
        ),
    )
    tables = (claim_tables, policy_tables, audit_tables)
    for trigger in (trigger for table in tables for trigger in table.TRIGGERS):
        op.execute(trigger)


def downgrade() -> None:
    """Take it back."""
    op.drop_table("policy_endorsements")
    op.drop_index(op.f("ix_claim_actions_claim_id"), table_name="claim_actions")
    op.drop_table("claim_actions")
    op.drop_table("review_answers")
    op.drop_index(op.f("ix_reviews_subject_id"), table_name="reviews")
    op.drop_table("reviews")
    op.drop_table("policy_txns")
    op.drop_table("payment_exceptions")
    op.drop_table("claim_txns")
    op.drop_table("batch_proposals")
    op.drop_index(op.f("ix_audit_events_subject"), table_name="audit_events")
    op.drop_table("audit_events")
