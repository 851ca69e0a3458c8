"""Approved withdrawals → the pool's own request, its delay, the withdrawal: each once.

Signed bytes are stored before they are sent, and what happened to them is asked of the chain before
anything else is signed: a run may die anywhere. A withdrawal waits while the fund is halted, an
incident is open, or the pool would end under its minimum.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from leverageguard import clock
from leverageguard.claims import register, withdrawal_answers
from leverageguard.config import APPROVALS_NEEDED, Settings
from leverageguard.domain.money import PPM, text_from_micro
from leverageguard.fund import valuing
from leverageguard.settlement import chain as chains
from leverageguard.settlement import (
    every_chain,
    fund_alerts,
    gas_money,
    incidents,
    solvency,
    thresholds,
)
from leverageguard.settlement.chain import Call, Chain, Receipt
from leverageguard.settlement.contracts.pool import Pool
from leverageguard.settlement.errors import (
    CallRefused,
    NonceUsed,
    OutcomeUnknown,
    SettlementError,
    WithdrawalsStopped,
)
from leverageguard.settlement.signing import signers
from leverageguard.settlement.signing.signers import Signer
from leverageguard.store import base
from leverageguard.store.fund_tables import FundRequest

ACTOR = "manage_fund"
TARGET = "solvency_target"
UNDER_WAY = ("APPROVED", "ASKING", "TIMELOCKED", "TAKING")
BEFORE = {"ASKING": "APPROVED", "TAKING": "TIMELOCKED"}
WINDOW_S = 7 * 86_400  # the contract's: how long a withdrawal can be taken
DAY_MS = 86_400_000
PATIENCE_S = 60
DEPTH_PATIENCE_S = 600
_ROUNDS = 8
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Treasury:
    """One pool and the key that may withdraw from it."""

    settings: Settings
    chain: Chain
    pool: Pool
    key: Signer


def execute(settings: Settings) -> dict[str, int]:
    """Take every approved withdrawal as far as it may go now; requests by the state they are in.

    Raises WithdrawalsStopped, or ChainsFailed of several chains, after all had their turn.
    """
    return every_chain.summed(settings, _on_chain)


def _on_chain(settings: Settings) -> Counter[str]:
    with base.session(settings) as session:
        query = select(FundRequest.request_id).where(
            FundRequest.chain_id == settings.chain_id, FundRequest.state.in_(UNDER_WAY)
        )
        order = (FundRequest.requested_at_ms, FundRequest.request_id)
        ids = list(session.scalars(query.order_by(*order)))
    if not ids:
        return Counter()
    key = signers.optional(settings, settings.treasurer_key)
    if key is None:
        _log.warning("dry_run_nothing_was_sent", reason=f"no key: {settings.treasurer_key}")
        return Counter(waiting=len(ids))
    chain = chains.connect(settings)
    treasury = Treasury(settings, chain, chain.pool(), key)
    counts: Counter[str] = Counter()
    failed = {}
    for request_id in ids:
        try:
            counts[_advance(treasury, request_id)] += 1
        except SettlementError as error:
            _log.exception("withdrawal_stopped", request_id=request_id)
            failed[request_id] = error
    if failed:
        raise WithdrawalsStopped("; ".join(f"{one}: {error}" for one, error in failed.items()))
    return counts


def _advance(treasury: Treasury, request_id: str) -> str:
    """Drive one request until it rests; its state then, in lower case."""
    for _ in range(_ROUNDS):
        row = _load(treasury.settings, request_id)
        if row.state in BEFORE:
            _pursue(treasury, row)
        elif row.state not in UNDER_WAY or not _next(treasury, row):
            return _load(treasury.settings, request_id).state.lower()
    raise OutcomeUnknown(f"{request_id} did not come to rest: run manage_fund again")


def _next(treasury: Treasury, row: FundRequest) -> bool:
    """Sign what comes next of a request that has nothing under way; False when it waits."""
    pool = treasury.pool
    if row.withdrawal_no is not None and row.ready_at_s is not None:
        if not pool.is_withdrawal_open(row.withdrawal_no):
            _move(treasury.settings, row, "CANCELLED", "the pool has it no longer")
            return True
        now_s = treasury.chain.next_timestamp()
        if now_s > row.ready_at_s + WINDOW_S:
            _move(treasury.settings, row, "EXPIRED", "it was not taken in time")
            return True
        if now_s < row.ready_at_s:
            return False
        call, state = pool.execute_withdrawal(row.withdrawal_no), "TAKING"
    else:
        call, state = pool.request_withdrawal(row.recipient, row.amount_micro_usdc), "ASKING"
    incidents.require_none(treasury.settings)
    reason = held_by(treasury, row)
    if reason is not None:
        _log.warning("withdrawal_waits", request_id=row.request_id, reason=reason)
        return False
    _sign(treasury, row, call, state)
    return True


def held_by(treasury: Treasury, row: FundRequest) -> str | None:
    """Why a withdrawal must not go on now, None when it may."""
    settings = treasury.settings
    with base.session(settings) as session:
        people = withdrawal_answers.approvers(session, row.request_id)
        halts = fund_alerts.open_ones(session, thresholds.HALT_PAYOUTS, thresholds.HALT_SALES)
        owed = solvency.promised_micro_usdc(session, settings.chain_id) + _approved(session)
    if len(people) < APPROVALS_NEEDED:
        return f"{len(people)} people approved it, {APPROVALS_NEEDED} must"
    if halts:
        return f"the fund is halted: {halts[0].threshold_id}"
    left = treasury.pool.free_balance() - owed - row.amount_micro_usdc
    minimum = thresholds.minimum_micro_usdc(settings)
    if left < minimum:
        return f"it would leave {text_from_micro(left)} USDC of {text_from_micro(minimum)}"
    return _solvent_without(settings, row.amount_micro_usdc)


def _solvent_without(settings: Settings, amount: int) -> str | None:
    """Why own funds without this amount are too few, None when they are not."""
    valuation = valuing.newest(settings)
    if valuation is None or not valuation.block_number:
        return "the fund was not valued yet"
    if valuation.valued_at_ms < clock.now_ms() - DAY_MS:
        return "the fund was not valued within a day"
    target = thresholds.named(settings, TARGET).value
    own = valuation.own_funds_micro_usdc - amount
    if own * PPM < valuation.scr_1d_micro_usdc * target:
        return f"own funds of {text_from_micro(own)} USDC would be under {target} ppm of capital"
    return None


def _approved(session: Session) -> int:
    """What approved claims will be paid that are in no batch yet; micro-USDC."""
    last = register.last_of(session)
    return sum(move.reserve_micro_usdc for move in last.values() if move.to_state == "APPROVED")


def _sign(treasury: Treasury, row: FundRequest, call: Call, state: str) -> None:
    """Store the signed transaction: nothing is sent before."""
    chain, key = treasury.chain, treasury.key
    chain.stamp()
    nonce = chain.nonce(key.address)
    gas, fees = chain.preflight(call, key.address), chain.fees()
    gas_money.require(chain, key.address, gas, fees)
    raw, tx_hash = key.sign_transaction(chain.fields(call, nonce, gas, fees))
    _move(
        treasury.settings, row, state, f"{call.label} in {tx_hash}",
        tx_hash=tx_hash, tx_raw=raw, tx_nonce=nonce,
    )  # fmt: skip


def _pursue(treasury: Treasury, row: FundRequest) -> None:
    """One look at a transaction under way: its receipt, else its nonce, else sent (again)."""
    chain, tx_hash = treasury.chain, row.tx_hash or ""
    receipt = chain.receipt(tx_hash)
    if receipt is None and chain.nonce(treasury.key.address) > (row.tx_nonce or 0):
        _deep(chain, chain.head().number)
        receipt = chain.receipt(tx_hash)
        if receipt is None:
            _move(treasury.settings, row, BEFORE[row.state], f"nonce {row.tx_nonce} was used")
            return
    if receipt is None:
        chain.stamp()
        try:
            chain.broadcast(row.tx_raw or b"")
        except NonceUsed:
            return
        receipt = chain.wait(tx_hash, PATIENCE_S)
    if receipt is None:
        raise OutcomeUnknown(f"{tx_hash} is not mined after {PATIENCE_S} s: run manage_fund again")
    _deep(chain, receipt.block_number)
    receipt = chain.receipt(tx_hash)
    if receipt is not None:
        _record(treasury, row, receipt)


def _record(treasury: Treasury, row: FundRequest, receipt: Receipt) -> None:
    """Keep what a transaction that is deep enough did."""
    if not receipt.succeeded:
        _move(treasury.settings, row, BEFORE[row.state], f"{receipt.tx_hash} was reverted")
        raise CallRefused(f"{receipt.tx_hash} was reverted and moved no money")
    if row.state == "TAKING":
        _move(treasury.settings, row, "PAID", f"taken in {receipt.tx_hash}")
        return
    number, ready_at_s = treasury.pool.withdrawal_asked(receipt.logs)
    note = f"the pool's withdrawal {number}, to be taken from {ready_at_s} (epoch s) on"
    _move(treasury.settings, row, "TIMELOCKED", note, withdrawal_no=number, ready_at_s=ready_at_s)


def _deep(chain: Chain, block_number: int) -> None:
    if not chain.wait_for_depth(block_number, DEPTH_PATIENCE_S):
        raise OutcomeUnknown(f"block {block_number} has too few on top: run manage_fund again")


def _load(settings: Settings, request_id: str) -> FundRequest:
    with base.session(settings) as session:
        return session.get_one(FundRequest, request_id)


def _move(settings: Settings, row: FundRequest, state: str, note: str, **columns: object) -> None:
    """Change a request that still is where it was seen; SettlementError for one that is not."""
    with base.session(settings) as session:
        found = session.get_one(FundRequest, row.request_id)
        if (found.state, found.tx_hash) != (row.state, row.tx_hash):
            raise SettlementError(f"{row.request_id} is {found.state} since a moment ago")
        found.state, found.note, found.changed_by = state, note, ACTOR
        found.updated_at_ms = clock.now_ms()
        for name, value in columns.items():
            setattr(found, name, value)
    _log.info("withdrawal_moved", request_id=row.request_id, state=state, note=note)
