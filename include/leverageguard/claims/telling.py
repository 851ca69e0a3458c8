"""The moves of claims as parts of their traces: each lasts from the move before it."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select

from leverageguard import telemetry
from leverageguard.claims import register
from leverageguard.config import Settings
from leverageguard.lake_settings import Warehouse
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.store.intake_tables import FiledClaim
from leverageguard.store.settlement_tables import PayoutRecord
from leverageguard.telemetry import Part
from leverageguard.warehouse import connect, snapshot

# Moves that are written in a transaction of somebody else: told with the one that follows.
ON_THE_SPOT = frozenset({"BATCHED", "WITHDRAWN", "APPEALED"})


def tell(settings: Settings, rows: Collection[ClaimTxn], warehouse: Warehouse | None) -> None:
    """Tell the moves, if anybody is told; `warehouse` is the one that was read, else the
    published snapshot."""
    if not rows or not telemetry.is_on(settings):
        return
    ids = {row.claim_id for row in rows}
    filings = _filings(settings, ids, warehouse)
    with base.session(settings) as session:
        past = register.history(session, ids)
        filed = session.execute(
            select(FiledClaim.filing_id, FiledClaim.created_at_ms).where(
                FiledClaim.filing_id.in_(filings.values())
            )
        )
        filed_ms = {row.filing_id: row.created_at_ms for row in filed}
        payouts = session.scalars(select(PayoutRecord).where(PayoutRecord.claim_id.in_(ids)))
        paid = {row.claim_id: row for row in payouts}
    made = {(row.claim_id, row.txn_no) for row in rows}
    parts = []
    for claim_id, moves in past.items():
        filing_id = filings.get(claim_id)
        before_ms = filed_ms.get(filing_id or "")
        if filing_id and before_ms is not None and (claim_id, 1) in made:
            parts.append(_filed(filing_id, before_ms, moves[0]))
        for row in moves:
            follows = (claim_id, row.txn_no + 1) in made and row.to_state in ON_THE_SPOT
            if follows or (claim_id, row.txn_no) in made:
                parts.append(_part(row, filing_id, before_ms, paid.get(claim_id)))
            before_ms = row.at_ms
    telemetry.tell(settings, parts)


def _filed(filing_id: str, filed_ms: int, first: ClaimTxn) -> Part:
    """Where the trace begins, whoever handed the filing in."""
    attributes = {
        "filing_id": filing_id, "claim_id": first.claim_id, "policy_id": first.policy_id,
    }  # fmt: skip
    return Part(filing_id, telemetry.ROOT, "claim filed", filed_ms, filed_ms, attributes)


def _part(
    row: ClaimTxn, filing_id: str | None, before_ms: int | None, payout: PayoutRecord | None
) -> Part:
    # A claim that nobody filed begins with its first move.
    is_root = filing_id is None and row.txn_no == 1
    attributes: dict[str, str | int] = {
        "claim_id": row.claim_id, "policy_id": row.policy_id, "state": row.to_state,
        "rule": row.rule_id,
    }  # fmt: skip
    if payout is not None:
        attributes |= {"batch_id": payout.batch_id, "tx_hash": payout.tx_hash or ""}
    return Part(
        of=filing_id or row.claim_id,
        key=telemetry.ROOT if is_root else f"{row.claim_id}|{row.txn_no}",
        name=f"claim {row.to_state}",
        from_ms=row.at_ms if before_ms is None else before_ms,
        to_ms=row.at_ms,
        attributes=attributes,
    )


def _filings(
    settings: Settings, ids: Collection[str], warehouse: Warehouse | None
) -> dict[str, str]:
    """The filing of each of the claims that was filed."""
    try:
        source = warehouse or snapshot.current(settings)
    except snapshot.SnapshotError:
        return {}
    query = "select claim_id, filing_id from fct_claims where list_contains(?, claim_id)"
    found = connect.rows(source, query, [sorted(ids)])
    return {row["claim_id"]: row["filing_id"] for row in found if row["filing_id"]}
