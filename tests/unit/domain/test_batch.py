import pytest
from hypothesis import given
from hypothesis import strategies as st

from leverageguard.domain.batch import Batch, BatchRefused, Payout

ADDRESS = "0x" + "ab" * 20


def payout(index: int, amount: int = 1, claim: str | None = None, to: str = ADDRESS) -> Payout:
    return Payout(index, claim or f"clm_{index}", to, amount)


@given(st.permutations([payout(n, n + 1) for n in range(6)]))
def test_batch__any_order__is_the_same_value(shuffled):
    batch = Batch(tuple(shuffled))

    assert batch.batch_id == Batch(tuple(payout(n, n + 1) for n in range(6))).batch_id
    assert [p.claim_index for p in batch.payouts] == [0, 1, 2, 3, 4, 5]
    assert batch.total_micro_usdc == 21


@pytest.mark.parametrize(
    "changed",
    [payout(2, 1), payout(1, 2), payout(1, claim="clm_x"), payout(1, to="0x" + "cd" * 20)],
)
def test_batch_id__any_field_changed__differs(changed):
    assert Batch((payout(0), payout(1))).batch_id != Batch((payout(0), changed)).batch_id


@pytest.mark.parametrize("amount", [0, -1, 2**64])
def test_payout__amount_not_payable__refuses(amount):
    with pytest.raises(BatchRefused):
        payout(0, amount)


@pytest.mark.parametrize("to", ["", "0x" + "0" * 40, "0x12", "ab" * 20])
def test_payout__address_not_payable__refuses(to):
    with pytest.raises(BatchRefused):
        payout(0, to=to)


def test_batch__claim_twice__refuses():
    with pytest.raises(BatchRefused, match="clm_1 stands twice"):
        Batch((payout(0, claim="clm_1"), payout(1)))


def test_batch__index_twice__refuses():
    with pytest.raises(BatchRefused, match="claim_index 1"):
        Batch((payout(1, claim="clm_a"), payout(1, claim="clm_b")))


def test_batch__empty__refuses():
    with pytest.raises(BatchRefused):
        Batch(())
