"""The simulated Hyperliquid: what it writes of an account's doings, and what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from leverageguard.simulator import scenario
from leverageguard.simulator.seeded.records import (
    Execution,
    Kind,
    OrderRecord,
    Records,
    Setting,
    Stop,
    Transfer,
)
from leverageguard.simulator.venue import Call, Candle, Refusal
from leverageguard.simulator.venues.hyperliquid import TWIN, Hyperliquid

NOW_MS = 1_767_589_200_000
OWNER = TWIN.uid(7)
BTC = TWIN.symbols["BTC"]
Ask = Callable[..., Any]


def order(
    number: int, at_ms: int, sizes: str, kind: Kind = "own", is_opening: bool = True
) -> OrderRecord:
    """A long's order; its fills share one millisecond."""
    fills = tuple(
        Execution(
            str(number * 100 + n), at_ms, Decimal("91240.3"), Decimal(size), Decimal("-3.25"),
            Decimal("-0.0456"), Decimal(0), Decimal(0),
        )
        for n, size in enumerate(sizes.split())
    )  # fmt: skip
    return OrderRecord(
        str(number), BTC, is_opening, True, True, is_opening, 40, kind, at_ms - 5, at_ms, fills,
        trigger=Decimal("91300.1") if kind != "own" else None,
    )  # fmt: skip


def doings() -> Records:
    """A position of 0.3 closed in part by every kind of close."""
    closes = [("full", "0.1"), ("takeover", "0.05"), ("adl", "0.05"), ("own", "0.1")]
    records = Records(uid=OWNER, settings={"ETH": Setting(TWIN.symbols["ETH"], 25, False)})
    records.orders.append(order(1, NOW_MS - 90_000, "0.1 0.2"))
    for number, (kind, size) in enumerate(closes, 2):
        records.orders.append(order(number, NOW_MS - 80_000 + number, size, kind, False))  # type: ignore[arg-type]
    records.transfers += [
        Transfer("70", NOW_MS - 99_000, Decimal(5000)),
        Transfer("71", NOW_MS - 70_000, Decimal("-12.5")),
    ]
    records.stops.append(
        Stop(
            "60", BTC, True, True, Decimal(90000), Decimal("0.3"), NOW_MS - 60_000, NOW_MS - 50_000
        )
    )
    return records


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Ask the venue of a one-account world by type; `over` replaces an account's tables."""

    def answer(kind: str, now_ms: int = NOW_MS, **body: Any) -> Any:
        request = json.dumps({"type": kind, **body})
        return answered(venue, Call("POST", "/info", "/info", {}, {}, request, now_ms))

    venue = serve(tmp_path, TWIN.encode(doings()))
    return answer


def answered(venue: Hyperliquid, call: Call) -> Any:
    endpoint = venue.route(call)
    if endpoint is None:
        raise venue.unknown_path(call)
    account = venue.authenticate(call) if endpoint.is_private else None
    return endpoint.handle(call, account, 0).body


def serve(folder: Path, tables: dict[str, list[Any]], minutes: int = 3) -> Hyperliquid:
    base = folder / "hyperliquid"
    (base / "acc").mkdir(parents=True, exist_ok=True)
    for table, rows in tables.items():
        (base / "acc" / f"{table}.json").write_text(json.dumps(rows))
    (base / "instruments.json").write_text(json.dumps([TWIN.instrument(BTC)]))
    (base / "mark_candles").mkdir(exist_ok=True)
    prices = [Decimal("91240.3")] * 4
    rows = [
        TWIN.candle("mark", BTC, Candle(NOW_MS - n * 60_000, *prices, Decimal(100)))
        for n in reversed(range(minutes))
    ]
    (base / "mark_candles" / "BTC.json").write_text(json.dumps(rows))
    (folder / "world.yaml").write_text(
        "format: 1\nname: one\nabout: one account\nproduct: seed-v1\npool: {deposit_usdc: '1'}\n"
        "clock: {start: 2026-01-05T00:00:00Z, now: 2026-01-05T05:00:00Z}\n"
        f"accounts: [{{account_id: acc, exchange: hyperliquid, uid: '{OWNER}', wallet: w,"
        f" main_uid: '{TWIN.uid(8)}'}}]\n"
    )
    return Hyperliquid(scenario.load(folder))


def test_encode__fills__position_before_each_and_the_venues_words() -> None:
    rows = TWIN.encode(doings())["fills"]
    assert [row["startPosition"] for row in rows] == ["0.0", "0.1", "0.3", "0.2", "0.15", "0.1"]
    assert [row["dir"] for row in rows] == [
        "Open Long", "Open Long", "Close Long", "Liquidated Isolated Long", "Auto-Deleveraging",
        "Close Long",
    ]  # fmt: skip
    said = [row.get("liquidation") for row in rows]
    assert [each and each["method"] for each in said] == [
        None, None, "market", "backstop", "backstop", None,
    ]  # fmt: skip
    assert said[2]["liquidatedUser"] == OWNER != said[4]["liquidatedUser"]
    assert {row["fee"] for row in rows} == {"0.0456"}


def test_encode__fee_of_nothing_or_a_rebate__keeps_the_venues_sign() -> None:
    records = doings()
    fills = records.orders[0].fills
    records.orders[0] = replace(
        records.orders[0],
        fills=(replace(fills[0], fee=Decimal(0)), replace(fills[1], fee=Decimal("0.01"))),
    )
    assert [row["fee"] for row in TWIN.encode(records)["fills"]][:2] == ["0.0", "-0.01"]


