"""Read the replies of a package again with the venue's own file, and hold the rows against them.

A row is traced when a reply of the package, of this account or of nobody, holds it at the endpoint
the row names. What the platform itself says about a row is left out of the comparison: whose the
row is, when a snapshot was taken, by which reply it came.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from leverageguard.exchanges import listings, registry
from leverageguard.exchanges.client import OWNER, PUBLIC
from leverageguard.exchanges.rows import parsed
from leverageguard.exchanges.venue import (
    CANDLES,
    CONFIGS,
    FILLS,
    INSTRUMENTS,
    LEDGER,
    LEVERAGES,
    ORDERS,
    POSITIONS,
    STOPS,
    Endpoint,
    InconsistentPageError,
    Row,
    Venue,
)

LOOKUPS = "exchanges/order_lookups"
TRACED = (
    ORDERS, FILLS, LEDGER, POSITIONS, STOPS, CONFIGS, LEVERAGES, INSTRUMENTS, CANDLES, LOOKUPS,
)  # fmt: skip
_OURS = frozenset(("exchange", "account_id", "endpoint", "taken_at_ms", "reply_sha256"))
Reply = Mapping[str, Any]


class UntracedError(Exception):
    """A row is in no reply, or in none as it stands; the message names the row."""


class Tracer:
    """The replies of one package, parsed at need.

    `uid` is the account's at the venue, `configs` are the package's readings of who it is.
    """

    def __init__(
        self, replies: Mapping[str, Reply], account_id: str, uid: str, configs: list[Row]
    ) -> None:
        self._replies = replies
        self._configs = configs
        self._account_id = account_id
        self._uid = uid
        self._parsed: dict[tuple[str, str, str], list[tuple[str, Row]]] = {}

    def trace(self, table: str, row: Row) -> None:
        """Raise UntracedError unless the package's replies show this row."""
        trace: Callable[[str, Row], None] = {
            CONFIGS: self._trace_config,
            LOOKUPS: self._trace_lookup,
        }.get(table, self._trace_row)
        try:
            trace(table, row)
        except (InconsistentPageError, LookupError, TypeError, ValueError, AttributeError) as error:
            raise UntracedError(f"{_name(table, row)}: {error!r}") from error

    def _trace_row(self, table: str, row: Row) -> None:
        venue = registry.venue(row["exchange"])
        endpoint = _endpoint(venue, row["endpoint"])
        reply = self._reply(row["reply_sha256"], row["exchange"], endpoint.name)
        wanted = _stated(row)
        found = [
            said
            for of_table, record in self._records(venue, endpoint, row["reply_sha256"])
            if of_table == table
            for said in [_stated(listings.as_landed(table, record))]
        ]
        # Of a walk by instrument the request names it where the venue's row does not; a setting
        # without a margin mode has the account's.
        asked = _asked(reply, row.get("inst_id"))
        if table == LEVERAGES:
            asked |= self._account_mode(row)
        if not any({**asked, **said} == wanted for said in found):
            raise UntracedError(f"{_name(table, row)}: the reply does not hold this row")

    def _trace_config(self, table: str, row: Row) -> None:
        """Who the account is, merged from the account endpoints as it was when they were read."""
        venue = registry.venue(row["exchange"])
        hashes = str(row["reply_sha256"]).split(",")
        if row["environment"] != "live":
            reply = self._reply(hashes[0], venue.name, None)
            if venue.code_of(_decoded(reply)) not in venue.demo_codes:
                raise UntracedError(f"{_name(table, row)}: the reply does not prove a demo key")
            return
        found = [
            _stated(listings.as_landed(table, {**said, "environment": "live"}))
            for said, _ in self._identified(row)
        ]
        if _stated(row) not in found:
            raise UntracedError(f"{_name(table, row)}: the account's replies say {found}")

    def _account_mode(self, row: Row) -> dict[str, str]:
        """The margin mode of the whole account when a setting was read, where the venue has one."""
        earlier = [each for each in self._configs if each["taken_at_ms"] <= row["taken_at_ms"]]
        if not earlier:
            return {}
        config = max(earlier, key=lambda each: each["taken_at_ms"])
        modes = {mode for _, mode in self._identified(config) if mode}
        return {"margin_mode": modes.pop()} if len(modes) == 1 else {}

    def _identified(self, row: Row) -> list[tuple[Row, str | None]]:
        """What the replies of a configuration say of the account, and its margin mode.

        Which of its keys asked, a reply does not say: any that it shows may have.
        """
        venue = registry.venue(row["exchange"])
        read: dict[str, tuple[Endpoint, list[Row]]] = {}
        for digest in str(row["reply_sha256"]).split(","):
            endpoint = next(
                each for each in venue.account if self._is_of(digest, venue.name, each.name)
            )
            read[endpoint.name] = endpoint, self._rows(venue, endpoint, digest)
        missing = [
            each.name for each in venue.account if not each.is_optional and each.name not in read
        ]
        if missing:
            raise UntracedError(f"no reply of {', '.join(missing)}")
        identities = []
        for owner in self._owners(read):
            replies: dict[str, list[Row] | None] = {each.name: None for each in venue.account}
            for name, (endpoint, rows) in read.items():
                named = {OWNER: owner} if endpoint.owner_param else {}
                replies[name] = [{**each, **named} for each in rows]
            said = dict(venue.identify(replies))
            mode = said.pop("margin_mode", None)
            identities.append((said, mode))
        return identities

    def _owners(self, read: Mapping[str, tuple[Endpoint, list[Row]]]) -> list[str]:
        shown = {
            value.rstrip("*")
            for endpoint, rows in read.values()
            if endpoint.owner_param
            for row in rows
            for value in row.values()
            if isinstance(value, str) and value.endswith("*")
        }
        return [self._uid, *sorted(shown)]

    def _trace_lookup(self, table: str, row: Row) -> None:
        """The reply to the look-up asked for this order, and holds it or does not."""
        venue = registry.venue(row["exchange"])
        reply = self._reply(row["reply_sha256"], venue.name, venue.order.name)
        if row["order_id"] not in reply["request"]:
            raise UntracedError(f"{_name(table, row)}: the reply is to another question")
        try:
            records = self._records(venue, venue.order, row["reply_sha256"])
        except Exception:  # noqa: BLE001 - an answer that cannot be read as rows holds no order
            records = []
        is_found = any(
            of_table == ORDERS and record["order_id"] == row["order_id"]
            for of_table, record in records
        )
        if is_found != (row["outcome"] == "found"):
            raise UntracedError(f"{_name(table, row)}: the reply says otherwise")

    def _records(self, venue: Venue, endpoint: Endpoint, digest: str) -> list[tuple[str, Row]]:
        key = (venue.name, endpoint.name, digest)
        if key not in self._parsed:
            self._parsed[key] = [
                record
                for row in self._rows(venue, endpoint, digest)
                for record in parsed(endpoint, row)
            ]
        return self._parsed[key]

    def _rows(self, venue: Venue, endpoint: Endpoint, digest: str) -> list[Row]:
        payload = _decoded(self._reply(digest, venue.name, endpoint.name))
        rows = venue.rows(endpoint, payload)
        return [{**row, OWNER: self._uid} for row in rows] if endpoint.owner_param else rows

    def _is_of(self, digest: str, exchange: str, endpoint: str) -> bool:
        try:
            self._reply(digest, exchange, endpoint)
        except UntracedError:
            return False
        return True

    def _reply(self, digest: str, exchange: str, endpoint: str | None) -> Reply:
        """The reply of that hash with the request that brought it from the endpoint."""
        reply = self._replies.get(digest or "")
        if reply is None:
            raise UntracedError(f"the package holds no reply {digest}")
        for request in reply["requests"]:
            owners = (self._account_id, PUBLIC)
            is_asked = endpoint is None or request["endpoint"] == endpoint
            if is_asked and request["exchange"] == exchange and request["account_id"] in owners:
                return {**request, "body": reply["body"]}
        raise UntracedError(f"reply {digest} did not come from {exchange} {endpoint}")


