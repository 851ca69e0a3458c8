"""Read the pools' confirmed events, and bring every policy to where they and the clock say it is.

Reads    event logs of each chain's pool contract, blocks with enough confirmations only; quotes,
         payouts and claims in the store
Writes   raw/chain/*, one file per chain and hour of block time; the policies' moves and the queue
         of payments that bought none, in the store and as raw/lifecycle/*
Re-run   replaces the hours of the window; a policy that is where it belongs does not move
Backfill `airflow backfill create --dag-id ingest_chain`, as far back as the RPC keeps logs
On fail  a chain's RPC was unreachable or serves another chain: the message says which, the other
         chains have landed; clear the task
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
    @task
    def chains(window_start: str) -> list[int]:
        from airflow.sdk.exceptions import AirflowSkipException

        from leverageguard import clock

        if not clock.has_begun(window_start):
            raise AirflowSkipException(f"{window_start} lies after the clock in use")
        from leverageguard.settlement import chain_steps

        return chain_steps.chain_ids()

    @task(map_index_template="chain {{ chain_id }}")
    def land(chain_id: int, window_start: str, window_end: str) -> dict[str, int]:
        from leverageguard.settlement import chain_steps

        return chain_steps.land(window_start, window_end, chain_id)

    # One chain that cannot be read holds up neither the policies of the others nor the build.
    @task(outlets=[RAW], trigger_rule="all_done_min_one_success")
    def register_policies() -> dict[str, int]:
        from leverageguard.policies import advancing

        return advancing.advance()

    window = {"window_start": WINDOW_START, "window_end": WINDOW_END}
    land.partial(**window).expand(chain_id=chains(WINDOW_START)) >> register_policies()


ingest_chain()
