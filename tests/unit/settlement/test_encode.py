from __future__ import annotations

import pytest
from eth_abi.abi import encode as abi_encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from leverageguard.domain.batch import MAX_AMOUNT, MAX_CLAIM_INDEX, BatchRefused, Payout
from leverageguard.settlement import encode

POOL = "0x00000000000000000000000000000000000000AA"
DOMAIN = encode.PoolDomain(31337, POOL)
DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
BATCH_TYPE = (
    b"Batch(uint64 batchNo,uint64 firstClaim,uint64 listVersion,uint64 deadline,uint256 total,"
    b"bytes32 evidenceRoot,bytes32 payoutsHash)"
)
MESSAGE = encode.BatchMessage(3, 9, 1, 1_800_000_000, 77, b"\x02" * 32, b"\x01" * 32)

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


@given(payouts, st.booleans())
def test_word__any_payout__unpacks_as_the_contract_does(payout: Payout, is_withheld: bool) -> None:
    packed = encode.word(payout, is_withheld)
    assert packed >> 255 == is_withheld
    assert packed >> 224 & (2**31 - 1) == 0
    assert (packed >> 160) & (2**64 - 1) == payout.amount_micro_usdc
    assert f"0x{packed & (2**160 - 1):040x}" == payout.recipient


def numbered(*claims: int) -> list[Payout]:
    return [Payout(claim, f"clm {claim}", f"0x{claim:040x}", 1000 - claim) for claim in claims]


def test_words__claims_in_a_row__stand_in_their_order_with_the_denied_one_withheld() -> None:
    packed = encode.words(numbered(4, 5, 6), {f"0x{5:040x}"})
    assert [word & (2**160 - 1) for word in packed] == [4, 5, 6]
    assert [word >> 255 for word in packed] == [0, 1, 0]


@pytest.mark.parametrize("claims", [(4, 6), (4, 4), (5, 4)])
def test_words__a_gap_between_claims__is_refused(claims: tuple[int, ...]) -> None:
    with pytest.raises(BatchRefused, match="the pool settles claims in their order"):
        encode.words(numbered(*claims))


def test_payouts_hash__two_words__is_keccak_of_their_32_byte_forms() -> None:
    expected = keccak(bytes(31) + b"\x01" + bytes(31) + b"\x02")
    assert encode.payouts_hash([1, 2]) == expected


def test_batch_digest__known_message__equals_eip_712_by_hand() -> None:
    fields = (keccak(BATCH_TYPE), 3, 9, 1, 1_800_000_000, 77, b"\x02" * 32, b"\x01" * 32)
    types = ["bytes32", *["uint64"] * 4, "uint256", "bytes32", "bytes32"]
    expected = keccak(b"\x19\x01" + separator() + keccak(abi_encode(types, fields)))
    assert encode.batch_digest(DOMAIN, MESSAGE) == expected


def test_rescue_digest__known_message__equals_eip_712_by_hand() -> None:
    message = encode.RescueMessage(7, POOL, 50, 1_800_000_000)
    type_hash = keccak(
        b"Rescue(uint256 claimIndex,address recipient,uint256 amount,uint64 deadline)"
    )
    types = ["bytes32", "uint256", "address", "uint256", "uint64"]
    encoded = abi_encode(types, (type_hash, 7, POOL, 50, 1_800_000_000))
    expected = keccak(b"\x19\x01" + separator() + keccak(encoded))
    assert encode.rescue_digest(DOMAIN, message) == expected


def test_quote_digest__known_message__equals_eip_712_by_hand() -> None:
    message = encode.QuoteMessage(b"\x03" * 32, POOL, 5, 50, 86_400, 1800, 99, b"\x04" * 32)
    type_hash = keccak(
        b"Quote(bytes32 quoteId,address buyer,uint256 premium,uint256 maxPayout,"
        b"uint64 coverSeconds,uint64 waitSeconds,uint64 deadline,bytes32 termsHash)"
    )
    types = ["bytes32", "bytes32", "address", *["uint256"] * 2, *["uint64"] * 3, "bytes32"]
    values = (type_hash, b"\x03" * 32, POOL, 5, 50, 86_400, 1800, 99, b"\x04" * 32)
    expected = keccak(b"\x19\x01" + separator() + keccak(abi_encode(types, values)))
    assert encode.quote_digest(DOMAIN, message) == expected


def test_batch_digest__other_pool_or_chain__differs() -> None:
    others = [encode.PoolDomain(1, POOL), encode.PoolDomain(31337, POOL[:-1] + "B")]
    digests = {encode.batch_digest(domain, MESSAGE) for domain in [DOMAIN, *others]}
    assert len(digests) == 3
