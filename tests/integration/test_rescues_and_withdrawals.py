"""Money that leaves the pool outside of a batch: landed from the chain, and no difference there."""

from __future__ import annotations

from typing import Any

from leverageguard import clock
from leverageguard.evidence import onchain
from leverageguard.evidence.inclusion import Included
from leverageguard.settlement import chain_steps, encode, ledger, steps
from leverageguard.settlement.contracts.call import Call
from leverageguard.settlement.signing import signers
from leverageguard.warehouse import landing, packages
from tests.anvil import STARTED_AT_S, anvil_fixture  # noqa: F401
from tests.pool_stack import USDC, PoolStack, item, key, recipient, stack_fixture  # noqa: F401

DAY_S = 86_400


def call(stack: PoolStack, name: str, *arguments: Any) -> Call:
    return Call(stack.pool.address, stack.pool._contract.encode_abi(name, list(arguments)), name)


def land_everything(stack: PoolStack) -> None:
    clock.sleep(3600)
    hours = range(STARTED_AT_S * 1000, clock.now_ms() + 3_600_000, 3_600_000)
    chain_steps.land_hours(stack.settings, stack.chain, hours)


def rescue(stack: PoolStack, claim_index: int, to: str) -> Call:
    """The call that pays a refused claim to `to`, signed by the verifiers."""
    deadline = stack.chain.next_timestamp() + 3600
    message = encode.RescueMessage(claim_index, to, USDC + claim_index, deadline)
    domain = encode.PoolDomain(stack.settings.chain_id, stack.pool.address)
    signed = signers.sign_by_threshold(
        encode.rescue_digest(domain, message),
        [key(f"chain_verifier_{n}") for n in (1, 2, 3)],
        2,
        stack.admin.address,
    )
    return stack.pool.rescue_payout(claim_index, to, deadline, signed)


def test_rescue__of_a_refused_payout__lands_as_paid_to_the_new_address(stack: PoolStack) -> None:
    stack.send(stack.token.set_denied(recipient(2), True))
    (batch_id,) = stack.plan(item(1), item(2), item(3))
    steps.settle(batch_id)
    assert steps.confirm(batch_id) == {"paid": 2, "failed": 1}
    stack.send(stack.pool.grant_role("RESCUER_ROLE", stack.admin.address))
    stack.send(rescue(stack, 2, recipient(9)))
    assert stack.token.balance_of(recipient(9)) == USDC + 2

    land_everything(stack)

    payouts = landing.scan(stack.settings, "chain/payouts")
    told = sorted(
        (row["claim_index"], row["is_paid"], row["recipient"], row["amount_micro_usdc"])
        for row in payouts
    )
    assert told == [
        (1, True, recipient(1).lower(), USDC + 1),
        (2, False, recipient(2).lower(), USDC + 2),
        (2, True, recipient(9).lower(), USDC + 2),
        (3, True, recipient(3).lower(), USDC + 3),
    ]
    assert {row["batch_no"] for row in payouts} == {1}
    document = packages.evidence_dir(stack.settings) / "proofs" / f"{item(2).claim_id}.json"
    _, line = onchain.lines(stack.settings, Included.read(document), None)
    assert line.result == "ok"
    assert f"rescued to {recipient(9).lower()}" in line.seen
    states = [row.state for row in ledger.load(stack.settings, batch_id).payouts]
    assert states == ["PAID", "FAILED", "PAID"], "the store keeps what the batch did"


def test_withdrawal__asked_for_and_taken__lands_once(stack: PoolStack) -> None:
    safe = recipient(8)
    for role in ("TREASURER_ROLE", "LISTER_ROLE"):
        stack.send(stack.pool.grant_role(role, stack.admin.address))
    stack.send(call(stack, "setWithdrawalTerms", 100 * USDC, DAY_S))
    stack.send(stack.pool.set_allowed({safe: 2**63}))
    stack.send(call(stack, "requestWithdrawal", safe, 30 * USDC))
    clock.sleep(DAY_S + 60)
    stack.send(call(stack, "executeWithdrawal", 1))

    land_everything(stack)

    (row,) = landing.scan(stack.settings, "chain/withdrawals")
    assert (row["withdrawal_id"], row["recipient"]) == (1, safe.lower())
    assert row["amount_micro_usdc"] == 30 * USDC == stack.token.balance_of(safe)
    assert stack.pool.free_balance() == 970 * USDC
