"""risk models: every one fitted, and which one prices."""

import sqlalchemy as sa
from alembic import op

from leverageguard.store.risk_tables import TRIGGERS

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward."""
    op.create_table(
        "risk_models",
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("data_source", sa.String(length=16), nullable=False),
        sa.Column("data_hash", sa.String(length=66), nullable=False),
        sa.Column("row_count", sa.BigInteger(), nullable=False),
        sa.Column("parameters_hash", sa.String(length=66), nullable=False),
        sa.Column("parameters", sa.String(), nullable=False),
        sa.Column("metrics", sa.String(), nullable=False),
        sa.Column("card", sa.String(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('isotonic', 'logistic', 'boosting')", name=op.f("ck_risk_models_kind_known")
        ),
        sa.CheckConstraint(
            "data_source IN ('SIMULATED', 'published')",
            name=op.f("ck_risk_models_data_source_known"),
        ),
        sa.CheckConstraint("row_count > 0", name=op.f("ck_risk_models_rows_there")),
        sa.PrimaryKeyConstraint("model_version", name=op.f("pk_risk_models")),
    )
    op.create_table(
        "risk_promotions",
        sa.Column("promotion_id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("replaced", sa.String(length=64), nullable=False),
        sa.Column("promoted_by", sa.String(length=128), nullable=False),
        sa.Column("why", sa.String(length=2000), nullable=False),
        sa.Column("promoted_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_version"],
            ["risk_models.model_version"],
            name=op.f("fk_risk_promotions_model_version"),
        ),
        sa.PrimaryKeyConstraint("promotion_id", name=op.f("pk_risk_promotions")),
    )
    for trigger in TRIGGERS:
        op.execute(trigger)


def downgrade() -> None:
    """Take it back."""
    op.drop_table("risk_promotions")
    op.drop_table("risk_models")
