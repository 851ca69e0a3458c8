"""Isolated margin: the authentic record's figures, and what must hold for any position."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from leverageguard.simulator.seeded.margin import (
    TAKER_FEE,
    TIER_1_MAINTENANCE,
    Fill,
    Setup,
    bankruptcy_price,
    margin_of,
)
from leverageguard.simulator.seeded.market import Path
from leverageguard.simulator.venues import twins

SYMBOLS = tuple(twins()["okx"].symbols.values())
BTC = SYMBOLS[0]


def setup(symbol_index: int, is_long: bool, leverage: int, ticks: int, lots: int) -> Setup:
    symbol = SYMBOLS[symbol_index]
    path = Path(symbol, 0, (ticks,), (ticks,), (ticks,), (ticks,))
    fill = Fill(symbol.price(ticks), lots * symbol.lot)
    return Setup(path, is_long, leverage, 0, (fill,))


def test_margin__authentic_position__equals_the_venues_figure() -> None:
    fill = Fill(Decimal("117612.7"), Decimal("0.64"))
    assert margin_of(BTC, fill, 100) == Decimal("7.5272128")


def test_bankruptcy_price__authentic_position__equals_the_venues_fill() -> None:
    per_coin = Decimal("7.5272128") / Decimal("0.0064")
    price = bankruptcy_price(BTC, True, Decimal("117612.7"), per_coin, Decimal("116946.1"))
    assert price == Decimal("116495.1")


def test_trigger__authentic_position__is_where_the_mark_had_just_been() -> None:
    trigger = setup(0, True, 100, 1176127, 64).trigger(TIER_1_MAINTENANCE)
    assert BTC.price(trigger) == Decimal("116962.9")


@given(
    st.integers(0, 4),
    st.booleans(),
    st.sampled_from((3, 20, 40, 100)),
    st.integers(5_000, 2_000_000),
    st.integers(1, 5_000),
)
def test_liquidation__any_position__loses_at_most_its_margin_and_triggers_first(
    index: int, is_long: bool, leverage: int, ticks: int, lots: int
) -> None:
    position = setup(index, is_long, leverage, ticks, lots)
    symbol, sign = position.symbol, 1 if is_long else -1
    coins = position.contracts * symbol.contract_value
    mark = symbol.price(position.trigger(TIER_1_MAINTENANCE))
    price = bankruptcy_price(symbol, is_long, position.entry, position.margin / coins, mark)
    loss = sign * (position.entry - price) * coins + TAKER_FEE * mark * coins
    assert loss <= position.margin + Decimal("1e-20")
    assert position.margin - loss < symbol.tick * coins + Decimal("1e-20")
    assert sign * (mark - price) > -symbol.tick
