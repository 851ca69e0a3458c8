"""Bybit v5 over a world's rows: paths, limits, signatures, error codes, cursors and retention.

Limits, codes and retention are the documented ones. Assumed, because the documents leave it open:
window edges are included; orders are filtered by their creation; an order asked for by its id is
found whatever its age; a symbol whose leverage was never set answers with 10.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from leverageguard import clock
from leverageguard.simulator.bybit_paging import (
    CLOSED_PNL,
    EXECUTIONS,
    ORDERS,
    TRANSACTIONS,
    Listing,
    answer,
    listing_page,
    matches,
    number,
    refusal,
    require_linear,
    row_limit,
    said,
)
from leverageguard.simulator.bybit_reference import (
    SYMBOLS,
    account_row,
    candle,
    instrument,
    key_row,
    position_row,
)
from leverageguard.simulator.bybit_wire import TABLES, encode
from leverageguard.simulator.limits import Limit
from leverageguard.simulator.scenario import Scenario, credentials
from leverageguard.simulator.venue import Answer, Call, Endpoint, Refusal, Twin, Venue

MINUTE_MS = 60_000
RECV_WINDOW_MS = "5000"
AHEAD_MS = 1000
MAX_CANDLES = 1000
DEFAULT_LEVERAGE = "10"
DEFAULT_MARGIN_MODE = "REGULAR_MARGIN"
PREFIX = "/v5/"
Handler = Callable[[Call, str | None, int], Answer]


class Bybit(Venue):
    """The Bybit venue of one scenario."""

    name = "bybit"

    def __init__(self, scenario: Scenario) -> None:
        self._replies = scenario.replies(self.name)
        accounts = [a for a in scenario.served if a.exchange == self.name]
        self._accounts = {account.account_id: account for account in accounts}
        self._keys = {credentials(a.account_id).api_key: a for a in accounts}

    def endpoints(self) -> Mapping[str, Endpoint]:
        """The served paths: ten private requests a second each, 600 public ones in five."""
        private, public = Limit(10, 1000), Limit(600, 5000)
        table = [
            Endpoint("market/time", public, False, self._time),
            Endpoint("market/instruments-info", public, False, self._instruments),
            Endpoint(
                "market/mark-price-kline", public, False, self._candles(self._replies.mark_candles)
            ),
            Endpoint("market/kline", public, False, self._candles(self._replies.trade_candles)),
            Endpoint("user/query-api", private, True, self._key),
            Endpoint("account/info", private, True, self._account),
            Endpoint("account/transaction-log", private, True, self._listed(TRANSACTIONS)),
            Endpoint("order/history", private, True, self._listed(ORDERS)),
            Endpoint("execution/list", private, True, self._listed(EXECUTIONS)),
            Endpoint("position/closed-pnl", private, True, self._listed(CLOSED_PNL)),
            Endpoint("position/list", private, True, self._positions),
        ]
        return {PREFIX + endpoint.name: endpoint for endpoint in table}

    def authenticate(self, call: Call) -> str:
        """The account of the key: known, on time, and signed by its secret.

        A demo key is refused like an unknown one: it belongs to another domain.
        """
        headers = call.headers
        sent, api_key = headers.get("X-BAPI-TIMESTAMP", ""), headers.get("X-BAPI-API-KEY", "")
        if not (sent.isdigit() and api_key and headers.get("X-BAPI-SIGN")):
            raise refusal("10001", "empty value: openapi sign params error!")
        account = self._keys.get(api_key)
        if account is None or account.key_state != "active":
            raise refusal("10003", "API key is invalid.")
        received = headers.get("X-BAPI-RECV-WINDOW", RECV_WINDOW_MS)
        if not -int(received) <= int(sent) - call.now_ms < AHEAD_MS:
            raise refusal(
                "10002",
                "invalid request, please check your server timestamp or recv_window param. "
                f"req_timestamp[{sent}],server_timestamp[{call.now_ms}],recv_window[{received}]",
            )
        query = call.target.partition("?")[2]
        key = credentials(account.account_id)
        expected = sign(key.api_secret, sent + key.api_key + received + query + call.body)
        if not hmac.compare_digest(expected, headers["X-BAPI-SIGN"]):
            raise refusal("10004", "Error sign, please check your signature generation algorithm.")
        return account.account_id

    def unknown_path(self, call: Call) -> Refusal:
        """HTTP 404, code 10017."""
        return Refusal("10017", said("10017", f"Route not found: {call.path}", 404))

    def too_many_requests(self) -> Answer:
        """HTTP 200, code 10006, with the moment the limit is over."""
        reply = said("10006", "Too many visits. Exceeded the API Rate Limit.")
        reset = {"X-Bapi-Limit-Reset-Timestamp": str(clock.now_ms() + 1000)}
        return Answer(reply.body, 200, {"X-Bapi-Limit": "10", "X-Bapi-Limit-Status": "0", **reset})

    def server_error(self) -> Answer:
        """HTTP 500, code 10016: a system error."""
        return said("10016", "Server error.", 500)

    def transient_error(self) -> Answer:
        """HTTP 200, code 10000: the server's own timeout."""
        return said("10000", "Server Timeout")

    def _time(self, call: Call, _: str | None, __: int) -> Answer:
        now = {"timeNano": f"{call.now_ms}000000", "timeSecond": str(call.now_ms // 1000)}
        return answer(call, now)

    def _instruments(self, call: Call, _: str | None, __: int) -> Answer:
        require_linear(call)
        rows = [row for row in self._replies.instruments if matches(row, call, ("symbol",))]
        return answer(call, {"category": "linear", "list": rows, "nextPageCursor": ""})

    def _candles(self, candles: Mapping[str, list[Any]]) -> Handler:
        def handle(call: Call, _: str | None, __: int) -> Answer:
            symbol = self._symbol(call)
            if call.params.get("interval") != "1":
                raise refusal("10001", "params error: interval invalid")
            start, end = number(call, "start", 0), number(call, "end", call.now_ms)
            last = min(end, call.now_ms - MINUTE_MS)
            rows = [row for row in candles.get(symbol, []) if start <= int(row[0]) <= last]
            rows.sort(key=lambda row: int(row[0]), reverse=True)
            kept = rows[: row_limit(call, MAX_CANDLES, 200)]
            return answer(call, {"category": "linear", "list": kept, "symbol": symbol})

        return handle

    def _key(self, call: Call, account_id: str | None, _: int) -> Answer:
        account = self._accounts[account_id or ""]
        return answer(call, key_row(account, credentials(account.account_id).api_key))

    def _account(self, call: Call, account_id: str | None, _: int) -> Answer:
        rows = self._replies.accounts[account_id or ""]["account"]
        return answer(call, rows[0] if rows else account_row(DEFAULT_MARGIN_MODE))

    def _positions(self, call: Call, account_id: str | None, _: int) -> Answer:
        symbol = self._symbol(call)
        stored = self._replies.accounts[account_id or ""]["positions"]
        rows = [row for row in stored if row["symbol"] == symbol]
        rows = rows or [position_row(symbol, 0, DEFAULT_LEVERAGE)]
        return answer(call, {"category": "linear", "list": rows, "nextPageCursor": ""})

    def _symbol(self, call: Call) -> str:
        require_linear(call)
        symbol = call.params.get("symbol", "")
        if not any(row["symbol"] == symbol for row in self._replies.instruments):
            raise refusal("10001", "params error: symbol invalid")
        return symbol

    def _listed(self, listing: Listing) -> Handler:
        def handle(call: Call, account_id: str | None, rewind: int) -> Answer:
            stored = self._replies.accounts[account_id or ""][listing.table]
            return listing_page(stored, call, listing, rewind)

        return handle


def sign(secret: str, text: str) -> str:
    """Bybit's signature: hexadecimal HMAC-SHA256 over time, key, recv window and query."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


TWIN = Twin(
    name="bybit",
    tables=TABLES,
    symbols=SYMBOLS,
    serve=Bybit,
    encode=encode,
    instrument=instrument,
    candle=candle,
    share=40,
)
