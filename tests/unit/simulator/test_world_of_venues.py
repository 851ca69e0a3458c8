"""A seeded world of every venue: all of them have a market, and honest traders look honest."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from leverageguard.simulator import scenario, world
from leverageguard.simulator.scenario import Scenario
from leverageguard.simulator.seeded import market
from leverageguard.simulator.seeded.market import MINUTE_MS
from leverageguard.simulator.seeded.records import OrderRecord
from leverageguard.simulator.seeded.stage import Stage
from leverageguard.simulator.venues import twins


@pytest.fixture(scope="module")
def stage() -> Stage:
    return world.play(7, 200, 24, twins())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("world")
    world.write(path)
    return path


@pytest.fixture(scope="module")
def made(folder: Path) -> Scenario:
    return scenario.load(folder)


def test_write__same_seed__gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    world.write(tmp_path)
    assert digests(tmp_path) == digests(folder)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_world__every_venue__has_its_market_and_its_accounts(made: Scenario) -> None:
    counts = Counter(account.exchange for account in made.accounts)
    assert sum(counts.values()) == 200
    for name, twin in twins().items():
        replies = made.replies(name)
        listed = {symbol.inst_id for symbol in twin.symbols.values()}
        assert len(replies.instruments) == len(listed) == len(market.COINS)
        # A venue without mark prices of its own may keep one set of candles for both.
        assert listed == set(replies.trade_candles)
        assert all(len(rows) == 26 * 60 for rows in replies.trade_candles.values())
        # An event that a venue cannot show moves to another; a thief follows the victim.
        assert abs(counts[name] - twin.share) <= 4 if twin.share else counts[name] >= 20
        assert set(next(iter(replies.accounts.values()))) == set(twin.tables)


def test_world__fewer_venues__still_stages_every_plot(tmp_path: Path) -> None:
    world.write(tmp_path, seed=9, venues=["okx"])
    assert {a.exchange for a in scenario.load(tmp_path).accounts} == {"okx"}


def test_world__no_truth_of_the_default_world__is_held(folder: Path) -> None:
    truths: list[dict[str, Any]] = json.loads((folder / "ground_truth.json").read_text())
    assert all(row["holds"] == [] for row in truths)
    assert sum(row["verdict"] == "verified" for row in truths) > 40


def test_paths__one_coin_on_two_venues__differ_by_a_small_basis(stage: Stage) -> None:
    closes: dict[str, list[list[Decimal]]] = {}
    for of_venue in stage.paths.values():
        for path in of_venue.values():
            prices = [path.symbol.price(ticks) for ticks in path.closes]
            closes.setdefault(path.symbol.coin, []).append(prices)
    for of_coin in closes.values():
        for one, other in itertools.combinations(of_coin, 2):
            gaps = [abs(a / b - 1) for a, b in zip(one, other, strict=True)]
            assert Decimal(0) < max(gaps) < Decimal("0.0015")
            assert sum(gaps) / len(gaps) < Decimal("0.0005")


def test_paths__every_minute__opens_where_it_closed_and_holds_its_prices(stage: Stage) -> None:
    for path in (path for of_venue in stage.paths.values() for path in of_venue.values()):
        for n, (low, high) in enumerate(zip(path.lows, path.highs, strict=True)):
            assert 0 < low <= min(path.opens[n], path.closes[n])
            assert high >= max(path.opens[n], path.closes[n])


def test_volume__of_every_minute__is_over_twenty_times_any_position(stage: Stage) -> None:
    largest = max(value(order) for order in orders(stage))
    for path in (path for of_venue in stage.paths.values() for path in of_venue.values()):
        assert min(path.volumes) > 20 * largest


def test_traders__of_one_wallet__are_liquidated_at_most_twice(stage: Stage) -> None:
    events: Counter[str] = Counter()
    for trader in stage.traders.values():
        ends = {c.position_id for c in trader.book.records.closes if c.kind not in ("own", "adl")}
        events[trader.wallet] += len(ends)
    assert max(events.values()) == 2


def test_traders__no_two_of_them__look_like_a_hedge(stage: Stage) -> None:
    opened = sorted((order for order in orders(stage) if order.is_opening), key=opened_ms)
    for n, one in enumerate(opened):
        for other in opened[n + 1 :]:
            if opened_ms(other) - opened_ms(one) > 15 * MINUTE_MS:
                break
            is_pair = one.symbol.coin == other.symbol.coin and one.is_long != other.is_long
            ratio = value(one) / value(other)
            assert not (is_pair and Decimal("0.8") <= ratio <= Decimal("1.25"))


def opened_ms(order: OrderRecord) -> int:
    return order.filled_ms


def orders(stage: Stage) -> list[OrderRecord]:
    """Every order once, though two accounts may show the same book."""
    books = {id(trader.book): trader.book for trader in stage.traders.values()}
    return [order for book in books.values() for order in book.records.orders]


def value(order: OrderRecord) -> Decimal:
    return order.average_price * order.contracts * order.symbol.contract_value


def test_records__ids__rise_with_time_in_each_account(stage: Stage) -> None:
    for trader in stage.traders.values():
        fills = [fill for order in trader.book.records.orders for fill in order.fills]
        ordered = sorted(fills, key=lambda fill: int(fill.trade_id))
        assert [fill.at_ms for fill in ordered] == sorted(fill.at_ms for fill in fills)
        assert len({fill.trade_id for fill in fills}) == len(fills)


def test_settings__every_insured_symbol__has_a_leverage_within_the_policy(stage: Stage) -> None:
    for policy in stage.policies:
        settings = policy.trader.book.records.settings
        assert policy.inst_id in settings
