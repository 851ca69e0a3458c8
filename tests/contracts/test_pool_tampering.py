"""Whatever is changed after signing, and however a batch is replayed, no money moves."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web3.exceptions import ContractLogicError, Web3RPCError

from tests.contracts.pool_world import WITHHELD, recipient

SECP256K1_N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
relaxed = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
amounts = st.integers(1, 100_000_000)
recipients = st.integers(0, 99).map(recipient)
payouts_of_a_batch = st.lists(st.tuples(amounts, recipients), min_size=1, max_size=6)
# The fields of a batch and their width in bits.
PARTS = {"number": 64, "first_claim": 64, "list_version": 64, "deadline": 64, "total": 256}


def refuses(world, call):
    """Nobody can make this call with success, the proposer included."""
    with pytest.raises((ContractLogicError, Web3RPCError)):
        call.call({"from": world.who("proposer").address})


@relaxed
@given(
    payouts=payouts_of_a_batch,
    part=st.sampled_from([*PARTS, "word", "root", "signature"]),
    bit=st.integers(0, 255),
    data=st.data(),
)
def test_settle_batch__one_bit_changed_after_signing__pays_nobody(world, payouts, part, bit, data):
    batch = world.batch(*payouts)
    signatures = world.signatures(batch)
    if part == "word":
        words = list(batch.words)
        words[data.draw(st.integers(0, len(words) - 1))] ^= 1 << bit
        total = sum(w >> 160 & 2**64 - 1 for w in words)
        changed = dataclasses.replace(batch, words=words, total=total)
    elif part == "signature":
        broken = bytearray(signatures[0])
        broken[data.draw(st.integers(0, 64))] ^= 1 << bit % 8
        signatures, changed = [bytes(broken), signatures[1]], batch
    elif part == "root":
        flipped = int.from_bytes(batch.root, "big") ^ 1 << bit
        changed = dataclasses.replace(batch, root=flipped.to_bytes(32, "big"))
    else:
        value = getattr(batch, part) ^ 1 << bit % PARTS[part]
        changed = dataclasses.replace(batch, **{part: value})
    refuses(world, world.settling(changed, signatures))
    world.settling(batch).call({"from": world.who("proposer").address})


@relaxed
@given(bit=st.integers(0, 6 * 256 - 1))
def test_settle_batch__any_bit_of_the_call_itself_changed__pays_nobody(world, bit):
    """The bits no field uses too: a number with a dirty top half is not read as another."""
    call = world.settling(world.batch((7, recipient(1))))
    data = bytearray.fromhex(call._encode_transaction_data().removeprefix("0x"))
    request = {"from": world.who("proposer").address, "to": world.pool.address}
    world.w3.eth.call(request | {"data": bytes(data)})
    data[4 + bit // 8] ^= 1 << bit % 8
    with pytest.raises(ContractLogicError):
        world.w3.eth.call(request | {"data": bytes(data)})


@settings(relaxed, max_examples=15)
@given(payouts=payouts_of_a_batch, first=st.integers(0, 12), number=st.integers(0, 4))
def test_settle_batch__any_paid_claim_in_any_later_batch__pays_nobody(
    world, payouts, first, number
):
    """Even with signatures: only the claims that follow the paid ones can be settled."""
    snapshot = world.w3.provider.make_request("evm_snapshot", [])["result"]
    try:
        world.settle(*payouts)
        following = len(payouts) + 1
        if (number, first) == (2, following):
            first += 1
        refuses(world, world.settling(world.batch(*payouts, first_claim=first, number=number)))
        world.settle(*payouts, first_claim=following, number=2)
    finally:
        world.w3.provider.make_request("evm_revert", [snapshot])


@pytest.mark.parametrize(
    "change",
    [
        lambda words: words[1:],
        lambda words: [*words, words[0]],
        lambda words: [words[1], words[0], words[2]],
        lambda words: [words[0] | WITHHELD, *words[1:]],
    ],
    ids=["one dropped", "one more", "two swapped", "one withheld"],
)
def test_settle_batch__words_rearranged_after_signing__pays_nobody(world, refused, change):
    batch = world.batch(*[(10, recipient(n)) for n in range(3)])
    signatures = world.signatures(batch)
    words = change(batch.words)
    changed = dataclasses.replace(batch, words=words, total=10 * len(words))
    with refused("NotAVerifier"):
        world.send(world.settling(changed, signatures), "proposer")


@pytest.mark.parametrize(
    "other",
    [{"chainId": 1}, {"verifyingContract": recipient(9)}, {"version": "2"}, {"name": "Other"}],
)
@pytest.mark.parametrize("kind", ["Batch", "Rescue"])
def test_signature__of_another_domain__counts_for_nothing(world, refused, other, kind):
    world.issuer_denies(recipient(1))
    world.settle((7, recipient(1)))
    batch = world.batch((7, recipient(2)))
    rescue = {"claimIndex": 1, "recipient": recipient(2), "amount": 7, "deadline": batch.deadline}
    message = batch.message() if kind == "Batch" else rescue
    keys = [world.who("verifier 1"), world.who("verifier 2")]
    signed = [world.sign(key, kind, message, **other) for key in keys]
    rescuing = world.pool.functions.rescuePayout(1, recipient(2), batch.deadline, signed)
    call, sender = {
        "Batch": (world.settling(batch, signed), "proposer"),
        "Rescue": (rescuing, "rescuer"),
    }[kind]
    with refused("NotAVerifier"):
        world.send(call, sender)


def test_signature__of_another_pool_on_the_same_chain__counts_for_nothing(
    make_world, world, refused
):
    twin = make_world()
    batch = twin.batch((7, recipient(1)), deadline=world.now + 3600)
    signed = twin.signatures(batch)
    with refused("NotAVerifier"):
        world.send(world.settling(batch, signed), "proposer")
    twin.send(twin.settling(batch, signed), "proposer")


def test_signature__mirrored_to_the_high_half__is_refused(world, refused):
    """(r, n - s) signs the same message: accepted, one signer had two signatures."""
    batch = world.batch((7, recipient(1)))
    signatures = world.signatures(batch)
    r, s, v = signatures[0][:32], int.from_bytes(signatures[0][32:64], "big"), signatures[0][64]
    mirrored = r + (SECP256K1_N - s).to_bytes(32, "big") + bytes([55 - v])
    with refused("ECDSAInvalidSignatureS"):
        world.send(world.settling(batch, [mirrored, signatures[1]]), "proposer")


def test_signature__short_form_or_cut__is_refused(world, refused):
    batch = world.batch((7, recipient(1)))
    signatures = world.signatures(batch)
    s, v = int.from_bytes(signatures[0][32:64], "big"), signatures[0][64]
    compact = signatures[0][:32] + (s | (v - 27) << 255).to_bytes(32, "big")
    for other in (compact, signatures[0][:64], signatures[0] + b"\0", b""):
        with refused("ECDSAInvalidSignatureLength", len(other)):
            world.send(world.settling(batch, [other, signatures[1]]), "proposer")


def test_signature__that_recovers_nobody__is_refused(world, refused):
    batch = world.batch((7, recipient(1)))
    with refused("ECDSAInvalidSignature"):
        world.send(world.settling(batch, [bytes(64) + b"\x1b"]), "proposer")
