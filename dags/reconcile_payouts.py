"""Hold claims, store and chain against each other whenever the chain was read.

Reads    raw/chain/*, the store's batches and payouts, raw/evidence/verdicts, serve/current
Writes   an incident in the store for each difference
Re-run   safe: a difference that has an open incident opens no second one
Backfill not needed: every run looks at all batches there ever were
On fail  README, "Payments are stopped by an incident"
"""

import pendulum
from airflow.sdk import Asset, dag, task

CHAIN = Asset("leverageguard://raw/chain")


@dag(
    schedule=[CHAIN],
    start_date=pendulum.datetime(2025, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "pool-operator", "retries": 0},
    tags=["settlement", "chain", "dbt"],
    doc_md=__doc__,
)
def reconcile_payouts():
    @task
    def reconcile() -> dict[str, int]:
        from leverageguard import giving_way
        from leverageguard.settlement import steps

        giving_way.give_way()
        return steps.reconcile()

    reconcile()


reconcile_payouts()
