from __future__ import annotations

import pyarrow as pa
import pytest

from leverageguard.warehouse import raw_tables


@pytest.mark.parametrize("table", raw_tables.RAW_TABLES.values(), ids=lambda table: table.path)
def test_raw_tables__units__times_and_amounts_are_whole_numbers(
    table: raw_tables.RawTable,
) -> None:
    for column in table.schema:
        assert not pa.types.is_floating(column.type), column.name
        if column.name.endswith(("_ms", "_micro_usdc")):
            assert column.type == pa.int64(), column.name


@pytest.mark.parametrize("table", raw_tables.RAW_TABLES.values(), ids=lambda table: table.path)
def test_raw_tables__hour_column__is_a_column_of_the_table(table: raw_tables.RawTable) -> None:
    assert table.hour_column is None or table.hour_column in table.schema.names


def test_hour_of__table_without_hour_column__says_the_caller_chooses() -> None:
    with pytest.raises(ValueError, match="the caller chooses"):
        raw_tables.table("exchanges/instruments").hour_of({})
