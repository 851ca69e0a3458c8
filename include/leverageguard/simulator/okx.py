"""OKX v5 over a world's rows: paths, limits, signatures, error codes, paging and retention.

Limits, codes and retention are the documented ones. Assumed, because the documents leave it
open: begin and end include both edges; orders are filtered by their creation time.
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
from leverageguard.simulator.replies import Row
from leverageguard.simulator.scenario import Account, Scenario, credentials
from leverageguard.simulator.venue import Answer, Call, Endpoint, Refusal

MINUTE_MS = 60_000
DAY_MS = 86_400_000
MONTHS_3 = 90 * DAY_MS
CLOCK_TOLERANCE_MS = 30_000
MAX_ROWS = 100
PREFIX = "/api/v5/"

ORDER_FILTERS = ("instType", "uly", "instFamily", "instId", "ordType", "state", "category")
FILL_FILTERS = ("instType", "instId", "ordId", "subType")
BILL_FILTERS = ("instType", "instId", "ccy", "mgnMode", "type", "subType")
POSITION_FILTERS = ("instType", "instId", "mgnMode", "type", "posId")


class Okx:
    """The OKX venue of one scenario."""

    name = "okx"

    def __init__(self, scenario: Scenario) -> None:
        self._replies = scenario.replies(self.name)
        accounts = [a for a in scenario.accounts if a.exchange == self.name]
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
            Endpoint("account/config", Limit(5), True, self._config),
            Endpoint("trade/order", Limit(60), True, self._order),
            Endpoint("trade/orders-history", Limit(40), True, self._orders(week)),
            Endpoint("trade/orders-history-archive", Limit(20), True, self._orders(MONTHS_3)),
            Endpoint("trade/fills", Limit(60), True, self._fills(three_days)),
            Endpoint("trade/fills-history", Limit(10), True, self._fills(MONTHS_3)),
            Endpoint("account/bills", Limit(5, 1000), True, self._bills(week)),
            Endpoint("account/bills-archive", Limit(5), True, self._bills(MONTHS_3)),
            Endpoint("account/positions-history", Limit(10), True, self._positions),
        ]
        return {PREFIX + endpoint.name: endpoint for endpoint in table}

    def authenticate(self, call: Call) -> str:
        """The account of the key, after the checks of OKX's handshake in its own order."""
        account, key = self._key(call.headers)
        for header, code in (("PASSPHRASE", "50104"), ("TIMESTAMP", "50107"), ("SIGN", "50106")):
            if not call.headers.get(f"OK-ACCESS-{header}"):
                raise _refusal(code, f'Request header "OK-ACCESS-{header}" can not be empty.', 401)
        sent = call.headers["OK-ACCESS-TIMESTAMP"]
        if abs(_timestamp_ms(sent) - call.now_ms) > CLOCK_TOLERANCE_MS:
            raise _refusal("50102", "Timestamp request expired", 401)
        if call.headers["OK-ACCESS-PASSPHRASE"] != key.passphrase:
            raise _refusal("50105", 'Request header "OK-ACCESS-PASSPHRASE" incorrect.', 401)
        expected = sign(key.api_secret, sent, call.method, call.target, call.body)
        if not hmac.compare_digest(expected, call.headers["OK-ACCESS-SIGN"]):
            raise _refusal("50113", "Invalid Sign", 401)
        if call.headers.get("x-simulated-trading", "0") != "0":
            raise _refusal("50101", "APIKey does not match current environment.", 401)
        return account.account_id

    def _key(self, headers: Mapping[str, str]) -> tuple[Account, Any]:
        api_key = headers.get("OK-ACCESS-KEY", "")
        if not api_key:
            raise _refusal("50103", 'Request header "OK-ACCESS-KEY" can not be empty.', 401)
        account = self._keys.get(api_key)
        if account is None or account.key_state == "revoked":
            raise _refusal("50111", "Invalid OK-ACCESS-KEY", 401)
        return account, credentials(account.account_id)

    def unknown_path(self, call: Call) -> Refusal:
        """OKX's 404, or 405 for a method the path does not take."""
        if call.path in self.endpoints():
            return _refusal("50115", "Invalid request method", 405)
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

    def _time(self, call: Call, _: str | None, __: int) -> Answer:
        return _answer([{"ts": str(call.now_ms)}])

    def _instruments(self, call: Call, _: str | None, __: int) -> Answer:
        _require(call, "instType")
        filters = ("instType", "uly", "instFamily", "instId")
        return _answer([row for row in self._replies.instruments if _matches(row, call, filters)])

    def _candles(self, newest: int | None) -> Callable[[Call, str | None, int], Answer]:
        def handle(call: Call, _: str | None, rewind: int) -> Answer:
            rows = self._replies.mark_candles.get(_require(call, "instId"))
            if rows is None:
                raise _refusal("51001", "Instrument ID does not exist", 200)
            if call.params.get("bar", "1m") != "1m":
                raise _refusal("51000", "Parameter bar error", 400)
            closed = [row for row in rows if int(row[0]) + MINUTE_MS <= call.now_ms]
            closed.sort(key=lambda row: int(row[0]), reverse=True)
            return _page(closed[:newest], call, lambda row: int(row[0]), rewind)

        return handle

    def _config(self, _: Call, account_id: str | None, __: int) -> Answer:
        account = self._accounts[account_id or ""]
        return _answer([_config_row(account, self._replies.accounts[account.account_id])])

    def _order(self, call: Call, account_id: str | None, _: int) -> Answer:
        inst_id = _require(call, "instId")
        if not (call.params.get("ordId") or call.params.get("clOrdId")):
            raise _refusal("50015", "Either parameter ordId or clOrdId is required", 400)
        for row in self._visible(account_id, "orders", "uTime", call.now_ms, MONTHS_3):
            if row["instId"] == inst_id and _matches(row, call, ("ordId", "clOrdId")):
                return _answer([row])
        raise _refusal("51603", "Order does not exist", 200)

    def _orders(self, kept_ms: int) -> Callable[[Call, str | None, int], Answer]:
        def handle(call: Call, account_id: str | None, rewind: int) -> Answer:
            _require(call, "instType")
            rows = self._visible(account_id, "orders", "uTime", call.now_ms, kept_ms)
            return _listing(rows, call, ORDER_FILTERS, "cTime", "ordId", rewind)

        return handle

    def _fills(self, kept_ms: int) -> Callable[[Call, str | None, int], Answer]:
        def handle(call: Call, account_id: str | None, rewind: int) -> Answer:
            rows = self._visible(account_id, "fills", "ts", call.now_ms, kept_ms)
            return _listing(rows, call, FILL_FILTERS, "ts", "billId", rewind)

        return handle

    def _bills(self, kept_ms: int) -> Callable[[Call, str | None, int], Answer]:
        def handle(call: Call, account_id: str | None, rewind: int) -> Answer:
            rows = self._visible(account_id, "bills", "ts", call.now_ms, kept_ms)
            return _listing(rows, call, BILL_FILTERS, "ts", "billId", rewind)

        return handle

    def _positions(self, call: Call, account_id: str | None, rewind: int) -> Answer:
        rows = self._visible(account_id, "positions", "uTime", call.now_ms, MONTHS_3)
        rows = [row for row in rows if _matches(row, call, POSITION_FILTERS)]
        rows.sort(key=lambda row: int(row["uTime"]), reverse=True)
        return _page(rows, call, lambda row: int(row["uTime"]), rewind)

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
        raise _refusal("50112", "Invalid OK-ACCESS-TIMESTAMP", 401)
    return epoch_ms(time)


