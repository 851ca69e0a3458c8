"""A planned batch → signed bytes: skip what is settled, check, sign by k of n, run it dry."""

from __future__ import annotations

from dataclasses import dataclass

from leverageguard import clock
from leverageguard.domain.money import text_from_micro
from leverageguard.settlement import (
    encode,
    errors,
    evidence,
    gas_money,
    history,
    ledger,
    planning,
    thresholds,
)
from leverageguard.settlement.chain import Fees
from leverageguard.settlement.contracts.call import Call, hex_of
from leverageguard.settlement.contracts.payments import Payment
from leverageguard.settlement.contracts.pool import Pool
from leverageguard.settlement.ledger import Loaded, Outcome
from leverageguard.settlement.signing import gathering
from leverageguard.settlement.worker import Worker
from leverageguard.store.settlement_tables import PayoutRecord, TransactionRecord

DEADLINE_S = 3600


@dataclass(frozen=True)
class Prepared:
    """What the proposer submits; `deadline` in epoch seconds."""

    call: Call
    payouts_hash: bytes
    deadline: int


def prepare(worker: Worker, loaded: Loaded) -> TransactionRecord | None:
    """The signed transaction of a planned batch, not stored yet; None when none is needed.

    None also when the chain was ahead and the store was brought into line: load and look again.
    """
    # The nonce first: if a rival's batch lands between the two reads, ours is refused as a used
    # nonce, which costs nothing, and not reverted as a wrong batch number, which costs gas.
    nonce = worker.chain.nonce(worker.proposer.address)
    next_no = worker.pool.next_batch()
    batch = loaded.batch
    if next_no < batch.batch_no:
        raise errors.StoreAndChainDisagree(
            f"the store is at batch {batch.batch_no}, the chain expects {next_no}: the chain lost "
            f"blocks the store holds as final, or another pool is configured"
        )
    if take_over_settled(worker, loaded):
        return None
    if next_no > batch.batch_no:
        ledger.renumber(worker.settings, batch.batch_id, next_no, worker.name)
        return None
    worker.chain.stamp()
    check_funds(worker.pool, loaded, thresholds.minimum_micro_usdc(worker.settings))
    check_token(worker)
    prepared = compose(worker, loaded)
    gas = worker.chain.preflight(prepared.call, worker.proposer.address)
    return sign(worker, loaded, prepared, nonce, gas, worker.chain.fees())


def take_over_settled(worker: Worker, loaded: Loaded) -> bool:
    """Record what the chain settled without our knowing; True when there was such.

    Raises StoreAndChainDisagree when the chain paid something else under a claim's index, or has
    not come to the batch's first claim yet.
    """
    next_claim = worker.pool.next_claim()
    open_payouts = {row.claim_index: row for row in loaded.open_payouts}
    first = min(open_payouts)
    if first > next_claim:
        raise errors.StoreAndChainDisagree(
            f"batch {loaded.batch.batch_no} begins with claim index {first}, the chain expects "
            f"{next_claim}: it lost blocks the store holds as final; nothing was sent"
        )
    settled = {index for index in open_payouts if index < next_claim}
    if not settled:
        return False
    outcomes: dict[int, Outcome] = {}
    for payment in history.payments(worker.chain, worker.pool, settled):
        require_same(open_payouts[payment.claim_index], payment)
        outcomes[payment.claim_index] = Outcome(payment.is_paid, payment.tx_hash, payment.log_index)
    if missing := sorted(settled - set(outcomes)):
        raise errors.StoreAndChainDisagree(
            f"the chain is past the claim indices {missing} but shows no batch that settled them"
        )
    if not _stay(worker, {outcome.tx_hash for outcome in outcomes.values()}):
        return True  # One left its block meanwhile: look again.
    ledger.record_outcomes(
        worker.settings, loaded.batch.batch_id, outcomes, "already settled on chain", worker.name
    )
    return True


def _stay(worker: Worker, tx_hashes: set[str]) -> bool:
    """Wait until these transactions are deep enough; whether each is still in the same block."""
    before = {tx_hash: worker.chain.receipt(tx_hash) for tx_hash in tx_hashes}
    for receipt in before.values():
        if receipt is None:
            return False
        worker.wait_for_depth(receipt.block_number)
    # A reorg during the wait takes a block away, and the wait counts the blocks that came instead.
    after = {tx_hash: worker.chain.receipt(tx_hash) for tx_hash in tx_hashes}
    return all(
        (old and old.block_hash) == (new and new.block_hash)
        for old, new in zip(before.values(), after.values(), strict=True)
    )


