"""Building again, landing again, planning and settling: what is decided stays decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from leverageguard import clock, config
from leverageguard.warehouse import connect, dbt_runner, landing, raw_tables
from tests.dbt import small_world
from tests.dbt.dbt_world import HOUR, DbtWorld, wallet

pytestmark = pytest.mark.slow
PLANNED_AT = small_world.CLOSE + 10 * HOUR
LATER = PLANNED_AT + HOUR
Rows = list[dict[str, Any]]
MARTS = ("fct_claims", "fct_claim_checks", "fct_payout_items", "fct_payout_batches")


@pytest.fixture(scope="module")
def world(dbt_data: Path) -> Iterator[DbtWorld]:
    """The small world once more, in a warehouse these tests may change."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEVERAGEGUARD_DATA", str(dbt_data / "rebuilt"))
        world = DbtWorld(config.load(), hours=48)
        clock.set_world(world.start + 48 * HOUR)
        small_world.build(world)
        world.land()
        yield world


@pytest.fixture(autouse=True)
def own_data_folder(world: DbtWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVERAGEGUARD_DATA", str(world.settings.data_dir))


@pytest.fixture(scope="module")
def ask(world: DbtWorld) -> Callable[[str], Rows]:
    return lambda sql: connect.rows(world.settings.warehouse_path, sql)


def marts(ask: Callable[[str], Rows]) -> dict[str, Rows]:
    return {mart: ask(f"select * from {mart} order by all") for mart in MARTS}


def plan(world: DbtWorld, items: Rows, state: str) -> None:
    """Land the store's record of every pending item as one batch, in item order."""
    for table in ("settlement/payouts", "settlement/batches"):
        world.rows[table] = []
    for index, item in enumerate(items, start=1):
        world.add(
            "settlement/payouts", chain_id=31337, claim_index=index, claim_id=item["claim_id"],
            liquidation_event_id=item["liquidation_event_id"], policy_id=item["policy_id"],
            party=item["wallet"], batch_id="b" * 64, batch_no=1, recipient=item["recipient"],
            amount_micro_usdc=item["amount_micro_usdc"], state=state, planned_at_ms=PLANNED_AT,
        )  # fmt: skip
    world.add(
        "settlement/batches", chain_id=31337, batch_id="b" * 64, batch_no=1, claim_count=len(items),
        total_micro_usdc=sum(item["amount_micro_usdc"] for item in items), state=state,
        evidence_root="0x" + "0" * 64, planned_at_ms=PLANNED_AT, updated_at_ms=PLANNED_AT,
    )  # fmt: skip


def test_build__again_and_with_every_hour_landed_twice__changes_nothing(world, ask):
    dbt_runner.build()
    first = marts(ask)
    for table in [
        t for t in world.rows if raw_tables.table(t).hour_column and t.startswith("exchanges/")
    ]:
        for hour, rows in landing.by_hour(table, world.rows[table]).items():
            landing.replace(world.settings, table, hour, "landed-twice", rows)

    dbt_runner.build()

    assert marts(ask) == first


def test_order__corrected_later__counts_as_corrected(world, ask):
    order = ask("select order_id from fct_claims where policy_reference = 'adl'")[0]["order_id"]
    row = next(row for row in world.rows["exchanges/orders"] if row["order_id"] == order)
    later = {**row, "forced_kind": "partial", "updated_at_ms": row["updated_at_ms"] + HOUR}
    hour = landing.by_hour("exchanges/orders", [later])
    landing.replace(world.settings, "exchanges/orders", next(iter(hour)), "correction", [later])

    dbt_runner.build()

    assert ask("select reasons, forced_kind from fct_claims where policy_reference = 'adl'") == [
        {"reasons": "SOURCES_AGREE", "forced_kind": "partial"}
    ]


def test_planned_items__when_an_older_claim_turns_up__keep_their_amounts(world, ask):
    items = ask("select * from fct_payout_items order by batch_id, claim_id")
    amounts = {item["claim_id"]: item["amount_micro_usdc"] for item in items}
    plan(world, items, "PLANNED")
    # An account of the capped wallet, liquidated before the others, whose claim comes late.
    world.account("rich-3", signer="rich")
    world.policy("rich-3", "rich-3", principal=500, owner="rich")
    world.trade("rich-3", small_world.OPEN, "100000", "10")
    world.trade("rich-3", small_world.CLOSE - 5, "99100", "10", close="full", pnl="-90")
    world.land()

    dbt_runner.build()

    rows = ask("select * from fct_claims where claim_id in (select claim_id from fct_payout_items)")
    assert {row["claim_id"]: row["approved_micro_usdc"] for row in rows} == amounts
    assert {row["payout_state"] for row in rows} == {"PLANNED"}
    late = ask("select * from fct_claims where policy_reference = 'rich-3'")[0]
    assert (late["verdict"], late["approved_micro_usdc"], late["payout_state"]) == (
        "verified", 0, "CAPPED",
    )  # fmt: skip
    batches = ask("select status, claim_count, total_micro_usdc::bigint as total from "
                  "fct_payout_batches")  # fmt: skip
    assert batches == [
        {"status": "planned", "claim_count": len(amounts), "total": sum(amounts.values())}
    ]


def test_settled_items__paid_and_refused__show_what_the_chain_says(world, ask):
    payouts = world.rows["settlement/payouts"]
    for row in payouts:
        world.event(
            "chain/payouts", LATER, batch_no=1, claim_index=row["claim_index"],
            recipient=row["recipient"], amount_micro_usdc=row["amount_micro_usdc"],
            is_paid=row["claim_index"] != 1,
        )  # fmt: skip
    total = sum(row["amount_micro_usdc"] for row in payouts)
    refused = payouts[0]["amount_micro_usdc"]
    world.event(
        "chain/batch_settlements", LATER, batch_no=1, total_micro_usdc=total, gas_used=900_000,
        paid_micro_usdc=total - refused, failed_count=1, evidence_root="0x" + "0" * 64,
    )  # fmt: skip
    world.land()

    dbt_runner.build()

    states = ask("select payout_state, count(*)::int as n, sum(paid_micro_usdc)::bigint as paid "
                 "from fct_claims where batch_no = 1 group by all order by all")  # fmt: skip
    assert states == [
        {"payout_state": "PAID", "n": len(payouts) - 1, "paid": total - refused},
        {"payout_state": "REFUSED", "n": 1, "paid": 0},
    ]
    assert ask("select status, paid_micro_usdc, failed_count from fct_payout_batches") == [
        {"status": "settled", "paid_micro_usdc": total - refused, "failed_count": 1}
    ]
    moved = ask("select kind, sum(amount_micro_usdc)::bigint as moved from fct_pool_movements "
                "group by all order by all")  # fmt: skip
    balance = ask("select balance_micro_usdc from fct_pool_movements "
                  "order by block_number desc, log_index desc limit 1")  # fmt: skip
    assert moved[-1:] != [] and balance[0]["balance_micro_usdc"] == sum(m["moved"] for m in moved)


def test_chain__pays_another_address__stops_the_build_and_names_the_claim(world):
    row = next(row for row in world.rows["chain/payouts"] if row["claim_index"] == 2)
    honest, row["recipient"] = row["recipient"], wallet("mallory")
    world.land()
    try:
        with pytest.raises(dbt_runner.DbtFailed) as failed:
            dbt_runner.build("+the_chain_pays_what_was_planned")
    finally:
        row["recipient"] = honest
        world.land()

    claim_id = world.rows["settlement/payouts"][1]["claim_id"]
    assert "the_chain_pays_what_was_planned" in str(failed.value)
    assert claim_id in str(failed.value)


def test_paid_claim__whose_evidence_gets_a_gap__warns_and_keeps_what_was_paid(world, ask):
    dbt_runner.build()
    paid = ask("select sum(paid_micro_usdc)::bigint as paid from fct_claims")
    world.gap("full", "fills", small_world.OPEN)
    world.land()

    counts = dbt_runner.build()

    assert counts["warn"] == 1
    claim = ask("select * from fct_claims where policy_reference = 'full'")[0]
    assert (claim["verdict"], claim["payout_state"]) == ("undetermined", "PAID")
    assert claim["paid_micro_usdc"] == claim["approved_micro_usdc"] == 4_980_000
    assert ask("select sum(paid_micro_usdc)::bigint as paid from fct_claims") == paid
