"""A seeded world of one venue: reproducible, complete in its kinds, consistent in every row."""

from __future__ import annotations

import itertools
import json
from collections import Counter, defaultdict
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from leverageguard.simulator import scenario, world
from leverageguard.simulator.replies import Replies, Row
from leverageguard.simulator.scenario import Policy, Scenario
from leverageguard.simulator.venues import twins

CLOSE = Decimal("1e-8")
MINUTE = 60_000
HOUR = 60 * MINUTE
WAIT = {8: 15 * MINUTE, 24: 30 * MINUTE}
FORCED = ("full_liquidation", "partial_liquidation", "adl")
SIZES = {symbol.inst_id: symbol.contract_value for symbol in twins()["okx"].symbols.values()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("world")
    world.write(path, venues=["okx"])
    return path


@pytest.fixture(scope="module")
def made(folder: Path) -> Scenario:
    return scenario.load(folder)


@pytest.fixture(scope="module")
def replies(made: Scenario) -> Replies:
    return made.replies("okx")


@pytest.fixture(scope="module")
def truths(folder: Path) -> list[dict[str, Any]]:
    return list(json.loads((folder / "ground_truth.json").read_text()))


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows(replies: Replies, table: str) -> list[Row]:
    return [row for tables in replies.accounts.values() for row in tables[table]]


def forced(replies: Replies) -> list[tuple[str, Row]]:
    return [
        (account, order)
        for account, tables in replies.accounts.items()
        for order in tables["orders"]
        if order["category"] in FORCED
    ]


def number(row: Row, key: str) -> Decimal:
    return Decimal(row[key])


def total(rows: list[Row], key: str) -> Decimal:
    return sum((Decimal(row[key]) for row in rows), Decimal(0))


def test_write__same_seed__gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    world.write(tmp_path, venues=["okx"])
    assert digests(tmp_path) == digests(folder)


def test_write__other_seed__gives_another_world(folder: Path, tmp_path: Path) -> None:
    world.write(tmp_path, seed=8, venues=["okx"])
    assert (
        digests(tmp_path)["okx/mark_candles/BTC-USDT-SWAP.json"]
        != (digests(folder)["okx/mark_candles/BTC-USDT-SWAP.json"])
    )


@pytest.mark.parametrize(("accounts", "hours"), [(20, 24), (200, 8)])
def test_write__too_small__refused(tmp_path: Path, accounts: int, hours: int) -> None:
    with pytest.raises(ValueError, match="a world needs at least"):
        world.write(tmp_path, accounts=accounts, hours=hours)


def test_world__two_hundred_insured_accounts_and_five_symbols(
    made: Scenario, replies: Replies
) -> None:
    assert len(made.accounts) == 200
    assert {policy.account for policy in made.policies} == {a.account_id for a in made.accounts}
    assert len(replies.instruments) >= 5
    assert set(replies.mark_candles) == {row["instId"] for row in replies.instruments}
    assert set(replies.trade_candles) == set(replies.mark_candles)
    for candles in (replies.mark_candles, replies.trade_candles):
        assert all(len(rows) == 26 * 60 for rows in candles.values())


def test_world__at_least_forty_forced_events_of_both_sides(replies: Replies) -> None:
    events = forced(replies)
    assert len(events) >= 40
    kinds = Counter((order["category"], order["side"]) for _, order in events)
    for category in FORCED:
        assert kinds[category, "sell"]
        assert kinds[category, "buy"]
    bills = rows(replies, "bills")
    assert {"110", "111"} <= {bill["subType"] for bill in bills}
    assert {order["posSide"] for _, order in events} == {"long", "short", "net"}


def test_truth__every_verdict_and_reason_occurs(truths: list[dict[str, Any]]) -> None:
    reasons = Counter((row["verdict"], *row["reasons"]) for row in truths)
    assert set(reasons) == {
        ("verified",),
        ("rejected", "FORCED_KIND"),
        ("rejected", "IN_COVER"),
        ("rejected", "TERMS"),
        ("rejected", "ONCE"),
        ("rejected", "ACCOUNT_BOUND"),
        ("rejected", "ORDER_EXISTS"),
        ("undetermined", "EVIDENCE_COMPLETE"),
    }
    assert any(row["filing"] is None and row["verdict"] == "verified" for row in truths)
    assert any(row["filing"] is not None and row["verdict"] == "verified" for row in truths)


def test_truth__every_forced_close_and_filing__is_answered(
    made: Scenario, replies: Replies, truths: list[dict[str, Any]]
) -> None:
    policy_of = {policy.account: policy.policy for policy in made.policies}
    answered = {(row["policy"], row["order_id"]) for row in truths}
    assert {(policy_of[account], order["ordId"]) for account, order in forced(replies)} <= answered
    assert {claim.claim for claim in made.claims} == {r["filing"] for r in truths} - {None}


def test_truth__payouts__only_verified_within_sum_insured_and_day(
    made: Scenario, truths: list[dict[str, Any]]
) -> None:
    by_label = {policy.policy: policy for policy in made.policies}
    by_wallet: Counter[str] = Counter()
    for row in truths:
        assert row["payout_micro_usdc"] >= 0
        if row["verdict"] != "verified":
            assert row["payout_micro_usdc"] == 0
        by_wallet[by_label[row["policy"]].wallet] += row["payout_micro_usdc"]
    assert max(by_wallet.values()) == 50_000_000
    assert sum(by_wallet.values()) > 0


def test_truth__time_reasons__hold_against_the_rows(
    made: Scenario, replies: Replies, truths: list[dict[str, Any]]
) -> None:
    """IN_COVER events lie outside the cover and the verified inside, by a margin of minutes."""
    by_label = {policy.policy: policy for policy in made.policies}
    checked = 0
    for row in truths:
        policy = by_label[row["policy"]]
        order = order_of(replies, policy.account, row["order_id"])
        if order is None or row["verdict"] == "undetermined":
            continue
        inside = is_inside(policy, opened_ms(replies, policy.account, order), int(order["uTime"]))
        assert inside == ("IN_COVER" not in row["reasons"])
        checked += 1
    assert checked > 40


def order_of(replies: Replies, account: str, order_id: str) -> Row | None:
    orders = replies.accounts[account]["orders"]
    return next((order for order in orders if order["ordId"] == order_id), None)


def opened_ms(replies: Replies, account: str, order: Row) -> int:
    histories = [
        row
        for row in replies.accounts[account]["positions"]
        if int(row["cTime"]) <= int(order["uTime"]) <= int(row["uTime"])
        and row["instId"] == order["instId"]
    ]
    return int(histories[0]["cTime"])


def is_inside(policy: Policy, opened: int, closed: int) -> bool:
    start = policy.bought_at_ms + WAIT[policy.cover_hours]
    end = start + policy.cover_hours * HOUR
    slack = 4 * MINUTE
    inside = start + slack <= opened and closed < end - slack
    outside = opened < start - slack or closed < start - slack or closed >= end + slack
    assert inside or outside, "too close to the edge for block times"
    return inside


def test_rows__orders_fills_and_bills__agree(replies: Replies) -> None:
    for tables in replies.accounts.values():
        fills, bills = by_order(tables["fills"]), by_order(tables["bills"])
        for order in tables["orders"]:
            mine, booked = fills[order["ordId"]], bills[order["ordId"]]
            assert {row["billId"] for row in mine} == {row["billId"] for row in booked}
            assert total(mine, "fillSz") == total(booked, "sz") == number(order, "accFillSz")
            assert abs(total(mine, "fillPnl") - number(order, "pnl")) <= CLOSE
            assert abs(total(booked, "pnl") - number(order, "pnl")) <= CLOSE
            assert total(mine, "fee") == total(booked, "fee") == number(order, "fee")
            assert {row["subType"] for row in mine} == {row["subType"] for row in booked}


def by_order(rows: list[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row["ordId"]].append(row)
    return grouped


def test_rows__bills__balance_runs_and_margin_returns_to_zero(replies: Replies) -> None:
    for tables in replies.accounts.values():
        balance, held = Decimal(0), Decimal(0)
        for bill in tables["bills"]:
            balance += number(bill, "balChg")
            assert number(bill, "bal") == balance
            held += number(bill, "posBalChg")
            assert number(bill, "posBal") == held >= 0
            expected = number(bill, "pnl") + number(bill, "fee") - number(bill, "posBalChg")
            if bill["type"] != "1":
                assert number(bill, "balChg") == expected
        assert held == 0


def test_rows__positions_history__sums_its_episode(replies: Replies) -> None:
    for tables in replies.accounts.values():
        for row in tables["positions"]:
            orders = [
                order
                for order in tables["orders"]
                if int(row["cTime"]) <= int(order["uTime"]) <= int(row["uTime"])
                and order["instId"] == row["instId"]
            ]
            assert abs(total(orders, "pnl") - number(row, "pnl")) <= CLOSE
            assert total(orders, "fee") == number(row, "fee")
            assert number(row, "realizedPnl") == number(row, "pnl") + number(row, "fee")
            closing = [order for order in orders if order["reduceOnly"] == "true"]
            assert total(closing, "accFillSz") == number(row, "closeTotalPos")


def test_rows__forced_close__was_touched_and_loses_at_most_the_margin(replies: Replies) -> None:
    for account, order in forced(replies):
        tables = replies.accounts[account]
        history = next(row for row in tables["positions"] if row["uTime"] == order["uTime"])
        candle = candle_at(replies, order["instId"], int(order["uTime"]))
        low, high = Decimal(candle[3]), Decimal(candle[2])
        assert low <= number(history, "triggerPx") <= high
        put_in = sum(
            number(bill, "posBalChg")
            for bill in tables["bills"]
            if bill["instId"] == order["instId"]
            and int(history["cTime"]) <= int(bill["ts"]) <= int(order["uTime"])
            and number(bill, "posBalChg") > 0
        )
        assert -(number(order, "pnl") + number(order, "fee")) <= put_in


def test_rows__own_trades__happen_at_prices_the_candle_showed(replies: Replies) -> None:
    for order in rows(replies, "orders"):
        if order["category"] == "normal":
            candle = candle_at(replies, order["instId"], int(order["uTime"]))
            assert Decimal(candle[3]) <= number(order, "fillPx") <= Decimal(candle[2])


def candle_at(replies: Replies, inst_id: str, at_ms: int) -> list[str]:
    candles = replies.mark_candles[inst_id]
    candle = candles[at_ms // MINUTE - int(candles[0][0]) // MINUTE]
    assert int(candle[0]) == at_ms // MINUTE * MINUTE
    return candle


def test_rows__no_liquidation_before_its_time(replies: Replies) -> None:
    """Margin at the mark covers maintenance until the minute the venue acts."""
    for account, order in forced(replies):
        if order["category"] != "full_liquidation":
            continue
        tables = replies.accounts[account]
        history = next(row for row in tables["positions"] if row["uTime"] == order["uTime"])
        if any(o["category"] == "partial_liquidation" for o in tables["orders"]):
            continue
        if any(bill["type"] == "6" for bill in tables["bills"]):
            continue
        trigger, is_long = number(history, "triggerPx"), history["direction"] == "long"
        first = int(history["cTime"]) // MINUTE * MINUTE + MINUTE
        last = int(order["uTime"]) // MINUTE * MINUTE
        for minute in range(first, last, MINUTE):
            candle = candle_at(replies, order["instId"], minute)
            assert Decimal(candle[3]) > trigger if is_long else Decimal(candle[2]) < trigger


def test_rows__evidence_span__lies_inside_the_world(
    made: Scenario, replies: Replies, truths: list[dict[str, Any]]
) -> None:
    """An hour before the opening and after the close is inside complete hours of the world."""
    by_label = {policy.policy: policy for policy in made.policies}
    for row in truths:
        policy = by_label[row["policy"]]
        order = order_of(replies, policy.account, row["order_id"])
        if order is None:
            assert policy.bought_at_ms + WAIT[policy.cover_hours] - HOUR >= made.start_ms
            continue
        assert opened_ms(replies, policy.account, order) - HOUR >= made.start_ms
        assert (int(order["uTime"]) + HOUR) // HOUR * HOUR + HOUR <= made.now_ms
    assert all((claim.filed_at_ms // HOUR + 1) * HOUR <= made.now_ms for claim in made.claims)


def test_world__ids_are_unique_per_account_and_rise_with_time(replies: Replies) -> None:
    for tables in replies.accounts.values():
        for table, key, time in (("orders", "ordId", "cTime"), ("bills", "billId", "ts")):
            ordered = sorted(tables[table], key=lambda row, key=key: int(row[key]))
            assert len({row[key] for row in ordered}) == len(ordered)
            times = [int(row[time]) for row in ordered]
            assert times == sorted(times)


def test_world__stolen_account__shows_the_victims_uid_not_the_bound_one(
    made: Scenario, replies: Replies
) -> None:
    uids = Counter(account.uid for account in made.accounts)
    bound = {binding.account: binding.uid for binding in made.bindings}
    thieves = [a for a in made.accounts if bound[a.account_id] != a.uid]
    assert thieves
    for thief in thieves:
        assert uids[thief.uid] == 2
        assert bound[thief.account_id] not in uids


def test_world__market__has_fat_tails_and_a_common_factor(replies: Replies) -> None:
    moves = {}
    for inst_id, candles in replies.mark_candles.items():
        closes = [float(row[4]) for row in candles]
        moves[inst_id] = [b / a - 1 for a, b in itertools.pairwise(closes)]
    for series in moves.values():
        variance = sum(x * x for x in series) / len(series)
        kurtosis = sum(x**4 for x in series) / len(series) / variance**2
        assert kurtosis > 6
    btc, eth = moves["BTC-USDT-SWAP"], moves["ETH-USDT-SWAP"]
    both = sum(a * b for a, b in zip(btc, eth, strict=True))
    correlation = both / (sum(a * a for a in btc) * sum(b * b for b in eth)) ** 0.5
    assert correlation > 0.5