def _answer(rows: list[Any]) -> Answer:
    return Answer({"code": "0", "data": rows, "msg": ""})


def _refusal(code: str, message: str, status: int) -> Refusal:
    return Refusal(code, Answer({"code": code, "data": [], "msg": message}, status))


def _require(call: Call, name: str) -> str:
    value = call.params.get(name, "")
    if not value:
        raise _refusal("50014", f"Parameter {name} can not be empty", 400)
    return value


def _number(call: Call, name: str) -> int | None:
    text = call.params.get(name, "")
    if not text:
        return None
    if not text.isdigit():
        raise _refusal("51000", f"Parameter {name} error", 400)
    return int(text)


def _matches(row: Row, call: Call, names: tuple[str, ...]) -> bool:
    return all(
        row.get(name) == call.params[name] for name in names if call.params.get(name, "") != ""
    )


def _listing(
    rows: list[Row], call: Call, filters: tuple[str, ...], time: str, cursor: str, rewind: int
) -> Answer:
    begin, end = _number(call, "begin"), _number(call, "end")
    kept = [
        row
        for row in rows
        if _matches(row, call, filters)
        and (begin is None or int(row[time]) >= begin)
        and (end is None or int(row[time]) <= end)
    ]
    kept.sort(key=lambda row: int(row[cursor]), reverse=True)
    return _page(kept, call, lambda row: int(row[cursor]), rewind)


def _page(rows: list[Any], call: Call, position: Callable[[Any], int], rewind: int) -> Answer:
    """The newest rows older than `after` and newer than `before`, both excluded."""
    after, before = _number(call, "after"), _number(call, "before")
    limit = _number(call, "limit")
    limit = MAX_ROWS if limit is None else limit
    if not 1 <= limit <= MAX_ROWS:
        raise _refusal("51000", "Parameter limit error", 400)
    if before is not None:
        rows = [row for row in rows if position(row) > before]
    start = 0 if after is None else sum(1 for row in rows if position(row) >= after)
    if not rewind:
        return _answer(rows[start : start + limit])
    if after is not None:
        start = max(0, start - min(rewind, limit))
        return _answer(rows[start : start + limit])
    page = rows[:limit]
    repeated = page if rewind >= MAX_ROWS else page[-1:]
    return _answer(sorted(page + repeated, key=position, reverse=True))


def _config_row(account: Account, tables: Mapping[str, list[Row]]) -> Row:
    is_net = any(row.get("posSide") == "net" for row in tables["orders"])
    return {
        "acctLv": "2",
        "acctStpMode": "cancel_maker",
        "autoLoan": False,
        "ctIsoMode": "automatic",
        "enableSpotBorrow": False,
        "greeksType": "PA",
        "ip": "",
        "kycLv": "2",
        "label": "leverageguard",
        "level": "Lv1",
        "levelTmp": "",
        "liquidationGear": "-1",
        "mainUid": account.main_uid,
        "mgnIsoMode": "automatic",
        "opAuth": "0",
        "perm": account.perm,
        "posMode": "net_mode" if is_net else "long_short_mode",
        "roleType": "0",
        "spotBorrowAutoRepay": False,
        "spotOffsetType": "",
        "spotRoleType": "0",
        "spotTraderInsts": [],
        "stgyType": "0",
        "traderInsts": [],
        "type": "0",
        "uid": account.uid,
    }
