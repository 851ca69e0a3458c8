"""Land what traders brought: accounts, bindings, quotes and filed claims.

Reads    the transactional store (rows created within the window)
Writes   raw/intake/*, one file per hour of creation
Re-run   replaces the hours of the window; the store's rows never change
Backfill `airflow backfill create --dag-id ingest_claims`, any window
On fail  the store was unreachable: clear the task
"""

import pendulum
from airflow.sdk import Asset, CronDataIntervalTimetable, Param, dag, task

RAW = Asset("leverageguard://raw/claims")
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
    tags=["ingest", "claims"],
    doc_md=__doc__,
)
def ingest_claims():
    @task(outlets=[RAW])
    def land(window_start: str, window_end: str) -> dict[str, int]:
        from airflow.sdk.exceptions import AirflowSkipException

        from leverageguard import clock

        if not clock.has_begun(window_start):
            raise AirflowSkipException(f"{window_start} lies after the clock in use")
        from leverageguard.intake import steps

        return steps.land(window_start, window_end)

    land(WINDOW_START, WINDOW_END)


ingest_claims()
