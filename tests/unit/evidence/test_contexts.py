"""What a package holds of earlier payouts: the holder's on any chain, the own pool's of the day."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import duckdb
import pytest

from leverageguard.evidence import contexts

# claim, chain, policy, party, day, turn, amount
PAID = [
    ("a", 1, "p1", "w1", "2026-01-05", 1, 10),
    ("b", 10, "p2", "w2", "2026-01-05", 2, 20),
    ("c", 10, "p3", "w1", "2026-01-05", 3, 30),
    ("d", 1, "p4", "w2", "2026-01-05", 4, 40),
    ("e", 1, "p5", "w3", "2026-01-04", 5, 50),
    ("own", 1, "p9", "w1", "2026-01-05", 6, 60),
]


@pytest.fixture
def warehouse() -> Iterator[Any]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("create schema intermediate")
        connection.execute(
            "create table intermediate.int_contexts__prior_payouts (claim_id text, "
            "chain_id bigint, policy_key text, party_key text, liquidation_date text, "
            "sequence_no bigint, amount_micro_usdc bigint)"
        )
        connection.executemany(
            "insert into intermediate.int_contexts__prior_payouts values (?, ?, ?, ?, ?, ?, ?)",
            PAID,
        )
        yield connection


def test_prior_payouts__of_two_pools__are_the_holders_and_the_day_of_the_own_pool(
    warehouse: Any,
) -> None:
    query = contexts.QUERIES["evidence/prior_payouts"]
    cursor = warehouse.execute(f"select * from ({query}) where for_claim_id = 'own'")
    names = [column[0] for column in cursor.description]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    assert sorted((r["claim_id"], r["chain_id"], r["amount_micro_usdc"]) for r in rows) == [
        ("a", 1, 10),  # the holder's, of the same pool
        ("c", 10, 30),  # the holder's, paid by the other pool
        ("others", 1, 40),  # of b, paid by the other pool to somebody else, nothing is told
    ]
