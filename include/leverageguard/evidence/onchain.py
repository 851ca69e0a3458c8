"""Whether the chain says what a package's proof says: the batch's root, and this claim's payout."""

from __future__ import annotations

from dataclasses import replace

from leverageguard.config import ConfigError, Settings
from leverageguard.evidence.inclusion import Included
from leverageguard.evidence.report import Line, judged, note, ok, wrong
from leverageguard.settlement import chain as chains
from leverageguard.settlement.contracts.call import Event, hex_of
from leverageguard.settlement.contracts.pool import Pool
from leverageguard.settlement.errors import ChainUnreachable, SettlementError

ROOT, PAID = "batch root on the chain", "payout on the chain"


def lines(settings: Settings, stated: Included, rpc: str | None) -> list[Line]:
    """Ask the node at `rpc`, or the stack's own; without one that answers, say so.

    A node that was named must answer; the stack's own may be down.
    """
    named = _on_chain(settings, stated.chain_id, rpc)
    try:
        return _asked(named, stated)
    except ChainUnreachable as error:
        if rpc is None:
            return [note(ROOT, f"{error}: name another node by --rpc")]
        return [wrong(ROOT, str(error))]
    except SettlementError as error:
        return [wrong(ROOT, str(error))]


def _on_chain(settings: Settings, chain_id: int, rpc: str | None) -> Settings:
    """The settings of the proof's chain, which need not be one of this stack's."""
    try:
        found = settings.on_chain(chain_id)
    except ConfigError:
        found = replace(settings, chain_id=chain_id)
    return replace(found, chain_rpc=rpc) if rpc else found


def _asked(named: Settings, stated: Included) -> list[Line]:
    if stated.pool is None:
        return [wrong(ROOT, "the proof names no pool")]
    chain = chains.connect(named)
    known, first_block = _deployed(named)
    if known is not None and known.lower() != stated.pool.lower():
        return [wrong(ROOT, f"the proof names the pool {stated.pool}, this stack's is {known}")]
    pool = Pool(chain.web3, named, stated.pool)
    topics = [pool.topics("BatchSettled"), "0x" + stated.batch_no.to_bytes(32, "big").hex()]
    logs = chain.logs(pool.address, topics, first_block, chain.head().number)
    settled = next((pool.decode(log) for log in logs), None)
    if settled is None:
        return [note(ROOT, f"batch {stated.batch_no} is not settled yet")]
    root = hex_of(settled.args["evidenceRoot"])
    seen = f"{root} in {settled.tx_hash}"
    return [
        judged(ROOT, root == stated.root, seen, f"{seen}, the proof says {stated.root}"),
        _payout_line(chain, pool, settled, stated),
    ]


def _payout_line(chain: chains.Chain, pool: Pool, settled: Event, stated: Included) -> Line:
    """The payout of the claim's index in the transaction that settled the batch."""
    receipt = chain.receipt(settled.tx_hash)
    payments = pool.payments(receipt.logs) if receipt else []
    index = int(stated.document["claim_index"])
    found = next((payment for payment in payments if payment.claim_index == index), None)
    if found is None:
        return wrong(PAID, f"batch {stated.batch_no} says nothing of claim index {index}")
    recipient, amount = found.recipient, found.amount
    expected = (stated.document["recipient"], int(stated.document["amount_micro_usdc"]))
    seen = f"{amount} micro-USDC to {recipient}, claim index {index}"
    if (recipient, amount) != expected:
        return wrong(PAID, f"{seen}; the batch document says {expected[1]} to {expected[0]}")
    if found.is_paid:
        return ok(PAID, seen)
    if rescued := _rescue(chain, pool, index, settled.block_number):
        to, moved = rescued.args["recipient"].lower(), rescued.args["amount"]
        later = f"rescued to {to} in {rescued.tx_hash}"
        return judged(PAID, moved == amount, f"{seen}, refused, then {later}", f"{moved} {later}")
    return note(PAID, f"{seen} was refused or withheld; it stays due")


def _rescue(chain: chains.Chain, pool: Pool, claim_index: int, first_block: int) -> Event | None:
    """The event of a refused payout that was made after all, where verifiers sent it."""
    topics = [pool.topics("PayoutRescued"), "0x" + claim_index.to_bytes(32, "big").hex()]
    logs = chain.logs(pool.address, topics, first_block, chain.head().number)
    return next((pool.decode(log) for log in logs), None)


def _deployed(settings: Settings) -> tuple[str | None, int]:
    """This stack's pool and its first block, where a stack is known."""
    try:
        deployed = settings.deployment()
    except ConfigError:
        return None, 0
    return deployed.pool, deployed.deployed_block