def misnamed(replies: Mapping[str, Any]) -> list[str]:
    """The names of replies whose body has another SHA-256 than their name."""
    return [name for name, reply in replies.items() if not _is_named(name, reply)]


def unused(replies: Mapping[str, Any], rows: Mapping[str, list[Row]]) -> list[str]:
    """Replies no row names: they would be evidence of nothing."""
    return sorted(set(replies) - set(_hashes(rows)))


def _hashes(rows: Mapping[str, list[Row]]) -> Iterator[str]:
    for of_table in rows.values():
        for row in of_table:
            yield from (row.get("reply_sha256") or "").split(",")


def _is_named(name: str, reply: Any) -> bool:
    return (
        isinstance(reply, dict)
        and isinstance(reply.get("body"), str)
        and isinstance(reply.get("requests"), list)
        and reply.get("sha256") == name
        and sha256(reply["body"].encode()).hexdigest() == name
    )


def _endpoint(venue: Venue, name: str) -> Endpoint:
    """An endpoint of the venue that brings rows, by its name."""
    known = [*venue.listings, venue.order, venue.mark_candles, venue.trade_candles]
    known += [venue.instruments, *([venue.leverages] if venue.leverages else [])]
    for endpoint in known:
        if endpoint.name == name:
            return endpoint
    raise UntracedError(f"{venue.name} has no endpoint {name!r}")


def _decoded(reply: Reply) -> Any:
    """The body as the client reads it: every number stays the venue's text."""
    return json.loads(reply["body"], parse_float=str, parse_int=str)


def _asked(reply: Reply, inst_id: str | None) -> dict[str, str]:
    """The instrument, where the request names it."""
    return {"inst_id": inst_id} if inst_id and inst_id in reply["request"] else {}


def _stated(row: Row) -> Row:
    """What the venue says in a row, without what is ours and what nobody said."""
    return {name: value for name, value in row.items() if name not in _OURS and value is not None}


def _name(table: str, row: Row) -> str:
    ids = ("order_id", "fill_id", "entry_id", "position_id", "stop_id", "inst_id", "minute_at_ms")
    known = [f"{name} {row[name]}" for name in ids if row.get(name)]
    return f"{table} {', '.join(known)}"
