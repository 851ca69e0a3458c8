"""The two boundary checks as the DAGs call them."""

from __future__ import annotations

from leverageguard import config
from leverageguard.quality import (
    arrivals,
    departures,
    pages,
    quarantine,
    recording,
    suites,
    validator,
)
from leverageguard.quality.failures import ExpectationsFailed


def check_arrivals() -> dict[str, int]:
    """Hold every raw file that changed since it last passed against its suite.

    Returns counts: suites, files and rows looked at, and rows in quarantine. Failing rows are
    moved to quarantine, the claims resting on them become undetermined, and ExpectationsFailed
    names them. A row that is fetched again after that is taken out again without an alarm.
    """
    settings = config.load()
    checked = arrivals.check(settings, _suites(settings, "arrivals"))
    recording.record_quarantine(settings)
    in_quarantine = len(quarantine.listing(settings))
    if checked.failures:
        show(settings)
        raise ExpectationsFailed(
            checked.failures,
            f"{checked.moved} row(s) moved to {settings.quarantine_dir}, which now holds "
            f"{in_quarantine}: claims resting on them stay undetermined and the next run goes on. "
            "A failing row that was not moved stops every run until it is landed right",
        )
    return {
        "suites": checked.suites,
        "files": checked.files,
        "rows": checked.rows,
        "quarantined": in_quarantine,
    }


def check_departures() -> dict[str, int]:
    """Hold the payouts and batches in the private warehouse against their suites.

    Returns counts of suites and rows. Raises ExpectationsFailed naming the rows; then nothing is
    published and nothing leaves for the chain.
    """
    settings = config.load()
    checked = departures.check(settings, _suites(settings, "departures"))
    if checked.failures:
        show(settings)
        raise ExpectationsFailed(checked.failures, "nothing was published and nothing will be paid")
    return {"suites": checked.suites, "rows": checked.rows}


def _suites(settings: config.Settings, boundary: str) -> list[suites.Suite]:
    return suites.load(settings.repo_dir / "expectations" / boundary)


def show(settings: config.Settings | None = None) -> None:
    """Write the data-quality pages of the results that are kept.

    It takes longer than most checks, so no claim waits for it: a check that fails shows itself at
    once, what passed is shown with the reports.
    """
    settings = settings or config.load()
    validator.write_docs(settings)
    folder = settings.pages_dir / "quality"
    days = recording.days(settings, pages.TREND_DAYS)
    pages.build(folder, validator.results_dir(settings), quarantine.counts(settings), days)
