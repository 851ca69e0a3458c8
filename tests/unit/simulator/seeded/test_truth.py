"""The independent payout arithmetic behind the ground truth."""

from __future__ import annotations

from decimal import Decimal

from leverageguard.simulator.seeded.truth import DAY_MS, Stake, Truth, rows


def stake(
    principal: int = 100, leverage: int = 100, margin: str = "80", share: tuple[int, int] = (1, 1),
    loss: str = "80",
) -> Stake:  # fmt: skip
    return Stake(
        principal * 1_000_000, leverage, Decimal(margin), Decimal(share[0]), Decimal(share[1]),
        Decimal(loss),
    )  # fmt: skip


def truth(order_id: str, at_ms: int, of: Stake, policy: str = "p", wallet: str = "w") -> Truth:
    return Truth(policy, wallet, order_id, at_ms, stake=of)


def amounts(*truths: Truth) -> list[int]:
    return [row["payout_micro_usdc"] for row in rows(list(truths))]


def test_formula__authentic_figures__rounds_down_once() -> None:
    assert stake(10, 100, "7.5272128", loss="7.9").formula == 3_748_551


def test_formula__a_third_closed__is_exact() -> None:
    assert stake(300, 20, "300", (1, 3), "300").formula == 10_000_000


def test_formula__small_loss__is_capped_by_it() -> None:
    assert stake(loss="1.0000019").formula == 1_000_001


def test_rows__second_event_of_a_policy__gets_the_rest_of_the_sum_insured() -> None:
    of = stake(60, 40, "50", loss="50")
    assert of.sum_insured == 11_280_000
    assert amounts(truth("1", 1, of), truth("2", 2, of)) == [9_400_000, 1_880_000]


def test_rows__one_wallet_one_day__at_most_50_usdc() -> None:
    of = stake(100, 100, "70", loss="70")
    first, second = truth("1", 1, of, "p"), truth("2", 2, of, "q")
    next_day = truth("3", DAY_MS, of, "r")
    assert amounts(first, second, next_day) == [33_600_000, 16_400_000, 33_600_000]


def test_rows__rejected_event__gets_nothing_and_uses_nothing() -> None:
    refused = Truth("p", "w", "1", 1, reasons=("TERMS",), stake=stake())
    assert amounts(refused, truth("2", 2, stake())) == [0, 38_400_000]
