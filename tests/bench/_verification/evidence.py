"""The landed Parquet as Arrow tables of the columns the peers need, money as whole numbers."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from tests.bench._verification.rules import SCALE

COLUMNS = {
    "exchanges/fills": "account_id inst_id order_id fill_id forced_kind order_side position_slot "
    "qty_contracts pnl fee filled_at_ms",
    "exchanges/orders": "account_id inst_id order_id forced_kind margin_mode leverage "
    "filled_qty_contracts pnl fee updated_at_ms",
    "exchanges/ledger": "account_id order_id entry_id forced_kind qty_contracts pnl margin_change "
    "recorded_at_ms",
    "exchanges/positions": "account_id order_id forced_kind position_side trigger_price "
    "qty_contracts pnl",
    "exchanges/fetch_windows": "account_id endpoint window_from_ms is_complete",
    "exchanges/candles": "exchange inst_id minute_at_ms low_price high_price",
    "exchanges/order_lookups": "filing_id looked_up_at_ms",
    "exchanges/endpoints": "exchange endpoint scope",
    "intake/accounts": "account_id exchange wallet",
    "intake/quotes": "quote_id wallet account_id inst_id leverage principal_micro_usdc "
    "payout_rate_ppm max_payout_micro_usdc cover_seconds wait_seconds filing_grace_seconds",
    "intake/claims": "filing_id policy_id inst_id order_id filed_at_ms",
    "chain/policy_purchases": "quote_id block_time_ms",
}
NUMBERS = (
    "qty_contracts filled_qty_contracts pnl fee leverage trigger_price margin_change low_price "
    "high_price"
)
ONLY = {
    "exchanges/candles": pc.field("kind") == "mark",
    "exchanges/fetch_windows": pc.field("is_complete"),
}


def text_table(raw: Path, path: str) -> pa.Table:
    """One landed table as it is, without the columns nobody needs."""
    files = sorted(str(file) for file in (raw / path).rglob("*.parquet"))
    found = ds.dataset(files, format="parquet")
    return found.to_table(columns=COLUMNS[path].split(), filter=ONLY.get(path))


def number_table(raw: Path, path: str) -> pa.Table:
    """The same with its decimal text as whole numbers of 1e-7."""
    table, numbers = text_table(raw, path), set(NUMBERS.split())
    for place, field in enumerate(table.schema):
        if field.name in numbers and pa.types.is_string(field.type):
            table = table.set_column(place, field.name, _whole(table[field.name]))
    return table


def _whole(texts: pa.ChunkedArray) -> pa.ChunkedArray:
    exact = pc.cast(texts, pa.decimal128(22, 11))
    scaled = pc.multiply(exact, pa.scalar(10**SCALE, pa.decimal128(9, 0)))
    return pc.cast(pc.cast(scaled, pa.decimal128(31, 0)), pa.int64())
