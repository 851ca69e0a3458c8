"""What must hold for every venue, also for one that is added later."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from leverageguard import exchanges
from leverageguard.exchanges import registry, strict
from leverageguard.exchanges.venue import ORDERS, Endpoint, Venue
from leverageguard.warehouse import raw_tables

SOURCES = sorted(Path(exchanges.__file__).parent.rglob("*.py"))
# Each of these loses liquidations: they drop rows, stop early or hide kinds.
BANNED = re.compile(
    r"fetch_?my_?(trades|liquidations)|fetch_?(liquidations|order_?trades|ledger|closed_?orders)"
    r"|paginate|load_?markets|maxRetriesOnFailure.*[1-9]",
    re.IGNORECASE,
)
VENUES = registry.venues()


def endpoints(venue: Venue) -> list[Endpoint]:
    single = [venue.mark_candles, venue.trade_candles, venue.instruments, venue.order, venue.clock]
    more = [] if venue.leverages is None else [venue.leverages]
    return [*venue.listings, *single, *venue.account, *more]


EVERY = [pytest.param(v, e, id=f"{v.name}-{e.name}") for v in VENUES for e in endpoints(v)]
LISTED = [
    pytest.param(v, e, id=f"{v.name}-{e.name}")
    for v in VENUES
    for e in (*v.listings, v.mark_candles, v.trade_candles)
]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_exchanges__unified_calls_that_lose_rows__not_used(source: Path) -> None:
    assert BANNED.search(source.read_text()) is None


@pytest.mark.parametrize(("venue", "endpoint"), EVERY)
def test_venue__endpoint__is_a_raw_method_that_reads(venue: Venue, endpoint: Endpoint) -> None:
    client = strict.build(venue, "http://x")
    assert callable(getattr(client, endpoint.method))
    reads = "Get" in endpoint.method or endpoint.method == "publicPostInfo"
    assert reads, endpoint.method


@pytest.mark.parametrize(("venue", "endpoint"), LISTED)
def test_venue__listing__says_how_to_walk_and_what_it_feeds(
    venue: Venue, endpoint: Endpoint
) -> None:
    assert endpoint.paging is not None
    assert endpoint.id_columns
    assert endpoint.tables
    for table in endpoint.tables:
        assert {"exchange", "endpoint"} <= set(raw_tables.table(table).schema.names)


@pytest.mark.parametrize("venue", VENUES, ids=lambda venue: venue.name)
def test_venue__names__are_unique_and_the_order_reader_gives_orders(venue: Venue) -> None:
    names = [endpoint.name for endpoint in endpoints(venue)]
    assert len(names) == len(set(names))
    assert venue.order.tables == (ORDERS,)


@pytest.mark.parametrize("venue", VENUES, ids=lambda venue: venue.name)
def test_venue__client__talks_to_the_given_address_alone(venue: Venue) -> None:
    client = strict.build(venue, "http://127.0.0.1:1")
    texts: list[str] = []

    def walk(value: object) -> None:
        if isinstance(value, dict):
            for inner in value.values():
                walk(inner)
        else:
            texts.append(str(value))

    walk(client.urls["api"])
    assert texts
    assert [text for text in texts if not text.startswith("http://127.0.0.1:1")] == []


def test_registry__unknown_exchange__names_the_known_ones() -> None:
    with pytest.raises(KeyError, match="okx"):
        registry.venue("mtgox")
