"""What anybody may know of the pool: figures that tie to its movements, and nobody's wallet."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from fastapi.testclient import TestClient

from leverageguard import clock, config
from leverageguard.store import base
from leverageguard.store.valuation_tables import FundValuation
from leverageguard.warehouse import snapshot
from tests import gateway_world

NOW = 1_767_664_800_000
WALLET = "0x" + "ab" * 20
MARTS = f"""
create table fct_pool_movements as select * from (values
    ('deposit', timestamptz '2026-01-04 23:00:00+00', 1000000000::bigint),
    ('premium', timestamptz '2026-01-05 00:30:00+00', 30000000),
    ('premium', timestamptz '2026-01-05 22:30:00+00', 20000000),
    ('refund', timestamptz '2026-01-05 23:59:59+00', -10000000),
    ('payout', timestamptz '2026-01-06 00:00:00+00', -12345678),
    ('withdrawal', timestamptz '2026-01-06 01:00:00+00', -100000000),
    ('unmatched', timestamptz '2026-01-06 01:30:00+00', 5)
) as t (kind, moved_at, amount_micro_usdc);
create table fct_policies as select * from (values
    ('p1', 'IN_FORCE', '{WALLET}'), ('p2', 'EXPIRED', '{WALLET}')) as t (policy_id, state, wallet);
create table fct_claims as select * from (values
    ('clm_1', 'verified', 'PAID', '{WALLET}'), ('clm_2', 'rejected', null, '{WALLET}'),
    ('clm_3', 'rejected', null, '{WALLET}')) as t (claim_id, verdict, payout_state, wallet);
create table rpt_freshness as select * from (values
    ('okx', 'fills', timestamptz '2026-01-06 01:00:00+00', 3600::bigint),
    ('okx', 'orders', timestamptz '2026-01-06 00:00:00+00', 7200),
    ('bybit', 'fills', timestamptz '2026-01-06 02:00:00+00', 0)
) as t (source_name, endpoint, complete_to_at, lag_seconds);
create table rpt_rejection_reasons as select
    'rejected' as verdict, 'IN_COVER' as reason_code, 2::bigint as claim_count,
    2::bigint as primary_claim_count;
create table fct_payout_batches as select
    31337 as chain_id, 'b' || n as batch_id, n::bigint as batch_no, 'settled' as status,
    1 as claim_count, n::bigint as total_micro_usdc, n::bigint as paid_micro_usdc,
    0 as failed_count, '0x' || repeat('0' || n, 32) as evidence_root,
    '0x' || repeat('5e', 32) as tx_hash, 81234::bigint as gas_used,
    timestamptz '2026-01-06 00:00:00+00' as planned_at,
    timestamptz '2026-01-06 00:10:00+00' as settled_at
    from range(1, 4) as t (n);
insert into fct_payout_batches by name
    select 31337 as chain_id, 'next' as batch_id, 'approved' as status, 1 as claim_count,
    7 as total_micro_usdc, 0 as paid_micro_usdc, 0 as failed_count;
create table fct_payout_items as select
    'b' || n as batch_id, 'clm_' || n as claim_id, n::integer as claim_index,
    n::bigint as amount_micro_usdc, 'paid' as status, '{WALLET}' as wallet,
    '{WALLET}' as recipient
    from range(1, 4) as t (n);
