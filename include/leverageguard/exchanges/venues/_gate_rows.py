"""What the rows of an account's Gate futures listings mean, in the columns of the raw tables.

Times are seconds, some with a fraction; sizes are signed contracts; a fee is positive when
charged, but negative in the account book. An order says by `text` where it came from: what a user
writes starts with `t-`, so every other text is the venue's own. `finish_as` proves nothing: a
resting order of the user that a liquidation cancels is `liquidated` too.
"""

from __future__ import annotations

import re
from decimal import Decimal

from leverageguard.exchanges.venue import InconsistentPageError, Row, seconds

NUMBER = re.compile(r"-?\d+(\.\d+)?")
SOURCES = {
    "liquidation": "full", "pm_liquidate": "full", "comb_margin_liquidate": "full",
    "scm_liquidate": "full", "auto_deleveraging": "adl", "insurance": "takeover",
    "clear": "delivery", "web": "own_close", "api": "own_close", "app": "own_close",
}  # fmt: skip
PREFIXES = {"t-": "own_close", "liq-": "full", "hedge-liq-": "full"}
ENTRY_KINDS = {"pnl": "trade", "fee": "fee", "fund": "funding", "dnw": "transfer"}
SLOTS = {"dual_long": "long", "dual_short": "short"}
CLOSING = ("close-", "plan-close-")


def finished_ms(row: Row) -> int:
    """When an order came to its present state."""
    times = ("finish_time", "update_time", "create_time")
    return seconds(next((name for name in times if _id(row, name)), "create_time"))(row)


def order(row: Row) -> Row:
    """An order; which position it was for it says only when it could do nothing but close one."""
    text = str(row.get("text") or "")
    return {
        "inst_id": row.get("contract"),
        "order_id": _required_id(row, "id"),
        "client_order_id": text if text.startswith("t-") else None,
        "marker": f"{text} is_liq" if row.get("is_liq") is True else text,
        "forced_kind": _forced(row),
        "order_side": _order_side(row),
        "position_slot": _closed_slot(row),
        "margin_mode": row.get("pos_margin_mode") or None,
        "state": _order_state(row),
        "average_price": _signed(row, "fill_price"),
        "ordered_qty_contracts": _size(row, "size"),
        "filled_qty_contracts": _taken(row),
        "created_at_ms": seconds("create_time")(row),
        "filled_at_ms": finished_ms(row),
        "updated_at_ms": finished_ms(row),
    }


def fills(row: Row) -> list[Row]:
    """A fill, or two of one that turned a position around: `close_size` of it closed the old one.

    It does not say how much of the position its liquidation order closes. The fee of a turn is
    the closing part's.
    """
    kind, is_sold = _source(row), _is_negative(row, "size")
    size, closed = Decimal(_size(row, "size")), Decimal(_size(row, "close_size"))
    shared = {
        "inst_id": row.get("contract"),
        "order_id": _required_id(row, "order_id"),
        "marker": row.get("text"),
        "forced_kind": None if kind == "full" else kind,
        "order_side": "sell" if is_sold else "buy",
        "price": _signed(row, "price"),
        "filled_at_ms": seconds("create_time")(row),
    }
    fill_id, fee = _required_id(row, "trade_id"), _negated(row, "fee")
    parts = [
        (fill_id, min(closed, size), "long" if is_sold else "short", fee),
        (f"{fill_id}:opened" if closed else fill_id, size - min(closed, size),
         "short" if is_sold else "long", "0" if closed else fee),
    ]  # fmt: skip
    return [
        {**shared, "fill_id": name, "qty_contracts": format(part, "f"), "position_slot": slot,
         "fee": paid}
        for name, part, slot, paid in parts
        if part
    ]  # fmt: skip


def entry(row: Row) -> Row:
    """An account book entry; the text of a trade's is its contract and order, BTC_USDT:123."""
    kind, text = str(row.get("type", "")), str(row.get("text") or "")
    contract, _, order_id = text.partition(":")
    change = _signed(row, "change")
    return {
        "inst_id": row.get("contract") or (contract if order_id else None),
        "entry_id": _required_id(row, "id"),
        "entry_kind": ENTRY_KINDS.get(kind, "other"),
        "marker": kind,
        "order_id": order_id if order_id.isdigit() else None,
        "fill_id": _required_id(row, "trade_id") if _id(row, "trade_id") else None,
        "currency": "POINT" if kind.startswith("point_") else "USDT",
        "pnl": change if kind == "pnl" else None,
        "fee": change if kind == "fee" else None,
        "amount": change,
        "recorded_at_ms": seconds("time")(row),
    }


def position_close(row: Row) -> Row:
    """A position that ended; `text` is the source of the order that ended it."""
    return {
        "inst_id": row.get("contract"),
        "position_id": f"{row.get('contract')}:{row.get('side')}:{row.get('first_open_time')}",
        "position_side": row.get("side"),
        "marker": row.get("text"),
        "forced_kind": _source(row),
        "qty_contracts": _size(row, "accum_size"),
        "pnl": _signed(row, "pnl_pnl"),
        "opened_at_ms": seconds("first_open_time")(row) if _id(row, "first_open_time") else None,
        "updated_at_ms": seconds("time")(row),
    }


