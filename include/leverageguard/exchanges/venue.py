"""The interface a venue fills in: endpoints, limits, paging and what its rows mean, as data.

A venue is one file in `exchanges/venues/` that defines `VENUE`. Its `parse` functions turn one row
as the venue wrote it into rows of the canonical raw tables (warehouse/raw_tables.py): numbers stay
the venue's text, times become whole epoch milliseconds, and `forced_kind` is set from markers that
only the venue can set.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Row = dict[str, Any]
Record = tuple[str, Row]
Parse = Callable[[Row], Iterable[Record]]
Take = Callable[[Any], list[Any]]

ORDERS, FILLS, LEDGER = "exchanges/orders", "exchanges/fills", "exchanges/ledger"
POSITIONS, STOPS = "exchanges/positions", "exchanges/stops"
CONFIGS, LEVERAGES = "exchanges/account_configs", "exchanges/leverages"
INSTRUMENTS, CANDLES = "exchanges/instruments", "exchanges/candles"


class InconsistentPageError(Exception):
    """A reply that cannot be right: asked again, and a gap in the evidence if it stays so."""


class AbsentError(Exception):
    """The venue itself says that what was asked for does not exist."""


@dataclass(frozen=True)
class Limit:
    """The documented limit: so many calls in so many seconds; `calls` may pass in one burst.

    Endpoints that name the same `bucket` share one budget, from which a call takes `cost`.
    """

    calls: int
    seconds: float
    per: Literal["account", "address"] = "account"
    bucket: str = ""
    cost: int = 1


@dataclass(frozen=True)
class Paging:
    """How a listing is walked from page to page.

    id_down: the next page holds ids below `param`; rows of one millisecond never get lost.
    time_down: the next page holds times below `param`; pages overlap by one time unit.
    id_up: the first page starts at the window, the next ones at the id `param`, windows left out.
    time_up: the next page starts at the newest time again; pages overlap by one time unit.
    token: the reply carries the next page's token, taken by `token`.
    offset: the next page starts `param` rows later, the last row shown again to notice a shift.
    """

    kind: Literal["id_down", "time_down", "id_up", "time_up", "token", "offset"]
    param: str
    column: str = ""
    token: Callable[[Any], str] | None = None
    size_param: str = "limit"


def same(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters as they are."""
    return params


def none_of(_: Row) -> Iterable[Record]:
    """Nothing for the raw tables."""
    return ()


@dataclass(frozen=True)
class Endpoint:
    """One raw endpoint of a venue.

    `method` is ccxt's raw method. `tables` are the raw tables its rows become through `parse`.
    `id_columns` identify a venue row, `time_of` tells its epoch milliseconds. `from_param` and
    `to_param` are the venue's window filters (None where it has none), in units of
    `time_unit_ms`; `max_window_ms` is the longest window one call may ask for. `scope` instrument
    means one walk per instrument, named by `inst_param`; `owner_param` names the account where no
    key does. `shape` makes the final request. `list_columns` names the cells of a venue that
    answers with lists. `is_optional`: not every key may ask; refused means unknown.
    """

    name: str
    method: str
    limit: Limit
    tables: tuple[str, ...] = ()
    parse: Parse = none_of
    take: Take | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    paging: Paging | None = None
    page_size: int = 100
    retention_ms: int | None = None
    max_window_ms: int | None = None
    time_unit_ms: int = 1
    from_param: str | None = None
    to_param: str | None = None
    id_columns: tuple[str, ...] = ()
    time_of: Callable[[Row], int] = lambda _: 0
    scope: Literal["account", "instrument"] = "account"
    inst_param: str = ""
    owner_param: str = ""
    shape: Callable[[dict[str, Any]], dict[str, Any]] = same
    list_columns: tuple[str, ...] = ()
    is_optional: bool = False


@dataclass(frozen=True)
class Venue:
    """One exchange: how to reach it, what to ask, what its replies look like.

    `unwrap` takes a decoded reply to its list of rows, or raises InconsistentPageError for one
    that cannot be right; an endpoint's own `take` comes instead of it. `identify` merges the rows
    of the `account` endpoints (by name; None for an optional one that was refused) into uid,
    root_uid, permissions, is_read_only and position_mode, and margin_mode where the whole account
    has one. `order_request` names one order by instrument and id. `transient_codes` are reply
    codes that a later attempt may cure though ccxt calls them final; `demo_codes` prove that a key
    belongs to the venue's demo environment. `point_at` sends a ccxt client to another base URL.
    `may_answer_lists` is False where every sound reply is an object. `has_passphrase`: a key has
    one beside its secret.
    """

    name: str
    unwrap: Take
    clock: Endpoint
    clock_ms: Callable[[Row], int]
    account: tuple[Endpoint, ...]
    identify: Callable[[Mapping[str, list[Row] | None]], Row]
    order: Endpoint
    order_request: Callable[[str, str], Mapping[str, Any]]
    listings: tuple[Endpoint, ...]
    mark_candles: Endpoint
    trade_candles: Endpoint
    instruments: Endpoint
    leverages: Endpoint | None = None
    code_of: Callable[[Any], str] = lambda reply: (
        str(reply.get("code", "")) if isinstance(reply, dict) else ""
    )
    transient_codes: frozenset[str] = frozenset()
    demo_codes: frozenset[str] = frozenset()
    may_answer_lists: bool = True
    has_passphrase: bool = False
    point_at: Callable[[Any, str], None] = lambda client, url: client.urls.update(api={"rest": url})

    @property
    def is_keyless(self) -> bool:
        """Whether the venue shows an account to anybody who names its address."""
        return all(endpoint.owner_param for endpoint in self.account)

    def listing(self, name: str) -> Endpoint:
        """The listing of that name; KeyError when the venue has none."""
        for endpoint in self.listings:
            if endpoint.name == name:
                return endpoint
        raise KeyError(f"{self.name} has no listing {name!r}")

    def rows(self, endpoint: Endpoint, payload: Any) -> list[Row]:
        """Rows of a reply by column; InconsistentPageError for any other shape."""
        return [_row(endpoint, cells) for cells in (endpoint.take or self.unwrap)(payload)]


def millis(column: str) -> Callable[[Row], int]:
    """Epoch milliseconds from a column that holds them."""

    def of(row: Row) -> int:
        text = str(row.get(column, ""))
        if not text.isdigit():
            raise InconsistentPageError(f"{column}={text!r} is no whole number of milliseconds")
        return int(text)

    return of


def seconds(column: str) -> Callable[[Row], int]:
    """Epoch milliseconds from a column of seconds, whole or with a fraction, without a float."""

    def of(row: Row) -> int:
        whole, _, fraction = str(row.get(column, "")).partition(".")
        if not (whole.isdigit() and (not fraction or fraction.isdigit())):
            raise InconsistentPageError(f"{column}={row.get(column)!r} is no number of seconds")
        return int(whole) * 1000 + int(fraction[:3].ljust(3, "0") or 0)

    return of


def _row(endpoint: Endpoint, cells: Any) -> Row:
    if endpoint.list_columns and isinstance(cells, list):
        if len(cells) < len(endpoint.list_columns):
            raise InconsistentPageError(f"{endpoint.name}: a row has only {len(cells)} cells")
        return dict(zip(endpoint.list_columns, cells, strict=False))
    if isinstance(cells, dict) and not endpoint.list_columns:
        return cells
    raise InconsistentPageError(f"{endpoint.name}: a row is a {type(cells).__name__}")