create table fct_verdicts as select * from (values
    ('clm_1', '0x' || repeat('aa', 32), false), ('clm_1', '0x' || repeat('bb', 32), true)
) as t (claim_id, evidence_root, is_latest);
"""


@pytest.fixture
def settings() -> config.Settings:
    found = config.load()
    clock.set_world(NOW)
    return found


@pytest.fixture
def api(settings: config.Settings) -> TestClient:
    return gateway_world.client(settings)


@pytest.fixture
def published(settings: config.Settings) -> None:
    settings.warehouse_path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.warehouse_path)) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(MARTS)
    snapshot.publish(settings)


def valuation(**changed: Any) -> FundValuation:
    names = [column.name for column in FundValuation.__table__.columns]
    values: dict[str, Any] = dict.fromkeys((n for n in names if n.endswith("_micro_usdc")), 0)
    values |= {
        "valuation_id": "0x1", "valued_at_ms": NOW, "recorded_at_ms": NOW, "block_number": 7,
        "solvency_ratio_ppm": 2_000_000, "model_version": "m", "paths": 200, "seed": 1,
        "details": '{"referral_owed_micro_usdc": 3, "unanswered_payments_micro_usdc": 4}',
        "inputs_hash": "0x1",
    }  # fmt: skip
    return FundValuation(**values | changed)


def test_transparency__nothing_published__says_when_to_ask_again(api: TestClient) -> None:
    for path in ("transparency", "transparency/batches"):
        answer = api.get(f"{gateway_world.API}/{path}")

        assert answer.status_code == 503
        assert answer.json()["code"] == "NOTHING_PUBLISHED"
        assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.usefixtures("published")
def test_transparency__figures__are_the_sums_of_the_pools_movements(api: TestClient) -> None:
    found = api.get(f"{gateway_world.API}/transparency").json()

    assert found["is_simulated"] is True
    assert found["kpis"] == {
        "balance_micro_usdc": "927654327",
        "deposits_micro_usdc": "900000000",
        "premiums_micro_usdc": "40000000",
        "paid_micro_usdc": "12345678",
        "loss_ratio_ppm": 308_641,
        "policy_count": 2,
        "in_force_count": 1,
        "claim_count": 3,
        "paid_claim_count": 1,
    }
    assert [tuple(day.values()) for day in found["days"]] == [
        ("2026-01-04", "0", "0", "1000000000"),
        ("2026-01-05", "40000000", "0", "1040000000"),
        ("2026-01-06", "0", "12345678", "927654327"),
    ]
    assert found["verdicts"] == [
        {"verdict": "rejected", "claim_count": 2},
        {"verdict": "verified", "claim_count": 1},
    ]
    assert found["rejection_reasons"] == [{"reason_code": "IN_COVER", "claim_count": 2}]
    assert found["adequacy"] is None


@pytest.mark.usefixtures("published")
def test_transparency__adequacy__is_the_newest_valuation_and_adds_up(
    api: TestClient, settings: config.Settings
) -> None:
    with base.session(settings) as session:
        session.add(valuation(valuation_id="0x0", valued_at_ms=NOW - 1, scr_1d_micro_usdc=1))
        session.add(
            valuation(
                cash_micro_usdc=1000, written_micro_usdc=10,
                unearned_micro_usdc=10, unearned_hazard_micro_usdc=20,
                case_reserve_micro_usdc=30, ibnr_cl_micro_usdc=50, ibnr_bf_micro_usdc=40,
                payable_micro_usdc=60, own_funds_micro_usdc=833, scr_1d_micro_usdc=416,
            )
        )  # fmt: skip

    found = api.get(f"{gateway_world.API}/transparency").json()["adequacy"]

    owed = ("unearned", "case_reserve", "ibnr", "payable", "other_owed")
    amounts = {name: int(found[f"{name}_micro_usdc"]) for name in (*owed, "cash", "own_funds")}
    assert amounts == {
        "unearned": 20, "case_reserve": 30, "ibnr": 50, "payable": 60, "other_owed": 7,
        "cash": 1000, "own_funds": 833,
    }  # fmt: skip
    assert amounts["cash"] - sum(amounts[name] for name in owed) == amounts["own_funds"]
    assert found["solvency_ratio_ppm"] == 2_000_000


@pytest.mark.usefixtures("published")
def test_batches__by_cursor__come_once_each_newest_first(api: TestClient) -> None:
    """All three were planned at one instant: their numbers decide. What is not planned is none."""
    first = api.get(f"{gateway_world.API}/transparency/batches?limit=2").json()
    second = api.get(
        f"{gateway_world.API}/transparency/batches?limit=2&cursor={first['next_cursor']}"
    ).json()

    assert [one["batch_no"] for one in first["items"] + second["items"]] == [3, 2, 1]
    assert second["next_cursor"] is None
    assert second["items"][0]["payouts"] == [
        {
            "claim_id": "clm_1", "claim_index": 1, "amount_micro_usdc": "1", "status": "paid",
            "evidence_root": "0x" + "bb" * 32,
        }
    ]  # fmt: skip


@pytest.mark.usefixtures("published")
def test_transparency__to_anybody__names_no_wallet(api: TestClient) -> None:
    for path in ("transparency", "transparency/batches"):
        assert WALLET not in api.get(f"{gateway_world.API}/{path}").text
