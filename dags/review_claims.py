"""Ask people about what rules leave open: held claims, appeals and batches over the limit.

Reads    the published snapshot, claims, verdicts and proposals of the store
Writes   the store's reviews and answers, actions on claims, then raw/intake/claim_actions
Re-run   safe: the same run asks the same again; an answered question is not asked, an ended review
         stays as it ended
Backfill not meaningful: every run asks all that waits and is not asked already
On fail  README, "A claim or a batch waits for people". A question that nobody answered in time is
         red; its subject is asked again by the next run
"""

import pendulum
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Asset, Param, dag, get_current_context, task, task_group
from airflow.sdk.exceptions import AirflowSkipException

APPROVED = Asset("leverageguard://marts/fct_payout_batches")
RECEIPTS = Asset("leverageguard://raw/chain_receipts")
DECISIONS = Asset("leverageguard://raw/decisions")


class Question(HITLOperator):
    """One question of a review: what it shows, and to whom, is looked up when it is asked.

    Run and map index say which review it is, so nothing that passes between tasks can exchange it.
    """

    def __init__(self, *, step: int, **settings) -> None:
        super().__init__(
            subject=f"Question {step}",
            options=["Approve", "Reject", "Verify again"],
            params={"reason": Param("", type="string", description="Why. It must be given")},
            **settings,
        )
        self.step = step

    def execute(self, context):
        """Ask, or skip what needs no answer any more."""
        from leverageguard.claims import review_steps

        form = review_steps.form(context["run_id"], context["ti"].map_index, self.step)
        if form is None:
            raise AirflowSkipException("no answer is needed, or nobody may give one")
        self.subject, self.body = form.subject, form.body
        self.assigned_users = [{"id": user, "name": user} for user in form.users]
        self.response_timeout = form.patience
        return super().execute(context)

    def execute_complete(self, context, event):
        """Keep the answer, whatever becomes of the run."""
        from leverageguard.claims import review_steps

        if "error" not in event:
            review_steps.answer(context["run_id"], context["ti"].map_index, self.step, event)
        return super().execute_complete(context, event)


@dag(
    schedule=APPROVED | RECEIPTS,  # held claims are published, batches proposed by settle_payouts
    start_date=pendulum.datetime(2025, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=200,  # a run waits for people for days and must not keep the next one waiting
    default_args={"owner": "pool-operator", "retries": 0},
    tags=["claims", "people"],
    doc_md=__doc__,
)
def review_claims():
    @task
    def open_reviews() -> list[str]:
        from leverageguard import giving_way
        from leverageguard.claims import review_steps

        giving_way.give_way()
        run = get_current_context()["dag_run"]
        return review_steps.open_reviews(run.run_id, getattr(run, "triggering_user_name", None))

    @task(outlets=[DECISIONS], trigger_rule="all_done")
    def record() -> str:
        from leverageguard.claims import review_steps
        from leverageguard.notifications import alerts

        context = get_current_context()
        ended = review_steps.record(context["run_id"], context["ti"].map_index)
        alerts.tell_of_review(ended)
        if not ended.is_decided:
            raise AirflowSkipException(f"{ended.review_id}: {ended.state}, asked again later")
        return ended.state

    @task_group
    def review(review_id: str):
        first = Question(step=1, task_id="ask_first")
        second = Question(step=2, task_id="ask_second", trigger_rule="all_done")
        first >> second >> record()

    review.expand(review_id=open_reviews())


review_claims()
