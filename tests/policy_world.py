"""A store, a chain in memory and its landed hours, for the lives of policies.

The chain is a list of events that a test may take away again; `read` lands it hour by hour as the
ingestion would.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import select

from leverageguard import clock
from leverageguard.config import Settings
from leverageguard.intake import accounts
from leverageguard.policies import advancing, landed
from leverageguard.store import audit_tables, base  # noqa: F401 - registers tables
from leverageguard.store.claim_tables import ClaimTxn
from leverageguard.store.intake_tables import Quote
from leverageguard.store.policy_tables import PaymentException, PolicyTxn
from leverageguard.store.settlement_tables import BatchRecord, PayoutRecord, SettlementEvent
from leverageguard.warehouse import landing

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
START = 1_767_571_200_000  # 2026-01-05T00:00:00Z
CHAIN = 31337
POOL = "0x" + "9" * 40
USDC = 1_000_000
PURCHASES, CANCELLATIONS = "chain/policy_purchases", "chain/policy_cancellations"
RECEIPTS = "chain/token_receipts"
DEPOSITS, WITHDRAWALS = "chain/deposits", "chain/withdrawals"
PAYOUTS, BATCHES = "chain/payouts", "chain/batch_settlements"
LANDED = (PURCHASES, CANCELLATIONS, RECEIPTS, DEPOSITS, WITHDRAWALS, PAYOUTS, BATCHES)


def wallet(name: str) -> str:
    """An address for a name."""
    return "0x" + sha256(name.encode()).hexdigest()[:40]


@dataclass
class PolicyWorld:
    """Times are hours since the start; quotes are of seed-v1: 30 minutes of wait, then 24 hours."""

    settings: Settings
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    count: int = 0

    def __post_init__(self) -> None:
        base.Base.metadata.create_all(base.engine(self.settings))
        landing.ensure_schemas(self.settings)
        self.at(0)
        with base.session(self.settings) as session:
            account = accounts.BoundAccount("acc-1", "okx", "42")
            secret = accounts.Credentials("k", "s", "p")
            accounts.register(session, account, "42", wallet("holder"), secret, START)

    def at(self, hours: float) -> None:
        """Set the clock."""
        clock.set_world(START + int(hours * HOUR))

    def quote(
        self, reference: str = "P-1", hours: float = 0, owner_address: str = "", **other: Any
    ) -> Quote:
        """A quote of 100 USDC at 20x for 24 hours, which the store remembers."""
        made = Quote(
            quote_id="0x" + sha256(reference.encode()).hexdigest(),
            reference=reference,
            wallet=owner_address or wallet("holder"),
            account_id="acc-1",
            product_version="seed-v1",
            terms_hash="0x" + sha256(b"seed-v1").hexdigest(),
            inst_id=other.get("inst_id", "BTC-USDT-SWAP"),
            leverage=other.get("leverage", 20),
            principal_micro_usdc=100 * USDC,
            premium_micro_usdc=other.get("premium_micro_usdc", 10 * USDC),
            payout_rate_ppm=100_000,
            max_payout_micro_usdc=10 * USDC,
            cover_seconds=24 * 3600,
            wait_seconds=1800,
            filing_grace_seconds=24 * 3600,
            created_at_ms=START + int(hours * HOUR),
            expires_at_ms=other.get("expires_at_ms"),
        )
        with base.session(self.settings) as session:
            session.add(made)
        return made

    def buy(self, quote: Quote, hours: float = 0.5, **other: Any) -> dict[str, Any]:
        """The purchase of a quote on the chain, but for what is said otherwise."""
        return self.event(
            PURCHASES,
            hours,
            **{
                "quote_id": quote.quote_id,
                "buyer": quote.wallet,
                "premium_micro_usdc": quote.premium_micro_usdc,
                "max_payout_micro_usdc": quote.max_payout_micro_usdc,
                "terms_hash": quote.terms_hash,
                **other,
            },
        )

    def cancel(self, quote: Quote, hours: float) -> dict[str, Any]:
        """The cancellation of a policy on the chain."""
        refund = quote.premium_micro_usdc // 2
        return self.event(
            CANCELLATIONS, hours, quote_id=quote.quote_id, buyer=quote.wallet,
            refund_micro_usdc=refund,
        )  # fmt: skip

    def transfer(self, amount: int, hours: float, payer: str = "stranger") -> dict[str, Any]:
        """A plain transfer of the token to the pool."""
        return self.event(RECEIPTS, hours, payer=wallet(payer), amount_micro_usdc=amount)

    def event(self, table: str, hours: float, **row: Any) -> dict[str, Any]:
        """One event in a block of its own second."""
        self.count += 1
        at_ms = START + int(hours * HOUR)
        at_ms -= at_ms % SECOND
        made = {
            "chain_id": CHAIN,
            "pool": POOL,
            "tx_hash": "0x" + sha256(f"tx{self.count}".encode()).hexdigest(),
            "log_index": 0,
            "block_number": at_ms // SECOND,
            "block_hash": "0x" + sha256(f"block{at_ms}".encode()).hexdigest(),
            "block_time_ms": at_ms,
            **row,
        }
        self.events.append((table, made))
        return made

    def lose(self, event: dict[str, Any]) -> None:
        """The chain loses an event."""
        self.events = [each for each in self.events if each[1] is not event]

    def read(self, *hours: int, is_complete: bool | None = None) -> None:
        """Land some hours of the chain, or all up to now; an hour that is over is complete."""
        now = clock.now_ms()
        for start in [START + each * HOUR for each in hours] or range(START, now + 1, HOUR):
            rows = [
                each for each in self.events if start <= each[1]["block_time_ms"] < start + HOUR
            ]
            for table in LANDED:
                self._land(table, start, [row for of, row in rows if of == table])
            whole = start + HOUR <= now if is_complete is None else is_complete
            window = {
                "chain_id": CHAIN, "pool": POOL, "window_from_ms": start,
                "window_to_ms": start + HOUR, "from_block": 1, "to_block": 2, "head_block": 2,
                "is_complete": whole, "fetched_at_ms": clock.now_ms(),
            }  # fmt: skip
            self._land("chain/fetch_windows", start, [window])

    def _land(self, table: str, hour: int, rows: list[dict[str, Any]]) -> None:
        landing.replace(self.settings, table, hour, landing.of_chain(CHAIN), rows)

    def advance(self) -> dict[str, int]:
        """One round."""
        return advancing.advance()

    def read_and_advance(self) -> dict[str, int]:
        """What ingest_chain does."""
        self.read()
        return self.advance()

    def txns(self, quote: Quote) -> list[PolicyTxn]:
        """A policy's moves."""
        query = select(PolicyTxn).where(PolicyTxn.policy_id == quote.quote_id)
        with base.session(self.settings) as session:
            return list(session.scalars(query.order_by(PolicyTxn.txn_no)))

    def states(self, quote: Quote) -> list[str]:
        """A policy's states in the order they were recorded."""
        return [row.to_state for row in self.txns(quote)]

    def last(self, quote: Quote) -> tuple[str, str, float]:
        """State and rule of the last move, and when it took effect in hours."""
        row = self.txns(quote)[-1]
        return row.to_state, row.rule_id, (row.at_ms - START) / HOUR

    def queue(self) -> dict[str, PaymentException]:
        """Queued payments by their transaction."""
        with base.session(self.settings) as session:
            return {row.tx_hash: row for row in session.scalars(select(PaymentException))}

    def landed_rows(self, table: str = landed.TXNS) -> list[dict[str, Any]]:
        """What raw holds of a table."""
        return landing.scan(self.settings, table)

    def pay(self, quote: Quote, amount: int, hours: float, claim: str = "clm_1") -> None:
        """A final payout on a claim of the policy."""
        self.count += 1
        at_ms = START + int(hours * HOUR)
        batch = f"batch-{self.count}"
        with base.session(self.settings) as session:
            session.add(
                BatchRecord(
                    batch_id=batch, chain_id=CHAIN, batch_no=self.count, claim_count=1,
                    total_micro_usdc=amount, evidence_root="0x", state="FINAL",
                    planned_at_ms=at_ms, updated_at_ms=at_ms,
                )
            )  # fmt: skip
            session.flush()
            session.add(
                PayoutRecord(
                    chain_id=CHAIN, claim_index=self.count, claim_id=claim,
                    liquidation_event_id=f"okx:{claim}", policy_id=quote.quote_id,
                    party=quote.wallet, batch_id=batch, recipient=quote.wallet,
                    amount_micro_usdc=amount, state="PAID", planned_at_ms=at_ms,
                )
            )  # fmt: skip
            session.add(
                SettlementEvent(
                    batch_id=batch, claim_id=claim, from_state="MINED", to_state="PAID",
                    at_ms=at_ms, actor="tester", rule="paid",
                )
            )  # fmt: skip

    def claim(self, quote: Quote, *states: str, hours: float, claim: str = "clm_1") -> None:
        """The moves of a claim of the policy, all at one time."""
        at_ms = START + int(hours * HOUR)
        with base.session(self.settings) as session:
            query = select(ClaimTxn).where(ClaimTxn.claim_id == claim).order_by(ClaimTxn.txn_no)
            before = list(session.scalars(query))
            state = before[-1].to_state if before else None
            for place, to_state in enumerate(states, start=len(before) + 1):
                session.add(
                    ClaimTxn(
                        claim_id=claim, txn_no=place, policy_id=quote.quote_id, from_state=state,
                        to_state=to_state, at_ms=at_ms, recorded_at_ms=at_ms, actor="tester",
                        rule_id="TEST", inputs_hash="0x", detail="{}", reserve_micro_usdc=0,
                    )
                )  # fmt: skip
                session.flush()
                state = to_state
