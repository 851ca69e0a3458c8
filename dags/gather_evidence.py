"""Say that an hour's evidence is all there, once each of the four sources has landed.

Reads    nothing: it waits for ingest_exchanges, ingest_markets, ingest_chain and ingest_claims
Writes   nothing: its event starts build_claims
Re-run   starts build_claims again
Backfill not needed: every build decides over all evidence landed so far
On fail  Airflow's own fault: clear the task
"""

import pendulum
from airflow.sdk import Asset, dag, task

EXCHANGES = Asset("leverageguard://raw/exchanges")
MARKETS = Asset("leverageguard://raw/markets")
CHAIN = Asset("leverageguard://raw/chain")
CLAIMS = Asset("leverageguard://raw/claims")
EVIDENCE = Asset("leverageguard://raw/evidence")


# Of its own: a run that one event starts takes all that are queued for its DAG with it, and a
# build that a filing starts in the middle of the hour must not use up what the hour waits for.
@dag(
    schedule=EXCHANGES & MARKETS & CHAIN & CLAIMS,
    start_date=pendulum.datetime(2025, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "pool-operator", "retries": 2},
    tags=["ingest"],
    doc_md=__doc__,
)
def gather_evidence():
    @task(outlets=[EVIDENCE])
    def gather() -> None:
        """All four have landed."""

    gather()


gather_evidence()
