"""`./leverageguard rebuild-warehouse`: the warehouse from raw alone, held against what was there.

A mart's digest is the sha256 of its rows as JSON, in the order of their values: the same rows give
the same digest in any file, on any machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from hashlib import sha256
from typing import Any

from leverageguard.config import Settings
from leverageguard.lake_settings import Lake, Warehouse
from leverageguard.stack import processes
from leverageguard.stack.cluster import profile
from leverageguard.stack.progress import StackError
from leverageguard.warehouse import connect, dbt_runner, snapshot

MARTS = (
    "fct_claims",
    "fct_claim_checks",
    "fct_payout_items",
    "fct_payout_batches",
    "fct_ledger_entries",
)


class RebuildRefused(StackError):
    """Something stands against a rebuild, or it is not what was there; the message says what."""


def digests(warehouse: Warehouse) -> dict[str, str]:
    """The digest of each mart of money in a warehouse or a snapshot."""
    with connect.read_only(warehouse) as connection:
        return {mart: _digest(connection, mart) for mart in MARTS}


def lines(settings: Settings, options: Mapping[str, Any]) -> Iterator[str]:
    """What the command prints, a line at a time; with `check` another outcome is a failure.

    A build takes the warehouse's place by itself, and only when every test passed.
    """
    if processes.running(settings):
        raise RebuildRefused(
            "the stack runs, and build_claims is at it: ./leverageguard down first"
        )
    with _reachable(settings):
        yield from _rebuilt(settings, options["check"])


def _reachable(settings: Settings) -> AbstractContextManager[None]:
    """A lake's catalogue, which is down with the stack where it is a cluster's own."""
    is_own = settings.is_cluster and settings.lake_catalogue is None
    return profile.database(settings) if is_own else nullcontext()


def _rebuilt(settings: Settings, is_checked: bool) -> Iterator[str]:
    before = _before(settings)
    counts = dbt_runner.build()
    yield ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    after = digests(settings.warehouse)
    others = [mart for mart in MARTS if before and before[mart] != after[mart]]
    for mart, digest in after.items():
        told = "" if not before else "  other than before" if mart in others else "  as before"
        yield f"{mart:<20}{digest}{told}"
    yield f"published as {snapshot.publish(settings)}"
    if is_checked and not before:
        raise RebuildRefused("nothing was there that it could be held against")
    if is_checked and others:
        raise RebuildRefused(
            f"{', '.join(others)}: not what was there. Raw may have grown since the last build; if "
            "nothing landed, the warehouse was changed past its builds"
        )


def _before(settings: Settings) -> dict[str, str]:
    """What was there: in the warehouse, or else in what was published of it; empty for neither."""
    import duckdb

    if connect.is_built(settings.warehouse):
        try:
            return digests(settings.warehouse)
        except duckdb.IOException:
            # A lake's files can be gone while its catalogue is not; a file is held by somebody.
            if not isinstance(settings.warehouse, Lake):
                raise
    try:
        return digests(snapshot.current(settings))
    except snapshot.SnapshotError:
        return {}


def _digest(connection: Any, mart: str) -> str:
    digest = sha256()
    cursor = connection.execute(
        f"select to_json(row_of)::varchar from (select * from {mart} order by all) as row_of"
    )
    while rows := cursor.fetchmany(1000):
        for (row,) in rows:
            digest.update(f"{row}\n".encode())
    return digest.hexdigest()
