"""Tell traders what became of their claims: received, decided, paid, appealed.

Reads    moves of claims, contacts and payouts of the store
Writes   the store's notifications; calls webhooks and the SMTP server
Re-run   safe: what was sent is not sent again; what was not is tried again, at least once each
Backfill not meaningful: every run sends all that waits
On fail  README, "Traders are told". Without the connection leverageguard_smtp e-mails wait
"""

import pendulum
from airflow.sdk import Asset, dag, task

APPROVED = Asset("leverageguard://marts/fct_payout_batches")
RECEIPTS = Asset("leverageguard://raw/chain_receipts")
SMTP = "leverageguard_smtp"


@dag(
    schedule=APPROVED | RECEIPTS,
    start_date=pendulum.datetime(2025, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "pool-operator", "retries": 1},
    tags=["claims", "people"],
    doc_md=__doc__,
)
def notify_traders():
    @task
    def fill() -> int:
        from leverageguard import giving_way
        from leverageguard.notifications import steps

        giving_way.give_way()
        return steps.fill()

    @task
    def send_webhooks() -> dict[str, int]:
        from leverageguard.notifications import steps

        return steps.send_webhooks()

    @task
    def send_emails() -> dict[str, int]:
        from airflow.providers.smtp.hooks.smtp import SmtpHook
        from airflow.sdk.exceptions import AirflowNotFoundException

        from leverageguard.notifications import steps

        if not steps.waiting_emails():
            return {"waiting": 0}
        try:
            SmtpHook.get_connection(SMTP)
        except AirflowNotFoundException:
            return steps.no_mail_server(SMTP)
        with SmtpHook(smtp_conn_id=SMTP) as hook:
            return steps.send_emails(
                lambda mail: hook.send_email_smtp(
                    to=mail.to,
                    subject=mail.subject,
                    html_content=mail.html,
                    custom_headers={"X-LeverageGuard-Delivery": mail.notification_id},
                )
            )

    fill() >> [send_webhooks(), send_emails()]


notify_traders()
