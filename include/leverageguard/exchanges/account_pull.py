"""Everything one account's key can show about some stretches of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from leverageguard import clock
from leverageguard.exchanges import listings, retry
from leverageguard.exchanges.client import Client
from leverageguard.exchanges.listings import Listing
from leverageguard.exchanges.venue import Endpoint, InconsistentPageError, Row
from leverageguard.exchanges.windows import ACCOUNT_CONFIG, Stretch

ORDERS, FILLS = "orders", "fills"
TOO_OLD = retry.GaveUpError(retry.Fault.FATAL, "older than the venue keeps")


@dataclass
class AccountPull:
    """The listings of one account, its configuration and every reply behind them."""

    account_id: str
    listings: list[Listing] = field(default_factory=list)
    config: Row | None = None
    replies: list[Row] = field(default_factory=list)

    def has_whole(self, endpoint: str) -> bool:
        """True when that listing was asked for and went through."""
        asked = self.of(endpoint)
        return bool(asked) and all(each.error is None for each in asked)

    def of(self, endpoint: str) -> list[Listing]:
        """The stretches pulled of one endpoint."""
        return [each for each in self.listings if each.endpoint.name == endpoint]


def pull(client: Client, stretches: Iterable[Stretch]) -> AccountPull:
    """Read the stretches one by one; a refused key makes a gap of each that is left.

    Hours the venue no longer keeps are a gap without a call: asking would bring an empty listing.
    """
    result = AccountPull(client.account_id, replies=client.replies)
    refusal: retry.GaveUpError | None = None
    for listing in _listings(client, stretches):
        if refusal is not None:
            listing.fail(refusal)
        elif listing.error is None:
            _read(client, listing, result)
        if listing.error is not None and listing.error.fault is retry.Fault.AUTH:
            refusal = listing.error
        result.listings.append(listing)
    if result.has_whole(ORDERS) and result.has_whole(FILLS):
        _add_orders_of_fills(client, result)
    return result


def order(client: Client, inst_id: str, order_id: str) -> Row:
    """One order by its id, in the columns of the orders table.

    Raises retry.GaveUpError; its fault is NOT_FOUND only when the venue itself said so.
    """
    endpoint = client.venue.order

    def check(rows: list[Row]) -> None:
        _check_one(endpoint, rows)
        is_dated = str(rows[0].get(endpoint.time_column, "")).isdigit()
        if rows[0].get("ordId") != order_id or not is_dated:
            raise InconsistentPageError(f"order {order_id}: the venue sent another")

    page = client.call(endpoint, {"instId": inst_id, "ordId": order_id}, check)
    return listings.as_landed(
        endpoint, page.rows[0], account_id=client.account_id, reply_sha256=page.reply_sha256
    )


def _listings(client: Client, stretches: Iterable[Stretch]) -> Iterator[Listing]:
    """Empty listings to fill; those older than the endpoint's retention have already failed."""
    for stretch in stretches:
        endpoint = _endpoint(client, stretch)
        if endpoint.retention_ms is None:
            yield Listing(client.account_id, endpoint, stretch)
            continue
        gone, kept = stretch.split(client.clock.now_ms() - endpoint.retention_ms)
        if gone is not None:
            yield Listing(client.account_id, endpoint, gone, error=TOO_OLD)
        if kept is not None:
            yield Listing(client.account_id, endpoint, kept)


def _endpoint(client: Client, stretch: Stretch) -> Endpoint:
    if stretch.endpoint == ACCOUNT_CONFIG:
        return client.venue.account_config
    return client.venue.listing(stretch.endpoint)


def _read(client: Client, listing: Listing, result: AccountPull) -> None:
    """Fill a listing; the account's configuration is read once for all its stretches."""
    if listing.endpoint is not client.venue.account_config:
        listings.read(client, listing, {})
        return
    try:
        result.config = result.config or _config(client)
    except retry.GaveUpError as error:
        listing.fail(error)
    else:
        listing.pages = 1


def _config(client: Client) -> Row:
    endpoint = client.venue.account_config
    page = client.call(endpoint, {}, lambda rows: _check_one(endpoint, rows))
    return listings.as_landed(
        endpoint,
        page.rows[0],
        account_id=client.account_id,
        reply_sha256=page.reply_sha256,
        taken_at_ms=clock.now_ms(),
    )


def _add_orders_of_fills(client: Client, result: AccountPull) -> None:
    """Read orders that filled in the window but were created before it: no listing shows them.

    An order the venue no longer knows stays out; one that cannot be read makes the orders a gap.
    """
    target = result.of(ORDERS)[0]
    known = {row["ordId"] for listing in result.of(ORDERS) for row in listing.rows}
    filled = {(row["instId"], row["ordId"]) for listing in result.of(FILLS) for row in listing.rows}
    for inst_id, order_id in sorted(each for each in filled if each[1] and each[1] not in known):
        try:
            target.rows.append(order(client, inst_id, order_id))
        except retry.GaveUpError as error:
            if error.fault is not retry.Fault.NOT_FOUND:
                target.fail(error)
                return


def _check_one(endpoint: Endpoint, rows: list[Row]) -> None:
    if len(rows) != 1:
        raise InconsistentPageError(f"{endpoint.name}: {len(rows)} rows instead of one")
