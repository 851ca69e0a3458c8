"""Why a quote is refused: stable codes, and a row for each refusal."""

from __future__ import annotations

from hashlib import sha256

from sqlalchemy.orm import Session

from leverageguard.store.sales_tables import QuoteRefusal
from leverageguard.underwriting.asking import Asked

CODES = frozenset({
    "ACCOUNT_NOT_BOUND", "CAPACITY", "COVER_NOT_SOLD", "FUND_HALTED", "LEVERAGE_NOT_SOLD",
    "PARTY_BLOCKED", "PREMIUM_SHARE", "PRICE_INADEQUATE", "PRINCIPAL_OUT_OF_BOUNDS",
    "PRODUCT_NOT_SOLD", "REFERENCE_REUSED", "REFERRER_NOT_ALLOWED", "SALES_PAUSED",
    "SYMBOL_NOT_SOLD",
})  # fmt: skip


class QuoteRefused(ValueError):
    """No quote: `code` is one of CODES, the message says what would be quoted instead."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message = code, message


def record(
    session: Session, asked: Asked, product_version: str, refused: QuoteRefused, at_ms: int
) -> None:
    """Store one refusal; the same one at the same moment is one row."""
    body = asked.body()
    told = f"{asked.reference}|{asked.body_hash()}|{refused.code}|{at_ms}"
    refusal_id = "0x" + sha256(told.encode()).hexdigest()
    if session.get(QuoteRefusal, refusal_id) is None:
        session.add(
            QuoteRefusal(
                refusal_id=refusal_id,
                reference=asked.reference,
                wallet=asked.wallet.lower(),
                product_version=product_version,
                reason_code=refused.code,
                message=refused.message[:500],
                body=body,
                body_hash=asked.body_hash(),
                created_at_ms=at_ms,
            )
        )
