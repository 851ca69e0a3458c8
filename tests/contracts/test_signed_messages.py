"""What Python signs and what the pool checks is one message: fields, order and digest."""

from __future__ import annotations

from typing import Any

import pytest
from eth_account import Account
from eth_utils import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leverageguard.settlement import encode
from tests.contracts.pool_world import FIELDS

TYPES = {
    "Batch": encode.BatchMessage,
    "Rescue": encode.RescueMessage,
    "Quote": encode.QuoteMessage,
}
numbers = st.integers(0, 2**64 - 1)
bytes32 = st.binary(min_size=32, max_size=32)


@pytest.mark.parametrize("kind", TYPES)
def test_message__its_fields__are_the_contracts_in_their_order(world, kind):
    named = [field.split(" ")[1] for field in FIELDS[kind].split(",")]
    assert list(TYPES[kind].__dataclass_fields__) == named
    type_hash = keccak(text=f"{kind}({FIELDS[kind]})")
    assert world.view(f"{kind.upper()}_TYPEHASH") == type_hash


def test_quote_struct__its_fields__are_what_is_signed_in_the_same_order(world):
    (buying,) = (each for each in world.pool.abi if each.get("name") == "buyPolicy")
    struct = buying["inputs"][0]["components"]
    assert ",".join(f"{each['type']} {each['name']}" for each in struct) == FIELDS["Quote"]


@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.tuples(bytes32, st.integers(1, 10**6), st.integers(1, 2**64), numbers, numbers),
    bytes32,
)
def test_quote__signed_by_python__is_bought_and_kept_as_signed(
    world: Any, terms: tuple[Any, ...], terms_hash: bytes
) -> None:
    snapshot = world.w3.provider.make_request("evm_snapshot", [])["result"]
    try:
        buyer = world.who("buyer").address
        quote_id, premium, payout, cover, wait = terms
        deadline = world.now + 600
        quote = encode.QuoteMessage(
            quote_id, buyer, premium, payout, cover, wait, deadline, terms_hash
        )
        domain = encode.PoolDomain(world.w3.eth.chain_id, world.pool.address)
        digest = encode.quote_digest(domain, quote)
        signature = Account.unsafe_sign_hash(digest, world.who("quoter").key).signature
        world.send(world.token.functions.mint(buyer, premium))
        world.send(world.token.functions.approve(world.pool.address, premium), "buyer")
        call = world.pool.functions.buyPolicy(tuple(vars(quote).values()), signature)
        world.send(call, "buyer")
        stored = world.view("policyOf", quote_id)
        assert stored == [buyer, world.now, 0, premium, wait, cover]
    finally:
        world.w3.provider.make_request("evm_revert", [snapshot])
