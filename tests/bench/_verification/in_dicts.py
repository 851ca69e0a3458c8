"""A service over documents: every row a dict, found by account and order id, claim after claim."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from tests.bench._verification import evidence, rules
from tests.bench._verification.rules import Answer

Row = dict[str, Any]


def whole(text: str | None) -> int:
    """Decimal text as a whole number of 1e-7; what goes beyond must be zero."""
    if not text:
        return 0
    sign = -1 if text.startswith("-") else 1
    units, _, rest = text.lstrip("-").partition(".")
    return sign * (int(units) * 10**rules.SCALE + int(rest[: rules.SCALE].ljust(rules.SCALE, "0")))


def rows_of(raw: Path, path: str) -> list[Row]:
    """A landed table as dicts; equal texts share one object, as a careful loader would do it."""
    table = evidence.text_table(raw, path)
    columns = [
        column.to_pandas(deduplicate_objects=True).tolist() for column in table.itercolumns()
    ]
    names = table.column_names
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


class Documents:
    """All evidence in memory, indexed."""

    def __init__(self, raw: Path) -> None:
        self.raw = raw
        self.fills: dict[str, dict[str, Row]] = defaultdict(dict)
        for row in rows_of(raw, "exchanges/fills"):
            self._keep(self.fills[row["account_id"]], row["fill_id"], row, "filled_at_ms")
        self.orders: dict[tuple[str, str], Row] = {}
        for row in rows_of(raw, "exchanges/orders"):
            self._keep(self.orders, (row["account_id"], row["order_id"]), row, "updated_at_ms")
        self.ledger: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
        for row in rows_of(raw, "exchanges/ledger"):
            entries = self.ledger[row["account_id"], row["order_id"]]
            self._keep(entries, row["entry_id"], row, "recorded_at_ms")
        self.positions = {
            (row["account_id"], row["order_id"]): row for row in rows_of(raw, "exchanges/positions")
        }
        self._index_rest()

    @staticmethod
    def _keep(found: dict[Any, Row], key: Any, row: Row, newest: str) -> None:
        known = found.get(key)
        if known is None or row[newest] > known[newest]:
            found[key] = row

    def _index_rest(self) -> None:
        raw = self.raw
        self.windows = {
            (row["account_id"], row["endpoint"], row["window_from_ms"])
            for row in rows_of(raw, "exchanges/fetch_windows")
        }
        self.candles = {
            (row["exchange"], row["inst_id"], row["minute_at_ms"]): row
            for row in rows_of(raw, "exchanges/candles")
        }
        self.endpoints: dict[str, list[tuple[str, bool]]] = defaultdict(list)
        for row in rows_of(raw, "exchanges/endpoints"):
            of_market = row["scope"] == "market"
            self.endpoints[row["exchange"]].append((row["endpoint"], of_market))
        self.misses: dict[str, list[int]] = defaultdict(list)
        for row in rows_of(raw, "exchanges/order_lookups"):
            self.misses[row["filing_id"]].append(row["looked_up_at_ms"])
        self.accounts = {row["account_id"]: row for row in rows_of(raw, "intake/accounts")}
        self.quotes = {row["quote_id"]: row for row in rows_of(raw, "intake/quotes")}
        self.bought = {
            row["quote_id"]: row["block_time_ms"] for row in rows_of(raw, "chain/policy_purchases")
        }


def answer(raw: Path) -> Answer:
    """Every filing's verdict and amount."""
    store = Documents(raw)
    answers: Answer = {}
    paid: set[tuple[str, str]] = set()
    claims = rows_of(raw, "intake/claims")
    for claim in sorted(claims, key=lambda row: (row["filed_at_ms"], row["filing_id"])):
        policy = store.quotes[claim["policy_id"]]
        key = (policy["account_id"], claim["order_id"])
        verdict, amount = _decide(store, claim, policy)
        if verdict == "verified" and key in paid:
            verdict, amount = "rejected", None
        if verdict == "verified":
            paid.add(key)
        answers[claim["filing_id"]] = (verdict, amount)
    return answers


def _decide(store: Documents, claim: Row, policy: Row) -> tuple[str, int | None]:
    account = policy["account_id"]
    start = store.bought[policy["quote_id"]] + policy["wait_seconds"] * 1000
    end = start + policy["cover_seconds"] * 1000
    order = store.orders.get((account, claim["order_id"]))
    if order is None:
        is_read = _is_read(store, policy, start - rules.MARGIN_MS, claim["filed_at_ms"])
        misses = store.misses[claim["filing_id"]]
        is_missed = len(misses) >= rules.LEAST_MISSES
        is_missed = is_missed and max(misses) - min(misses) >= rules.MISS_SPAN_MS
        return ("rejected" if is_read and is_missed else "undetermined"), None
    close = _close(store, account, order)
    first, last = close["opened_ms"] - rules.MARGIN_MS, close["closed_ms"] + rules.MARGIN_MS
    if not _is_read(store, policy, first, last):
        return "undetermined", None
    is_in_cover = (
        start <= close["opened_ms"]
        and close["closed_ms"] < end
        and claim["filed_at_ms"] <= end + policy["filing_grace_seconds"] * 1000
    )
    if (
        order["forced_kind"] not in rules.COVERED
        or not is_in_cover
        or not _agrees(store, account, order, close)
        or not _is_as_sold(order, policy, close)
        or -close["result"] * close["opened"] > close["margin"] * close["closed"]
        or not _is_touched(store, policy, close)
    ):
        return "rejected", None
    return "verified", _amount(policy, close)


