"""Filed claims: a wallet-signed statement that an order was a covered liquidation."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard.intake.accounts import IntakeRefused
from leverageguard.store.intake_tables import FiledClaim, Quote

if TYPE_CHECKING:
    from leverageguard.domain import signing


class ReferenceReused(IntakeRefused):
    """The reference was used for another filing."""


@dataclass(frozen=True)
class Filing:
    """A filed claim whose order the exchange client may have to look up."""

    filing_id: str
    account_id: str
    inst_id: str
    order_id: str


def file(
    session: Session,
    reference: str,
    filing: signing.Filing,
    signature: str,
    chain_id: int,
    filed_at_ms: int,
) -> str:
    """Record a claim and return its filing id; the same reference again is a no-op.

    Raises IntakeRefused for a policy nobody was quoted, ReferenceReused for another filing under
    the reference. Who signed is recovered and recorded;
    whether that wallet may claim is decided with the evidence.
    """
    from leverageguard.domain import signing  # signature code is heavy, and readers never need it

    filing_id = "fil_" + sha256(f"{reference}|{signature}".encode()).hexdigest()[:24]
    if session.get(FiledClaim, filing_id) is not None:
        return filing_id
    if session.scalar(select(FiledClaim).where(FiledClaim.reference == reference)) is not None:
        raise ReferenceReused(f"reference {reference!r} was used for another filing: choose one")
    if session.get(Quote, filing.policy) is None:
        raise IntakeRefused(f"policy {filing.policy!r} does not exist: name the policy you bought")
    session.add(
        FiledClaim(
            filing_id=filing_id,
            reference=reference,
            policy_id=filing.policy,
            claimed_by=signing.signer(filing, chain_id, signature),
            inst_id=filing.inst_id,
            order_id=filing.order_id,
            signature=signature,
            filed_at_ms=filed_at_ms,
            created_at_ms=filed_at_ms,
        )
    )
    session.flush()
    return filing_id


def open_filings(session: Session, account_ids: Collection[str]) -> list[Filing]:
    """Every claim filed on one of the accounts, by the policy that insures it, oldest first."""
    query = (
        select(FiledClaim, Quote.account_id)
        .join(Quote, Quote.quote_id == FiledClaim.policy_id)
        .where(Quote.account_id.in_(account_ids))
        .order_by(FiledClaim.filed_at_ms, FiledClaim.filing_id)
    )
    return [
        Filing(row.filing_id, account_id, row.inst_id, row.order_id)
        for row, account_id in session.execute(query)
    ]
