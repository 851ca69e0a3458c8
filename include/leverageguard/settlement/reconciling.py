"""Claims, store and chain held against each other; every difference stops the payments.

What counts as a difference is decided by the models alone (`fct_reconciliation*`): here the same
models are run over what is there now, since a snapshot is published only when nothing is wrong. The
chain's side are its landed events, the store's its own rows; of the claims, the wallets come from
the published snapshot and the amounts from the landed verdicts. No exchange data are read, so a run
takes seconds.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import structlog

from leverageguard.config import Settings
from leverageguard.settlement import incidents, recording
from leverageguard.settlement.errors import BooksDiffer
from leverageguard.warehouse import freezing, landing, model_runner, raw_tables, snapshot

KIND = "books_differ"
# The windows first: what they vouch for is then held too.
CHAIN_TABLES = ("chain/fetch_windows", "chain/batch_settlements", "chain/payouts")
VERDICTS = "evidence/verdicts"
MODELS = ("fct_reconciliation", "fct_reconciliation_differences")
CLAIMS = "int_claims__decided"
_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Difference:
    """One kind of difference in one batch, as the mart has it."""

    chain_id: int
    batch_no: int
    kind: str
    difference_count: int
    detail: str

    @property
    def subject(self) -> str:
        """What an incident about it is about."""
        return f"batch {self.batch_no}: {self.kind}"


@dataclass(frozen=True)
class Reconciliation:
    """Batches by how they stand, and every difference."""

    reconciled: int
    in_flight: int
    differing: int
    differences: tuple[Difference, ...]


def reconcile(settings: Settings) -> dict[str, int]:
    """Open an incident for each difference; batches by how they stand.

    Raises BooksDiffer, after all incidents are open, unless nothing differs: the task is red as
    long as a difference is there, whether its incident is new or not.
    """
    found = look(settings)
    for one in found.differences:
        detail = f"{one.difference_count} x {one.detail}"
        on_chain = replace(settings, chain_id=one.chain_id)
        incidents.open_incident(on_chain, KIND, one.subject, detail, actor="reconcile")
    if found.differences:
        raise BooksDiffer(
            f"{found.differing} batches differ between claims, store and chain: "
            + "; ".join(f"chain {one.chain_id} {one.subject}" for one in found.differences[:5])
            + ". No further batch is signed: see ./leverageguard incidents"
        )
    _log.info("books_agree", reconciled=found.reconciled, in_flight=found.in_flight)
    return {"reconciled": found.reconciled, "in_flight": found.in_flight}


def look(settings: Settings) -> Reconciliation:
    """What the marts say of the rows that are there now; nothing is opened."""
    landing.ensure_schemas(settings)
    models = model_runner.compiled(settings)
    with _held(settings) as folder, model_runner.connect() as connection:
        models.run(connection, MODELS, folder, {CLAIMS: _claims(settings, connection)})
        differences = connection.execute(
            "select chain_id, batch_no, kind, difference_count, detail "
            f"from {models.model(MODELS[1]).relation} order by chain_id, batch_no, kind"
        ).fetchall()
        reconciled, in_flight, differing = connection.execute(
            "select count(*) filter (where is_reconciled), count(*) filter (where is_in_flight), "
            "count(*) filter (where differences <> '') "
            f"from {models.model(MODELS[0]).relation}"
        ).fetchone()
    found = tuple(Difference(*row) for row in differences)
    return Reconciliation(reconciled, in_flight, differing, found)


@contextmanager
def _held(settings: Settings) -> Iterator[Path]:
    """The chain's raw files held still, then the store's rows as they are after that.

    Signed bytes are in the store before they are sent, so whatever the held chain files show, the
    store knows of: a payment under way is never a payment unknown.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".reconcile-", dir=settings.data_dir) as name:
        folder = Path(name)
        freezing.hold(settings, folder, CHAIN_TABLES)
        for table, rows in recording.store_rows(settings).items():
            content = pa.Table.from_pylist(rows, schema=raw_tables.table(table).schema)
            landing.write_parquet(folder / table / "dt=now" / "hr=now" / "store.parquet", content)
        freezing.hold(settings, folder, (VERDICTS,))
        yield folder


def _claims(settings: Settings, connection: Any) -> str:
    """The query of the published claims, of which nothing but id and wallet is read."""
    try:
        published = snapshot.current(settings)
    except snapshot.SnapshotError:
        return "select null::varchar as claim_id, null::varchar as wallet where false"
    quoted = str(published).replace("'", "''")
    connection.execute(f"attach '{quoted}' as published (read_only)")
    return "select claim_id, wallet from published.main.fct_claims"