def test_encode__ledger__transfers_and_liquidations_but_no_deleveraging() -> None:
    deltas = [row["delta"] for row in TWIN.encode(doings())["ledger"]]
    assert [(each["type"], each.get("usdc")) for each in deltas] == [
        ("deposit", "5000.0"), ("accountClassTransfer", "12.5"), ("liquidation", None),
        ("liquidation", None),
    ]  # fmt: skip
    assert deltas[2]["liquidatedPositions"] == [{"coin": "BTC", "szi": "0.1"}]


def test_encode__numbers__whole_or_text_never_floats() -> None:
    def floats(value: Any) -> bool:
        inner = value.values() if isinstance(value, dict) else value
        nested = isinstance(value, (dict, list)) and any(map(floats, inner))
        return isinstance(value, float) or nested

    assert not floats(TWIN.encode(doings()))
    assert not floats([TWIN.instrument(symbol) for symbol in TWIN.symbols.values()])


def test_uid__number__is_an_address_of_its_own() -> None:
    uids = {TWIN.uid(number) for number in range(100)}
    assert len(uids) == 100
    assert all(len(uid) == 42 and int(uid, 16) > 0 and uid == uid.lower() for uid in uids)


def test_fills__range__both_ends_and_nothing_from_the_future(ask: Ask) -> None:
    at_ms = NOW_MS - 90_000
    rows = ask("userFillsByTime", user=OWNER, startTime=at_ms, endTime=at_ms)
    assert [row["tid"] for row in rows] == [100, 101]
    assert ask("userFillsByTime", now_ms=at_ms - 1, user=OWNER, startTime=0) == []
    assert ask("userFillsByTime", user=OWNER, startTime=at_ms + 1, endTime=at_ms + 1) == []


def test_fills__many__two_thousand_a_reply_and_ten_thousand_kept(tmp_path: Path) -> None:
    [first, *_] = TWIN.encode(doings())["fills"]
    rows = [{**first, "tid": n, "time": NOW_MS - 20_000 + n} for n in range(12_000)]
    venue = serve(tmp_path, {"fills": rows})
    body = json.dumps({"type": "userFillsByTime", "user": OWNER, "startTime": 0})
    reply = answered(venue, Call("POST", "/info", "/info", {}, {}, body, NOW_MS))
    assert [row["tid"] for row in reply] == list(range(2000, 4000))


@pytest.mark.parametrize("user", [OWNER, OWNER.upper().replace("X", "x"), TWIN.uid(9)])
def test_user__case_and_strangers__are_answered_like_anyone(ask: Ask, user: str) -> None:
    is_known = user.lower() == OWNER
    rows = ask("userFillsByTime", user=user, startTime=0)
    assert (len(rows) > 0) == is_known
    role = ask("userRole", user=user)["role"]
    assert role == ("subAccount" if is_known else "missing")


def test_role__sub_account__names_its_master(ask: Ask) -> None:
    assert ask("userRole", user=OWNER)["data"] == {"master": TWIN.uid(8)}


def test_order__by_id__its_status_or_unknown_oid(ask: Ask) -> None:
    found = ask("orderStatus", user=OWNER, oid=2)
    assert (found["status"], found["order"]["status"]) == ("order", "filled")
    assert found["order"]["order"]["origSz"] == "0.1"
    assert ask("orderStatus", user=OWNER, oid=99) == {"status": "unknownOid"}
    assert ask("orderStatus", user=TWIN.uid(9), oid=2) == {"status": "unknownOid"}


def test_historical_orders__newest_first__the_stop_among_them(ask: Ask) -> None:
    rows = ask("historicalOrders", user=OWNER)
    times = [row["statusTimestamp"] for row in rows]
    assert times == sorted(times, reverse=True)
    assert [row["order"]["oid"] for row in rows if row["status"] == "canceled"] == [60]


def test_asset_data__set_traded_or_neither__leverage_and_mode(ask: Ask) -> None:
    traded = ask("activeAssetData", user=OWNER, coin="BTC")["leverage"]
    assert (traded["type"], traded["value"]) == ("isolated", 40)
    assert ask("activeAssetData", user=OWNER, coin="NONE") is None


def test_candles__more_than_are_kept__newest_five_thousand_closed_minutes(tmp_path: Path) -> None:
    venue = serve(tmp_path, {}, minutes=5102)
    request = {"coin": "BTC", "interval": "1m", "startTime": 0, "endTime": NOW_MS}
    body = json.dumps({"type": "candleSnapshot", "req": request})
    call = Call("POST", "/info", "/info", {}, {}, body, NOW_MS)
    rows = answered(venue, call)
    assert len(rows) == 5000
    assert rows[-1]["t"] == NOW_MS - 60_000


def test_candles__unknown_coin__null(ask: Ask) -> None:
    request = {"coin": "NONE", "interval": "1m", "startTime": 0, "endTime": NOW_MS}
    assert ask("candleSnapshot", req=request) is None


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("nothing", {}),
        ("userFillsByTime", {"user": "0x12", "startTime": 0}),
        ("userFillsByTime", {"user": OWNER}),
        ("userFillsByTime", {"user": OWNER, "startTime": "5"}),
        ("userFillsByTime", {"startTime": 5}),
        ("orderStatus", {"user": OWNER}),
        ("candleSnapshot", {"coin": "BTC"}),
    ],
)
def test_info__malformed_body__422(ask: Ask, kind: str, body: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        ask(kind, **body)
    assert refused.value.answer.status == 422


def test_weight__over_the_minutes_budget__429_until_the_minute_is_over(ask: Ask) -> None:
    for _ in range(20):
        ask("userRole", user=OWNER)
    with pytest.raises(Refusal) as refused:
        ask("exchangeStatus")
    assert refused.value.answer.status == 429
    assert ask("exchangeStatus", now_ms=NOW_MS + 60_000)["time"] == NOW_MS + 60_000