def liquidation(row: Row) -> Row:
    """A liquidation; `size` is the position here, not the order: positive was long."""
    return {
        "inst_id": row.get("contract"),
        "position_id": f"liquidation:{row.get('order_id')}",
        "order_id": _required_id(row, "order_id"),
        "position_side": "short" if _is_negative(row, "size") else "long",
        **(_leverage_of(row) if row.get("leverage") is not None else {}),
        "marker": f"liquidates left={row.get('left')}",
        "forced_kind": _extent(row),
        "trigger_price": row.get("liq_price"),
        "qty_contracts": _taken(row),
        "updated_at_ms": seconds("time")(row),
    }


def deleverage(row: Row) -> Row:
    """An automatic deleveraging; `trade_size` is the trade: negative reduced a long."""
    return {
        "inst_id": row.get("contract"),
        "position_id": f"deleverage:{row.get('order_id')}",
        "order_id": _required_id(row, "order_id"),
        "position_side": "long" if _is_negative(row, "trade_size") else "short",
        **_leverage_of(row),
        "marker": "auto_deleverages",
        "forced_kind": "adl",
        "qty_contracts": _size(row, "trade_size"),
        "updated_at_ms": seconds("time")(row),
    }


def stop(row: Row) -> Row | None:
    """A stop-loss the user took back; None for any other price-triggered order."""
    initial, trigger = row.get("initial") or {}, row.get("trigger") or {}
    side = _stopped_side(row, initial)
    # Rule 2 waits for the price to fall, rule 1 for it to rise: the other way it takes a profit.
    losing = {"long": "2", "short": "1"}.get(side or "")
    if row.get("finish_as") != "cancelled" or losing != str(trigger.get("rule")):
        return None
    return {
        "inst_id": initial.get("contract"),
        "stop_id": _required_id(row, "id"),
        "position_side": side,
        "trigger_price": trigger.get("price"),
        "state": "canceled",
        "created_at_ms": seconds("create_time")(row),
        "updated_at_ms": finished_ms(row),
    }


def leverage(row: Row) -> Row:
    """The leverage and margin mode set for a contract."""
    slot = SLOTS.get(str(row.get("mode")), "net")
    return {"inst_id": row.get("contract"), "position_slot": slot, **_leverage_of(row)}


def _signed(row: Row, column: str) -> str:
    text = str(row.get(column, ""))
    if not NUMBER.fullmatch(text):
        raise InconsistentPageError(f"gate: {column}={text!r} is no number")
    return text


def _size(row: Row, column: str) -> str:
    return _signed(row, column).removeprefix("-")


def _is_negative(row: Row, column: str) -> bool:
    return _signed(row, column).startswith("-")


def _negated(row: Row, column: str) -> str:
    number = _signed(row, column)
    return number[1:] if number.startswith("-") else f"-{number}" if Decimal(number) else number


def _taken(row: Row) -> str:
    """What of `size` is not `left`."""
    return format(Decimal(_size(row, "size")) - Decimal(_size(row, "left")), "f")


def _extent(row: Row) -> str:
    return "partial" if Decimal(_signed(row, "left")) else "full"


def _id(row: Row, column: str) -> str | None:
    """An id, a time or a setting; None for the 0 or the nothing that Gate writes without one."""
    text = str(row.get(column) or "")
    return None if text in ("", "0") else text


def _required_id(row: Row, column: str) -> str:
    """An id; old rows that have none lie before what is ever asked for."""
    found = _id(row, column)
    if found is None or not found.isdigit():
        raise InconsistentPageError(f"gate: {column}={found!r} is no id")
    return found


def _source(row: Row) -> str | None:
    """What `text` proves; None for a text that no document explains."""
    text = str(row.get("text") or "")
    by_prefix = (kind for prefix, kind in PREFIXES.items() if text.startswith(prefix))
    return SOURCES.get(text) or next(by_prefix, None)


def _forced(row: Row) -> str | None:
    kind = _source(row)
    is_liquidation = kind == "full" or (row.get("is_liq") is True and kind in (None, "own_close"))
    return _extent(row) if is_liquidation else kind


def _order_side(row: Row) -> str:
    # An order that closes the whole of a dual-mode position may keep the size 0 it was sent with.
    if not Decimal(_signed(row, "size")):
        return "buy" if row.get("auto_size") == "close_short" else "sell"
    return "sell" if _is_negative(row, "size") else "buy"


def _closed_slot(row: Row) -> str | None:
    if not any(row.get(flag) is True for flag in ("is_liq", "is_reduce_only", "is_close")):
        return None
    return "long" if _order_side(row) == "sell" else "short"


def _order_state(row: Row) -> str:
    if row.get("status") != "finished":
        return "live"
    return "filled" if _extent(row) == "full" else "canceled"


def _stopped_side(row: Row, initial: Row) -> str | None:
    """The position a reduce-only order would close; None when it may open one."""
    kind = str(row.get("order_type") or "")
    says = f"{kind} {initial.get('auto_size') or ''}"
    flags = ("is_reduce_only", "reduce_only", "is_close", "close")
    if not (kind.startswith(CLOSING) or any(initial.get(flag) is True for flag in flags)):
        return None
    for side in ("long", "short"):
        if side in says:
            return side
    if not Decimal(_signed(initial, "size")):
        # All of the one position there is, and a stop falls with a long, rises with a short.
        return "long" if str((row.get("trigger") or {}).get("rule")) == "2" else "short"
    return "long" if _is_negative(initial, "size") else "short"


def _leverage_of(row: Row) -> Row:
    """Leverage 0 means cross margin, whose own limit stands beside it (0 there: not known)."""
    isolated = _id(row, "leverage")
    return {
        "margin_mode": "isolated" if isolated else "cross",
        "leverage": isolated or _id(row, "cross_leverage_limit"),
    }
