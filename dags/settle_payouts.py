"""Settle approved payout batches, each on its own chain.

Reads    fct_payout_items (status = 'approved') of the published snapshot
Writes   the store's batches and outbox, then raw/settlement/* and raw/chain/*
Re-run   safe: a batch that already has a receipt is returned, not sent again
Backfill not meaningful: a batch is settled once, whatever the logical date
On fail  README, "A settlement did not confirm"; other chains' batches are settled and landed
"""

import pendulum
from airflow.sdk import Asset, dag, task

APPROVED = Asset("leverageguard://marts/fct_payout_batches")
RECEIPTS = Asset("leverageguard://raw/chain_receipts")


@dag(
    schedule=[APPROVED],
    start_date=pendulum.datetime(2025, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "pool-operator", "retries": 2},
    tags=["settlement", "chain"],
    doc_md=__doc__,
)
def settle_payouts():
    @task
    def plan() -> list[str]:
        from leverageguard.settlement import steps

        return steps.plan()

    @task(max_active_tis_per_dag=1)
    def settle(batch_id: str) -> str:
        from leverageguard.settlement import steps

        steps.settle(batch_id)
        steps.confirm(batch_id)
        return batch_id

    # Whatever became of one batch or chain, what the others paid is landed.
    @task(outlets=[RECEIPTS], trigger_rule="all_done")
    def record() -> dict[str, int]:
        from leverageguard.settlement import steps

        return steps.record()

    @task(trigger_rule="none_failed")
    def report_unsettled() -> None:
        """Keep the run red when a batch before it failed: record does not."""

    settled = settle.expand(batch_id=plan())
    settled >> [record(), report_unsettled()]


settle_payouts()
