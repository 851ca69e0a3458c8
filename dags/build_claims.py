"""Turn raw records into verified claims and payout batches.

Reads    raw/*
Writes   the private warehouse, an evidence package and a verdict row for each claim decided
         anew, the claims' moves, what the checks found (raw/quality), then a published
         read-only snapshot (serve/current)
Re-run   safe: models are rebuilt from raw; planned payouts keep their amounts; what is decided
         as before is not sealed again
Backfill not needed: every run decides over all evidence landed so far
On fail  the message names the suite or model and the rows; nothing was published. Rows that
         failed on arrival are in quarantine/ and the next run goes on without them. When
         report_unsealed alone failed, all was published and is paid but for the claims it names:
         README, "A claim is left unsealed"
"""

import pendulum
from airflow.sdk import Asset, dag, task

EVIDENCE = Asset("leverageguard://raw/evidence")
FILINGS = Asset("leverageguard://raw/filings")
DECISIONS = Asset("leverageguard://raw/decisions")
APPROVED = Asset("leverageguard://marts/fct_payout_batches")


@dag(
    schedule=EVIDENCE | FILINGS | DECISIONS,
    start_date=pendulum.datetime(2025, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "pool-operator",
        "retries": 0,
        "pool": "warehouse",
        "priority_weight": 100,
    },
    tags=["claims", "dbt"],
    doc_md=__doc__,
)
def build_claims():
    @task
    def check_arrivals() -> dict[str, int]:
        from leverageguard.quality import steps

        return steps.check_arrivals()

    @task
    def build_models() -> dict[str, int]:
        from leverageguard.warehouse import dbt_runner

        return dbt_runner.build(tests_reports=False)

    @task
    def seal_evidence() -> dict[str, int]:
        from leverageguard.evidence import steps

        return steps.seal()

    @task
    def advance_claims() -> dict[str, int]:
        from leverageguard.claims import advancing

        return advancing.advance_decided()

    @task
    def check_departures() -> dict[str, int]:
        from leverageguard.quality import steps

        return steps.check_departures()

    @task(outlets=[APPROVED])
    def publish_snapshot() -> str:
        from leverageguard.warehouse import snapshot

        return snapshot.publish()

    @task
    def report_unsealed() -> dict[str, int]:
        from leverageguard.evidence import steps

        return steps.report_unsealed()

    decided = check_arrivals() >> build_models() >> seal_evidence() >> advance_claims()
    decided >> check_departures() >> publish_snapshot() >> report_unsealed()


build_claims()
