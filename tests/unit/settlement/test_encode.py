from __future__ import annotations

from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from leverageguard.domain.batch import MAX_AMOUNT, MAX_CLAIM_INDEX, Payout
from leverageguard.settlement import encode

POOL = "0x00000000000000000000000000000000000000AA"
DOMAIN = encode.PoolDomain(31337, POOL)
DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
BATCH_TYPE = (
    b"Batch(uint64 batchNo,bytes32 payoutsHash,uint256 total,uint64 deadline,bytes32 evidenceRoot)"
)

payouts = st.builds(
    Payout,
    claim_index=st.integers(0, MAX_CLAIM_INDEX),
    claim_id=st.just("clm"),
    recipient=st.integers(1, 2**160 - 1).map(lambda number: f"0x{number:040x}"),
    amount_micro_usdc=st.integers(1, MAX_AMOUNT),
)


def separator() -> bytes:
    parts = (keccak(DOMAIN_TYPE), keccak(b"LeverageGuardPool"), keccak(b"1"), 31337, POOL)
    return keccak(abi_encode(["bytes32", "bytes32", "bytes32", "uint256", "address"], parts))


@given(payouts)
def test_word__any_payout__unpacks_as_the_contract_does(payout: Payout) -> None:
    packed = encode.word(payout)
    assert packed >> 224 == payout.claim_index
    assert (packed >> 160) & (2**64 - 1) == payout.amount_micro_usdc
    assert f"0x{packed & (2**160 - 1):040x}" == payout.recipient


@given(st.lists(payouts, max_size=8))
def test_words__any_order__ascend(some: list[Payout]) -> None:
    packed = encode.words(some)
    assert packed == sorted(packed)


def test_payouts_hash__two_words__is_keccak_of_their_32_byte_forms() -> None:
    expected = keccak(bytes(31) + b"\x01" + bytes(31) + b"\x02")
    assert encode.payouts_hash([1, 2]) == expected


def test_batch_digest__known_message__equals_eip_712_by_hand() -> None:
    message = encode.BatchMessage(3, b"\x01" * 32, 77, 1_800_000_000, b"\x02" * 32)
    fields = (keccak(BATCH_TYPE), 3, b"\x01" * 32, 77, 1_800_000_000, b"\x02" * 32)
    types = ["bytes32", "uint64", "bytes32", "uint256", "uint64", "bytes32"]
    expected = keccak(b"\x19\x01" + separator() + keccak(abi_encode(types, fields)))
    assert encode.batch_digest(DOMAIN, message) == expected


def test_batch_digest__other_pool_or_chain__differs() -> None:
    message = encode.BatchMessage(3, b"\x01" * 32, 77, 1_800_000_000, b"\x02" * 32)
    others = [encode.PoolDomain(1, POOL), encode.PoolDomain(31337, POOL[:-1] + "B")]
    digests = {encode.batch_digest(domain, message) for domain in [DOMAIN, *others]}
    assert len(digests) == 3
