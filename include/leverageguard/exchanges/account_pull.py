"""Everything one account's key can show about some stretches of time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from leverageguard import clock
from leverageguard.exchanges import listings, retry
from leverageguard.exchanges.client import Client
from leverageguard.exchanges.listings import Listing
from leverageguard.exchanges.pull import Check
from leverageguard.exchanges.rows import parsed, stated
from leverageguard.exchanges.venue import (
    CONFIGS,
    FILLS,
    LEVERAGES,
    ORDERS,
    Endpoint,
    InconsistentPageError,
    Row,
)
from leverageguard.exchanges.windows import ACCOUNT_CONFIG, Stretch

TOO_OLD = retry.GaveUpError(retry.Fault.FATAL, "older than the venue keeps")


class UnnamedError(retry.GaveUpError):
    """The venue answered and named no account; a keyless one knows none of that address."""


@dataclass
class AccountPull:
    """The listings of one account, its snapshots and every reply behind them."""

    account_id: str
    listings: list[Listing] = field(default_factory=list)
    snapshots: list[tuple[str, Row]] = field(default_factory=list)
    replies: list[Row] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """True when something was asked for and all that is required went through."""
        asked = [each for each in self.listings if not each.endpoint.is_optional]
        return bool(asked) and all(each.error is None for each in asked)

    def has_whole(self, table: str) -> bool:
        """True when every listing that feeds the table was asked for and went through."""
        asked = [each for each in self.listings if table in each.endpoint.tables]
        return bool(asked) and all(each.error is None for each in asked)

    def rows(self, table: str) -> list[Row]:
        """The canonical rows of one table."""
        return [row for each in self.listings for name, row in each.records if name == table]


def pull_account(
    client: Client, stretches: Iterable[Stretch], inst_ids: Collection[str]
) -> AccountPull:
    """Read the stretches one by one; a refused key makes a gap of each that is left.

    Hours the venue no longer keeps are a gap without a call: asking would bring an empty listing.
    Listings by instrument are read for `inst_ids` and every instrument the others show.
    """
    result = AccountPull(client.account_id, replies=client.replies)
    reader = _Reader(client, result, set(inst_ids))
    asked = list(_listings(client, stretches))
    for listing in sorted(asked, key=lambda each: each.endpoint.scope == "instrument"):
        reader.read(listing)
    if result.has_whole(ORDERS) or result.has_whole(FILLS):
        _add_orders_of_fills(client, result)
    return result


def order(client: Client, inst_id: str, order_id: str) -> Row:
    """One order by its id, in the columns of the orders table.

    Raises retry.GaveUpError; its fault is NOT_FOUND only when the venue itself said so.
    """
    endpoint = client.venue.order

    def found(rows: list[Row]) -> list[Row]:
        records = [record for row in rows for record in parsed(endpoint, row)]
        return [row for table, row in records if table == ORDERS and row["order_id"] == order_id]

    def check(rows: list[Row]) -> None:
        if len(found(rows)) != 1:
            raise InconsistentPageError(f"order {order_id}: the venue sent another")

    page = client.call(endpoint, client.venue.order_request(inst_id, order_id), check)
    [row] = found(page.rows)
    return listings.as_landed(
        ORDERS,
        {"inst_id": inst_id, **row},
        exchange=client.venue.name,
        account_id=client.account_id,
        endpoint=endpoint.name,
        reply_sha256=page.reply_sha256,
    )


def identity(client: Client) -> Row:
    """Whom the client's key belongs to and what it may do, in the columns of account_configs.

    Raises retry.GaveUpError.
    """
    (_, row), _ = _config(client)
    return row


def _listings(client: Client, stretches: Iterable[Stretch]) -> Iterator[Listing]:
    """Empty listings to fill; those older than the endpoint's retention have already failed."""
    for stretch in stretches:
        if stretch.endpoint == ACCOUNT_CONFIG:
            yield Listing(client.account_id, client.venue.account[0], stretch)
            continue
        endpoint = client.venue.listing(stretch.endpoint)
        if endpoint.retention_ms is None:
            yield Listing(client.account_id, endpoint, stretch)
            continue
        gone, kept = stretch.split(client.clock.now_ms() - endpoint.retention_ms)
        if gone is not None:
            yield Listing(client.account_id, endpoint, gone, error=TOO_OLD)
        if kept is not None:
            yield Listing(client.account_id, endpoint, kept)


