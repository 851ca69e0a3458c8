"""The check on what leaves for the chain: payouts and batches of the private warehouse."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leverageguard import config
from leverageguard.quality import recording, validator
from leverageguard.quality.arrivals import Checked
from leverageguard.quality.suites import Suite
from leverageguard.quality.validator import Job
from leverageguard.warehouse import connect

if TYPE_CHECKING:
    import pandas as pd


def check(settings: config.Settings, suites: list[Suite]) -> Checked:
    """Validate every suite's query; the same rows under the same suites are not judged twice."""
    jobs = [Job(suite, frame) for suite, frame in _frames(settings, suites)]
    checked = Checked(suites=len(jobs), rows=sum(len(job.frame) for job in jobs))
    stamp = _stamp(jobs)
    memory = settings.data_dir / "quality" / "departed.json"
    if _passed(memory) == stamp:
        return checked
    found = validator.validate(settings, jobs)
    checked.failures = [failure for failures in found for failure in failures]
    recording.record_checks(settings, "departures", zip(jobs, found, strict=True))
    if not checked.failures:
        memory.parent.mkdir(parents=True, exist_ok=True)
        memory.write_text(json.dumps({"passed": stamp}))
    return checked


def _frames(settings: config.Settings, suites: list[Suite]) -> list[tuple[Suite, pd.DataFrame]]:
    with connect.trusted(settings.warehouse) as connection:
        connection.execute(f"set search_path = '{_schemas(connection)}'")
        connection.execute(f"set variable max_batch_size = {settings.max_batch_size}")
        return [
            (suite, connection.execute(suite.query).to_arrow_table().to_pandas())
            for suite in suites
        ]


def _schemas(connection: Any) -> str:
    """Every schema of the warehouse, so that a suite names a mart whatever schema dbt chose."""
    rows = connection.execute(
        "select distinct table_catalog || '.' || table_schema from information_schema.tables "
        "where table_catalog = current_database() order by 1"
    ).fetchall()
    return ",".join(row[0] for row in rows)


def _stamp(jobs: list[Job]) -> str:
    digest = hashlib.sha256()
    for job in jobs:
        digest.update(job.suite.definition.encode())
        digest.update(job.frame.to_json(orient="split", default_handler=str).encode())
    return digest.hexdigest()


def _passed(memory: Path) -> str | None:
    try:
        return str(json.loads(memory.read_text())["passed"])
    except (FileNotFoundError, KeyError, ValueError):
        return None
