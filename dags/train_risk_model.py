"""Fit, judge and, if one is better beyond doubt, promote the models of liquidation chances.

Reads    the published snapshot (fct_risk_features, fct_price_extremes); SIMULATED paths while
         fewer than 60 days are published
Writes   <data>/risk (rows, model cards, plots, drift), the store's register of models,
         raw/risk/* as the register has it
Re-run   safe: the same rows give the same models, which are registered once
Backfill not needed: every run judges over all days published so far
On fail  the model that priced before goes on pricing; the message names the step
"""

import pendulum
from airflow.sdk import CronTriggerTimetable, dag, task


@dag(
    # It waits for the next Monday instead of making up for the last one.
    schedule=CronTriggerTimetable(
        "0 4 * * 1", timezone="UTC", run_immediately=pendulum.duration(seconds=1)
    ),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "pool-operator", "retries": 0},
    tags=["risk", "models"],
    doc_md=__doc__,
)
def train_risk_model():
    @task
    def collect_rows() -> str:
        from leverageguard.risk import training

        return training.collect()

    @task(max_active_tis_per_dag=1)
    def judge_candidate(kind: str, name: str) -> str:
        from leverageguard.risk import training

        return training.compare(name, kind)

    @task
    def promote(versions: list[str]) -> str:
        from leverageguard.risk import training

        return training.promote(versions)

    @task
    def watch_drift(name: str) -> dict[str, int]:
        from leverageguard.risk import training

        return training.watch_drift(name)

    name = collect_rows()
    judged = judge_candidate.partial(name=name).expand(kind=["isotonic", "logistic", "boosting"])
    promote(judged) >> watch_drift(name)


train_risk_model()
