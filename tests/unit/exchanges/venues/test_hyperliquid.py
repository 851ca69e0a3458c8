"""What Hyperliquid's replies mean: markers, signs, sizes and the shapes that are no answer.

The payloads are retyped from records of the live venue, shortened where a field does not matter.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from leverageguard import clock
from leverageguard.exchanges import pull
from leverageguard.exchanges.client import Page
from leverageguard.exchanges.retry import GaveUpError
from leverageguard.exchanges.rows import parsed
from leverageguard.exchanges.venue import AbsentError, Endpoint, InconsistentPageError, Row
from leverageguard.exchanges.venues.hyperliquid import VENUE
from leverageguard.warehouse.raw_tables import table

TRADER = "0x5c902b2eb0e1d9eb9a232014824ae6247df0a480"
OTHER = "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14"
MARKET = """
{"coin": "NEAR", "px": "4.6879", "sz": "64.8", "side": "A", "time": 1790964546856,
 "startPosition": "64.8", "dir": "Close Long", "closedPnl": "-16.98408", "oid": 719874965978,
 "hash": "0x2cdf7628db20daf2ea775b69cd99d5b63347faa4776a803907fc052901d0506f",
 "crossed": true, "fee": "0.131231", "tid": 5787071443114480,
 "liquidation": {"liquidatedUser": "0x5c902b2eb0e1d9eb9a232014824ae6247df0a480",
                 "markPx": "4.69112", "method": "market"}, "feeToken": "USDC", "twapId": null}
"""
BACKSTOP = """
{"coin": "ETH", "px": "2316.0", "sz": "0.1037", "side": "A", "time": 1750541100096,
 "startPosition": "0.1037", "dir": "Liquidated Isolated Long", "closedPnl": "-9.94483",
 "hash": "0x1328", "oid": 104754754832, "crossed": false, "fee": "0.0", "tid": 361622066638684,
 "liquidation": {"liquidatedUser": "0x5C902B2EB0E1D9EB9A232014824AE6247DF0A480",
                 "markPx": "2323.3", "method": "backstop"}, "feeToken": "USDC"}
"""
DELEVERAGED = """
{"coin": "AVAX", "px": "22.075", "sz": "28.53", "side": "B", "time": 1760130964831,
 "startPosition": "-28.53", "dir": "Auto-Deleveraging", "closedPnl": "194.275035",
 "hash": "0x922a", "oid": 194018286846, "crossed": true, "fee": "0.0", "tid": 771334864158847,
 "liquidation": {"liquidatedUser": "0x2e3d94f0562703b25c83308a05046ddaf9a8dd14",
                 "markPx": "22.025", "method": "backstop"}, "feeToken": "USDC"}
"""
ORDER = """
{"status": "order", "order": {"order": {"children": [], "cloid": null, "coin": "ETH",
 "isPositionTpsl": false, "isTrigger": false, "limitPx": "2000.0", "oid": 3991946565,
 "orderType": "Limit", "origSz": "0.3", "reduceOnly": false, "side": "B", "sz": "0.1",
 "tif": "Gtc", "timestamp": 1704346468838, "triggerCondition": "N/A", "triggerPx": "0.0"},
 "status": "open", "statusTimestamp": 1704346469838}}
