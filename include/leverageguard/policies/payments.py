"""Money that reached a pool and bought no policy as quoted: queued once, until it is answered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.domain.money import text_from_micro
from leverageguard.domain.policy import Purchase, Quoted, differences
from leverageguard.store import base
from leverageguard.store.policy_tables import PaymentException

LONGEST = 2000  # characters of a detail or a resolution that are kept
RULES = "rules"
_SAYS = {
    "UNKNOWN_QUOTE": "no such quote was issued",
    "ALREADY_BOUGHT": "the quote had been bought before",
    "QUOTE_CLOSED": "the quote was closed before the purchase was read",
}
_log = structlog.get_logger(__name__)


class PaymentRefused(ValueError):
    """A payment cannot be resolved this way; the message says why."""


@dataclass(frozen=True)
class Payment:
    """Money as it reached a pool; `quote_id` is what the payer named, None for a plain transfer."""

    chain_id: int
    tx_hash: str
    log_index: int
    payer: str
    amount_micro_usdc: int
    quote_id: str | None
    at_ms: int

    @property
    def payment_id(self) -> str:
        """`chain id:tx hash:log index`."""
        return f"{self.chain_id}:{self.tx_hash}:{self.log_index}"


@dataclass(frozen=True)
class Unmatched:
    """A payment that bought nothing as quoted: a stable code, and in words why."""

    payment: Payment
    reason_code: str
    detail: str


def of_purchase(bought: Purchase) -> Payment:
    """The payment a purchase is."""
    return Payment(
        bought.chain_id,
        bought.tx_hash,
        bought.log_index,
        bought.buyer,
        bought.premium_micro_usdc,
        bought.quote_id,
        bought.at_ms,
    )


def unmatched(paid: Purchase, quoted: Quoted | None, bought: Purchase | None) -> Unmatched | None:
    """Why a purchase bought nothing, None when it did.

    `bought` is the purchase its policy was registered with.
    """
    if quoted is None:
        return _because(paid, "UNKNOWN_QUOTE")
    if bought is None:
        return _because(paid, "QUOTE_CLOSED")
    if bought.key != paid.key:
        # One transaction read in two places by a reorg is one payment.
        return None if bought.tx_hash == paid.tx_hash else _because(paid, "ALREADY_BOUGHT")
    wrong = differences(quoted, paid)
    return Unmatched(of_purchase(paid), wrong[0], _compared(wrong, quoted, paid)) if wrong else None


def plain_transfer(paid: Payment) -> Unmatched:
    """Money that names neither quote nor deposit."""
    return Unmatched(paid, "PLAIN_TRANSFER", "sent to the pool itself: it names no quote")


def queue(session: Session, found: Iterable[Unmatched], now_ms: int) -> int:
    """Record the payments that were never queued before; how many those were."""
    known = set(session.scalars(select(PaymentException.payment_id)))
    fresh = [each for each in found if each.payment.payment_id not in known]
    for each in fresh:
        paid = each.payment
        session.add(
            PaymentException(
                payment_id=paid.payment_id,
                chain_id=paid.chain_id,
                tx_hash=paid.tx_hash,
                log_index=paid.log_index,
                payer=paid.payer,
                amount_micro_usdc=paid.amount_micro_usdc,
                quote_id=paid.quote_id,
                reason_code=each.reason_code,
                detail=each.detail[:LONGEST],
                paid_at_ms=paid.at_ms,
                created_at_ms=now_ms,
            )
        )
        _log.warning("payment_unmatched", payment_id=paid.payment_id, reason_code=each.reason_code)
    session.flush()
    return len(fresh)


def settle(session: Session, accepted: Iterable[Purchase], now_ms: int) -> int:
    """Resolve queued payments that bought their policy after all: the quote arrived later."""
    bought = {of_purchase(each).payment_id: each.quote_id for each in accepted}
    query = select(PaymentException).where(PaymentException.resolved_at_ms.is_(None))
    settled = [row for row in session.scalars(query) if row.payment_id in bought]
    for row in settled:
        _resolve(row, f"it bought policy {bought[row.payment_id]} as quoted", RULES, now_ms)
    session.flush()
    return len(settled)


def resolve(settings: Settings, payment_id: str, why: str, actor: str) -> PaymentException:
    """Answer one queued payment for a reason; raises PaymentRefused when there is none such."""
    if not why.strip():
        raise PaymentRefused("a payment is resolved for a reason: say it with --why")
    with base.session(settings) as session:
        found = session.get(PaymentException, payment_id)
        if found is None:
            raise PaymentRefused(
                f"no payment {payment_id!r} is queued: see ./leverageguard payments"
            )
        if found.resolved_at_ms is not None:
            raise PaymentRefused(
                f"payment {payment_id} was resolved by {found.resolved_by}: {found.resolution}"
            )
        _resolve(found, why.strip()[:LONGEST], actor, clock.now_ms())
    _log.warning("payment_resolved", payment_id=payment_id, actor=actor, why=found.resolution)
    return found


def queued(settings: Settings, is_every_one: bool = False) -> list[PaymentException]:
    """Payments that wait for an answer, or all there ever were, oldest first."""
    query = select(PaymentException)
    if not is_every_one:
        query = query.where(PaymentException.resolved_at_ms.is_(None))
    with base.session(settings) as session:
        ordered = query.order_by(PaymentException.paid_at_ms, PaymentException.payment_id)
        return list(session.scalars(ordered))


def lines(rows: list[PaymentException]) -> list[str]:
    """The printed queue: each payment with its reason, its id and what became of it."""
    if not rows:
        return ["no payment waits for an answer"]
    printed = [f"{'paid (UTC)':<19}  {'USDC':>14}  {'payer':<42}  reason"]
    for row in rows:
        paid = datetime.fromtimestamp(row.paid_at_ms / 1000, UTC)
        printed.append(
            f"{paid:%Y-%m-%d %H:%M:%S}  {text_from_micro(row.amount_micro_usdc):>14}  "
            f"{row.payer:<42}  {row.reason_code}"
        )
        printed.append(f"  {row.payment_id}")
        printed.append(f"  {row.detail}")
        if row.resolved_at_ms is not None:
            printed.append(f"  resolved by {row.resolved_by}: {row.resolution}")
    return printed


def _resolve(row: PaymentException, why: str, actor: str, now_ms: int) -> None:
    row.resolved_at_ms, row.resolved_by, row.resolution = now_ms, actor, why


def _because(paid: Purchase, code: str) -> Unmatched:
    return Unmatched(of_purchase(paid), code, f"quote {paid.quote_id}: {_SAYS[code]}")


def _compared(wrong: tuple[str, ...], quoted: Quoted, paid: Purchase) -> str:
    pairs = {
        "WRONG_BUYER": (quoted.wallet, paid.buyer),
        "PREMIUM_SHORT": (quoted.premium_micro_usdc, paid.premium_micro_usdc),
        "PREMIUM_DIFFERS": (quoted.premium_micro_usdc, paid.premium_micro_usdc),
        "MAX_PAYOUT_DIFFERS": (quoted.max_payout_micro_usdc, paid.max_payout_micro_usdc),
        "TERMS_DIFFER": (quoted.terms_hash, paid.terms_hash),
        "QUOTE_EXPIRED": (quoted.expires_at_ms, paid.at_ms),
    }
    told = (f"{code}: quoted {pairs[code][0]}, bought {pairs[code][1]}" for code in wrong)
    return f"quote {quoted.policy_id}: {'; '.join(told)}"
