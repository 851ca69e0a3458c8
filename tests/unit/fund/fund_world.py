"""A policy world with capital, payouts and settled batches, and what its books must say."""

from __future__ import annotations

from collections import defaultdict
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from leverageguard.fund import booking
from leverageguard.store import base
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.store.intake_tables import Quote
from leverageguard.store.ledger_tables import LedgerEntry
from leverageguard.store.valuation_tables import FundValuation
from leverageguard.warehouse import landing
from tests.policy_world import (
    BATCHES,
    CANCELLATIONS,
    DEPOSITS,
    HOUR,
    MINUTE,
    PAYOUTS,
    PURCHASES,
    RECEIPTS,
    START,
    WITHDRAWALS,
    PolicyWorld,
    wallet,
)

GWEI = 10**9


class FundWorld(PolicyWorld):
    """Its events are those of the pool's money; hours are since the start."""

    def deposit(self, amount: int, hours: float) -> dict[str, Any]:
        """Capital that comes in."""
        return self.event(DEPOSITS, hours, depositor=wallet("owner"), amount_micro_usdc=amount)

    def withdraw(self, amount: int, hours: float) -> dict[str, Any]:
        """Capital that leaves."""
        return self.event(
            WITHDRAWALS, hours, withdrawal_id=self.count, recipient=wallet("owner"),
            amount_micro_usdc=amount,
        )  # fmt: skip

    def payout(
        self, amount: int, hours: float, claim_index: int = 1, is_paid: bool = True
    ) -> dict[str, Any]:
        """A payout on the chain."""
        return self.event(
            PAYOUTS, hours, batch_no=1, claim_index=claim_index, recipient=wallet("holder"),
            amount_micro_usdc=amount, is_paid=is_paid,
        )  # fmt: skip

    def settle(self, hours: float, gas_used: int = 100_000) -> dict[str, Any]:
        """A settled batch, at one gwei."""
        return self.event(
            BATCHES, hours, batch_no=1, payouts_hash="0x", evidence_root="0x",
            total_micro_usdc=1, paid_micro_usdc=1, failed_count=0, gas_used=gas_used,
            effective_gas_price_wei=str(GWEI),
        )  # fmt: skip

    def price(self, hours: float, close: str, exchange: str = "okx", kind: str = "mark") -> None:
        """ETH's candle of one minute, the only one of its hour and venue."""
        at_ms = START + int(hours * HOUR)
        at_ms -= at_ms % MINUTE
        inst_id = {"okx": "ETH-USDT-SWAP", "bybit": "ETHUSDT"}[exchange]
        candle = {
            "exchange": exchange, "endpoint": "candles", "inst_id": inst_id, "kind": kind,
            "minute_at_ms": at_ms, "open_price": close, "high_price": close, "low_price": close,
            "close_price": close, "quote_volume": None, "is_final": True, "reply_sha256": "0",
        }  # fmt: skip
        hour = at_ms - at_ms % HOUR
        landing.replace(self.settings, "exchanges/candles", hour, f"{exchange}-{kind}", [candle])

    def move(
        self, quote: Quote, state: str, reserve: int, hours: float, claim: str = "clm_1",
        rule: str = "TEST", detail: str = "{}",
    ) -> None:  # fmt: skip
        """The next move of a claim."""
        at_ms = START + int(hours * HOUR)
        with base.session(self.settings) as session:
            query = select(ClaimTxn).where(ClaimTxn.claim_id == claim).order_by(ClaimTxn.txn_no)
            before = list(session.scalars(query))
            session.add(
                ClaimTxn(
                    claim_id=claim, txn_no=len(before) + 1, policy_id=quote.quote_id,
                    from_state=before[-1].to_state if before else None, to_state=state,
                    at_ms=at_ms, recorded_at_ms=at_ms, actor="tester", rule_id=rule,
                    inputs_hash="0x", detail=detail, reserve_micro_usdc=reserve,
                )
            )  # fmt: skip

    def value(self, hours: float, unearned: int, hazard: int, ladder: int, ferguson: int) -> None:
        """A valuation with these reserves."""
        at_ms, key = START + int(hours * HOUR), "0x" + sha256(str(hours).encode()).hexdigest()
        with base.session(self.settings) as session:
            session.add(
                FundValuation(
                    valuation_id=key, valued_at_ms=at_ms, recorded_at_ms=at_ms, block_number=1,
                    cash_micro_usdc=0, free_micro_usdc=0, reserved_micro_usdc=0,
                    written_micro_usdc=unearned, earned_micro_usdc=0, unearned_micro_usdc=unearned,
                    unearned_hazard_micro_usdc=hazard, case_reserve_micro_usdc=0,
                    ibnr_cl_micro_usdc=ladder, ibnr_bf_micro_usdc=ferguson, payable_micro_usdc=0,
                    own_funds_micro_usdc=0, scr_1d_micro_usdc=0, scr_10d_micro_usdc=0,
                    independent_1d_micro_usdc=0, solvency_ratio_ppm=None, model_version="m",
                    paths=1, seed=1, details="{}", inputs_hash=key,
                )
            )  # fmt: skip

    def book(self) -> dict[str, int]:
        """What a run of the books writes."""
        return booking.book(self.settings)

    def read_and_book(self, hours: float) -> dict[str, int]:
        """Read the chain, move the policies, book; the time is hours since the start."""
        self.at(hours)
        self.read_and_advance()
        return self.book()

    def legs(self) -> list[LedgerEntry]:
        """Every leg in the store."""
        with base.session(self.settings) as session:
            return list(session.scalars(select(LedgerEntry)))

    def balances(self) -> dict[str, int]:
        """Balance by account; accounts at nothing are left out."""
        sums: dict[str, int] = defaultdict(int)
        for leg in self.legs():
            sums[leg.account] += leg.amount_micro_usdc
        return {account: amount for account, amount in sorted(sums.items()) if amount}

    def cash_on_the_chain(self) -> int:
        """What the pool holds, by its events."""
        return sum(_moved(table, row) for table, row in self.events)


def _moved(table: str, row: dict[str, Any]) -> int:
    if table == PURCHASES:
        return int(row["premium_micro_usdc"])
    if table == CANCELLATIONS:
        return -int(row["refund_micro_usdc"])
    if table in (DEPOSITS, RECEIPTS):
        return int(row["amount_micro_usdc"])
    if table == WITHDRAWALS or (table == PAYOUTS and row["is_paid"]):
        return -int(row["amount_micro_usdc"])
    return 0


def unbalanced(legs: list[LedgerEntry]) -> list[object]:
    """Entries and UTC days whose legs do not sum to nothing."""
    sums: dict[object, int] = defaultdict(int)
    for leg in legs:
        sums[leg.entry_id] += leg.amount_micro_usdc
        sums[leg.occurred_at_ms // (24 * HOUR)] += leg.amount_micro_usdc
    return [key for key, left in sums.items() if left]
