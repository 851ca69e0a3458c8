"""The check on what arrives: changed files against their suites, failing rows into quarantine."""

from __future__ import annotations

from dataclasses import dataclass, field

from leverageguard import config
from leverageguard.quality import landed, quarantine, recording, validator
from leverageguard.quality.failures import Failure
from leverageguard.quality.quarantine import BadRow
from leverageguard.quality.suites import Suite
from leverageguard.quality.validator import Job


@dataclass
class Checked:
    """What one check looked at and found; `moved` counts the rows new in quarantine."""

    suites: int = 0
    files: int = 0
    rows: int = 0
    moved: int = 0
    failures: list[Failure] = field(default_factory=list)


def check(settings: config.Settings, suites: list[Suite]) -> Checked:
    """Validate what changed since it last passed; quarantine what fails."""
    watermark = landed.Watermark(settings)
    changed = {suite.name: watermark.changed(suite) for suite in suites}
    jobs = [
        Job(suite, landed.frame(settings, suite, files))
        for suite in suites
        for files in landed.chunks(settings, list(changed[suite.name]))
    ]
    checked = Checked(
        suites=len({job.suite.name for job in jobs}),
        files=sum(len(files) for files in changed.values()),
        rows=sum(len(job.frame) for job in jobs),
    )
    found = validator.validate(settings, jobs) if jobs else []
    for job, failures in zip(jobs, found, strict=True):
        stamps = changed[job.suite.name]
        touched = _act(settings, job, failures, stamps, checked)
        whole_table = any(not failure.rows for failure in failures)
        files = set() if whole_table else set(job.frame[landed.FILE]) - touched
        watermark.add(job.suite, {file: stamps[file] for file in files})
    # Before the memory of what passed: a check that is killed here is made and told again.
    recording.record_checks(settings, "arrivals", zip(jobs, found, strict=True))
    watermark.save()
    return checked


def _act(
    settings: config.Settings,
    job: Job,
    failures: list[Failure],
    stamps: landed.Stamps,
    checked: Checked,
) -> set[str]:
    """Quarantine one job's failing rows and note what to raise; returns the files they were in.

    A file that was landed again meanwhile is left alone, but its failure is still raised: the
    next check reads the new one.
    """
    bad = _bad_rows(job, failures)
    files = {row.file for row in bad.values()}
    stable = {file for file in files if landed.is_unchanged(settings, file, stamps[file])}
    to_move = {
        number: row for number, row in bad.items() if row.file in stable and not job.suite.stops
    }
    known = quarantine.move(settings, job.suite, list(to_move.values()))
    alarming = {number for number, row in bad.items() if (row.file, row.position) not in known}
    checked.moved += len(alarming & set(to_move))
    for failure in failures:
        if not failure.rows:
            checked.failures.append(failure)
        elif told := failure.only(alarming):
            checked.failures.append(told)
    return files


def _bad_rows(job: Job, failures: list[Failure]) -> dict[int, BadRow]:
    """Frame position → the landed row, with every rule it broke."""
    rules: dict[int, list[Failure]] = {}
    for failure in failures:
        for row in failure.rows:
            rules.setdefault(row, []).append(failure)
    return {
        row: BadRow(
            file=str(job.frame.at[row, landed.FILE]),
            position=int(job.frame.at[row, landed.POSITION]),
            reason="; ".join(failure.reason for failure in broken),
            rule="; ".join(failure.rule for failure in broken),
        )
        for row, broken in rules.items()
    }
