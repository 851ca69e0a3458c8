"""Hyperliquid over a world's rows: one public path, answers by type, weights, paging, retention.

Documented: weights and their budget, 2000 fills, 500 ledger entries and 5000 candles a reply, the
newest 10,000 fills and 2000 orders, `unknownOid`, `null` and 422 for what is unknown or malformed.
Assumed: a range is answered oldest first, both ends included; orders are newest first.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from leverageguard.simulator.hyperliquid_wire import (
    MINUTE_MS,
    SYMBOLS,
    TABLES,
    address,
    asset_row,
    candle,
    encode,
    instrument,
)
from leverageguard.simulator.limits import Limit, pace
from leverageguard.simulator.replies import Row
from leverageguard.simulator.scenario import Scenario
from leverageguard.simulator.venue import Answer, Call, Endpoint, Refusal, Twin, Venue

WEIGHT_A_MINUTE = 1200
WEIGHTS = {"exchangeStatus": 2, "orderStatus": 2, "userRole": 60}
ROWS_A_WEIGHT = {"userFillsByTime": 20, "historicalOrders": 20, "userNonFundingLedgerUpdates": 20,
                 "candleSnapshot": 60}  # fmt: skip
FILLS_KEPT, FILLS_A_PAGE, ENTRIES_A_PAGE, ORDERS_KEPT, CANDLES_KEPT = 10_000, 2000, 500, 2000, 5000
Handle = Callable[[Row, int, int], Any]


class Hyperliquid(Venue):
    """The Hyperliquid venue of one scenario; everything is public and counts on one address."""

    name = "hyperliquid"

    def __init__(self, scenario: Scenario) -> None:
        self._replies = scenario.replies(self.name)
        accounts = [a for a in scenario.served if a.exchange == self.name]
        self._accounts = {account.uid.lower(): account for account in accounts}
        self._spent: deque[tuple[int, int]] = deque()

    def endpoints(self) -> Mapping[str, Endpoint]:
        """One endpoint a type of question; all of them share one budget of weight."""
        types: dict[str, Handle] = {
            "exchangeStatus": lambda _, now_ms, __: {"specialStatuses": None, "time": now_ms},
            "meta": lambda *_: {"universe": self._replies.instruments, "marginTables": []},
            "candleSnapshot": self._candles,
            "userRole": self._role,
            "userFillsByTime": self._fills,
            "userNonFundingLedgerUpdates": self._ledger,
            "historicalOrders": self._orders,
            "orderStatus": self._order,
            "activeAssetData": self._asset_data,
        }
        return {
            f"/info#{kind}": Endpoint(
                kind, Limit(WEIGHT_A_MINUTE, MINUTE_MS), _is_of_account(kind), self._weighed(handle)
            )
            for kind, handle in types.items()
        }

    def route(self, call: Call) -> Endpoint | None:
        """The endpoint of the body's type."""
        if call.method != "POST" or call.path != "/info":
            return None
        try:
            kind = json.loads(call.body)["type"]
        except (ValueError, LookupError, TypeError):
            return None
        return self.endpoints().get(f"/info#{kind}")

    def authenticate(self, call: Call) -> str:
        """The account that is asked about, an empty text for a stranger: nobody signs anything."""
        account = self._accounts.get(_user(json.loads(call.body)))
        return account.account_id if account else ""

    def unknown_path(self, call: Call) -> Refusal:
        """HTTP 404, or 422 for a body that is no question."""
        return _malformed() if call.path == "/info" else Refusal("404", Answer(None, 404))

    def too_many_requests(self) -> Answer:
        """HTTP 429 with a body of `null`."""
        return Answer(None, 429)

    def server_error(self) -> Answer:
        """HTTP 500 with a body of `null`."""
        return Answer(None, 500)

    def _weighed(self, handle: Handle) -> Callable[[Call, str | None, int], Answer]:
        def answer(call: Call, _: str | None, rewind: int) -> Answer:
            body = json.loads(call.body)
            self._spend(WEIGHTS.get(body["type"], 20), call.now_ms)
            reply = handle(body, call.now_ms, rewind)
            per = ROWS_A_WEIGHT.get(body["type"])
            if per:
                # What a long reply costs is known after it is made; the next call pays for it.
                self._spent.append((call.now_ms, len(reply or ()) // per))
            return Answer(reply)

        return answer

    def _spend(self, weight: int, now_ms: int) -> None:
        while self._spent and self._spent[0][0] <= now_ms - MINUTE_MS:
            self._spent.popleft()
        if sum(spent for _, spent in self._spent) + weight > WEIGHT_A_MINUTE * pace():
            raise Refusal("429", self.too_many_requests())
        self._spent.append((now_ms, weight))

    def _rows(self, body: Row, table: str, time: str, now_ms: int) -> list[Row]:
        account = self._accounts.get(_user(body))
        rows = self._replies.accounts[account.account_id][table] if account else []
        return sorted((row for row in rows if row[time] <= now_ms), key=lambda row: row[time])

    def _fills(self, body: Row, now_ms: int, rewind: int) -> list[Row]:
        rows = self._rows(body, "fills", "time", now_ms)[-FILLS_KEPT:]
        return _range(rows, body, "time", rewind)[:FILLS_A_PAGE]

    def _ledger(self, body: Row, now_ms: int, rewind: int) -> list[Row]:
        return _range(self._rows(body, "ledger", "time", now_ms), body, "time", rewind)[
            :ENTRIES_A_PAGE
        ]

    def _orders(self, body: Row, now_ms: int, rewind: int) -> list[Row]:
        rows = self._rows(body, "orders", "statusTimestamp", now_ms)[-ORDERS_KEPT:][::-1]
        return rows + rows[len(rows) - rewind if rewind < len(rows) else 0 :] if rewind else rows

    def _order(self, body: Row, now_ms: int, _: int) -> Row:
        oid = body.get("oid")
        if not isinstance(oid, int | str):
            raise _malformed()
        for row in self._rows(body, "orders", "statusTimestamp", now_ms):
            if oid in (row["order"]["oid"], row["order"]["cloid"]):
                return {"status": "order", "order": row}
        return {"status": "unknownOid"}

    def _role(self, body: Row, _: int, __: int) -> Row:
        account = self._accounts.get(_user(body))
        if account is None:
            return {"role": "missing"}
        if account.main_uid in ("", account.uid):
            return {"role": "user"}
        return {"role": "subAccount", "data": {"master": account.main_uid.lower()}}

    def _asset_data(self, body: Row, _: int, __: int) -> Row | None:
        account = self._accounts.get(_user(body))
        known = {row["name"]: row for row in self._replies.instruments}
        if account is None or body.get("coin") not in known:
            return None
        for row in self._replies.accounts[account.account_id]["asset_data"]:
            if row["coin"] == body["coin"]:
                return row
        coin = known[body["coin"]]
        leverage = {"type": "cross", "value": min(20, coin["maxLeverage"])}
        return asset_row(account.uid, coin["name"], leverage)

    def _candles(self, body: Row, now_ms: int, rewind: int) -> list[Row] | None:
        asked = body.get("req")
        if not isinstance(asked, dict) or asked.get("interval") != "1m":
            raise _malformed()
        # One set of candles is all the venue has.
        sets = {**self._replies.mark_candles, **self._replies.trade_candles}
        kept = sets.get(str(asked.get("coin")))
        if kept is None:
            return None
        closed = [row for row in kept if row["T"] < now_ms]
        return _range(closed[-CANDLES_KEPT:], asked, "t", rewind)


def _is_of_account(kind: str) -> bool:
    return kind not in ("exchangeStatus", "meta", "candleSnapshot")


def _malformed() -> Refusal:
    text = "Failed to deserialize the JSON body into the target type"
    return Refusal("422", Answer(text, 422))


def _user(body: Row) -> str:
    user = str(body.get("user", "")).lower()
    if len(user) != 42 or not user.startswith("0x") or set(user[2:]) - set("0123456789abcdef"):
        raise _malformed()
    return user


def _range(rows: Sequence[Row], asked: Row, time: str, rewind: int) -> list[Row]:
    """Rows of startTime to endTime; `rewind` rows before them on a faulty page."""
    start, end = asked.get("startTime"), asked.get("endTime")
    if type(start) is not int or not isinstance(end, int | None):
        raise _malformed()
    first = next((n for n, row in enumerate(rows) if row[time] >= start), len(rows))
    kept = rows[max(0, first - rewind) :]
    return [row for row in kept if end is None or row[time] <= end]


TWIN = Twin(
    name="hyperliquid",
    tables=TABLES,
    symbols=SYMBOLS,
    serve=Hyperliquid,
    encode=encode,
    instrument=instrument,
    candle=candle,
    uid=address,
    is_keyless=True,
    share=5,
)
