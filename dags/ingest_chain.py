"""Read the pool's confirmed events: policies, premiums, deposits, batches and payouts.

Reads    event logs of the pool contract, blocks with enough confirmations only
Writes   raw/chain/*, one file per chain and hour of block time
Re-run   replaces the hours of the window
Backfill `airflow backfill create --dag-id ingest_chain`, as far back as the RPC keeps logs
On fail  the RPC was unreachable or names another chain: the message says which; clear the task
"""

import pendulum
from airflow.sdk import Asset, CronDataIntervalTimetable, Param, dag, task

RAW = Asset("leverageguard://raw/chain")
WINDOW_START = "{{ params.window_start or data_interval_start.isoformat() }}"
WINDOW_END = "{{ params.window_end or data_interval_end.isoformat() }}"


@dag(
    schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"),
    start_date=pendulum.datetime(2025, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=2,
    default_args={"owner": "pool-operator", "retries": 2},
    params={
        "window_start": Param(None, type=["null", "string"], description="UTC, ISO 8601"),
        "window_end": Param(None, type=["null", "string"], description="UTC, ISO 8601"),
    },
    tags=["ingest", "chain"],
    doc_md=__doc__,
)
def ingest_chain():
    @task(outlets=[RAW])
    def land(window_start: str, window_end: str) -> dict[str, int]:
        from airflow.sdk.exceptions import AirflowSkipException

        from leverageguard import clock

        if not clock.has_begun(window_start):
            raise AirflowSkipException(f"{window_start} lies after the clock in use")
        from leverageguard.settlement import chain_steps

        return chain_steps.land(window_start, window_end)

    land(WINDOW_START, WINDOW_END)


ingest_chain()
