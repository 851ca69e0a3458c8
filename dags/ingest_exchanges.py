"""Pull orders, fills, ledger and positions of every insured account.

Reads    the venues' private endpoints with each account's read-only key
Writes   raw/exchanges/*, one file per venue, account group, endpoint and hour
Re-run   lands the window again: a row replaces itself, and what was once seen stays
Backfill `airflow backfill create --dag-id ingest_exchanges`, within the venues' retention
On fail  a venue's fault is no failure: it is a gap in fetch_windows, pulled again by the next run
"""

import pendulum
from airflow.sdk import Asset, CronDataIntervalTimetable, Param, dag, task

RAW = Asset("leverageguard://raw/exchanges")
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
    tags=["ingest", "exchanges"],
    doc_md=__doc__,
)
def ingest_exchanges():
    @task
    def plan(window_start: str, window_end: str) -> list[dict]:
        from airflow.sdk.exceptions import AirflowSkipException

        from leverageguard import clock

        if not clock.has_begun(window_start):
            raise AirflowSkipException(f"{window_start} lies after the clock in use")
        from leverageguard.exchanges import steps

        return steps.plan(window_start, window_end)

    @task(map_index_template="{{ part['exchange'] }} group {{ part['group'] }}")
    def fetch(part: dict) -> dict[str, int]:
        from leverageguard.exchanges import steps

        return steps.fetch(part)

    @task
    def price_forced_closes(window_start: str, window_end: str) -> dict[str, int]:
        from leverageguard.exchanges import market_steps

        return market_steps.price_forced_closes(window_start, window_end)

    @task(outlets=[RAW])
    def report(counts: list[dict[str, int]]) -> dict[str, int]:
        return {name: sum(part.get(name, 0) for part in counts) for name in counts[0]}

    fetched = fetch.expand(part=plan(WINDOW_START, WINDOW_END))
    fetched >> price_forced_closes(WINDOW_START, WINDOW_END) >> report(fetched)


ingest_exchanges()
