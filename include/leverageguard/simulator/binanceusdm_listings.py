"""What each of Binance's listings keeps, which window it takes and how it pages, and its refusals.

A window includes both edges and counts an order's creation; with a start, a page holds the oldest
rows of the window, without one the newest; from an id on, the rows of that id and above.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leverageguard.simulator.replies import Row
from leverageguard.simulator.venue import Answer, Call, Refusal

MINUTE_MS = 60_000
DAY_MS = 86_400_000
WEEK_MS, MONTH_MS, MONTHS_3 = 7 * DAY_MS, 30 * DAY_MS, 90 * DAY_MS
GONE = frozenset({"CANCELED", "EXPIRED"})


@dataclass(frozen=True)
class Listing:
    """One listing: its tables, weight, retention and page sizes.

    `time` is the column that windows filter by, `known` the one that says when the row was there
    as it is; `id_param` starts a page at an id of `id_column`.
    """

    tables: tuple[str, ...]
    weight: int
    kept_ms: int
    default_rows: int
    max_rows: int
    time: str = "time"
    known: str = "time"
    id_param: str = ""
    id_column: str = ""
    needs_symbol: bool = True
    max_window_ms: int = WEEK_MS


ORDERS = Listing(("all_orders",), 5, MONTHS_3, 500, 1000, "time", "updateTime", "orderId",
                 "orderId")  # fmt: skip
LISTINGS = {
    "fapi/v1/allOrders": ORDERS,
    "fapi/v1/userTrades": Listing(("user_trades",), 5, 2 * MONTHS_3, 500, 1000,
                                  id_param="fromId", id_column="id"),
    "fapi/v1/allAlgoOrders": Listing(("algo_orders",), 5, MONTHS_3, 500, 1000, "createTime",
                                     "updateTime", "algoId", "algoId"),
    "fapi/v1/income": Listing(("income",), 30, MONTHS_3, 100, 1000, needs_symbol=False,
                              max_window_ms=MONTHS_3),
    "fapi/v1/positionMargin/history": Listing(("margin_history",), 1, MONTH_MS, 500, 500,
                                              max_window_ms=MONTH_MS),
    "fapi/v1/forceOrders": Listing(("liquidations", "deleverages"), 20, MONTHS_3, 50, 100,
                                   known="updateTime", needs_symbol=False),
}  # fmt: skip
FORCED = {"LIQUIDATION": ("liquidations",), "ADL": ("deleverages",)}


def listed(of: Listing, tables: Mapping[str, list[Row]], call: Call, rewind: int) -> Answer:
    """A page of the listing; raises Refusal for a window or a limit the venue does not take."""
    asked = call.params.get("autoCloseType")
    names = of.tables if asked is None else FORCED.get(asked, ())
    rows = [row for name in names for row in kept(of, tables[name], call)]
    limit = rows_asked(call, of.default_rows, of.max_rows)
    first = number(call, of.id_param) if of.id_param else None
    if first is not None:
        if of.id_param == "fromId" and {"startTime", "endTime"} & set(call.params):
            raise refusal(-1128, "Combination of optional parameters invalid.")
        before = [row for row in rows if int(row[of.id_column]) < first]
        again = before[len(before) - min(rewind, len(before)) :]
        return Answer([*again, *rows[len(before) :]][:limit])
    begin, end = _window(call, of)
    inside = [row for row in rows if begin <= int(row[of.time]) <= end]
    return Answer(cut(inside, "startTime" in call.params, limit, rewind))


def kept(of: Listing, rows: list[Row], call: Call) -> list[Row]:
    """Rows of the call's symbol that have happened by now and are still kept, oldest first."""
    filters = {
        name: call.params[name] for name in ("symbol", "incomeType") if call.params.get(name)
    }
    found = [
        row
        for row in rows
        if filters.items() <= row.items()
        and int(row[of.known]) <= call.now_ms <= int(row[of.time]) + _kept_ms(of, row)
    ]
    return sorted(found, key=lambda row: (int(row[of.time]), int(row.get(of.id_column, 0))))


def cut(rows: list[Any], is_oldest: bool, limit: int, rewind: int) -> list[Any]:
    """A page of the rows, the oldest or the newest; a faulty one repeats all its rows or one."""
    page = rows[:limit] if is_oldest else rows[-limit:]
    if not rewind:
        return page
    return [*page, *(page if rewind > 1 else page[-1:])]


def rows_asked(call: Call, default: int, most: int) -> int:
    """The page size asked for."""
    limit = number(call, "limit")
    limit = default if limit is None else limit
    if not 1 <= limit <= most:
        raise refusal(-1130, "Data sent for parameter 'limit' is not valid.")
    return limit


def number(call: Call, name: str) -> int | None:
    """A whole number among the parameters, None when it is absent."""
    text = call.params.get(name, "")
    if not text:
        return None
    if not text.isdigit():
        raise refusal(-1100, f"Illegal characters found in parameter '{name}'.")
    return int(text)


def required(call: Call, name: str) -> str:
    """A parameter that must be sent."""
    value = call.params.get(name, "")
    if not value:
        raise refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null.")
    return value


def body(code: int, message: str, status: int) -> Answer:
    """An error as Binance words it."""
    return Answer({"code": code, "msg": message}, status)


def refusal(code: int, message: str, status: int = 400) -> Refusal:
    """The refusal of a call, to be raised."""
    return Refusal(str(code), body(code, message, status))


def _kept_ms(of: Listing, row: Row) -> int:
    is_over = (row.get("status") or row.get("algoStatus")) in GONE
    is_unfilled = not str(row.get("executedQty", "0")).strip("0.")
    return 3 * DAY_MS if is_over and is_unfilled else of.kept_ms


def _window(call: Call, of: Listing) -> tuple[int, int]:
    begin, end = number(call, "startTime"), number(call, "endTime")
    if begin is not None and end is not None:
        if end < begin:
            raise refusal(-1023, "Start time is greater than end time.")
        if end - begin > of.max_window_ms:
            raise refusal(-4165, "Invalid time interval.")
        return begin, end
    if begin is not None:
        return begin, begin + of.max_window_ms
    end = call.now_ms if end is None else end
    return end - WEEK_MS, end
