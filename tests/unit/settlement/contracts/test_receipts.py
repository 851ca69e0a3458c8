from __future__ import annotations

from typing import Any

import pytest
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from leverageguard.settlement.contracts import receipts
from leverageguard.settlement.contracts.call import Event
from leverageguard.settlement.errors import StoreAndChainDisagree

ANN, BEN = "0x" + "aB" * 20, "0x" + "0c" * 20


def event(name: str, at: int, tx_hash: str = "0xt", **args: Any) -> Event:
    return Event(name, args, tx_hash, at, 7, "0xb")


def bought(at: int, amount: int = 5, by: str = ANN, tx_hash: str = "0xt") -> Event:
    return event("PolicyPurchased", at, tx_hash, buyer=by, premium=amount, maxPayout=9)


def moved(at: int, amount: int = 5, by: str = ANN, tx_hash: str = "0xt") -> Event:
    return event(receipts.TRANSFERRED, at, tx_hash, payer=by.lower(), amount=amount)


def found(*events: Event) -> list[int]:
    return [each.log_index for each in receipts.unannounced(events)]


def test_unannounced__a_premium_and_a_deposit__are_none() -> None:
    deposit = event("Deposited", 3, **{"from": BEN, "amount": 8})
    assert found(bought(1), moved(2), deposit, moved(4, 8, BEN)) == []


def test_unannounced__a_plain_transfer__is_one() -> None:
    assert found(moved(1)) == [1]


def test_unannounced__transfer_and_purchase_of_one_amount_in_one_transaction__is_the_first() -> (
    None
):
    assert found(moved(1), bought(2), moved(3)) == [1]
    assert found(bought(1), moved(2), moved(3)) == [3]


@pytest.mark.parametrize("other", [{"amount": 6}, {"by": BEN}, {"tx_hash": "0xu"}])
def test_unannounced__not_the_announced_transfer__is_one_and_the_announced_is_missed(
    other: dict[str, Any],
) -> None:
    assert found(bought(1), moved(2, **other), moved(3)) == [2]
    with pytest.raises(StoreAndChainDisagree, match=r"0xt .*land again"):
        found(bought(1), moved(2, **other))


def test_unannounced__a_transfer_of_nothing__is_left_out() -> None:
    assert found(moved(1, 0)) == []


@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 3), st.sampled_from([ANN, BEN]), st.integers(0, 2))
    )
)
def test_unannounced__any_transactions__their_sum_is_what_came_less_what_was_announced(
    steps: list[tuple[bool, int, str, int]],
) -> None:
    events: list[Event] = []
    plain = []
    for is_bought, amount, by, tx in steps:
        if is_bought:
            events.append(bought(len(events), amount, by, str(tx)))
        else:
            plain.append(len(events))
        events.append(moved(len(events), amount, by, str(tx)))
    assert found(*events) == plain


def test_transferred__a_log_of_the_token__is_read_as_it_stands() -> None:
    log = {
        "topics": [keccak(b"t"), bytes(12) + bytes.fromhex("ab" * 20), bytes(32)],
        "data": (1_000_000).to_bytes(32, "big"),
        "transactionHash": b"\x01" * 32,
        "logIndex": 4,
        "blockNumber": 9,
        "blockHash": b"\x02" * 32,
    }
    assert receipts.transferred(log) == Event(
        receipts.TRANSFERRED,
        {"payer": ANN.lower(), "amount": 1_000_000},
        "0x" + "01" * 32,
        4,
        9,
        "0x" + "02" * 32,
    )
