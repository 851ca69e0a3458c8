"""The policies that were sold, as a valuation sees them at an instant; money in micro-USDC."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard import seeds
from leverageguard.config import Settings
from leverageguard.domain.policy import cover_end_ms, cover_start_ms
from leverageguard.fund.earning import Earning
from leverageguard.policies import facts, register
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.store.intake_tables import Account, Quote
from leverageguard.store.policy_tables import PolicyEndorsement
from leverageguard.store.settlement_tables import PayoutRecord, SettlementEvent

# From its approval on a claim is payable; before, it is a case.
PAYABLE = frozenset({"APPROVED", "BATCHED", "SETTLING", "PAY_UNKNOWN", "PAY_REFUSED"})


@dataclass(frozen=True)
class Sold:
    """One policy: what it insures, what it paid, and what was paid or is reserved of it.

    `base_asset` is None where no instrument that is sold says it, `side` None for either side.
    """

    policy_id: str
    base_asset: str | None
    side: str | None
    leverage: int
    sum_micro_usdc: int
    paid_micro_usdc: int
    outstanding_micro_usdc: int
    expected_loss_micro_usdc: int | None
    referral_micro_usdc: int
    premium_micro_usdc: int
    refund_micro_usdc: int
    is_cancelled: bool
    start_ms: int
    end_ms: int

    @property
    def earning(self) -> Earning:
        """The premium that was kept; that of a cancelled policy is earned at once."""
        kept = self.premium_micro_usdc - self.refund_micro_usdc
        start_ms = 0 if self.is_cancelled else self.start_ms
        return Earning(kept, start_ms, 1 if self.is_cancelled else self.end_ms)

    @property
    def left_micro_usdc(self) -> int:
        """What of the sum insured no claim has taken yet."""
        taken = self.paid_micro_usdc + self.outstanding_micro_usdc
        return max(0, self.sum_micro_usdc - taken)

    def is_at_risk(self, at_ms: int) -> bool:
        """Whether a liquidation after an instant may still be paid."""
        return not self.is_cancelled and self.end_ms > at_ms and self.left_micro_usdc > 0


@dataclass(frozen=True)
class Claim:
    """Where one claim stood at an instant, and what was paid of it by then."""

    claim_id: str
    policy_id: str
    state: str
    reserve_micro_usdc: int
    paid_micro_usdc: int

    @property
    def incurred_micro_usdc(self) -> int:
        """Paid and reserved."""
        return self.reserve_micro_usdc + self.paid_micro_usdc


def claims(session: Session, at_ms: int) -> list[Claim]:
    """Every claim notified by an instant, by its id."""
    paid = _paid(session, at_ms)
    last = select(ClaimTxn.claim_id, func.max(ClaimTxn.txn_no).label("txn_no"))
    last = last.where(ClaimTxn.at_ms <= at_ms).group_by(ClaimTxn.claim_id)
    newest = last.subquery()
    query = select(ClaimTxn).join(
        newest, (ClaimTxn.claim_id == newest.c.claim_id) & (ClaimTxn.txn_no == newest.c.txn_no)
    )
    return [
        Claim(
            row.claim_id, row.policy_id, row.to_state, row.reserve_micro_usdc,
            paid.get(row.claim_id, 0),
        )
        for row in session.scalars(query.order_by(ClaimTxn.claim_id))
    ]  # fmt: skip


def sold(settings: Settings, session: Session, known: list[Claim], at_ms: int) -> list[Sold]:
    """Every policy bought by an instant as quoted, by its id."""
    of_policy: dict[str, list[Claim]] = defaultdict(list)
    for claim in known:
        of_policy[claim.policy_id].append(claim)
    endorsed, bases = _endorsed(session, at_ms), _bases(settings, session)
    lives = register.recorded(session)
    found = []
    for row in session.scalars(select(Quote).order_by(Quote.quote_id)):
        made = lives.get(row.quote_id)
        if made is None or made.life.purchase is None or made.life.state in ("VOID", "LAPSED"):
            continue
        life, quoted, bought = made.life, facts.quoted(row), made.life.purchase
        if bought.at_ms > at_ms:
            continue
        told = life.cancellation
        cancelled = told if told is not None and told.at_ms <= at_ms else None
        changed = endorsed.get(row.quote_id)
        account, inst = (
            (changed.account_id, changed.inst_id) if changed else (row.account_id, row.inst_id)
        )
        mine = of_policy[row.quote_id]
        found.append(
            Sold(
                policy_id=row.quote_id,
                base_asset=bases.get((account, inst)),
                side=row.side if row.side in ("long", "short") else None,
                leverage=changed.leverage if changed else row.leverage,
                sum_micro_usdc=row.max_payout_micro_usdc,
                paid_micro_usdc=sum(one.paid_micro_usdc for one in mine),
                outstanding_micro_usdc=sum(one.reserve_micro_usdc for one in mine),
                expected_loss_micro_usdc=row.expected_loss_micro_usdc,
                referral_micro_usdc=row.referral_micro_usdc or 0,
                premium_micro_usdc=bought.premium_micro_usdc,
                refund_micro_usdc=cancelled.refund_micro_usdc if cancelled else 0,
                is_cancelled=cancelled is not None,
                start_ms=cover_start_ms(quoted, bought),
                end_ms=cover_end_ms(quoted, bought),
            )
        )
    return found


def _paid(session: Session, at_ms: int) -> dict[str, int]:
    """What was paid of each claim by an instant."""
    query = (
        select(PayoutRecord.claim_id, PayoutRecord.amount_micro_usdc)
        .join(
            SettlementEvent,
            (SettlementEvent.claim_id == PayoutRecord.claim_id)
            & (SettlementEvent.to_state == "PAID"),
        )
        .where(PayoutRecord.state == "PAID", SettlementEvent.at_ms <= at_ms)
    )
    return {row.claim_id: row.amount_micro_usdc for row in session.execute(query)}


def _endorsed(session: Session, at_ms: int) -> Mapping[str, PolicyEndorsement]:
    """The newest change of each policy that was in effect."""
    query = select(PolicyEndorsement).where(PolicyEndorsement.effective_at_ms <= at_ms)
    ordered = session.scalars(query.order_by(PolicyEndorsement.endorsement_no))
    return {row.policy_id: row for row in ordered}


def _bases(settings: Settings, session: Session) -> dict[tuple[str, str], str]:
    """The base asset of each instrument that is sold, by account and instrument."""
    rows = seeds.rows(settings, "sold_instruments")
    accounts = session.execute(select(Account.account_id, Account.exchange)).all()
    return {
        (account, row["inst_id"]): row["base_asset"]
        for account, exchange in accounts
        for row in rows
        if row["exchange"] == exchange
    }