def require_same(row: PayoutRecord, payment: Payment) -> None:
    """Raise StoreAndChainDisagree unless the chain's payment is this very one."""
    if (payment.recipient, payment.amount) != (row.recipient.lower(), row.amount_micro_usdc):
        raise errors.StoreAndChainDisagree(
            f"claim index {row.claim_index} is {row.claim_id} here, {row.amount_micro_usdc} "
            f"micro-USDC to {row.recipient}, but the chain has {payment.amount} to "
            f"{payment.recipient} in {payment.tx_hash}: the store lost its registry of claim "
            "indices; nothing was sent"
        )


def check_funds(pool: Pool, loaded: Loaded, minimum: int) -> None:
    """Raise PoolTooSmall unless what is open in the batch leaves the pool at its minimum.

    The planner asked the same; money that left since then stops the batch before it is signed.
    """
    needed = sum(row.amount_micro_usdc for row in loaded.open_payouts)
    free = pool.free_balance()
    if needed + minimum > free:
        raise errors.PoolTooSmall(
            f"batch {loaded.batch.batch_no} pays {text_from_micro(needed)} USDC, the pool has "
            f"{text_from_micro(free)} free ({text_from_micro(pool.reserved())} reserved) and keeps "
            f"{text_from_micro(minimum)}: deposit more, then run settle_payouts again"
        )


def check_token(worker: Worker) -> None:
    """Raise CallRefused while the token moves nothing out of the pool.

    A token that is paused, or an issuer that denies the pool, would have every payout of the batch
    refused, each to be rescued by hand; nothing is lost by waiting.
    """
    probe = worker.chain.token().transfer(worker.pool.address, 1)
    try:
        worker.chain.preflight(probe, worker.pool.address)
    except errors.CallRefused as refusal:
        raise errors.CallRefused(
            f"the token moves no money out of the pool now, so nothing was sent: {refusal}"
        ) from None


def compose(worker: Worker, loaded: Loaded) -> Prepared:
    """The call with its verifier signatures; refuses rows that no longer match their hashes."""
    batch = loaded.batch
    root = evidence.root(loaded.payouts)
    if hex_of(root) != batch.evidence_root or _content_id(loaded) != batch.batch_id:
        raise errors.SettlementError(
            f"the rows of batch {batch.batch_no} differ from what was planned: nobody signs it"
        )
    value = planning.as_batch(loaded.open_payouts)
    # The version first: a list that changes between the two reads makes the batch stale.
    list_version = worker.pool.list_version()
    withheld = worker.pool.denied_among([payout.recipient for payout in value.payouts])
    packed = encode.words(value.payouts, withheld)
    message = encode.BatchMessage(
        batchNo=batch.batch_no,
        firstClaim=value.payouts[0].claim_index,
        listVersion=list_version,
        deadline=max(clock.now_ms() // 1000, worker.chain.head().timestamp) + DEADLINE_S,
        total=value.total_micro_usdc,
        evidenceRoot=root,
        payoutsHash=encode.payouts_hash(packed),
    )
    domain = encode.PoolDomain(worker.settings.chain_id, worker.pool.address)
    signatures = gathering.signatures(worker, domain, message, packed, loaded.payouts)
    call = worker.pool.settle_batch(message, packed, signatures)
    return Prepared(call, message.payoutsHash, message.deadline)


def _content_id(loaded: Loaded) -> str:
    return planning.as_batch(loaded.payouts).batch_id


def sign(
    worker: Worker, loaded: Loaded, prepared: Prepared, nonce: int, gas_limit: int, fees: Fees
) -> TransactionRecord:
    """The proposer's signed transaction as an outbox row; raises GasMoneyTooLow before it signs."""
    gas_money.require(worker.chain, worker.proposer.address, gas_limit, fees)
    fields = worker.chain.fields(prepared.call, nonce, gas_limit, fees)
    raw, tx_hash = worker.proposer.sign_transaction(fields)
    now = clock.now_ms()
    return TransactionRecord(
        tx_hash=tx_hash,
        batch_id=loaded.batch.batch_id,
        chain_id=worker.settings.chain_id,
        sender=worker.proposer.address,
        nonce=nonce,
        position=len(loaded.transactions),
        raw=raw,
        payouts_hash=hex_of(prepared.payouts_hash),
        deadline_s=prepared.deadline,
        gas_limit=int(fields["gas"]),
        max_fee_per_gas_wei=str(fees.max_fee_wei),
        priority_fee_per_gas_wei=str(fees.priority_wei),
        state="SIGNED",
        created_at_ms=now,
        updated_at_ms=now,
    )
