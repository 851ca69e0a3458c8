"""Amounts of the small world, worked out by hand: floor(base x share x rate), then the limits."""

from __future__ import annotations

from math import floor

# Rates of scenario-small-v1 at 100x: 0.25 + 50 x 0.005 - P/500 x 0.1, at most 0.5.
RATE_10 = 498_000
RATE_7 = 498_600
RATE_50 = 490_000


def amounts(rows):
    return [row["approved_micro_usdc"] for row in rows]


def test_payout__full_liquidation__is_margin_times_rate(claims):
    assert amounts(claims["full"]) == [10_000_000 * RATE_10 // 1_000_000] == [4_980_000]


def test_payout__margin_not_stated__is_worked_out_from_the_leverage(claims):
    assert amounts(claims["derived"]) == [4_980_000]


def test_payout__two_halves__are_half_each(claims):
    assert amounts(claims["halves"]) == [2_490_000, 2_490_000]


def test_payout__a_third__is_rounded_down_once(claims):
    # Margin 0.3 USDT in 0.03 contracts; 0.01 of it closed.
    assert amounts(claims["third"]) == [floor(300_000 * RATE_7 / 3 / 1_000_000)] == [49_860]


def test_payout__turned_position__counts_the_second_side_only(claims):
    assert amounts(claims["turned"]) == [4_980_000]


def test_payout__margin_put_in_again_and_again__counts_once(claims):
    assert amounts(claims["recycled"]) == [10_000_000 * RATE_50 // 1_000_000]


def test_payout__small_loss__is_the_loss_with_its_fees(claims):
    # 0.5 lost, 0.5 opening and 0.49975 closing fee; the formula alone would give 4.98.
    assert amounts(claims["small-loss"]) == [1_499_750]
    assert claims["small-loss"][0]["capped_micro_usdc"] == 4_980_000 - 1_499_750


def test_payout__two_accounts_of_one_wallet__share_the_cap_of_the_day(claims):
    # 100 USDT of margin at 0.4 each: 40, then what is left of 50.
    assert amounts(claims["rich-1"]) == [40_000_000]
    assert amounts(claims["rich-2"]) == [10_000_000]
    assert claims["rich-2"][0]["capped_micro_usdc"] == 30_000_000


def test_payout__beside_a_withdrawn_claim__has_the_whole_room(claims):
    # 100 USDT of margin at 0.48 each, and a cap of 50 a day.
    assert amounts(claims["gone-first"]) == [None]
    assert amounts(claims["gone-second"]) == [48_000_000]


def test_payout__released_by_two_people__is_the_formula(claims):
    assert amounts(claims["limit-released"]) == amounts(claims["appeal-won"]) == [48_000_000]


def test_payout__sum_insured_used_up__pays_the_rest(claims):
    assert amounts(claims["exhausted"]) == [4_980_000, 1_020_000]


def test_payout__not_verified__has_no_amount(query):
    assert (
        query(
            "select claim_id from fct_claims where verdict <> 'verified' "
            "and (approved_micro_usdc is not null or payout_state <> 'NONE')"
        )
        == []
    )


def test_batches__approved_items__add_up_and_are_pending(query):
    rows = query("select * from fct_payout_batches")

    assert [(row["batch_id"], row["status"]) for row in rows] == [("pending-0001", "approved")]
    assert (
        rows[0]["total_micro_usdc"]
        == query("select sum(approved_micro_usdc)::bigint as total from fct_verified_claims")[0][
            "total"
        ]
    )


def test_columns__of_models_that_decide__hold_no_float(query):
    rows = query(
        "select table_name, column_name, data_type from information_schema.columns "
        "where (data_type like '%DOUBLE%' or data_type like '%FLOAT%' or data_type = 'REAL') "
        "and table_name not like 'pg_%'"
    )

    assert rows == []
