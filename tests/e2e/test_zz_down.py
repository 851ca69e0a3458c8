"""Last of the end-to-end tests: what can be built again is lost, and the stack goes and comes back.

The ledger is lost while the stack runs, the warehouse while it is down.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from leverageguard import config
from leverageguard.recovery.rebuilding import MARTS
from leverageguard.stack import airflow
from tests.e2e.stacks import Stack, money
from tests.e2e.test_default_world import decided, wait_until_idle

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
EVERY_DAG = (*airflow.INGEST_DAGS, *airflow.CHAINED_DAGS, *airflow.WATCHING_DAGS)
# In the order in which foreign keys let them go.
LEDGER = ("ledger_entries", "settlement_events", "transactions", "payouts", "batches")
# Everything of a payout and of the books but when it was written down.
PAYOUTS = """
    select chain_id, claim_index, claim_id, liquidation_event_id, policy_id, party, batch_id,
        recipient, amount_micro_usdc, state, tx_hash, log_index, planned_at_ms, evidence_root
    from payouts order by chain_id, claim_index
"""
BALANCES = """
    select account, party, policy_id, claim_id, sum(amount_micro_usdc) as held
    from ledger_entries group by 1, 2, 3, 4 having held <> 0 order by 1, 2, 3, 4
"""


def rows(stack: Stack, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(stack.data / "store" / "store.db")) as store:
        return store.execute(query).fetchall()


def lose_ledger(stack: Stack) -> None:
    """What a broken disk can do, and the triggers against it forbid everybody else."""
    with closing(sqlite3.connect(stack.data / "store" / "store.db", timeout=30)) as store, store:
        triggers = store.execute(
            "select name, sql from sqlite_master where type = 'trigger' and name like '%_no_delete'"
        ).fetchall()
        for name, _ in triggers:
            store.execute(f"drop trigger {name}")
        for table in LEDGER:
            assert store.execute(f"delete from {table}").rowcount > 0, table
        for _, sql in triggers:
            store.execute(sql)


def digests(stack: Stack) -> dict[str, str]:
    """What `rebuild-warehouse` prints of each mart of money."""
    printed = [line.split() for line in stack.run("rebuild-warehouse").stdout.splitlines()]
    return {words[0]: words[1] for words in printed if words and words[0] in MARTS}


@pytest.fixture
def idle_client(default_stack: Stack, monkeypatch: pytest.MonkeyPatch) -> airflow.Client:
    """No run is going, and none starts by itself until the next `up`."""
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(default_stack.data))
    monkeypatch.setenv("LEVERAGEGUARD_PORT", str(default_stack.port))
    client = airflow.Client(config.load())
    client.wait_ready()
    client.pause(EVERY_DAG, True)
    wait_until_idle(client)
    return client


@pytest.mark.usefixtures("idle_client")
def test_ledger__deleted__from_the_chain_come_the_same_payouts_and_balances(default_stack):
    before, paid = default_stack.status(), rows(default_stack, PAYOUTS)
    default_stack.run("rebuild-books")  # whatever the last hour left to be booked by the next one
    balances = rows(default_stack, BALANCES)
    assert len(paid) > 10 and len(balances) > 100

    lose_ledger(default_stack)
    assert rows(default_stack, PAYOUTS) == rows(default_stack, BALANCES) == []
    printed = default_stack.run("rebuild-ledger").stdout
    default_stack.run("rebuild-books")

    assert f"{len(before['batches'])} batches, {len(paid)} payouts" in printed
    assert rows(default_stack, PAYOUTS) == paid
    assert rows(default_stack, BALANCES) == balances
    after = default_stack.status()
    assert money(after) == money(before)
    assert after["incidents"] == before["incidents"]


def test_down__warehouse_deleted__raw_gives_the_same_marts_and_up_pays_nothing_twice(
    default_stack,
):
    before = default_stack.status()

    default_stack.run("down")

    assert default_stack.processes() == []
    first = digests(default_stack)
    assert set(first) == set(MARTS)
    for name in ("warehouse", "serve", "dbt"):
        shutil.rmtree(default_stack.data / name)
    assert default_stack.status()["claims"] == []
    assert digests(default_stack) == first
    assert default_stack.status()["claims"] == before["claims"]

    default_stack.run("up", "--no-superset")
    after = default_stack.status()
    assert decided(after) == decided(before)
    assert money(after) == money(before)
    assert after["incidents"] == []
