"""Binance USD-M futures over a world's rows: paths, weights, signatures, codes and retention.

Weights, page sizes, windows, retention and codes are the documented ones. Assumed, because the
documents leave it open: a window includes both edges and counts an order's creation; a full page
of a window holds its oldest rows; a window that is too long is code -4165; a key that is revoked,
unknown or of the test environment is -2015 alike; the list of sub accounts is -1002 to all but
the master; a symbol never traded is set to 20x, crossed. A read-only key may read the history of
margin, which Binance has refused at times.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict, deque
from collections.abc import Callable, Mapping

from leverageguard.simulator.binanceusdm_listings import (
    LISTINGS,
    MINUTE_MS,
    ORDERS,
    Listing,
    body,
    cut,
    kept,
    listed,
    number,
    refusal,
    required,
    rows_asked,
)
from leverageguard.simulator.binanceusdm_wire import SYMBOLS, TABLES, candle, encode, instrument
from leverageguard.simulator.limits import Limit, pace
from leverageguard.simulator.replies import Row
from leverageguard.simulator.scenario import Account, Scenario, credentials
from leverageguard.simulator.venue import Answer, Call, Endpoint, Refusal, Twin, Venue

WEIGHTS = {"fapi": 2400, "api": 6000, "sapi": 12000}
# A caller that goes on after so many refusals in a minute is banned.
PATIENCE = 20
KLINE_WEIGHTS = ((99, 1), (499, 2), (1000, 5), (10**9, 10))
Handle = Callable[[Call, str | None, int], Answer]
FLAGS = {
    "read_only": (), "trade": ("enableFutures", "enableSpotAndMarginTrading"),
    "withdraw": ("enableWithdrawals",), "transfer": ("permitsUniversalTransfer",),
}  # fmt: skip
OFF = (
    "enableWithdrawals", "enableInternalTransfer", "enableMargin", "enableFutures",
    "permitsUniversalTransfer", "enableVanillaOptions", "enablePortfolioMarginTrading",
    "enableFixApiTrade", "enableFixReadOnly", "enableSpotAndMarginTrading",
)  # fmt: skip


class BinanceUsdm(Venue):
    """The Binance USD-M venue of one scenario."""

    name = "binanceusdm"

    def __init__(self, scenario: Scenario) -> None:
        self._replies = scenario.replies(self.name)
        accounts = [a for a in scenario.served if a.exchange == self.name]
        self._accounts = {account.account_id: account for account in accounts}
        self._keys = {credentials(a.account_id).api_key: a for a in accounts}
        self._spent: dict[str, deque[tuple[int, int]]] = defaultdict(deque)
        self._refused: deque[int] = deque()

    def endpoints(self) -> Mapping[str, Endpoint]:
        """The served paths; all of a family share its weight per minute."""
        public: dict[str, tuple[int, Handle]] = {
            "fapi/v1/time": (1, lambda call, _, __: Answer({"serverTime": call.now_ms})),
            "fapi/v1/exchangeInfo": (1, self._exchange_info),
            "fapi/v1/markPriceKlines": (2, self._klines("mark_candles")),
            "fapi/v1/klines": (2, self._klines("trade_candles")),
        }
        private: dict[str, tuple[int, Handle]] = {
            "fapi/v1/order": (1, self._order),
            "fapi/v1/symbolConfig": (5, self._symbol_config),
            "fapi/v1/accountConfig": (5, self._account_config),
            "sapi/v1/account/apiRestrictions": (1, self._restrictions),
            "sapi/v1/sub-account/list": (1, self._sub_accounts),
            "api/v3/account": (20, self._spot_account),
            **{path: (each.weight, self._listed(each)) for path, each in LISTINGS.items()},
        }
        return {
            f"/{path}": Endpoint(path, Limit(max(WEIGHTS.values()), MINUTE_MS), is_private,
                                 self._weighed(path, *weighing))
            for is_private, paths in ((False, public), (True, private))
            for path, weighing in paths.items()
        }  # fmt: skip

    def authenticate(self, call: Call) -> str:
        """The account whose key signed the query, its time within the window it allows."""
        api_key = call.headers.get("X-MBX-APIKEY", "")
        if not api_key:
            raise refusal(-2014, "API-key format invalid.", 401)
        account = self._keys.get(api_key)
        if account is None or account.key_state != "active":
            raise refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        sent, window = number(call, "timestamp"), number(call, "recvWindow")
        window = 5000 if window is None else window
        if sent is None:
            raise refusal(-1102, "Mandatory parameter 'timestamp' was not sent.")
        if window > 60_000:
            raise refusal(-1131, "recvWindow must be less than 60000.")
        if not call.now_ms - window <= sent < call.now_ms + 1000:
            raise refusal(-1021, "Timestamp for this request is outside of the recvWindow.")
        query, _, signature = call.target.partition("?")[2].rpartition("&signature=")
        expected = sign(credentials(account.account_id).api_secret, query)
        if not hmac.compare_digest(expected, signature):
            raise refusal(-1022, "Signature for this request is not valid.")
        return account.account_id

    def unknown_path(self, call: Call) -> Refusal:
        """Binance's 404."""
        return refusal(-5000, f"Path {call.path}, Method {call.method} is invalid", 404)

    def too_many_requests(self) -> Answer:
        """HTTP 429, code -1003."""
        return _too_many(429, "Too many requests; current limit is 2400 requests per minute.", 1)

    def server_error(self) -> Answer:
        """HTTP 500, code -1001."""
        return body(-1001, "Internal error; unable to process your request.", 500)

    def transient_error(self) -> Answer:
        """HTTP 503, code -1008: the servers are overloaded."""
        return body(-1008, "Server is currently overloaded with other requests.", 503)

    def _weighed(self, path: str, weight: int, handle: Handle) -> Handle:
        family = path.split("/")[0]

        def weigh(call: Call, account_id: str | None, rewind: int) -> Answer:
            self._spend(family, _weight(path, weight, call), call.now_ms)
            return handle(call, account_id, rewind)

        return weigh

    def _spend(self, family: str, weight: int, now_ms: int) -> None:
        spent = self._spent[family]
        while spent and spent[0][0] <= now_ms - MINUTE_MS:
            spent.popleft()
        if sum(each for _, each in spent) + weight <= WEIGHTS[family] * pace():
            spent.append((now_ms, weight))
            return
        while self._refused and self._refused[0] <= now_ms - MINUTE_MS:
            self._refused.popleft()
        self._refused.append(now_ms)
        wait = max(1, -(-(spent[0][0] + MINUTE_MS - now_ms) // 1000))
        if len(self._refused) > PATIENCE:
            raise Refusal("-1003", _too_many(418, "Way too many requests; IP banned.", 120))
        raise Refusal("-1003", _too_many(429, "Too much request weight used.", wait))

    def _exchange_info(self, call: Call, _: str | None, __: int) -> Answer:
        info = {"timezone": "UTC", "serverTime": call.now_ms, "rateLimits": [], "assets": []}
        return Answer({**info, "exchangeFilters": [], "symbols": self._replies.instruments})

    def _klines(self, kind: str) -> Handle:
        def handle(call: Call, _: str | None, rewind: int) -> Answer:
            rows = getattr(self._replies, kind).get(self._symbol(call), [])
            if required(call, "interval") != "1m":
                raise refusal(-1120, "Invalid interval.")
            start, end = number(call, "startTime"), number(call, "endTime")
            inside = [
                row
                for row in rows
                if (start or 0) <= int(row[0]) <= (call.now_ms if end is None else end)
                and int(row[0]) + MINUTE_MS <= call.now_ms
            ]
            limit = rows_asked(call, 500, 1500)
            return Answer(cut(inside, start is not None, limit, rewind))

        return handle

    def _listed(self, of: Listing) -> Handle:
        def handle(call: Call, account_id: str | None, rewind: int) -> Answer:
            if of.needs_symbol or "symbol" in call.params:
                self._symbol(call)
            return listed(of, self._tables(account_id), call, rewind)

        return handle

    def _order(self, call: Call, account_id: str | None, _: int) -> Answer:
        self._symbol(call)
        order_id, client_id = (call.params.get(n) for n in ("orderId", "origClientOrderId"))
        if not (order_id or client_id):
            raise refusal(-1102, "Param 'origClientOrderId' or 'orderId' must be sent.")
        for row in kept(ORDERS, self._tables(account_id)["all_orders"], call):
            is_named = order_id in (None, str(row["orderId"]))
            if is_named and client_id in (None, row["clientOrderId"]):
                return Answer(row)
        raise refusal(-2013, "Order does not exist.")

    def _symbol_config(self, call: Call, account_id: str | None, _: int) -> Answer:
        rows = {row["symbol"]: row for row in self._tables(account_id)["symbol_config"]}
        untouched = {"marginType": "CROSSED", "isAutoAddMargin": False, "leverage": 20,
                     "maxNotionalValue": "10000000"}  # fmt: skip
        symbols = [row["symbol"] for row in self._replies.instruments]
        if "symbol" in call.params:
            symbols = [self._symbol(call)]
        return Answer([rows.get(symbol, {"symbol": symbol, **untouched}) for symbol in symbols])

    def _account_config(self, call: Call, account_id: str | None, _: int) -> Answer:
        orders = self._tables(account_id)["all_orders"]
        is_dual = any(row["positionSide"] != "BOTH" for row in orders)
        rights = dict.fromkeys(("canTrade", "canDeposit", "canWithdraw"), True)
        return Answer({"feeTier": 0, **rights, "dualSidePosition": is_dual,
                       "multiAssetsMargin": False, "tradeGroupId": -1})  # fmt: skip

    def _restrictions(self, _: Call, account_id: str | None, __: int) -> Answer:
        granted = {flag for right in self._account(account_id).perm.split(",")
                   for flag in FLAGS.get(right, (right,))}  # fmt: skip
        flags = {flag: flag in granted for flag in OFF}
        return Answer({"ipRestrict": False, "createTime": 1698645219000, "enableReading": True,
                       **flags})  # fmt: skip

    def _sub_accounts(self, _: Call, account_id: str | None, __: int) -> Answer:
        account = self._account(account_id)
        if account.main_uid != account.uid:
            raise refusal(-1002, "You are not authorized to execute this request.")
        return Answer({"subAccounts": []})

    def _spot_account(self, _: Call, account_id: str | None, __: int) -> Answer:
        kind = {"accountType": "SPOT", "permissions": ["SPOT"], "balances": []}
        return Answer({**kind, "uid": int(self._account(account_id).uid)})

    def _account(self, account_id: str | None) -> Account:
        return self._accounts[account_id or ""]

    def _tables(self, account_id: str | None) -> Mapping[str, list[Row]]:
        return self._replies.accounts[account_id or ""]

    def _symbol(self, call: Call) -> str:
        symbol = required(call, "symbol")
        if not any(row["symbol"] == symbol for row in self._replies.instruments):
            raise refusal(-1121, "Invalid symbol.")
        return symbol


def sign(secret: str, query: str) -> str:
    """Binance's signature: hexadecimal HMAC-SHA256 over the query."""
    return hmac.new(secret.encode(), query.encode(), hashlib.sha256).hexdigest()


def _weight(path: str, weight: int, call: Call) -> int:
    """What a call costs: more without a symbol or for more candles."""
    if path == "fapi/v1/forceOrders" and "symbol" not in call.params:
        return 50
    if "interval" not in call.params:
        return weight
    limit = number(call, "limit") or 500
    return next(cost for most, cost in KLINE_WEIGHTS if limit <= most)


def _too_many(status: int, message: str, wait_seconds: int) -> Answer:
    said = body(-1003, message, status)
    return Answer(said.body, status, {"Retry-After": str(wait_seconds)})


TWIN = Twin(
    name="binanceusdm",
    tables=TABLES,
    symbols=SYMBOLS,
    serve=BinanceUsdm,
    encode=encode,
    instrument=instrument,
    candle=candle,
    share=10,
)
