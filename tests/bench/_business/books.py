"""The day's books held against each other: chain, store, marts and ledger, to the micro-USDC.

The chain's side is read from the token's own transfers and balance, by nothing of the pipeline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eth_utils.crypto import keccak
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leverageguard.audit import verifying
from leverageguard.fund import accounts, valuing
from leverageguard.intake import ledger
from leverageguard.settlement.chain import Chain
from leverageguard.store import base
from leverageguard.store.policy_tables import PaymentException
from leverageguard.store.settlement_tables import PayoutRecord
from tests.bench._business.stage import Stage, query

TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
CANCELLED = "0x" + keccak(text="PolicyCancelled(bytes32,address,uint256)").hex()
SOLD = "0x" + keccak(text="PolicyPurchased(bytes32,address,uint256,uint256,bytes32)").hex()
SETTLED = (
    "0x"
    + keccak(
        text="BatchSettled(uint64,uint64,bytes32,bytes32,uint256,uint256,uint256,uint256[2])"
    ).hex()
)
DEPOSITED = "0x" + keccak(text="Deposited(address,uint256)").hex()


@dataclass(frozen=True)
class Tie:
    """One figure as several sides have it, in micro-USDC or a count."""

    name: str
    sides: dict[str, int]

    @property
    def holds(self) -> bool:
        """True when every side says the same."""
        return len(set(self.sides.values())) == 1


@dataclass(frozen=True)
class OnChain:
    """What the token moved in and out of the pool, by the pool's event in the same transaction."""

    balance: int
    premiums: int
    deposits: int
    payouts: int
    refunds: int
    plain: int


def standing(stage: Stage) -> dict[str, Any]:
    """How the books stand: every tie, the states of claims and policies, the audit log."""
    with base.session(stage.settings) as session:
        found = ties(stage, session)
    audited = verifying.verify(stage.settings)
    states = "select claim_state, verdict, reasons, count(*) as claims from fct_claims group by all"
    left = [row for row in query(states) if row["claim_state"] != "CLOSED"]
    return {
        "claims": _one("select count(*) from fct_claims"),
        "paid_micro_usdc": _one("select sum(paid_micro_usdc)::bigint from fct_claims"),
        "ties": {tie.name: tie.sides for tie in found},
        "differing": [tie.name for tie in found if not tie.holds],
        "not_closed": {
            f"{row['claim_state']} {row['verdict']} {row['reasons']}": row["claims"] for row in left
        },
        "unexplained": sum(row["claims"] for row in left if not row["reasons"]),
        "reserved_micro_usdc": _one("select sum(reserve_micro_usdc)::bigint from fct_claims"),
        "policy_states": {
            row["state"]: row["policies"]
            for row in query("select state, count(*) as policies from fct_policies group by all")
        },
        "audit_rows": audited.rows,
        "audit_breaks": len(audited.breaks),
    }