"""


def decoded(text: str) -> Any:
    """A body as the strict client hands it on: every number is text."""
    return json.loads(text, parse_int=str, parse_float=str)


def records(endpoint: Endpoint, payload: Any, owner: str = TRADER) -> list[tuple[str, Row]]:
    rows = [{**row, "_owner": owner} for row in VENUE.rows(endpoint, payload)]
    return [record for row in rows for record in parsed(endpoint, row)]


def fill(text: str, owner: str = TRADER, **over: Any) -> dict[str, Row]:
    payload = [{**decoded(text), **over}]
    return dict(records(VENUE.listing("fills"), payload, owner))


def entries(*deltas: Row, owner: str = TRADER) -> list[Row]:
    payload = [{"time": "1724762307531", "hash": "0x62", "delta": delta} for delta in deltas]
    return [row for _, row in records(VENUE.listing("ledger"), payload, owner)]


def test_fill__liquidated_at_the_market__a_full_liquidation_with_its_mark() -> None:
    found = fill(MARKET)
    assert found["exchanges/fills"] == {
        "inst_id": "NEAR",
        "order_id": "719874965978",
        "fill_id": "719874965978:5787071443114480",
        "marker": "Close Long/market",
        "forced_kind": "full",
        "order_side": "sell",
        "position_slot": "net",
        "price": "4.6879",
        "qty_contracts": "64.8",
        "pnl": "-16.98408",
        "fee": "-0.131231",
        "filled_at_ms": 1790964546856,
    }
    position = found["exchanges/positions"]
    assert (position["forced_kind"], position["trigger_price"]) == ("full", "4.69112")
    assert (position["order_id"], position["position_side"]) == ("719874965978", "long")
    assert "pnl" not in position and "qty_contracts" not in position


def test_fill__backstop_with_the_address_in_capitals__a_takeover_of_an_isolated_position() -> None:
    position = fill(BACKSTOP)["exchanges/positions"]
    assert (position["forced_kind"], position["margin_mode"]) == ("takeover", "isolated")


def test_fill__the_liquidator_sees_the_same_object__his_own_trade() -> None:
    found = fill(MARKET, owner=OTHER)
    assert list(found) == ["exchanges/fills"]
    assert found["exchanges/fills"]["forced_kind"] == "own_close"


def test_fill__deleveraged_against_a_liquidated_account__adl() -> None:
    found = fill(DELEVERAGED)
    assert found["exchanges/fills"]["forced_kind"] == "adl"
    assert found["exchanges/positions"]["position_side"] == "short"


def test_fill__the_deleveraged_account_is_the_liquidated_one__its_liquidation() -> None:
    assert fill(DELEVERAGED, owner=OTHER)["exchanges/fills"]["forced_kind"] == "takeover"


@pytest.mark.parametrize(
    ("over", "kind"),
    [
        ({"liquidation": None}, "own_close"),
        ({"liquidation": None, "dir": "Settlement"}, "settlement"),
        ({"liquidation": None, "dir": "Liquidated Cross Long"}, None),
        ({"liquidation": {"liquidatedUser": TRADER, "method": "new", "markPx": "1"}}, None),
        ({"liquidation": {"liquidatedUser": "", "method": "market", "markPx": "1"}}, "own_close"),
    ],
)
def test_fill__other_markers__forced_only_where_the_venue_says_so(
    over: Row, kind: str | None
) -> None:
    assert fill(MARKET, **over)["exchanges/fills"]["forced_kind"] == kind


@pytest.mark.parametrize(
    ("charged", "fee"), [("0.131231", "-0.131231"), ("-0.01", "0.01"), ("0.0", "0.0"), ("0", "0")]
)
def test_fill__fee__negative_when_charged(charged: str, fee: str) -> None:
    assert fill(MARKET, fee=charged)["exchanges/fills"]["fee"] == fee


@pytest.mark.parametrize("coin", ["@107", "PURR/USDC"])
def test_fill__a_spot_trade__is_left_out(coin: str) -> None:
    assert fill(MARKET, coin=coin) == {}


def test_order__partly_filled__quantity_without_a_float_and_no_word_on_force() -> None:
    [(name, row)] = records(VENUE.order, decoded(ORDER))
    assert name == "exchanges/orders"
    assert (row["order_id"], row["filled_qty_contracts"]) == ("3991946565", "0.2")
    assert (row["created_at_ms"], row["updated_at_ms"]) == (1704346468838, 1704346469838)
    assert row.get("forced_kind") is None


def test_order__tif_of_a_liquidation__proves_nothing() -> None:
    reply = decoded(ORDER)
    reply["order"]["order"]["tif"] = "LiquidationMarket"
    [(_, row)] = records(VENUE.order, reply)
    assert (row["marker"], row.get("forced_kind")) == ("LiquidationMarket", None)


def test_order__unknown_oid__is_absent() -> None:
    with pytest.raises(AbsentError):
        VENUE.rows(VENUE.order, {"status": "unknownOid"})


@pytest.mark.parametrize(
    ("kind", "amount"),
    [
        ({"type": "deposit", "usdc": "50.0"}, "50.0"),
        ({"type": "withdraw", "usdc": "50.0", "nonce": "1", "fee": "1.0"}, "-50.0"),
        ({"type": "accountClassTransfer", "usdc": "50.0", "toPerp": True}, "50.0"),
        ({"type": "accountClassTransfer", "usdc": "50.0", "toPerp": False}, "-50.0"),
        ({"type": "internalTransfer", "usdc": "9.0", "user": TRADER, "destination": OTHER,
          "fee": "1.0"}, "-9.0"),
        ({"type": "internalTransfer", "usdc": "9.0", "user": OTHER, "destination": TRADER,
          "fee": "1.0"}, "9.0"),
        ({"type": "subAccountTransfer", "usdc": "9.0", "user": TRADER, "destination": OTHER},
         "-9.0"),
        ({"type": "vaultWithdraw", "netWithdrawnUsd": "98.5", "requestedUsd": "100.0"}, "98.5"),
        ({"type": "send", "token": "USDC", "amount": "7.0", "user": TRADER, "destination": TRADER,
          "sourceDex": "", "destinationDex": "spot"}, "-7.0"),
        ({"type": "send", "token": "USDC", "amount": "7.0", "user": OTHER, "destination": TRADER,
          "sourceDex": "spot", "destinationDex": ""}, "7.0"),
    ],
)  # fmt: skip
def test_ledger__money_in_and_out__signed_transfers(kind: Row, amount: str) -> None:
    [row] = entries(kind)
    assert (row["entry_kind"], row["amount"]) == ("transfer", amount)


@pytest.mark.parametrize(
    "delta",
    [
        {"type": "spotTransfer", "token": "PURR", "amount": "10.5", "usdcValue": "10.5"},
        {"type": "send", "token": "HYPE", "amount": "7.0", "user": TRADER, "destination": OTHER,
         "sourceDex": "", "destinationDex": ""},
        {"type": "send", "token": "USDC", "amount": "7.0", "user": TRADER, "destination": OTHER,
         "sourceDex": "spot", "destinationDex": "spot"},
        {"type": "rewardsClaim", "amount": "3.0"},
    ],
)  # fmt: skip
def test_ledger__what_leaves_the_perpetuals_account_alone__moves_nothing(delta: Row) -> None:
    [row] = entries(delta)
    assert (row["entry_kind"], row["amount"]) == ("other", None)


def test_ledger__liquidation_of_two_coins__an_entry_each() -> None:
    rows = entries(
        {"type": "liquidation", "liquidatedNtlPos": "12345.6", "accountValue": "-10.5",
         "leverageType": "Cross", "liquidatedPositions": [{"coin": "BTC", "szi": "-1.0"},
                                                          {"coin": "ETH", "szi": "25.0"}]}
    )  # fmt: skip
    said = [(row["inst_id"], row["qty_contracts"], row["entry_kind"]) for row in rows]
    assert said == [("BTC", "1.0", "liquidation"), ("ETH", "25.0", "liquidation")]
    assert len({row["entry_id"] for row in rows}) == 2
    assert all("forced_kind" not in row for row in rows)


def test_ledger__two_transfers_of_one_transaction__two_entries() -> None:
    deltas = [{"type": "deposit", "usdc": usdc} for usdc in ("1.0", "2.0")]
    assert len({row["entry_id"] for row in entries(*deltas)}) == 2


@pytest.mark.parametrize(
    ("over", "state", "is_moved"),
    [
        ({}, "canceled", True),
        ({}, "liquidatedCanceled", False),
        ({}, "filled", False),
        ({"reduceOnly": False}, "canceled", False),
        ({"isTrigger": False}, "canceled", False),
        ({"orderType": "Take Profit Market"}, "canceled", False),
    ],
)
def test_stops__of_all_orders__only_stops_the_trader_took_away(
    over: Row, state: str, is_moved: bool
) -> None:
    entry = decoded(ORDER)["order"]
    entry["order"] |= {"isTrigger": True, "reduceOnly": True, "orderType": "Stop Market",
                       "side": "A", "triggerPx": "1900.0", **over}  # fmt: skip
    found = records(VENUE.listing("stops"), [{**entry, "status": state}])
    assert len(found) == int(is_moved)
    if is_moved:
        [(_, row)] = found
        assert (row["position_side"], row["trigger_price"]) == ("long", "1900.0")


@pytest.mark.parametrize(
    ("row", "uid", "root"),
    [
        ({"role": "user"}, TRADER, TRADER),
        ({"role": "subAccount", "data": {"master": OTHER.upper()}}, TRADER, OTHER),
        ({"role": "agent", "data": {"user": OTHER}}, OTHER, OTHER),
        ({"role": "vault"}, TRADER, None),
        ({"role": "missing"}, None, None),
    ],
)
def test_identify__role__the_account_and_its_root(row: Row, uid: str | None, root: str) -> None:
    owner = "0x" + TRADER[2:].upper()
    said = VENUE.identify({"account": [{**row, "_owner": owner}]})
    assert (said["uid"], said["root_uid"]) == (uid, root and root.lower())
    assert (said["is_read_only"], said["permissions"]) == (True, "public")


def test_candles__trade__value_is_exact_and_the_running_minute_is_not_final() -> None:
    minute = {"t": "1704286800000", "T": "1704286859999", "s": "ETH", "i": "1m", "o": "2247.9",
              "h": "2247.9", "l": "2224.6", "c": "2226.4", "v": "591.6427", "n": "46"}  # fmt: skip
    running = {**minute, "T": str(clock.now_ms() + 1000)}
    (_, trade), (_, later) = records(VENUE.trade_candles, [minute, running])
    assert (trade["kind"], trade["quote_volume"]) == ("trade", "1317233.30728")
    assert (trade["is_final"], later["is_final"]) == (True, False)
    [(_, mark)] = records(VENUE.mark_candles, [minute])
    assert (mark["kind"], mark["quote_volume"], mark["low_price"]) == ("mark", None, "2224.6")


def test_instruments__universe__linear_perpetuals_of_one_coin() -> None:
    reply = {"universe": [{"name": "BTC", "szDecimals": "5", "maxLeverage": "40"},
                          {"name": "OLD", "maxLeverage": "3", "isDelisted": True}]}  # fmt: skip
    rows = [row for _, row in records(VENUE.instruments, reply)]
    assert [(row["inst_id"], row["state"]) for row in rows] == [
        ("BTC", "live"),
        ("OLD", "delisted"),
    ]
    assert {row["contract_size"] for row in rows} == {"1"}


def test_leverages__active_asset_data__setting_of_the_coin() -> None:
    reply = {"user": TRADER, "coin": "BTC", "leverage": {"type": "isolated", "value": "20",
             "rawUsd": "0.0"}}  # fmt: skip
    [(_, row)] = records(VENUE.leverages or VENUE.order, reply)
    assert (row["inst_id"], row["margin_mode"], row["leverage"]) == ("BTC", "isolated", "20")


@pytest.mark.parametrize("payload", [None, "none", {}, {"error": "x"}, [None], ["row"], [[]], 5])
def test_replies__of_another_shape__are_no_answer(payload: Any) -> None:
    endpoints = [VENUE.clock, *VENUE.account, VENUE.order, *VENUE.listings, VENUE.instruments,
                 VENUE.mark_candles, VENUE.trade_candles, VENUE.leverages]  # fmt: skip
    for endpoint in endpoints:
        assert endpoint is not None
        with pytest.raises(InconsistentPageError):
            VENUE.rows(endpoint, payload)


@pytest.mark.parametrize("gone", ["coin", "side", "oid", "tid", "fee", "closedPnl", "time", "dir"])
def test_fill__without_a_column__is_unreadable(gone: str) -> None:
    row = {key: value for key, value in decoded(MARKET).items() if key != gone}
    with pytest.raises(InconsistentPageError):
        records(VENUE.listing("fills"), [row])


def test_shape__a_walks_texts__become_the_venues_body() -> None:
    fills = VENUE.listing("fills")
    asked = {**fills.params, "startTime": "5", "endTime": "9", "limit": "500", "user": TRADER}
    assert fills.shape(asked) == {"type": "userFillsByTime", "startTime": 5, "endTime": 9,
                                  "user": TRADER}  # fmt: skip
    candles = VENUE.trade_candles
    asked = {**candles.params, "coin": "BTC", "startTime": "5", "endTime": "9", "limit": "500"}
    assert candles.shape(asked) == {
        "type": "candleSnapshot",
        "req": {"coin": "BTC", "interval": "1m", "startTime": 5, "endTime": 9},
    }
    asked = {**VENUE.order.params, **VENUE.order_request("BTC", "77"), "user": TRADER}
    assert VENUE.order.shape(asked) == {"type": "orderStatus", "oid": 77, "user": TRADER}


@pytest.mark.parametrize(("count", "oldest", "is_gap"), [(1999, 50, False), (2000, 5, False),
                                                         (2000, 50, True)])  # fmt: skip
def test_stops__two_thousand_orders_that_do_not_reach_back__are_a_gap(
    count: int, oldest: int, is_gap: bool
) -> None:
    endpoint = VENUE.listing("stops")
    entry = decoded(ORDER)["order"]
    entries = [
        {**entry, "order": {**entry["order"], "oid": str(n)}, "statusTimestamp": str(oldest + n)}
        for n in range(count)
    ]
    rows = [{**row, "_owner": TRADER} for row in VENUE.rows(endpoint, entries)]

    def fetch(_: Any, check: pull.Check) -> Page:
        check(rows)
        return Page(rows, "sha")

    if is_gap:
        with pytest.raises((InconsistentPageError, GaveUpError)):
            pull.window(endpoint, 10, 10_000, fetch)
    else:
        assert pull.window(endpoint, 10, 10_000, fetch).pages <= 2


def test_records__columns__are_the_raw_tables_own() -> None:
    made = [
        *records(VENUE.listing("fills"), [decoded(MARKET)]),
        *records(VENUE.order, decoded(ORDER)),
    ]
    for name, row in made:
        assert set(row) <= set(table(name).schema.names)
