"""OKX v5 as data: raw endpoints, cursors, documented limits and retention.

Orders are filtered by creation time and paged by id; an order that changes in a window though it
was created before it is read through its fills. Sizes of swaps are contracts.
"""

from __future__ import annotations

from typing import Any

from leverageguard.exchanges.venue import Cursor, Endpoint, InconsistentPageError, Limit, Venue

DAY_MS = 86_400_000
# Three months by the documentation; a day less, so that a window at the edge is never half gone.
RETENTION_MS = 89 * DAY_MS
SWAPS = {"instType": "SWAP"}


def _unwrap(payload: Any) -> list[Any]:
    data = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(data, list):
        raise InconsistentPageError(f"okx: data is a {type(data).__name__}, not a list")
    return data


ORDERS = Endpoint(
    name="orders",
    method="privateGetTradeOrdersHistoryArchive",
    limit=Limit(20, 2),
    table="okx/orders",
    params=SWAPS,
    retention_ms=RETENTION_MS,
    cursor=Cursor("id", "ordId"),
    id_columns=("ordId",),
    time_column="uTime",
    from_param="begin",
    to_param="end",
    outlives_listing=True,
)
FILLS = Endpoint(
    name="fills",
    method="privateGetTradeFillsHistory",
    limit=Limit(10, 2),
    table="okx/fills",
    params=SWAPS,
    retention_ms=RETENTION_MS,
    cursor=Cursor("id", "billId"),
    id_columns=("billId",),
    time_column="ts",
    from_param="begin",
    to_param="end",
)
BILLS = Endpoint(
    name="bills",
    method="privateGetAccountBillsArchive",
    limit=Limit(5, 2),
    table="okx/bills",
    retention_ms=RETENTION_MS,
    cursor=Cursor("id", "billId"),
    id_columns=("billId",),
    time_column="ts",
    from_param="begin",
    to_param="end",
)
POSITIONS = Endpoint(
    name="positions",
    method="privateGetAccountPositionsHistory",
    limit=Limit(10, 2),
    table="okx/positions",
    params=SWAPS,
    retention_ms=RETENTION_MS,
    cursor=Cursor("time", "uTime"),
    id_columns=("posId", "instId", "cTime", "uTime", "type"),
    time_column="uTime",
)
MARK_CANDLES = Endpoint(
    name="mark_candles",
    method="publicGetMarketHistoryMarkPriceCandles",
    limit=Limit(20, 2, per="address"),
    table="okx/mark_candles",
    params={"bar": "1m"},
    cursor=Cursor("time", "ts"),
    id_columns=("ts",),
    time_column="ts",
    list_columns=("ts", "o", "h", "l", "c", "confirm"),
)

VENUE = Venue(
    name="okx",
    base_url=lambda settings: settings.okx_base_url,
    unwrap=_unwrap,
    clock=Endpoint("clock", "publicGetPublicTime", Limit(10, 2, per="address")),
    account_config=Endpoint(
        "account_config", "privateGetAccountConfig", Limit(5, 2), table="okx/account_configs"
    ),
    order=Endpoint(
        "order",
        "privateGetTradeOrder",
        Limit(60, 2),
        table="okx/orders",
        id_columns=("ordId",),
        time_column="uTime",
    ),
    listings=(ORDERS, FILLS, BILLS, POSITIONS),
    candles=MARK_CANDLES,
    instruments=Endpoint(
        "instruments",
        "publicGetPublicInstruments",
        Limit(20, 2, per="address"),
        table="okx/instruments",
        params=SWAPS,
    ),
    transient_codes=frozenset({"1"}),
)
