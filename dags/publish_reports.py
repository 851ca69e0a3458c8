"""Tie receipts and books to claims and publish what people see.

Reads    raw/* with the receipts of the last settlement and the valuation after it; started by
         each run of manage_fund, so every hour and after each batch; it waits while claims are
         being filed, five minutes at most
Writes   the private warehouse, serve/current (dashboards, status), pages/dbt (dbt docs),
         pages/quality, raw/quality
Re-run   safe: publishes the same figures under a new snapshot version
Backfill not needed: every run reports over all evidence landed so far
On fail  readers keep the snapshot before; the message names the model or test
"""

import pendulum
from airflow.sdk import Asset, dag, task

VALUED = Asset("leverageguard://raw/fund_valuations")
PUBLISHED = Asset("leverageguard://serve/current")


@dag(
    schedule=[VALUED],
    start_date=pendulum.datetime(2025, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "pool-operator", "retries": 0, "pool": "warehouse"},
    tags=["reports", "dbt"],
    doc_md=__doc__,
)
def publish_reports():
    # A claim's build needs the slot that this run would hold. `skipped` says that claims kept
    # coming and that people waited long enough for their figures.
    @task.sensor(pool="default_pool", mode="poke", poke_interval=2, timeout=300, soft_fail=True)
    def let_claims_pass() -> bool:
        from leverageguard.filings import waiting

        return waiting.is_quiet()

    @task(trigger_rule="none_failed")
    def check_arrivals() -> dict[str, int]:
        from leverageguard.quality import steps

        return steps.check_arrivals()

    @task
    def build_models() -> dict[str, int]:
        from leverageguard.warehouse import dbt_runner

        return dbt_runner.build_if_changed()

    @task
    def check_departures() -> dict[str, int]:
        from leverageguard.quality import steps

        return steps.check_departures()

    @task(outlets=[PUBLISHED])
    def publish_snapshot() -> str:
        from leverageguard.warehouse import snapshot

        return snapshot.publish()

    @task
    def publish_docs() -> str:
        from leverageguard.warehouse import dbt_runner

        return str(dbt_runner.docs_if_changed())

    # It reads no warehouse, so it keeps nobody from building one.
    @task(pool="default_pool")
    def show_quality() -> None:
        from leverageguard import giving_way
        from leverageguard.quality import steps

        giving_way.give_way()
        steps.show()

    checked = let_claims_pass() >> check_arrivals() >> build_models() >> check_departures()
    checked >> publish_snapshot() >> [publish_docs(), show_quality()]


publish_reports()
