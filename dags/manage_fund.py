"""Keep the books, value the fund, set what the pools hold back, halt what it cannot bear.

Reads    store, raw/chain/*, the published snapshot, the pools
Writes   the store's ledger entries, valuations and fund alerts; raw/fund/*; the pools'
         reserve; withdrawals that two people approved
Re-run   safe: the same facts are the same valuation, a reserve that is set is not set again, an
         alert that is open is not opened twice, what was signed is looked for before it is sent
Backfill not meaningful: every run values the present
On fail  README, "The fund halts"
"""

import pendulum
from airflow.sdk import Asset, dag, task
from airflow.timetables.assets import AssetOrTimeSchedule
from airflow.timetables.interval import CronDataIntervalTimetable

RECEIPTS = Asset("leverageguard://raw/chain_receipts")
VALUED = Asset("leverageguard://raw/fund_valuations")


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronDataIntervalTimetable("30 * * * *", timezone="UTC"), assets=[RECEIPTS]
    ),
    start_date=pendulum.datetime(2025, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "pool-operator", "retries": 1},
    tags=["fund", "chain"],
    doc_md=__doc__,
)
def manage_fund():
    @task
    def book_ledger() -> dict[str, int]:
        from leverageguard import giving_way
        from leverageguard.fund import steps

        giving_way.give_way()
        return steps.book_ledger()

    # The valuation rests on chain and store alone: books that cannot be kept hold up none.
    @task(trigger_rule="all_done")
    def value_fund() -> str:
        from leverageguard import giving_way
        from leverageguard.fund import steps

        giving_way.give_way()
        return steps.value_fund()

    @task
    def push_reserved() -> dict[str, int]:
        from leverageguard.fund import steps

        return steps.push_reserved()

    # Whatever could not be valued or set: thresholds are held against what is known, and people
    # see it.
    @task(trigger_rule="all_done", outlets=[VALUED])
    def watch_limits() -> dict[str, int]:
        from leverageguard import giving_way
        from leverageguard.fund import steps

        giving_way.give_way()
        return steps.watch_limits()

    # Money leaves only when all before it is known to be well.
    @task
    def execute_withdrawals() -> dict[str, int]:
        from leverageguard.fund import steps

        return steps.execute_withdrawals()

    @task(trigger_rule="none_failed")
    def report_failed() -> None:
        """Keep the run red when a task before it failed: what watches runs after all of them."""

    booked, valued, pushed, watched = book_ledger(), value_fund(), push_reserved(), watch_limits()
    taken = execute_withdrawals()
    booked >> valued >> pushed >> watched
    [booked, valued, pushed, watched] >> taken
    [booked, valued, pushed, watched, taken] >> report_failed()


manage_fund()
