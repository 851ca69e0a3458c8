"""OKX v5 over a world's rows: paths, limits, signatures, error codes, paging and retention.

Limits, codes and retention are the documented ones. Assumed, because the documents leave it
open: begin and end include both edges; orders are filtered by their creation time; an instrument
whose leverage was never set answers with 3.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from leverageguard.simulator.fields import epoch_ms
from leverageguard.simulator.limits import Limit
from leverageguard.simulator.okx_paging import (
    answer,
    listing,
    matches,
    minutes,
    page,
    refusal,
    require,
)
from leverageguard.simulator.okx_reference import SYMBOLS, candle, config_row, instrument, leverage
from leverageguard.simulator.okx_wire import TABLES, encode
from leverageguard.simulator.replies import Row
from leverageguard.simulator.scenario import Account, Scenario, credentials
from leverageguard.simulator.venue import Answer, Call, Endpoint, Refusal, Twin, Venue

DAY_MS = 86_400_000
MONTHS_3 = 90 * DAY_MS
CLOCK_TOLERANCE_MS = 30_000
PREFIX = "/api/v5/"

ORDER_FILTERS = ("instType", "uly", "instFamily", "instId", "ordType", "state", "category")
FILL_FILTERS = ("instType", "instId", "ordId", "subType")
BILL_FILTERS = ("instType", "instId", "ccy", "mgnMode", "type", "subType")
STOP_FILTERS = ("instType", "instId", "ordType", "state", "algoId")
DEFAULT_LEVERAGE = "3"
POSITION_FILTERS = ("instType", "instId", "mgnMode", "type", "posId")


class Okx(Venue):
    """The OKX venue of one scenario."""

    name = "okx"

    def __init__(self, scenario: Scenario) -> None:
        self._replies = scenario.replies(self.name)
        accounts = [a for a in scenario.served if a.exchange == self.name]
        self._accounts = {account.account_id: account for account in accounts}
        self._keys = {credentials(a.account_id).api_key: a for a in accounts}

    def endpoints(self) -> Mapping[str, Endpoint]:
        """The served paths with the documented limits (requests per 2 s unless said)."""
        week, three_days = 7 * DAY_MS, 3 * DAY_MS
        table = [
            Endpoint("public/time", Limit(10), False, self._time),
            Endpoint("public/instruments", Limit(20), False, self._instruments),
            Endpoint("market/mark-price-candles", Limit(20), False, self._candles(1440)),
            Endpoint("market/history-mark-price-candles", Limit(20), False, self._candles(None)),
            Endpoint("market/history-candles", Limit(20), False, self._trade_candles),
            Endpoint("account/config", Limit(5), True, self._config),
            Endpoint("account/leverage-info", Limit(20), True, self._leverages),
            Endpoint("trade/order", Limit(60), True, self._order),
            Endpoint("trade/orders-history", Limit(40), True, self._orders(week)),
            Endpoint("trade/orders-history-archive", Limit(20), True, self._orders(MONTHS_3)),
            Endpoint("trade/fills", Limit(60), True, self._fills(three_days)),
            Endpoint("trade/fills-history", Limit(10), True, self._fills(MONTHS_3)),
            Endpoint("account/bills", Limit(5, 1000), True, self._bills(week)),
            Endpoint("account/bills-archive", Limit(5), True, self._bills(MONTHS_3)),
            Endpoint("account/positions-history", Limit(10), True, self._positions),
            Endpoint("trade/orders-algo-history", Limit(20), True, self._stops),
        ]
        return {PREFIX + endpoint.name: endpoint for endpoint in table}

    def authenticate(self, call: Call) -> str:
        """The account of the key, after the checks of OKX's handshake in its own order."""
        account, key = self._key(call.headers)
        for header, code in (("PASSPHRASE", "50104"), ("TIMESTAMP", "50107"), ("SIGN", "50106")):
            if not call.headers.get(f"OK-ACCESS-{header}"):
                raise refusal(code, f'Request header "OK-ACCESS-{header}" can not be empty.', 401)
        sent = call.headers["OK-ACCESS-TIMESTAMP"]
        if abs(_timestamp_ms(sent) - call.now_ms) > CLOCK_TOLERANCE_MS:
            raise refusal("50102", "Timestamp request expired", 401)
        if call.headers["OK-ACCESS-PASSPHRASE"] != key.passphrase:
            raise refusal("50105", 'Request header "OK-ACCESS-PASSPHRASE" incorrect.', 401)
        expected = sign(key.api_secret, sent, call.method, call.target, call.body)
        if not hmac.compare_digest(expected, call.headers["OK-ACCESS-SIGN"]):
            raise refusal("50113", "Invalid Sign", 401)
        if (call.headers.get("x-simulated-trading", "0") != "0") != (account.key_state == "demo"):
            raise refusal("50101", "APIKey does not match current environment.", 401)
        return account.account_id

    def _key(self, headers: Mapping[str, str]) -> tuple[Account, Any]:
        api_key = headers.get("OK-ACCESS-KEY", "")
        if not api_key:
            raise refusal("50103", 'Request header "OK-ACCESS-KEY" can not be empty.', 401)
        account = self._keys.get(api_key)
        if account is None or account.key_state == "revoked":
            raise refusal("50111", "Invalid OK-ACCESS-KEY", 401)
        return account, credentials(account.account_id)

    def unknown_path(self, call: Call) -> Refusal:
        """OKX's 404, or 405 for a method the path does not take."""
        if call.path in self.endpoints():
            return refusal("50115", "Invalid request method", 405)
        body = {"code": "404", "data": [], "msg": f"{call.path} not found"}
        return Refusal("404", Answer(body, 404))

    def too_many_requests(self) -> Answer:
        """HTTP 429, code 50011."""
        body = {"code": "50011", "data": [], "msg": "Too Many Requests"}
        return Answer(body, 429, {"Retry-After": "1"})

    def server_error(self) -> Answer:
        """HTTP 500, code 50026: a system error."""
        body = {"code": "50026", "data": [], "msg": "System error. Try again later."}
        return Answer(body, 500)

    def transient_error(self) -> Answer:
        """HTTP 200, code 1: an operation failed that the next attempt may well carry out."""
        return Answer({"code": "1", "data": [], "msg": "Operation failed."})

    def _time(self, call: Call, _: str | None, __: int) -> Answer:
        return answer([{"ts": str(call.now_ms)}])

    def _instruments(self, call: Call, _: str | None, __: int) -> Answer:
        require(call, "instType")
        filters = ("instType", "uly", "instFamily", "instId")
        return answer([row for row in self._replies.instruments if matches(row, call, filters)])

    def _candles(self, newest: int | None) -> Callable[[Call, str | None, int], Answer]:
        def handle(call: Call, _: str | None, rewind: int) -> Answer:
            rows = self._replies.mark_candles.get(require(call, "instId"))
            if rows is None:
                raise refusal("51001", "Instrument ID does not exist", 200)
            return minutes(rows, call, newest, rewind)

        return handle

    def _trade_candles(self, call: Call, _: str | None, rewind: int) -> Answer:
        inst_id = require(call, "instId")
        if not any(row["instId"] == inst_id for row in self._replies.instruments):
            raise refusal("51001", "Instrument ID does not exist", 200)
        return minutes(self._replies.trade_candles.get(inst_id, []), call, None, rewind)

    def _config(self, _: Call, account_id: str | None, __: int) -> Answer:
        account = self._accounts[account_id or ""]
        return answer([config_row(account, self._replies.accounts[account.account_id])])

    def _leverages(self, call: Call, account_id: str | None, _: int) -> Answer:
        inst_id, margin_mode = require(call, "instId"), require(call, "mgnMode")
        wanted = {"instId": inst_id, "mgnMode": margin_mode}
        rows = [
            row
            for row in self._replies.accounts[account_id or ""]["leverages"]
            if row.items() >= wanted.items()
        ]
        return answer(rows or [leverage(inst_id, "net", DEFAULT_LEVERAGE, margin_mode)])

    def _stops(self, call: Call, account_id: str | None, rewind: int) -> Answer:
        require(call, "ordType")
        if not (call.params.get("state") or call.params.get("algoId")):
            raise refusal("50015", "Either parameter state or algoId is required", 400)
        rows = self._visible(account_id, "stops", "uTime", call.now_ms, MONTHS_3)
        kept = [row for row in rows if matches(row, call, STOP_FILTERS)]
        kept.sort(key=lambda row: int(row["algoId"]), reverse=True)
        return page(kept, call, lambda row: int(row["algoId"]), rewind)

    def _order(self, call: Call, account_id: str | None, _: int) -> Answer:
        inst_id = require(call, "instId")
        if not (call.params.get("ordId") or call.params.get("clOrdId")):
            raise refusal("50015", "Either parameter ordId or clOrdId is required", 400)
        for row in self._visible(account_id, "orders", "uTime", call.now_ms, MONTHS_3):
            if row["instId"] == inst_id and matches(row, call, ("ordId", "clOrdId")):
                return answer([row])
        raise refusal("51603", "Order does not exist", 200)

    def _orders(self, kept_ms: int) -> Callable[[Call, str | None, int], Answer]:
        def handle(call: Call, account_id: str | None, rewind: int) -> Answer:
            require(call, "instType")
            rows = self._visible(account_id, "orders", "uTime", call.now_ms, kept_ms)
            return listing(rows, call, ORDER_FILTERS, "cTime", "ordId", rewind)

        return handle

    def _fills(self, kept_ms: int) -> Callable[[Call, str | None, int], Answer]:
        def handle(call: Call, account_id: str | None, rewind: int) -> Answer:
            rows = self._visible(account_id, "fills", "ts", call.now_ms, kept_ms)
            return listing(rows, call, FILL_FILTERS, "ts", "billId", rewind)

        return handle

    def _bills(self, kept_ms: int) -> Callable[[Call, str | None, int], Answer]:
        def handle(call: Call, account_id: str | None, rewind: int) -> Answer:
            rows = self._visible(account_id, "bills", "ts", call.now_ms, kept_ms)
            return listing(rows, call, BILL_FILTERS, "ts", "billId", rewind)

        return handle

    def _positions(self, call: Call, account_id: str | None, rewind: int) -> Answer:
        rows = self._visible(account_id, "positions", "uTime", call.now_ms, MONTHS_3)
        rows = [row for row in rows if matches(row, call, POSITION_FILTERS)]
        rows.sort(key=lambda row: int(row["uTime"]), reverse=True)
        return page(rows, call, lambda row: int(row["uTime"]), rewind)

    def _visible(
        self, account_id: str | None, table: str, time: str, now_ms: int, kept_ms: int
    ) -> list[Row]:
        rows = self._replies.accounts[account_id or ""][table]
        return [row for row in rows if now_ms - kept_ms <= int(row[time]) <= now_ms]


def sign(secret: str, timestamp: str, method: str, target: str, body: str) -> str:
    """OKX's signature: base64 of HMAC-SHA256 over timestamp, method, path with query and body."""
    text = timestamp + method + target + body
    return base64.b64encode(
        hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
    ).decode()


def _timestamp_ms(text: str) -> int:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise refusal("50112", "Invalid OK-ACCESS-TIMESTAMP", 401)
    return epoch_ms(time)


TWIN = Twin(
    name="okx",
    tables=TABLES,
    symbols=SYMBOLS,
    serve=Okx,
    encode=encode,
    instrument=instrument,
    candle=candle,
)