def _is_read(store: Documents, policy: Row, first_ms: int, last_ms: int) -> bool:
    exchange = store.accounts[policy["account_id"]]["exchange"]
    hours = range(first_ms - first_ms % rules.HOUR_MS, last_ms + 1, rules.HOUR_MS)
    return all(
        (policy["inst_id"] if of_market else policy["account_id"], endpoint, hour) in store.windows
        for endpoint, of_market in store.endpoints[exchange]
        for hour in hours
    )


def _close(store: Documents, account: str, order: Row) -> Row:
    """The close with the position it belongs to, worked out from the account's fills."""
    own = [fill for fill in store.fills[account].values() if fill["order_id"] == order["order_id"]]
    slot = (own[0]["inst_id"], own[0]["position_slot"])
    fills = [
        fill
        for fill in store.fills[account].values()
        if (fill["inst_id"], fill["position_slot"]) == slot
    ]
    fills.sort(key=lambda fill: (fill["filled_at_ms"], len(fill["fill_id"]), fill["fill_id"]))
    close = _followed(fills, order["order_id"])
    close["closed"] = close["qty"]
    close["result"] = whole(order["pnl"]) + whole(order["fee"])
    close["margin"] = sum(
        whole(entry["margin_change"])
        for opening in close["orders"]
        for entry in store.ledger[account, opening].values()
    )
    close["leverage"] = max(
        whole(store.orders[account, said]["leverage"])
        for said in close["orders"] | {order["order_id"]}
    )
    close["position"] = store.positions[account, order["order_id"]]
    return close


def _followed(fills: list[Row], order_id: str) -> Row:
    """What an order closed, and what its position had come to by then."""
    held, state = 0, {}
    close: Row = {"qty": 0, "pnl": 0, "fee": 0}
    for fill in fills:
        qty = whole(fill["qty_contracts"])
        if held == 0:
            state = {"opened_ms": fill["filled_at_ms"], "opened": 0, "fees": 0, "peak": 0}
            state["orders"] = set()
        after = held + (qty if fill["order_side"] == "buy" else -qty)
        if abs(after) > abs(held):
            state["opened"] += qty
            state["fees"] += whole(fill["fee"])
            state["peak"] = max(state["peak"], abs(after))
            state["orders"] = state["orders"] | {fill["order_id"]}
        held = after
        if fill["order_id"] == order_id:
            close.update(state, closed_ms=fill["filled_at_ms"])
            close["qty"] += qty
            close["pnl"] += whole(fill["pnl"])
    return close


def _agrees(store: Documents, account: str, order: Row, close: Row) -> bool:
    entries = store.ledger[account, order["order_id"]].values()
    position = close["position"]
    kinds = {order["forced_kind"], position["forced_kind"]}
    kinds |= {entry["forced_kind"] for entry in entries}
    quantities = {
        whole(order["filled_qty_contracts"]),
        close["qty"],
        sum(whole(entry["qty_contracts"]) for entry in entries),
        whole(position["qty_contracts"]),
    }
    results = {
        whole(order["pnl"]),
        close["pnl"],
        sum(whole(entry["pnl"]) for entry in entries),
        whole(position["pnl"]),
    }
    return len(kinds) == len(quantities) == len(results) == 1


def _is_as_sold(order: Row, policy: Row, close: Row) -> bool:
    return (
        order["margin_mode"] == "isolated"
        and order["inst_id"] == policy["inst_id"]
        and close["leverage"] <= policy["leverage"] * 10**rules.SCALE
    )


def _is_touched(store: Documents, policy: Row, close: Row) -> bool:
    exchange = store.accounts[policy["account_id"]]["exchange"]
    at, position = close["closed_ms"], close["position"]
    first = at - rules.TOUCH_MS - rules.MINUTE_MS
    minutes = range(first - first % rules.MINUTE_MS, at + rules.TOUCH_MS + 1, rules.MINUTE_MS)
    seen = [
        store.candles[key]
        for minute in minutes
        if minute > first and (key := (exchange, policy["inst_id"], minute)) in store.candles
    ]
    trigger = whole(position["trigger_price"])
    if position["position_side"] == "long":
        low = min(whole(candle["low_price"]) for candle in seen)
        return low * 10**6 <= trigger * (10**6 + rules.TOUCH_PPM)
    high = max(whole(candle["high_price"]) for candle in seen)
    return high * 10**6 >= trigger * (10**6 - rules.TOUCH_PPM)


def _amount(policy: Row, close: Row) -> int:
    rate, principal = policy["payout_rate_ppm"], policy["principal_micro_usdc"]
    by_principal = principal * close["closed"] * rate // (close["peak"] * 10**6)
    by_margin = (
        close["margin"] * close["closed"] * rate // (rules.PER_MICRO * close["opened"] * 10**6)
    )
    lost = -close["result"] * close["opened"] - close["fees"] * close["closed"]
    loss = max(lost // (close["opened"] * rules.PER_MICRO), 0)
    limits = (policy["max_payout_micro_usdc"], rules.WALLET_DAY_CAP)
    return min(by_principal, by_margin, loss, *limits)
