import pytest

from leverageguard.intake.products import product
from leverageguard.store.policy_tables import PolicyTxn
from leverageguard.underwriting import capacity
from leverageguard.underwriting.refusals import QuoteRefused
from tests.unit.underwriting.conftest import NOW_MS

LASTING_MS = 900_000 + 1_800_000 + 86_400_000


def moves(shop, policy_id, *states):
    with shop.session() as opened:
        for number, (before, after) in enumerate(zip((None, *states), states, strict=False), 1):
            opened.add(
                PolicyTxn(
                    policy_id=policy_id, txn_no=number, from_state=before, to_state=after,
                    at_ms=NOW_MS, recorded_at_ms=NOW_MS, actor="test", rule_id="TEST",
                    inputs_hash="0x", detail="{}",
                )
            )  # fmt: skip
            opened.flush()


def open_now(shop, at_ms=NOW_MS):
    with shop.session() as opened:
        return sum(one.open_micro_usdc for one in capacity.open_exposures(opened, at_ms))


def test_open__quote__counts_until_its_cover_could_have_ended(shop):
    shop.quote()

    assert open_now(shop) == 10_000_000
    assert open_now(shop, NOW_MS + LASTING_MS - 1) == 10_000_000
    assert open_now(shop, NOW_MS + LASTING_MS) == 0


@pytest.mark.parametrize(
    ("states", "is_open"),
    [
        (("QUOTED",), True),
        (("QUOTED", "PAID", "WAITING", "IN_FORCE"), True),
        (("QUOTED", "LAPSED"), False),
        (("QUOTED", "LAPSED", "PAID"), True),
        (("QUOTED", "PAID", "WAITING", "CANCELLED"), False),
        (("QUOTED", "PAID", "WAITING", "IN_FORCE", "EXHAUSTED", "CLOSED"), False),
        (("QUOTED", "VOID"), False),
    ],
)
def test_open__policy__counts_while_it_may_pay(shop, states, is_open):
    moves(shop, shop.quote().quote_id, *states)

    assert bool(open_now(shop)) is is_open


def limits(shop, monkeypatch, **limit):
    row = {"limit_id": "l", "side": "long", "min_leverage": "1", "max_leverage": "1000",
           "max_open_micro_usdc": "15000000"}  # fmt: skip
    monkeypatch.setattr(capacity, "_limits", lambda *_: [row | limit])


@pytest.mark.parametrize("side", ["long", "either"])
def test_limit__side_used_up__refuses_the_next(shop, monkeypatch, side):
    limits(shop, monkeypatch)
    shop.quote(side="long")

    with pytest.raises(QuoteRefused, match=r"CAPACITY: BTC l would be 20\.000000"):
        shop.quote(reference="next", side=side)


def test_limit__other_side_asset_or_leverage__is_not_touched(shop, monkeypatch):
    limits(shop, monkeypatch)
    shop.quote(side="long")

    assert shop.quote(reference="a", side="short")
    assert shop.quote(reference="b", side="long", inst_id="ETH-USDT-SWAP")
    limits(shop, monkeypatch, min_leverage="30")
    assert shop.quote(reference="c", side="long")


def test_limit__leverage_band__counts_its_own(shop, monkeypatch):
    limits(shop, monkeypatch, min_leverage="20", max_leverage="20")
    shop.quote(side="long", leverage=21)
    assert shop.quote(reference="in", side="long", leverage=20)

    with pytest.raises(QuoteRefused, match="CAPACITY"):
        shop.quote(reference="over", side="long", leverage=20)


def test_limit__exactly_reached__is_sold(shop, monkeypatch):
    limits(shop, monkeypatch, max_open_micro_usdc="20000000")
    shop.quote(side="long")

    assert shop.quote(reference="next", side="long")


def test_limits__committed__hold_what_is_sold_unasked_or_by_name_and_no_scenario(shop):
    found = {
        name: len(capacity._limits(shop.settings, product(shop.settings, name)))
        for name in ("actuarial-v2", "seed-v1", "scenario-small-v1", "scenario-large-v1")
    }

    assert found == {
        "actuarial-v2": 4,
        "seed-v1": 2,
        "scenario-small-v1": 0,
        "scenario-large-v1": 0,
    }