class _Reader:
    """Fills listings in turn; a key once refused is not tried again."""

    def __init__(self, client: Client, result: AccountPull, inst_ids: set[str]) -> None:
        self._client = client
        self._result = result
        self._inst_ids = inst_ids
        self._refusal: retry.GaveUpError | None = None
        self._is_identified = False

    def read(self, listing: Listing) -> None:
        """Fill one listing; a fault becomes its gap."""
        if self._refusal is not None:
            listing.fail(self._refusal)
        elif listing.error is None:
            self._fill(listing)
        is_refused = listing.error is not None and listing.error.fault is retry.Fault.AUTH
        if is_refused and not listing.endpoint.is_optional:
            self._refusal = listing.error
        self._inst_ids |= {row["inst_id"] for _, row in listing.records if row.get("inst_id")}
        self._result.listings.append(listing)

    def _fill(self, listing: Listing) -> None:
        if listing.stretch.endpoint == ACCOUNT_CONFIG:
            self._identify(listing)
        elif listing.endpoint.scope == "instrument":
            for inst_id in sorted(self._inst_ids):
                if listing.error is None:
                    listings.read(self._client, listing, inst_id)
        else:
            listings.read(self._client, listing)

    def _identify(self, listing: Listing) -> None:
        """The account's identity and settings, read once for all stretches of the pull."""
        if not self._is_identified:
            try:
                config, margin_mode = _config(self._client)
                self._result.snapshots += [config, *self._leverages(margin_mode)]
            except retry.GaveUpError as error:
                if self._client.last_code() in self._client.venue.demo_codes:
                    self._result.snapshots.append(_demo(self._client))
                listing.fail(error)
                return
            self._is_identified = True
        listing.pages = 1

    def _leverages(self, margin_mode: str | None) -> Iterator[tuple[str, Row]]:
        """The settings of each instrument; the account's margin mode where a row states none."""
        endpoint = self._client.venue.leverages
        if endpoint is None:
            return
        by_inst = endpoint.scope == "instrument"
        for inst_id in sorted(self._inst_ids) if by_inst else [""]:
            asked = {endpoint.inst_param: inst_id} if by_inst else {}
            page = self._client.call(endpoint, asked, _readable(endpoint))
            for row in page.rows:
                for _, record in parsed(endpoint, row):
                    yield LEVERAGES, _snapshot(
                        self._client, LEVERAGES, endpoint, page.reply_sha256,
                        {"inst_id": inst_id, "margin_mode": margin_mode, **stated(record)},
                    )  # fmt: skip


def _config(client: Client) -> tuple[tuple[str, Row], str | None]:
    """Who the key belongs to, merged from the account endpoints, and the account's margin mode."""
    replies: dict[str, list[Row] | None] = {}
    hashes = []
    for endpoint in client.venue.account:
        try:
            page = client.call(endpoint, {}, None if endpoint.is_optional else _some)
        except retry.GaveUpError as error:
            if not endpoint.is_optional or error.fault is retry.Fault.TRANSIENT:
                raise
            replies[endpoint.name] = None
            continue
        replies[endpoint.name] = page.rows
        hashes.append(page.reply_sha256)
    said = {**client.venue.identify(replies), "environment": "live"}
    margin_mode = said.pop("margin_mode", None)
    if not said.get("uid"):
        raise UnnamedError(retry.Fault.FATAL, "the venue names no account uid")
    first = client.venue.account[0]
    return (CONFIGS, _snapshot(client, CONFIGS, first, ",".join(hashes), said)), margin_mode


def _demo(client: Client) -> tuple[str, Row]:
    """What a refusal that only a demo key gets proves about the account."""
    said = {"environment": "demo", "is_read_only": None}
    sha256 = client.replies[-1]["sha256"]
    return CONFIGS, _snapshot(client, CONFIGS, client.venue.account[0], sha256, said)


def _snapshot(client: Client, table: str, endpoint: Endpoint, sha256: str, row: Row) -> Row:
    return listings.as_landed(
        table,
        row,
        exchange=client.venue.name,
        account_id=client.account_id,
        endpoint=endpoint.name,
        reply_sha256=sha256,
        taken_at_ms=clock.now_ms(),
    )


def _add_orders_of_fills(client: Client, result: AccountPull) -> None:
    """Read orders that filled in the window but were created before it: no listing shows them.

    A venue without an order listing has all its orders read so. An order the venue no longer knows
    stays out; one that cannot be read makes the fills a gap.
    """
    known = {(row["inst_id"], row["order_id"]) for row in result.rows(ORDERS)}
    for listing in [each for each in result.listings if FILLS in each.endpoint.tables]:
        filled = {
            (row["inst_id"], row["order_id"]) for name, row in listing.records if name == FILLS
        }
        for inst_id, order_id in sorted(each for each in filled if each[1]):
            if (inst_id, order_id) in known:
                continue
            try:
                listing.records.append((ORDERS, order(client, inst_id, order_id)))
                known.add((inst_id, order_id))
            except retry.GaveUpError as error:
                if error.fault is not retry.Fault.NOT_FOUND:
                    listing.fail(error)
                    break


def _some(rows: list[Row]) -> None:
    if not rows:
        raise InconsistentPageError("the venue says nothing about the account")


def _readable(endpoint: Endpoint) -> Check:
    def check(rows: list[Row]) -> None:
        for row in rows:
            parsed(endpoint, row)

    return check
