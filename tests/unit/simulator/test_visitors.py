"""Visitors: no part of the book, invisible until their time, and insurable when it comes."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from leverageguard.simulator import scenario, world
from leverageguard.simulator.scenario import Scenario
from leverageguard.simulator.seeded import selling, visitors
from leverageguard.simulator.values import Visitor
from leverageguard.simulator.venue import Call
from leverageguard.simulator.venues import twins

HOUR = 3_600_000
MOST_COVER_HOURS = 8


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    plain, visited = tmp_path_factory.mktemp("plain"), tmp_path_factory.mktemp("visited")
    world.write(plain)
    world.write(visited, visitors=visitors.COUNT)
    return plain, visited


@pytest.fixture(scope="module")
def made(folders: tuple[Path, Path]) -> Scenario:
    return scenario.load(folders[1])


def test_visitors__leave_the_book_as_it_is(folders: tuple[Path, Path], made: Scenario) -> None:
    plain, visited = folders
    theirs = {visitor.account.account_id for visitor in made.visitors}
    for path in sorted(plain.rglob("*.json")):
        if "candles" in str(path):
            before, after = (
                json.loads(path.read_text()),
                json.loads((visited / path.relative_to(plain)).read_text()),
            )
            assert after[: len(before)] == before
        else:
            assert digest(path) == digest(visited / path.relative_to(plain))
    book = scenario.load(plain)
    assert (made.accounts, made.policies, made.claims) == (
        book.accounts, book.policies, book.claims
    )  # fmt: skip
    assert not theirs & {account.account_id for account in made.accounts}


def test_visitors__are_on_every_venue_with_wallets_of_their_own(made: Scenario) -> None:
    assert len(made.visitors) == visitors.COUNT
    assert {visitor.account.exchange for visitor in made.visitors} == set(twins())
    assert len({visitor.account.wallet for visitor in made.visitors}) == visitors.COUNT
    assert not {v.account.wallet for v in made.visitors} & set(made.wallets())


def test_visitors__one_cover_bought_at_once__spans_most_of_the_positions(made: Scenario) -> None:
    start = made.now_ms + HOUR
    spanned = [v for v in made.visitors if v.opened_at_ms > start
               and v.liquidated_at_ms < start + MOST_COVER_HOURS * HOUR]  # fmt: skip
    assert len(spanned) >= 20
    for visitor in made.visitors:
        listed = twins()[visitor.account.exchange].symbols.values()
        [coin] = [symbol.coin for symbol in listed if symbol.inst_id == visitor.inst_id]
        assert all(visitor.leverage <= most[coin] for most in selling.MOST.values())


def test_visitors__last_candle__is_an_hour_after_the_last_liquidation(made: Scenario) -> None:
    last = max(visitor.liquidated_at_ms for visitor in made.visitors)
    for candles in made.replies("okx").mark_candles.values():
        times = [int(row[0]) for row in candles]
        assert times == list(range(times[0], times[-1] + 1, 60_000))
        assert times[-1] >= last + HOUR


@pytest.mark.parametrize("exchange", ["okx", "gate", "hyperliquid"])
def test_visitors__before_their_time__the_venue_shows_nothing(
    made: Scenario, exchange: str
) -> None:
    visitor = next(v for v in made.visitors if v.account.exchange == exchange)

    assert orders(made, visitor, visitor.opened_at_ms - 1) == []
    assert len(orders(made, visitor, visitor.liquidated_at_ms)) == 2


def test_load__a_visitor_liquidated_in_the_past__is_refused(folders: tuple[Path, Path]) -> None:
    file = folders[1] / "world.yaml"
    text = file.read_text()
    at = text.index("opened_at:")
    file.write_text(text[:at] + "opened_at: '2026-01-05T05:00:00Z'" + text[text.index("\n", at) :])
    try:
        with pytest.raises(scenario.ScenarioError, match=r"visitors\[0\].position.opened_at must"):
            scenario.load(folders[1])
    finally:
        file.write_text(text)


def orders(made: Scenario, visitor: Visitor, now_ms: int) -> list[Any]:
    """What the venue lists of the account's orders at that time."""
    name = visitor.account.exchange
    venue = twins()[name].serve(made)
    path, params, body = {
        "okx": ("/api/v5/trade/orders-history-archive", {"instType": "SWAP"}, ""),
        "gate": ("/api/v4/futures/usdt/orders_timerange", {}, ""),
        "hyperliquid": ("/info", {}, {"type": "historicalOrders", "user": visitor.account.uid}),
    }[name]
    call = Call(
        method="POST" if body else "GET", path=path, target=path, params=params, headers={},
        body=json.dumps(body), now_ms=now_ms,
    )  # fmt: skip
    endpoint = venue.route(call)
    assert endpoint is not None
    listed = endpoint.handle(call, visitor.account.account_id, 0).body
    return list(listed["data"] if name == "okx" else listed)


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
