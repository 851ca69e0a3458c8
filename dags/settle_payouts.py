"""Settle approved payout batches, each on its own chain.

Reads    fct_payout_items (status = 'approved') of the published snapshot
Writes   the store's batches (over the limit: proposals) and outbox, then raw/settlement/* and
         raw/chain/*; an incident for each difference between claims, store and chain
Re-run   safe: a batch that already has a receipt is returned, not sent again
Backfill not meaningful: a batch is settled once, whatever the logical date
On fail  README, "A settlement did not confirm"; other chains' batches are settled and landed. When
         reconcile failed: README, "Payments are stopped by an incident"
"""

import pendulum
from airflow.sdk import Asset, dag, get_current_context, task

APPROVED = Asset("leverageguard://marts/fct_payout_batches")
RECEIPTS = Asset("leverageguard://raw/chain_receipts")


@dag(
    schedule=[APPROVED],
    start_date=pendulum.datetime(2025, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "pool-operator", "retries": 2, "priority_weight": 100},
    tags=["settlement", "chain"],
    doc_md=__doc__,
)
def settle_payouts():
    @task
    def plan() -> list[str]:
        from leverageguard.settlement import steps

        return steps.plan(getattr(get_current_context()["dag_run"], "triggering_user_name", None))

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

    # Of whatever was landed: a difference stops the payments though another batch failed too.
    @task(retries=0, trigger_rule="all_done")
    def reconcile() -> dict[str, int]:
        from leverageguard.settlement import steps

        return steps.reconcile()

    @task(trigger_rule="none_failed")
    def report_unsettled() -> None:
        """Keep the run red when a task before it failed: what runs after all of them does not."""

    settled, recorded = settle.expand(batch_id=plan()), record()
    settled >> recorded >> reconcile()
    [settled, recorded] >> report_unsettled()


settle_payouts()
