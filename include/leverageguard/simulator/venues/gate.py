"""Gate APIv4 USDT futures over a world's rows: paths, limits, signatures, labels and offsets.

Limits, page sizes and labels are the documented ones. Assumed, because the documents leave it
open: from and to include both edges and filter orders by creation time; lists come newest first;
HTTP 404 for an absent order and 403 for a late timestamp; the list of the main account's keys is
refused to a sub-account's.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from hashlib import sha512
from typing import Any
from urllib.parse import unquote

from leverageguard.simulator.gate_wire import SYMBOLS, TABLES, candle, encode, instrument
from leverageguard.simulator.limits import Limit
from leverageguard.simulator.replies import Row
from leverageguard.simulator.scenario import Account, Scenario, credentials
from leverageguard.simulator.venue import Answer, Call, Endpoint, Refusal, Twin, Venue

PREFIX = "/api/v4/"
FUTURES = "futures/usdt/"
ORDER = f"{FUTURES}orders/"
CLOCK_TOLERANCE_MS = 60_000
MINUTE_MS = 60_000
MAX_ROWS, DEFAULT_ROWS, MAX_POINTS, OLDEST_POINT = 1000, 100, 2000, 10_000
IN_10_SECONDS = 10_000
MASK = "*****"
# Table, the time its window filters by, the time from which it is there to be seen, its id.
LISTINGS = {
    "orders_timerange": ("orders", "create_time", "finish_time", "id"),
    "my_trades_timerange": ("trades", "create_time", "create_time", "trade_id"),
    "account_book": ("account_book", "time", "time", "id"),
    "position_close": ("position_close", "time", "time", "time"),
    "liquidates": ("liquidates", "time", "time", "order_id"),
    "auto_deleverages": ("auto_deleverages", "time", "time", "order_id"),
}
TIMES = frozenset({"create_time", "update_time", "finish_time", "time"})


class Gate(Venue):
    """The Gate venue of one scenario."""

    name = "gate"

    def __init__(self, scenario: Scenario) -> None:
        self._replies = scenario.replies(self.name)
        accounts = [a for a in scenario.served if a.exchange == self.name]
        self._accounts = {account.account_id: account for account in accounts}
        self._keys = {credentials(a.account_id).api_key: a for a in accounts}

    def endpoints(self) -> Mapping[str, Endpoint]:
        """The served paths with the documented limits (requests per 10 s)."""
        futures, account = Limit(200, IN_10_SECONDS), Limit(150, IN_10_SECONDS)
        table = [
            Endpoint("spot/time", futures, False, self._time),
            Endpoint(f"{FUTURES}contracts", futures, False, self._contracts),
            Endpoint(f"{FUTURES}candlesticks", futures, False, self._candles),
            Endpoint("account/detail", account, True, self._detail),
            Endpoint("account/main_keys", account, True, self._main_keys),
            Endpoint(f"{FUTURES}accounts", futures, True, self._futures_account),
            Endpoint(f"{FUTURES}positions", futures, True, self._positions),
            Endpoint(f"{ORDER}{{order_id}}", futures, True, self._order),
            Endpoint(f"{FUTURES}price_orders", futures, True, self._price_orders),
            *(
                Endpoint(f"{FUTURES}{name}", futures, True, self._listing(*of))
                for name, of in LISTINGS.items()
            ),
        ]
        return {PREFIX + endpoint.name: endpoint for endpoint in table}

    def route(self, call: Call) -> Endpoint | None:
        """The endpoint of the path; the last part of an order's path is its id."""
        path = call.path
        if path.startswith(PREFIX + ORDER):
            path = f"{PREFIX}{ORDER}{{order_id}}"
        return self.endpoints().get(path) if call.method == "GET" else None

    def authenticate(self, call: Call) -> str:
        """The account of the key: headers, key, clock, signature, in this order."""
        for header in ("KEY", "Timestamp", "SIGN"):
            if not call.headers.get(header):
                raise _refusal("MISSING_REQUIRED_HEADER", f"Missing required header: {header}", 401)
        account = self._keys.get(call.headers["KEY"])
        # A key of the test network is none here.
        if account is None or account.key_state != "active":
            raise _refusal("INVALID_KEY", "Invalid key provided", 401)
        sent = call.headers["Timestamp"]
        if not sent.isdigit() or abs(int(sent) * 1000 - call.now_ms) > CLOCK_TOLERANCE_MS:
            raise _refusal("REQUEST_EXPIRED", "gap between request Timestamp and server time", 403)
        secret = credentials(account.account_id).api_secret
        expected = sign(secret, sent, call.method, call.target, call.body)
        if not hmac.compare_digest(expected, call.headers["SIGN"]):
            raise _refusal("INVALID_SIGNATURE", "Signature mismatch", 401)
        return account.account_id

    def unknown_path(self, call: Call) -> Refusal:
        """Gate's 404, or 405 for a method the path does not take."""
        if call.method != "GET":
            return _refusal("METHOD_NOT_ALLOWED", f"{call.method} not allowed", 405)
        return _refusal("NOT_FOUND", f"{call.path} not found", 404)

    def too_many_requests(self) -> Answer:
        """HTTP 429, TOO_MANY_REQUESTS."""
        body = {"label": "TOO_MANY_REQUESTS", "message": "Request Rate limit Exceeded (311)"}
        return Answer(body, 429, {"X-Gate-RateLimit-Requests-Remain": "0"})

    def server_error(self) -> Answer:
        """HTTP 500, SERVER_ERROR."""
        return Answer({"label": "SERVER_ERROR", "message": "Internal server error"}, 500)

    def transient_error(self) -> Answer:
        """HTTP 503, TOO_BUSY: the next attempt may well succeed."""
        return Answer({"label": "TOO_BUSY", "message": "System is busy, try again later"}, 503)

    def _time(self, call: Call, _: str | None, __: int) -> Answer:
        return Answer({"server_time": call.now_ms})

    def _contracts(self, _: Call, __: str | None, ___: int) -> Answer:
        return Answer(self._replies.instruments)

    def _candles(self, call: Call, _: str | None, __: int) -> Answer:
        contract = _require(call, "contract")
        is_mark = contract.startswith("mark_")
        known = self._replies.mark_candles if is_mark else self._replies.trade_candles
        name = contract.removeprefix("mark_")
        if not any(row["name"] == name for row in self._replies.instruments):
            raise _refusal("CONTRACT_NOT_FOUND", f"contract {contract} not found", 400)
        begin, end = _points(call)
        rows = [row for row in known.get(name, []) if begin <= int(row["t"]) * 1000 <= end]
        return Answer(sorted(rows, key=lambda row: int(row["t"])))

    def _detail(self, _: Call, account_id: str | None, __: int) -> Answer:
        account = self._account(account_id)
        body: Row = {"ip_whitelist": [], "currency_pairs": [], "user_id": _number(account.uid)}
        return Answer({**body, "tier": 0, "key": {"mode": 1}, "copy_trading_role": 0})

    def _main_keys(self, _: Call, account_id: str | None, __: int) -> Answer:
        account = self._account(account_id)
        if account.main_uid != account.uid:
            raise _refusal("FORBIDDEN", "Only the main account may ask for its keys", 403)
        extra = sorted({part.strip() for part in account.perm.split(",")} - {"read_only", "trade"})
        perms = [
            {"name": "account", "read_only": True},
            {"name": "futures", "read_only": "trade" not in account.perm},
            *({"name": name, "read_only": False} for name in extra),
        ]
        key = credentials(account.account_id).api_key
        row = {
            "state": 1, "mode": 1, "name": "leverageguard", "user_id": _number(account.main_uid),
            "perms": perms, "ip_whitelist": [], "currency_pairs": [], "key": key[:12] + MASK,
        }  # fmt: skip
        return Answer([row])

    def _futures_account(self, call: Call, account_id: str | None, _: int) -> Answer:
        tables = self._replies.accounts[account_id or ""]
        book = self._seen(account_id, "account_book", "time", call.now_ms)
        is_dual = any(str(row["mode"]).startswith("dual") for row in tables["positions"])
        total = book[-1]["balance"] if book else "0"
        return Answer({"currency": "USDT", "total": total, "in_dual_mode": is_dual})

    def _positions(self, _: Call, account_id: str | None, __: int) -> Answer:
        return Answer(self._replies.accounts[account_id or ""]["positions"])

    def _order(self, call: Call, account_id: str | None, _: int) -> Answer:
        order_id = call.path.removeprefix(PREFIX + ORDER)
        for row in self._seen(account_id, "orders", "finish_time", call.now_ms):
            if str(row["id"]) == order_id:
                return Answer(_wire(row))
        raise _refusal("ORDER_NOT_FOUND", "Order not found", 404)

    def _price_orders(self, call: Call, account_id: str | None, rewind: int) -> Answer:
        status = _require(call, "status")
        rows = self._seen(account_id, "price_orders", "finish_time", call.now_ms)
        rows = [row for row in rows if row["status"] == status]
        return _page(rows, call, "finish_time", "id", rewind)

    def _listing(
        self, table: str, time: str, seen: str, row_id: str
    ) -> Callable[[Call, str | None, int], Answer]:
        def handle(call: Call, account_id: str | None, rewind: int) -> Answer:
            rows = self._seen(account_id, table, seen, call.now_ms)
            contract = call.params.get("contract")
            begin, end = _whole(call, "from", 0), _whole(call, "to", call.now_ms)
            kept = [
                row
                for row in rows
                if begin * 1000 <= _ms(row[time]) <= end * 1000
                and contract in (None, "", row.get("contract"))
            ]
            return _page(kept, call, time, row_id, rewind)

        return handle

    def _account(self, account_id: str | None) -> Account:
        return self._accounts[account_id or ""]

    def _seen(self, account_id: str | None, table: str, time: str, now_ms: int) -> list[Row]:
        rows = self._replies.accounts[account_id or ""][table]
        return [row for row in rows if _ms(row[time]) <= now_ms]


