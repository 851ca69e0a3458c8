"""What a raw table is: a path, a schema told in one line, and the hour a row belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

HOUR_MS = 3_600_000

_TYPES = {"INT": pa.int32(), "BIGINT": pa.int64(), "BOOL": pa.bool_(), "VARCHAR": pa.string()}


@dataclass(frozen=True)
class RawTable:
    """One raw table: its path below `raw/`, its schema, the column that gives a row's hour.

    `hour_column` is None where the caller alone knows the hour.
    """

    path: str
    schema: pa.Schema
    hour_column: str | None

    def hour_of(self, row: dict[str, object]) -> int:
        """Start of the row's hour in epoch ms; ValueError when the row does not say it."""
        if self.hour_column is None:
            raise ValueError(f"{self.path}: the caller chooses the hour of this table's rows")
        text = row.get(self.hour_column)
        try:
            at_ms = int(str(text))
        except ValueError:
            raise ValueError(
                f"{self.path}: {self.hour_column}={text!r} is no epoch-millisecond time"
            ) from None
        return at_ms - at_ms % HOUR_MS


def _column(spec: str) -> pa.Field:
    name, _, kind = spec.partition(":")
    implied = "BIGINT" if name.endswith(("_ms", "_micro_usdc")) else "VARCHAR"
    return pa.field(name, _TYPES[kind or implied])


def declared(path: str, hour_column: str | None, columns: str) -> RawTable:
    """A table by its columns, `name:TYPE` each; without a type text, or a whole number where the
    name ends in a unit of one.
    """
    return RawTable(path, pa.schema([_column(spec) for spec in columns.split()]), hour_column)
