"""How Bybit v5 answers: its envelope and refusals, its windows, filters and cursors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from leverageguard import clock
from leverageguard.simulator.replies import Row
from leverageguard.simulator.venue import Answer, Call, Refusal

DAY_MS = 86_400_000
WEEK_MS = 7 * DAY_MS
YEARS_2 = 730 * DAY_MS
UNFILLED = ("Cancelled", "Rejected", "Deactivated")
ORDER_FILTERS = ("symbol", "orderId", "orderLinkId", "orderStatus")


@dataclass(frozen=True)
class Listing:
    """A table paged by cursor: its row ids, the time its window is about and its filters."""

    table: str
    id_column: str
    time: str
    filters: tuple[str, ...]
    max_rows: int
    default_rows: int
    default_ms: int = WEEK_MS
    needs_category: bool = True


ORDERS = Listing("orders", "orderId", "createdTime", ORDER_FILTERS, 50, 20)
EXECUTIONS = Listing(
    "executions", "execId", "execTime", ("symbol", "orderId", "orderLinkId", "execType"), 100, 50
)
TRANSACTIONS = Listing(
    "transactions", "id", "transactionTime", ("category", "currency", "type"), 50, 20, DAY_MS, False
)
CLOSED_PNL = Listing("closed_pnl", "orderId", "createdTime", ("symbol",), 100, 50)


def said(code: str, message: str, status: int = 200) -> Answer:
    """A reply with a code; HTTP 200 unless said."""
    body = {"retCode": int(code), "retMsg": message, "result": {}, "retExtInfo": {}}
    return Answer({**body, "time": clock.now_ms()}, status)


def refusal(code: str, message: str) -> Refusal:
    """A refusal in the venue's words."""
    return Refusal(code, said(code, message))


def answer(call: Call, result: Any) -> Answer:
    """A good reply."""
    body = {"retCode": 0, "retMsg": "OK", "result": result, "retExtInfo": {}}
    return Answer({**body, "time": call.now_ms})


def require_linear(call: Call) -> None:
    """Refuse a call that does not name the linear category."""
    if call.params.get("category") != "linear":
        raise refusal("10001", "params error: category invalid")


def number(call: Call, name: str, default: int) -> int:
    """A whole number from the query."""
    sent = call.params.get(name, "")
    if sent and not sent.isdigit():
        raise refusal("10001", f"params error: {name} invalid")
    return int(sent) if sent else default


def row_limit(call: Call, most: int, default: int) -> int:
    """The asked page size."""
    limit = number(call, "limit", default)
    if not 1 <= limit <= most:
        raise refusal("10001", "params error: limit invalid")
    return limit


def listing_page(stored: list[Row], call: Call, listing: Listing, rewind: int) -> Answer:
    """One page of a table: filtered, visible today, inside the window."""
    if listing.needs_category:
        require_linear(call)
    start, end = _window(call, listing.default_ms)
    rows = [
        row
        for row in stored
        if start <= int(row[listing.time]) <= end
        and _is_visible(row, listing, call.now_ms)
        and matches(row, call, listing.filters)
        and (call.params.get("orderFilter") != "StopOrder" or row.get("stopOrderType"))
    ]
    return answer(call, _page(rows, call, listing, rewind))


def _window(call: Call, default_ms: int) -> tuple[int, int]:
    """The asked window; all there is for an order asked for by its id."""
    if call.params.get("orderId"):
        return 0, call.now_ms
    start, end = number(call, "startTime", 0), number(call, "endTime", 0)
    end = end or (start + default_ms if start else call.now_ms)
    start = start or end - default_ms
    if not 0 <= end - start <= WEEK_MS:
        raise refusal("10001", "The time range between startTime and endTime cannot exceed 7 days.")
    return start, end


def _is_visible(row: Row, listing: Listing, now_ms: int) -> bool:
    """Past, and kept: two years, but a day for an order that came to nothing."""
    at_ms = int(row.get("updatedTime") or row[listing.time])
    kept_ms = DAY_MS if row.get("orderStatus") in UNFILLED else YEARS_2
    return now_ms - kept_ms <= at_ms <= now_ms


def matches(row: Row, call: Call, names: tuple[str, ...]) -> bool:
    """True when the row has every asked value."""
    return all(
        row.get(name) == call.params[name] for name in names if call.params.get(name, "") != ""
    )


def _page(rows: list[Row], call: Call, listing: Listing, rewind: int) -> Row:
    """Newest first; the cursor names the first and the last row of the page before it.

    A faulty page starts with rows already sent and goes on as far as the right one.
    """

    def place(row: Row) -> tuple[int, int, str]:
        row_id = str(row[listing.id_column])
        return int(row[listing.time]), len(row_id), row_id

    rows = sorted(rows, key=place, reverse=True)
    limit, start = row_limit(call, listing.max_rows, listing.default_rows), 0
    if cursor := call.params.get("cursor", ""):
        row_id, _, at_ms = cursor.rpartition(",")[2].rpartition(":")
        if not at_ms.isdigit():
            raise refusal("10001", "params error: cursor invalid")
        start = sum(1 for row in rows if place(row) >= (int(at_ms), len(row_id), row_id))
    page = rows[start : start + limit]
    marks = [f"{row[listing.id_column]}:{row[listing.time]}" for row in page]
    following = quote(f"{marks[0]},{marks[-1]}", safe="") if start + limit < len(rows) else ""
    if rewind:
        repeated = rows[max(0, start - rewind) : start] if cursor else page[-rewind:]
        page = sorted(repeated + page, key=place, reverse=True)
    return {"category": "linear", "list": page, "nextPageCursor": following}
