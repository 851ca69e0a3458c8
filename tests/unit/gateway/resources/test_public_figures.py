"""What everybody may read: products, and the fund as valued last."""

from __future__ import annotations

import json

from leverageguard.store import base
from leverageguard.store.valuation_tables import FundValuation
from tests.gateway_shop import NOW_MS, POOL, shop_fixture  # noqa: F401

TOLD = {
    "policies_at_risk": 3,
    "sum_at_risk_micro_usdc": 30_000_000,
    "ladder_micro_usdc": {"-5%": 7_000_000},
}


def value(shop):
    numbers = {
        column.name: 1_000_000
        for column in FundValuation.__table__.columns
        if column.name.endswith("_micro_usdc")
    } | {"written_micro_usdc": 2_000_000}
    row = FundValuation(
        **numbers, valuation_id="0x1", valued_at_ms=NOW_MS, recorded_at_ms=NOW_MS, block_number=9,
        solvency_ratio_ppm=2_000_000, model_version="made", paths=1000, seed=1,
        details=json.dumps(TOLD), inputs_hash="0x1",
    )  # fmt: skip
    with base.session(shop.settings) as session:
        session.add(row)


def test_products__anybody__sees_what_is_sold_and_where(shop):
    told = shop.get("/products", None).json()

    default = [one for one in told["products"] if one["is_default"]]
    assert [one["product_version"] for one in default] == ["actuarial-v2"]
    assert default[0]["covers"] == [
        {"cover_hours": 8, "wait_seconds": 900},
        {"cover_hours": 24, "wait_seconds": 1800},
    ]
    assert told["chain"]["pool"] == POOL
    venues = {one["exchange"]: one for one in told["exchanges"]}
    assert {name for name, one in venues.items() if one["has_passphrase"]} == {"okx"}
    assert len(venues) == 5 and sum(one["is_keyless"] for one in venues.values()) == 1
    assert told["is_simulated"] is True


def test_fund__before_the_first_valuation__is_not_there(shop):
    answer = shop.get("/fund", None)

    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_VALUED_YET")


def test_fund__valued__is_told_in_whole_micro_usdc(shop):
    value(shop)

    told = shop.get("/fund", None).json()

    assert (told["own_funds_micro_usdc"], told["solvency_ratio_ppm"]) == ("1000000", 2_000_000)
    assert told["ladder_micro_usdc"] == {"-5%": "7000000"}
    assert told["is_simulated"] is True
