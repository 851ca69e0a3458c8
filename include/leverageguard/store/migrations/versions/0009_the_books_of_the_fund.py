"""ledger_entries: claims, chains and blocks, when an entry was recorded, and what it restates."""

from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

from leverageguard.store.ledger_tables import TRIGGERS

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Bring the schema forward; what was booked before keeps its ids and amounts."""
    booked = op.get_bind().execute(sa.text("SELECT * FROM ledger_entries")).mappings().all()
    op.drop_table("ledger_entries")
    table = op.create_table(
        "ledger_entries",
        sa.Column("entry_id", sa.String(length=64), nullable=False),
        sa.Column("leg_no", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("account", sa.String(length=48), nullable=False),
        sa.Column("amount_micro_usdc", sa.BigInteger(), nullable=False),
        sa.Column("party", sa.String(length=42), nullable=True),
        sa.Column("policy_id", sa.String(length=66), nullable=True),
        sa.Column("claim_id", sa.String(length=64), nullable=True),
        sa.Column("chain_id", sa.BigInteger(), nullable=True),
        sa.Column("block_number", sa.BigInteger(), nullable=True),
        sa.Column("occurred_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("restates", sa.String(length=64), nullable=True),
        sa.CheckConstraint("leg_no > 0", name=op.f("ck_ledger_entries_leg_no_positive")),
        sa.CheckConstraint("amount_micro_usdc <> 0", name=op.f("ck_ledger_entries_amount_moves")),
        sa.CheckConstraint(
            "kind <> 'reversal' OR restates IS NOT NULL",
            name=op.f("ck_ledger_entries_reversal_of_an_entry"),
        ),
        sa.PrimaryKeyConstraint("entry_id", "leg_no", name=op.f("pk_ledger_entries")),
    )
    for column in ("account", "party", "policy_id", "source", "restates"):
        op.create_index(op.f(f"ix_ledger_entries_{column}"), "ledger_entries", [column])
    ids = {row["entry_id"] for row in booked}
    if booked:
        op.bulk_insert(table, [_as_now(row, ids) for row in booked])
    for trigger in TRIGGERS:
        op.execute(trigger)


def _as_now(row: Any, ids: set[str]) -> dict[str, Any]:
    """A leg with what its source says of the chain; it was recorded when it occurred at soonest."""
    known = dict(row) | {"claim_id": None, "block_number": None, "restates": None}
    known |= {"recorded_at_ms": row["occurred_at_ms"], "chain_id": int(row["source"].split(":")[0])}
    if row["kind"] == "reversal":
        undone = (sha256(f"{row['source']}|{kind}".encode()) for kind in ("purchase", "refund"))
        known["restates"] = next(each.hexdigest() for each in undone if each.hexdigest() in ids)
    return known
