"""What Bybit v5 rows mean, as canonical rows: linear perpetuals, sized in the base coin.

Only the venue sets createType and execType. A takeover closes the whole position at the bankruptcy
price. A CreateByLiq order reduces it on the market; no row says what is left, so it counts as
partial even when it was the last: what it pays follows from the quantities. Executions do not name
the position slot; their order does. TRADE and LIQUIDATION in the ledger do not say how a position
was closed, and no listing shows margin moved by hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from leverageguard.exchanges.venue import (
    CANDLES,
    FILLS,
    INSTRUMENTS,
    LEDGER,
    LEVERAGES,
    ORDERS,
    POSITIONS,
    STOPS,
    Parse,
    Record,
    Row,
    millis,
)

FORCED_CREATIONS = {
    "CreateByLiq": "partial", "CreateByTakeOver_PassThrough": "takeover",
    "CreateByAdl_PassThrough": "adl", "CreateBySettle": "settlement",
    "CreateByDelivery": "delivery",
}  # fmt: skip
# What the trader, or a tool the trader started, created; CreateByAdminClosing is not among them.
OWN_CREATIONS = (
    "CreateByUser CreateByFutureSpread CreateByClosing CreateByStopOrder CreateByTakeProfit "
    "CreateByPartialTakeProfit CreateByStopLoss CreateByPartialStopLoss CreateByTrailingStop "
    "CreateByTrailingProfit CreateByBlock_PassThrough CreateByBlockTradeMovePosition_PassThrough "
    "CreateByFGridBot CloseByFGridBot CreateByTWAP CreateByTVSignal CreateByMmRateClose "
    "CreateByMartingaleBot CloseByMartingaleBot CreateByIceBerg CreateByArbitrage CreateByDdh "
    "CreateByBboOrder CreateByChaseOrder"
)
CREATIONS = {**FORCED_CREATIONS, **dict.fromkeys(OWN_CREATIONS.split(), "own_close")}
EXECUTIONS = {
    "BustTrade": "takeover", "AdlTrade": "adl", "Settle": "settlement", "Delivery": "delivery",
}  # fmt: skip
LIQUIDATIONS = ("partial", "takeover")
# Money that moves while the size stays.
NO_TRADES = frozenset({"Funding", "SessionSettlePnL"})
ENTRY_KINDS = {
    "TRADE": "trade", "LIQUIDATION": "liquidation", "ADL": "adl", "SETTLEMENT": "funding",
    "DELIVERY": "trade", "TRANSFER_IN": "transfer", "TRANSFER_OUT": "transfer",
    "FEE_REFUND": "fee",
}  # fmt: skip
TRADE_KINDS = frozenset({"trade", "liquidation", "adl"})
ENTRIES = {"ADL": "adl", "DELIVERY": "delivery"}
STATES = {
    "Filled": "filled", "Cancelled": "canceled", "PartiallyFilledCanceled": "canceled",
    "Deactivated": "canceled", "Rejected": "rejected", "PartiallyFilled": "partially_filled",
    "New": "live",
}  # fmt: skip
STOP_TYPES = frozenset({"StopLoss", "PartialStopLoss", "TrailingStop", "Stop"})
# A stop the venue removed because its position was about to end was not moved by the trader.
VENUE_CANCELS = (
    "CancelByPrepareLiq CancelAllBeforeLiq CancelByPrepareAdl CancelAllBeforeAdl CancelByAdmin "
    "CancelBySettle CancelByDelivery CancelByTpSlTsClear CancelByReduceOnly CancelByPzSideCh "
    "CancelBySmp"
)
SLOTS = {"0": "net", "1": "long", "2": "short"}


def _flipped(number: Any) -> str | None:
    """A venue's number with the other sign: Bybit's fees are positive when paid."""
    text = str(number or "")
    if text.startswith("-"):
        return text[1:]
    return f"-{text}" if text.strip("0.") else text or None


def _side(row: Row) -> str:
    return str(row.get("side", "")).lower()


def order(row: Row) -> Iterable[Record]:
    """An order that has come to its end."""
    created_by = row.get("createType")
    yield (
        ORDERS,
        {
            "inst_id": row.get("symbol"),
            "order_id": row.get("orderId"),
            "client_order_id": row.get("orderLinkId"),
            "marker": created_by,
            "forced_kind": CREATIONS.get(created_by or ""),
            "order_side": _side(row),
            "position_slot": SLOTS.get(str(row.get("positionIdx"))),
            "state": STATES.get(row.get("orderStatus", ""), row.get("orderStatus")),
            "average_price": row.get("avgPrice") or None,
            "ordered_qty_contracts": row.get("qty"),
            "filled_qty_contracts": row.get("cumExecQty"),
            "fee": _flipped(row.get("cumExecFee")),
            "created_at_ms": millis("createdTime")(row),
            "filled_at_ms": millis("updatedTime")(row),
            "updated_at_ms": millis("updatedTime")(row),
        },
    )


def listed_order(row: Row) -> Iterable[Record]:
    """An order of the history; stops cancelled before they triggered are left to their listing."""
    is_stop = row.get("stopOrderType") not in (None, "", "UNKNOWN")
    is_untouched = not str(row.get("cumExecQty") or "").strip("0.")
    if not (is_stop and is_untouched and STATES.get(row.get("orderStatus", "")) == "canceled"):
        yield from order(row)


def stop(row: Row) -> Iterable[Record]:
    """A stop loss that was cancelled, and not because the venue ended its position."""
    is_sell = _side(row) == "sell"
    # A sale that waits for a rise (or a purchase for a fall) takes profit.
    is_loss = str(row.get("triggerDirection", "0")) in ("0", "2" if is_sell else "1")
    is_reducing = row.get("reduceOnly") is True or row.get("closeOnTrigger") is True
    is_canceled = STATES.get(row.get("orderStatus", "")) == "canceled"
    is_moved = is_canceled and row.get("cancelType") not in VENUE_CANCELS.split()
    if not (row.get("stopOrderType") in STOP_TYPES and is_loss and is_reducing and is_moved):
        return
    slot = SLOTS.get(str(row.get("positionIdx")))
    yield (
        STOPS,
        {
            "inst_id": row.get("symbol"),
            "stop_id": row.get("orderId"),
            "position_side": slot if slot in ("long", "short") else _closed_side(row),
            "trigger_price": row.get("triggerPrice"),
            "state": "canceled",
            "created_at_ms": millis("createdTime")(row),
            "updated_at_ms": millis("updatedTime")(row),
        },
    )


def _closed_side(row: Row) -> str:
    return "long" if _side(row) == "sell" else "short"


def fill(row: Row) -> Iterable[Record]:
    """An execution, and of a liquidation the mark price that forced it; funding is none.

    A takeover fills at the bankruptcy price, which the market need not reach: only the mark can be
    held against the candles.
    """
    kind, created_by = row.get("execType", ""), row.get("createType") or ""
    if kind in NO_TRADES:
        return
    forced_kind = EXECUTIONS.get(kind, CREATIONS.get(created_by))
    yield (
        FILLS,
        {
            "inst_id": row.get("symbol"),
            "order_id": row.get("orderId"),
            "fill_id": row.get("execId"),
            "marker": f"{kind}/{created_by}",
            "forced_kind": forced_kind,
            "order_side": _side(row),
            "price": row.get("execPrice"),
            "qty_contracts": row.get("execQty"),
            "pnl": row.get("execPnl") or None,
            "fee": _flipped(row.get("execFee")),
            "filled_at_ms": millis("execTime")(row),
        },
    )
    if forced_kind in LIQUIDATIONS and row.get("markPrice"):
        yield POSITIONS, _trigger(row, f"{kind}/{created_by}", forced_kind)


def _trigger(row: Row, marker: str, forced_kind: str) -> Row:
    return {
        "inst_id": row.get("symbol"),
        "position_id": row.get("execId"),
        "order_id": row.get("orderId"),
        "position_side": _closed_side(row),
        "marker": marker,
        "forced_kind": forced_kind,
        "trigger_price": row.get("markPrice"),
        "updated_at_ms": millis("execTime")(row),
    }


def entry(row: Row) -> Iterable[Record]:
    """A change of the wallet's balance."""
    name = row.get("type", "")
    # Spot and inverse trades share the wallet, and spot shares the symbols' names.
    is_ours = row.get("category") in ("linear", "", None)
    kind = ENTRY_KINDS.get(name, "other") if is_ours else "other"
    is_trade = kind in TRADE_KINDS
    amount = str(row.get("change") or row.get("cashFlow") or "")
    if name == "TRANSFER_OUT" and not amount.startswith("-"):
        amount = f"-{amount}"
    yield (
        LEDGER,
        {
            "inst_id": (row.get("symbol") or None) if is_ours else None,
            "entry_id": row.get("id"),
            "entry_kind": kind,
            "marker": name,
            "forced_kind": ENTRIES.get(name) if is_ours else None,
            "order_id": row.get("orderId") if is_trade else None,
            "fill_id": row.get("tradeId") if is_trade else None,
            "currency": row.get("currency"),
            "qty_contracts": row.get("qty") if is_trade else None,
            "price": row.get("tradePrice") if is_trade else None,
            "pnl": row.get("cashFlow") if is_trade else None,
            "fee": _flipped(row.get("fee")),
            "amount": amount,
            "recorded_at_ms": millis("transactionTime")(row),
        },
    )


