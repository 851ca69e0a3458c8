from __future__ import annotations

import json
from dataclasses import replace

from leverageguard.fund import status
from leverageguard.fund.valuing import Valuation
from tests.unit.fund.test_valuing import bought, read, value, world  # noqa: F401 - a fixture

USDC = 1_000_000


def test_newest__never_valued__says_how(settings, world):  # noqa: F811
    assert status.newest(settings) == [status.NONE_YET]


def test_newest__valued__adds_up_and_shows_both_figures(settings, world):  # noqa: F811
    bought(world, "P-1", "P-2", leverage=40, premium_micro_usdc=3 * USDC)
    read(world, 13)
    made: Valuation = value(world, 13)

    shown = "\n".join(status.newest(settings))

    assert "The fund at 2026-01-05 13:00:00 UTC" in shown
    assert "SIMULATED" in shown and "drawn one by one" in shown
    assert f"{made.scr_1d_micro_usdc / USDC:,.6f} USDC" in shown
    assert shown.index("-20%") < shown.index("-1%") < shown.index("+20%")
    assert "2025-10-10" in shown and shown.endswith(" 2.1 %")
    assert json.loads(made.details)["notices_of_the_last_day"]["actual_micro_usdc"] == 0


def test_lines__independent_draws__are_explained_as_the_figures_stand(world):  # noqa: F811
    bought(world, "P-1", leverage=40)
    read(world, 5)
    made = value(world, 5)
    less = replace(made, scr_1d_micro_usdc=2 * USDC, independent_1d_micro_usdc=USDC)
    more = replace(made, scr_1d_micro_usdc=USDC, independent_1d_micro_usdc=2 * USDC)

    assert "too little by the difference" in "\n".join(status.lines(less))
    assert "too little" not in "\n".join(status.lines(more))
    assert "asks too much of a book of few" in "\n".join(status.lines(more))
