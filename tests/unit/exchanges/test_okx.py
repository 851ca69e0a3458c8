from __future__ import annotations

import re
from pathlib import Path

import pytest

from leverageguard import exchanges
from leverageguard.exchanges import okx, strict
from leverageguard.exchanges.registry import venue
from leverageguard.warehouse import raw_tables

SOURCES = sorted(Path(exchanges.__file__).parent.glob("*.py"))
# Each of these loses liquidations: they drop rows, stop early or hide kinds.
BANNED = re.compile(
    r"fetch_?my_?(trades|liquidations)|fetch_?(liquidations|order_?trades|ledger|closed_?orders)"
    r"|paginate|load_?markets|maxRetriesOnFailure.*[1-9]",
    re.IGNORECASE,
)
ENDPOINTS = [
    *okx.VENUE.listings,
    okx.VENUE.candles,
    okx.VENUE.instruments,
    okx.VENUE.account_config,
    okx.VENUE.order,
    okx.VENUE.clock,
]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_exchanges__unified_calls_that_lose_rows__not_used(source: Path) -> None:
    assert BANNED.search(source.read_text()) is None


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_okx__endpoint__is_a_raw_method_of_the_client(endpoint: okx.Endpoint) -> None:
    client = strict.build("okx", "http://x", frozenset(), okx.VENUE.unwrap)
    assert callable(getattr(client, endpoint.method))
    assert endpoint.method.startswith(("privateGet", "publicGet"))


@pytest.mark.parametrize("endpoint", okx.VENUE.listings, ids=lambda endpoint: endpoint.name)
def test_okx__listing__ids_and_time_are_landed_columns(endpoint: okx.Endpoint) -> None:
    assert endpoint.table is not None
    table = raw_tables.table(endpoint.table)
    assert {*endpoint.id_columns, endpoint.time_column} <= {*table.schema.names}
    assert table.hour_column == endpoint.time_column


def test_registry__unknown_exchange__names_the_known_ones() -> None:
    with pytest.raises(KeyError, match="okx"):
        venue("mtgox")