def position(row: Row) -> Iterable[Record]:
    """A close, named by its order; closedPnl is after fees, so the profit is value for value."""
    kind = row.get("execType", "")
    if kind in NO_TRADES:
        return
    entry, exit_ = row.get("cumEntryValue"), row.get("cumExitValue")
    gain = Decimal(exit_) - Decimal(entry) if entry and exit_ else None
    side = _closed_side(row)
    pnl = gain if gain is None or side == "long" else -gain
    yield (
        POSITIONS,
        {
            "inst_id": row.get("symbol"),
            "position_id": row.get("orderId"),
            "order_id": row.get("orderId"),
            "position_side": side,
            "leverage": row.get("leverage") or None,
            "marker": kind,
            "forced_kind": EXECUTIONS.get(kind),
            "qty_contracts": row.get("closedSize"),
            "pnl": None if pnl is None else format(pnl, "f"),
            "updated_at_ms": millis("updatedTime")(row),
        },
    )


def leverage(row: Row) -> Iterable[Record]:
    """A position's setting; tradeMode 0 says nothing since the margin mode is the account's."""
    yield (
        LEVERAGES,
        {
            "inst_id": row.get("symbol"),
            "position_slot": SLOTS.get(str(row.get("positionIdx"))),
            "margin_mode": "isolated" if str(row.get("tradeMode")) == "1" else None,
            "leverage": row.get("leverage") or None,
        },
    )


def candle(kind: str) -> Parse:
    """A minute of mark or trade prices."""

    def parse(row: Row) -> Iterable[Record]:
        yield (
            CANDLES,
            {
                "kind": kind,
                "minute_at_ms": millis("start")(row),
                "open_price": row["open"],
                "high_price": row["high"],
                "low_price": row["low"],
                "close_price": row["close"],
                "quote_volume": row.get("turnover"),
                "is_final": row["is_over"],
            },
        )

    return parse


def instrument(row: Row) -> Iterable[Record]:
    """A contract's terms."""
    kind = str(row.get("contractType", ""))
    yield (
        INSTRUMENTS,
        {
            "inst_id": row.get("symbol"),
            "inst_type": "perpetual" if kind == "LinearPerpetual" else kind,
            "contract_type": "linear" if kind.startswith("Linear") else "inverse",
            "base_asset": row.get("baseCoin"),
            "settle_currency": row.get("settleCoin"),
            "contract_size": "1",
            "max_leverage": row.get("leverageFilter", {}).get("maxLeverage"),
            "state": row.get("status"),
        },
    )