def sign(secret: str, timestamp: str, method: str, target: str, body: str) -> str:
    """Gate's signature: hex HMAC-SHA512 over method, path, query, the body's SHA-512 and time."""
    path, _, query = target.partition("?")
    parts = [method, path, unquote(query), sha512(body.encode()).hexdigest(), timestamp]
    return hmac.new(secret.encode(), "\n".join(parts).encode(), sha512).hexdigest()


def _refusal(label: str, message: str, status: int) -> Refusal:
    return Refusal(label, Answer({"label": label, "message": message}, status))


def _invalid(name: str) -> Refusal:
    return _refusal("INVALID_PARAM_VALUE", f"invalid argument: {name}", 400)


def _require(call: Call, name: str) -> str:
    value = call.params.get(name, "")
    if not value:
        raise _refusal("MISSING_REQUIRED_PARAM", f"Missing required parameter: {name}", 400)
    return value


def _whole(call: Call, name: str, default: int) -> int:
    text = call.params.get(name, "")
    if text and not text.isdigit():
        raise _invalid(name)
    return int(text) if text else default


def _number(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _ms(text: Any) -> int:
    """Milliseconds of seconds written as a text or a number."""
    whole, _, fraction = str(text).partition(".")
    return int(whole) * 1000 + int(fraction[:3].ljust(3, "0"))


def _points(call: Call) -> tuple[int, int]:
    """First and last minute asked for, in milliseconds; only those that are over."""
    if call.params.get("interval") != "1m":
        raise _invalid("interval")
    limit, last = _whole(call, "limit", 0), (call.now_ms - MINUTE_MS) // 1000
    if limit and ("from" in call.params or "to" in call.params):
        raise _invalid("limit conflicts with from and to")
    end = _whole(call, "to", last)
    begin = _whole(call, "from", end - 60 * ((limit or DEFAULT_ROWS) - 1))
    if end // 60 - (begin + 59) // 60 + 1 > MAX_POINTS:
        raise _invalid("too many points")
    if begin * 1000 < call.now_ms - OLDEST_POINT * MINUTE_MS:
        raise _invalid("Candlestick too long ago. Maximum 10000 points ago are allowed")
    return begin * 1000, min(end, last) * 1000


def _wire(row: Row) -> Row:
    """A row with its times as numbers."""
    return {key: _time_number(value) if key in TIMES else value for key, value in row.items()}


def _time_number(value: Any) -> float | int:
    return float(value) if "." in str(value) else int(value)


def _page(rows: list[Row], call: Call, time: str, row_id: str, rewind: int) -> Answer:
    """`limit` rows, newest first, from `offset` on."""
    limit, start = _whole(call, "limit", DEFAULT_ROWS), _whole(call, "offset", 0)
    if not 1 <= limit <= MAX_ROWS:
        raise _invalid("limit")
    ordered = sorted(rows, key=lambda row: (_ms(row[time]), str(row[row_id])), reverse=True)
    start = max(0, start - min(rewind, limit))
    return Answer([_wire(row) for row in ordered[start : start + limit]])


TWIN = Twin(
    name="gate",
    tables=TABLES,
    symbols=SYMBOLS,
    serve=Gate,
    encode=encode,
    instrument=instrument,
    candle=candle,
    share=25,
)
