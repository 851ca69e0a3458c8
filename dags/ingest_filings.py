"""Take up filed claims at once, without waiting for the hour.

Reads    claims the store holds and no snapshot shows; the pools' events, the venues' endpoints
Writes   raw/chain/*, raw/exchanges/* and raw/intake/*, beside what the hourly runs land there
Re-run   safe: hours that are complete are not asked for again, a row replaces itself
Backfill not needed: every run takes up all that waits
On fail  nothing is lost: the claims wait for the next run (every ten minutes) and the hourly ones
"""

import pendulum
from airflow.sdk import Asset, dag, task
from airflow.timetables.assets import AssetOrTimeSchedule
from airflow.timetables.interval import CronDataIntervalTimetable

FILED = Asset("leverageguard://intake/filed_claims")
TAKEN_UP = Asset("leverageguard://raw/filings")


# The clock makes up for an event that was lost with the server that should have sent it.
@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronDataIntervalTimetable("*/10 * * * *", timezone="UTC"), assets=[FILED]
    ),
    start_date=pendulum.datetime(2025, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "pool-operator", "retries": 2, "priority_weight": 100},
    tags=["ingest", "claims"],
    doc_md=__doc__,
)
def ingest_filings():
    @task(outlets=[TAKEN_UP])
    def take_up() -> dict[str, int]:
        from airflow.sdk.exceptions import AirflowSkipException

        from leverageguard.filings import taking_up

        counts = taking_up.take_up()
        if not counts["filings"]:
            raise AirflowSkipException("no filed claim waits")
        return counts

    take_up()


ingest_filings()
