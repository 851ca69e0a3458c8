"""An operator's file of past prices: candles for the back-test, or what is wrong with its rows.

Columns `base_asset`, `at` (start of the candle: ISO 8601, or epoch milliseconds; UTC unless it says
else), `low`, `high`, `close`; further ones are not read. Candles are of at most an hour and of one
length an asset. A row that cannot be used is told by line and field and left out; what its hour
was part of does not count.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from leverageguard import clock

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("base_asset", "at", "low", "high", "close")
HOUR_MS = 3_600_000
LEAST, MOST = Decimal("1e-12"), Decimal("1e9")


class PriceFileError(ValueError):
    """The file as a whole cannot be used."""


class _BadField(ValueError):
    """One field of one row is wrong; the message begins with its name."""


@dataclass(frozen=True)
class PriceFile:
    """Candles as `risk.measuring` takes them, and one message a row that was left out."""

    candles: pa.Table
    errors: list[str]


def read(path: Path, assets: Collection[str]) -> PriceFile:
    """The file's candles of these assets.

    Raises PriceFileError without a column or a usable row, or for candles longer than an hour.
    """
    errors: list[str] = []
    rows: dict[tuple[str, int], dict[str, object]] = {}
    with path.open(newline="") as file:
        reader = csv.DictReader(file)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
        if missing:
            raise PriceFileError(f"{path} has no column {', '.join(missing)}")
        for raw in reader:
            try:
                row = _row(raw, assets)
                key = (str(row["base_asset"]), int(str(row["minute_at_ms"])))
                if key in rows:
                    raise _BadField(f"at: {raw['at']!r} of {key[0]} was there before")
                rows[key] = row
            except _BadField as wrong:
                errors.append(f"line {reader.line_num}: {wrong}")
    if not rows:
        told = f": {errors[0]}" if errors else ""
        raise PriceFileError(f"{path} has no row that can be used{told}")
    _check_length(path, sorted(rows))
    return PriceFile(_table([rows[key] for key in sorted(rows)]), errors)


def _row(raw: Mapping[str, str | None], assets: Collection[str]) -> dict[str, object]:
    asset = raw["base_asset"]
    if asset not in assets:
        raise _BadField(f"base_asset: {asset!r} has no volatility under the model")
    low, high, close = (_price(raw, name) for name in ("low", "high", "close"))
    if not low <= close <= high:
        raise _BadField(f"close: {close} is not between low {low} and high {high}")
    return {
        "base_asset": asset,
        "minute_at_ms": _instant(raw["at"]),
        "low_price": low,
        "high_price": high,
        "close_price": close,
    }


def _price(raw: Mapping[str, str | None], name: str) -> Decimal:
    text = raw[name]
    try:
        found = Decimal(text or "")
    except InvalidOperation:
        raise _BadField(f"{name}: {text!r} is no price") from None
    if not found.is_finite() or not LEAST <= found < MOST:
        raise _BadField(f"{name}: {text!r} is no price")
    return found


def _instant(text: str | None) -> int:
    try:
        return int(text or "") if (text or "").isdigit() else clock.parse_ms(text or "")
    except (ValueError, OverflowError):
        raise _BadField(f"at: {text!r} is no ISO 8601 time and no epoch milliseconds") from None


def _check_length(path: Path, keys: list[tuple[str, int]]) -> None:
    shortest: dict[str, int] = {}
    for (asset, at), (other, later) in pairwise(keys):
        if asset == other:
            shortest[asset] = min(shortest.get(asset, later - at), later - at)
    for asset, length in shortest.items():
        if length > HOUR_MS:
            raise PriceFileError(f"{path}: candles of {asset} are longer than an hour")


def _table(rows: list[dict[str, object]]) -> pa.Table:
    import pyarrow as pa

    price = pa.decimal128(38, 18)
    names = ("low_price", "high_price", "close_price")
    schema = pa.schema(
        [("base_asset", pa.string()), ("minute_at_ms", pa.int64())] + [(n, price) for n in names]
    )
    exact = Decimal(1).scaleb(-18)
    whole = [
        {**row, **{name: Decimal(str(row[name])).quantize(exact) for name in names}} for row in rows
    ]
    return pa.Table.from_pylist(whole, schema=schema)
