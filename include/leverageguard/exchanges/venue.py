"""The interface a venue fills in: its endpoints, limits, cursors and columns, as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from leverageguard.config import Settings

Row = dict[str, Any]


class InconsistentPageError(Exception):
    """A reply that cannot be right: asked again, and a gap in the evidence if it stays so."""


@dataclass(frozen=True)
class Limit:
    """The documented limit: so many calls in so many seconds; `calls` may pass in one burst."""

    calls: int
    seconds: float
    per: Literal["account", "address"] = "account"


@dataclass(frozen=True)
class Cursor:
    """How a listing pages towards older rows.

    `kind` id: the next page holds ids below the cursor, so rows of one millisecond never get lost.
    `kind` time: the next page holds times below the cursor; pages then overlap by a millisecond.
    """

    kind: Literal["id", "time"]
    column: str
    param: str = "after"


@dataclass(frozen=True)
class Endpoint:
    """One raw endpoint of a venue.

    `method` is ccxt's raw method. `id_columns` identify a row, `time_column` (epoch ms) says its
    hour. `from_param` and `to_param` are the venue's window filters, None where it has none;
    `list_columns` names the cells of a venue that answers with lists. `outlives_listing` marks rows
    that a later listing of the same hour may leave out and that stay landed all the same.
    """

    name: str
    method: str
    limit: Limit
    table: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    page_size: int = 100
    retention_ms: int | None = None
    cursor: Cursor | None = None
    id_columns: tuple[str, ...] = ()
    time_column: str = ""
    from_param: str | None = None
    to_param: str | None = None
    list_columns: tuple[str, ...] = ()
    outlives_listing: bool = False


@dataclass(frozen=True)
class Venue:
    """One exchange: how to reach it, what to ask, what its replies look like.

    `unwrap` takes a decoded reply to its list of rows, or raises InconsistentPageError.
    `transient_codes` are reply codes that a later attempt may cure though ccxt calls them final.
    """

    name: str
    base_url: Callable[[Settings], str]
    unwrap: Callable[[Any], list[Any]]
    clock: Endpoint
    account_config: Endpoint
    order: Endpoint
    listings: tuple[Endpoint, ...]
    candles: Endpoint
    instruments: Endpoint
    transient_codes: frozenset[str] = frozenset()

    def listing(self, name: str) -> Endpoint:
        """The listing of that name; KeyError when the venue has none."""
        return next(each for each in self.listings if each.name == name)

    def rows(self, endpoint: Endpoint, payload: Any) -> list[Row]:
        """Rows of a reply as text by column; InconsistentPageError for any other shape."""
        return [_row(endpoint, cells) for cells in self.unwrap(payload)]


def _row(endpoint: Endpoint, cells: Any) -> Row:
    if endpoint.list_columns and isinstance(cells, list):
        if len(cells) < len(endpoint.list_columns):
            raise InconsistentPageError(f"{endpoint.name}: a row has only {len(cells)} cells")
        return dict(zip(endpoint.list_columns, cells, strict=False))
    if isinstance(cells, dict) and not endpoint.list_columns:
        return cells
    raise InconsistentPageError(f"{endpoint.name}: a row is a {type(cells).__name__}")
