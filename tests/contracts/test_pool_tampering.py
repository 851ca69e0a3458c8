"""Whatever is changed after signing, and however a batch is replayed, no money moves."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web3.exceptions import ContractLogicError, Web3RPCError

from tests.contracts.pool_world import recipient, word

relaxed = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
indices = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=6, unique=True).map(sorted)
amounts = st.integers(1, 100_000_000)


@st.composite
def payouts(draw):
    """Up to six payouts to fresh recipients, in order."""
    return [(index, draw(amounts), recipient(draw(st.integers(0, 99)))) for index in draw(indices)]


@relaxed
@given(
    payouts=payouts(),
    part=st.sampled_from(["number", "word", "total", "deadline", "root", "signature"]),
    bit=st.integers(0, 255),
    data=st.data(),
)
def test_settle_batch__one_bit_changed_after_signing__pays_nobody(world, payouts, part, bit, data):
    batch = world.batch(*payouts)
    signatures = world.signatures(batch)
    if part == "word":
        position = data.draw(st.integers(0, len(batch.words) - 1))
        words = list(batch.words)
        words[position] ^= 1 << bit
        changed = dataclasses.replace(
            batch, words=words, total=sum(w >> 160 & 2**64 - 1 for w in words)
        )
    elif part == "signature":
        position = data.draw(st.integers(0, 64))
        broken = bytearray(signatures[0])
        broken[position] ^= 1 << bit % 8
        signatures, changed = [bytes(broken), signatures[1]], batch
    elif part == "root":
        flipped = int.from_bytes(batch.root, "big") ^ 1 << bit
        changed = dataclasses.replace(batch, root=flipped.to_bytes(32, "big"))
    else:
        width = 256 if part == "total" else 64
        value = getattr(batch, part) ^ 1 << bit % width
        changed = dataclasses.replace(batch, **{part: value})
    sender = {"from": world.who("proposer").address}
    with pytest.raises((ContractLogicError, Web3RPCError)):
        world.settling(changed, signatures).call(sender)
    world.settling(batch).call(sender)


@relaxed
@given(payouts=payouts(), data=st.data())
def test_settle_batch__any_paid_claim_in_any_later_batch__pays_nobody(world, payouts, data):
    snapshot = world.w3.provider.make_request("evm_snapshot", [])["result"]
    try:
        world.settle(*payouts)
        again = data.draw(st.sampled_from(payouts))
        others = data.draw(indices)
        paid = {index for index, _, _ in payouts}
        mixed = sorted({(i, 5, recipient(i % 7)) for i in others if i not in paid} | {again})
        batch = world.batch(*mixed)
        assert word(*again) in batch.words
        with pytest.raises(ContractLogicError):
            world.settling(batch).call({"from": world.who("proposer").address})
    finally:
        world.w3.provider.make_request("evm_revert", [snapshot])
