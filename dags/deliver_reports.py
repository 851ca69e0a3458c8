"""Write report files of the days that are over, or of a range that is asked for, and deliver them.

Reads    serve/current (the published snapshot)
Writes   reports/<name>/ (HTML, PDF, XLSX, JSON, CSV, Parquet, manifest.json), and a copy of it
         where LEVERAGEGUARD_REPORTS_TO says; mails it to LEVERAGEGUARD_REPORTS_EMAIL
Re-run   safe: a report of days that are over stays as it was written; one that is asked for by
         kind and day is written anew; a letter goes out once
Backfill not needed: every run writes what is missing. Any range: trigger it with kind `range`,
         from and to
On fail  the message names the field or the place of delivery; no half report is left. Without
         the connection leverageguard_smtp letters wait
"""

import pendulum
from airflow.sdk import Asset, Param, dag, task

PUBLISHED = Asset("leverageguard://serve/current")
DAY = "UTC day, as in 2026-01-31"
SMTP = "leverageguard_smtp"
FORMATS = ["html", "pdf", "xlsx", "json", "csv", "parquet"]
KINDS = ["", "daily", "weekly", "monthly", "range"]


@dag(
    schedule=[PUBLISHED],
    start_date=pendulum.datetime(2025, 1, 1, tz="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args={"owner": "pool-operator", "retries": 1},
    params={
        "kind": Param("", enum=KINDS, description="empty: every report that is due"),
        "from": Param("", type="string", description=DAY),
        "formats": Param(FORMATS, type="array", items={"enum": FORMATS}, description="files of it"),
        "to": Param("", type="string", description=f"{DAY}; of a range alone"),
    },
    tags=["reports"],
    doc_md=__doc__,
)
def deliver_reports():
    @task
    def write_reports(params: dict) -> list[str]:
        from leverageguard import giving_way
        from leverageguard.reporting import steps

        giving_way.give_way()
        return steps.write_asked(params) if params["kind"] else steps.write_due()

    @task(retries=3, retry_delay=pendulum.duration(minutes=1))
    def deliver(names: list[str]) -> list[str]:
        from leverageguard.reporting import steps

        return steps.deliver(names)

    @task(retries=3, retry_delay=pendulum.duration(minutes=1), retry_exponential_backoff=True)
    def mail(names: list[str]) -> list[str]:
        from airflow.providers.smtp.hooks.smtp import SmtpHook
        from airflow.sdk.exceptions import AirflowNotFoundException

        from leverageguard.reporting import steps

        if not steps.letters(names):
            return []
        try:
            SmtpHook.get_connection(SMTP)
        except AirflowNotFoundException:
            return steps.no_mail_server(SMTP)
        with SmtpHook(smtp_conn_id=SMTP) as hook:
            return steps.mail(
                lambda letter: hook.send_email_smtp(
                    to=list(letter.to),
                    subject=letter.subject,
                    html_content=letter.html,
                    files=[str(path) for path in letter.files],
                )
            )

    written = write_reports()
    deliver(written)
    mail(written)


deliver_reports()
