"""verdicts, and the evidence a payout rests on."""

import sqlalchemy as sa
from alembic import op

from leverageguard.store.evidence_tables import TRIGGERS

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "verdicts",
        sa.Column("verdict_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("claim_id", sa.String(length=64), nullable=False),
        sa.Column("verdict_no", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("reasons", sa.String(length=400), nullable=False),
        sa.Column("hold_reasons", sa.String(length=400), nullable=False),
        sa.Column("approved_micro_usdc", sa.BigInteger(), nullable=True),
        sa.Column("evidence_root", sa.String(length=66), nullable=True),
        sa.Column("rules_version", sa.String(length=64), nullable=False),
        sa.Column("product_version", sa.String(length=64), nullable=False),
        sa.Column("decided_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(length=24), nullable=False),
        sa.Column("standing", sa.String(length=16), nullable=True),
        sa.CheckConstraint(
            "approved_micro_usdc >= 0", name=op.f("ck_verdicts_approved_not_negative")
        ),
        sa.CheckConstraint(
            "cause IN ('first', 'evidence_changed', 'rules_changed', 'verdict_changed')",
            name=op.f("ck_verdicts_cause_known"),
        ),
        sa.CheckConstraint(
            "verdict = 'undetermined' OR evidence_root IS NOT NULL",
            name=op.f("ck_verdicts_decided_on_evidence"),
        ),
        sa.CheckConstraint(
            "standing IN ('open', 'stands', 'RECOVERY_OPEN')",
            name=op.f("ck_verdicts_standing_known"),
        ),
        sa.CheckConstraint(
            "verdict IN ('verified', 'rejected', 'undetermined')",
            name=op.f("ck_verdicts_verdict_known"),
        ),
        sa.CheckConstraint("verdict_no > 0", name=op.f("ck_verdicts_verdict_no_positive")),
        sa.PrimaryKeyConstraint("verdict_id", name=op.f("pk_verdicts")),
        sa.UniqueConstraint("claim_id", "verdict_no", name=op.f("uq_verdicts_claim_id_verdict_no")),
    )
    # Null for what was planned before evidence was sealed.
    op.add_column("payouts", sa.Column("evidence_root", sa.String(length=66), nullable=True))
    for trigger in TRIGGERS:
        op.execute(trigger)


def downgrade() -> None:
    """Take it back."""
    of_table = "" if op.get_bind().dialect.name == "sqlite" else " ON payouts"
    op.execute(f"DROP TRIGGER payouts_evidence_fixed{of_table}")
    op.drop_column("payouts", "evidence_root")
    op.drop_table("verdicts")