def ties(stage: Stage, session: Session) -> list[Tie]:
    """Every figure that must agree."""
    seen = on_chain(stage.chain, stage)
    by_kind = "select kind, sum(amount_micro_usdc)::bigint as amount from fct_pool_movements "
    moved = {row["kind"]: int(row["amount"]) for row in query(by_kind + "group by kind")}
    store_paid = session.scalar(
        select(func.sum(PayoutRecord.amount_micro_usdc)).where(PayoutRecord.state == "PAID")
    )
    booked = {
        row["account"]: int(row["amount"])
        for row in query(
            "select account, sum(amount_micro_usdc)::bigint as amount from fct_ledger_entries "
            "group by account"
        )
    }
    valued = valuing.newest(stage.settings)
    assert valued is not None, "the day is valued before its books are looked at"
    queued = session.scalar(
        select(func.sum(PaymentException.amount_micro_usdc)).where(
            PaymentException.reason_code == "PLAIN_TRANSFER"
        )
    )
    return [
        Tie("balance", {
            "chain": seen.balance,
            "movements": _one("select sum(amount_micro_usdc)::bigint from fct_pool_movements"),
            "last balance": _one(
                "select arg_max(balance_micro_usdc, (block_number, log_index)) "
                "from fct_pool_movements"
            ),
            "books": booked.get(accounts.CASH, 0),
        }),
        Tie("premiums", {
            "chain": seen.premiums,
            "movements": moved.get("premium", 0),
            "policies": _one("select sum(premium_micro_usdc)::bigint from fct_policies"),
            "books": -booked.get(ledger.PREMIUM, 0) - booked.get(ledger.SURCHARGE, 0),
        }),
        Tie("refunds", {
            "chain": seen.refunds,
            "movements": -moved.get("refund", 0),
            "policies": _one("select sum(refund_micro_usdc)::bigint from fct_policies"),
            "books": booked.get(ledger.REFUNDED, 0),
        }),
        Tie("payouts", {
            "chain": seen.payouts,
            "movements": -moved.get("payout", 0),
            "store": int(store_paid or 0),
            "claims": _one("select sum(paid_micro_usdc)::bigint from fct_claims"),
            "policies": _one("select sum(paid_micro_usdc)::bigint from fct_policies"),
            "books": booked.get(accounts.CLAIMS_PAID, 0),
        }),
        Tie("deposits", {
            "chain": seen.deposits,
            "movements": moved.get("deposit", 0),
            "books": -booked.get(accounts.CAPITAL_IN, 0),
        }),
        Tie("plain transfers", {
            "chain": seen.plain,
            "movements": moved.get("unmatched", 0),
            "queue": int(queued or 0),
            "books": -booked.get(accounts.SUSPENSE, 0),
        }),
        Tie("reserves", {
            "claims": _one("select sum(reserve_micro_usdc)::bigint from fct_claims"),
            "books": -booked.get(accounts.CASE_RESERVE, 0) - booked.get(accounts.PAYABLE, 0),
            "valuation": valued.case_reserve_micro_usdc + valued.payable_micro_usdc,
        }),
        Tie("own funds", {
            "valuation": valued.own_funds_micro_usdc,
            # Gas is owed to who sent the transactions, not by the pool.
            "books": _one(
                "select -sum(change_micro_usdc)::bigint from fct_ledger_balances "
                "where account_type in ('equity', 'income', 'expense') "
                f"and account <> '{accounts.GAS}'"
            ),
        }),
    ]  # fmt: skip


def on_chain(chain: Chain, stage: Stage) -> OnChain:
    """Every transfer to and from the pool, sorted by what else happened in its transaction."""
    pool, token = stage.deployed.pool, stage.deployed.token
    first, last = stage.deployed.deployed_block, chain.head().number
    kinds: dict[str, str] = {}
    for log in chain.logs(pool, [[SOLD, CANCELLED, SETTLED, DEPOSITED]], first, last):
        kinds[_hex(log["transactionHash"])] = _hex(log["topics"][0])
    sums: dict[tuple[str, str], int] = {}
    for side, topics in (("in", [TRANSFER, None, _word(pool)]), ("out", [TRANSFER, _word(pool)])):
        for log in chain.logs(token, topics, first, last):
            key = side, kinds.get(_hex(log["transactionHash"]), "")
            sums[key] = sums.get(key, 0) + int(_hex(log["data"]), 16)
    return OnChain(
        balance=chain.token().balance_of(pool),
        premiums=sums.pop(("in", SOLD), 0),
        deposits=sums.pop(("in", DEPOSITED), 0),
        payouts=sums.pop(("out", SETTLED), 0),
        refunds=sums.pop(("out", CANCELLED), 0),
        plain=sums.pop(("in", ""), 0),
    )


def _one(sql: str) -> int:
    (row,) = query(sql)
    return int(next(iter(row.values())) or 0)


def _hex(value: Any) -> str:
    return "0x" + bytes(value).hex()


def _word(address: str) -> str:
    return "0x" + address[2:].lower().rjust(64, "0")
