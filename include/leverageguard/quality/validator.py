"""Great Expectations over pandas frames, its results kept for the Data Docs.

Importing Great Expectations takes seconds, so it happens inside the one function that needs it;
a check with nothing new to look at never gets here.
"""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leverageguard import clock, config
from leverageguard.quality.failures import Failure
from leverageguard.quality.suites import Suite

if TYPE_CHECKING:
    import pandas as pd

KEPT_RUNS = 5
_ROW = "_row"
_COLUMN_KWARGS = ("column", "column_A", "column_B")


@dataclass(frozen=True)
class Job:
    """One suite and the frame it is to be held against."""

    suite: Suite
    frame: pd.DataFrame


def results_dir(settings: config.Settings) -> Path:
    """Where the results the Data Docs show are kept."""
    return settings.data_dir / "quality" / "results"


def validate(settings: config.Settings, jobs: list[Job]) -> list[list[Failure]]:
    """For each job the expectations that did not hold; `write_docs` shows the same."""
    results = results_dir(settings)
    context = _context(settings, results)
    suites = {job.suite.name: job.suite for job in jobs}
    registered = {name: _register(context, suite) for name, suite in suites.items()}
    for suite in suites.values():
        _forget_old_runs(results, suite)
    now = datetime.fromtimestamp(clock.now_ms() / 1000, UTC)
    return [
        _run(context, registered[job.suite.name], job, f"{now:%Y%m%dT%H%M%SZ}-{number:03d}")
        for number, job in enumerate(jobs)
    ]


def write_docs(settings: config.Settings) -> None:
    """Write the Data Docs of the results that are kept."""
    _context(settings, results_dir(settings)).build_data_docs()


def _context(settings: config.Settings, results: Path) -> Any:
    """A context that keeps only results on disk: suites are data in the repository."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )

    logging.getLogger("great_expectations").setLevel(logging.WARNING)
    defaults = InMemoryStoreBackendDefaults()
    defaults.stores["validation_results_store"]["store_backend"] = {
        "class_name": "TupleFilesystemStoreBackend",
        "base_directory": str(results),
    }
    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(settings.pages_dir / "quality"),
        },
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    project = DataContextConfig(
        store_backend_defaults=defaults,
        data_docs_sites={"quality": site},
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
    )
    return gx.get_context(project_config=project, mode="ephemeral")


def _register(context: Any, suite: Suite) -> Any:
    import great_expectations as gx

    return context.suites.add(
        gx.ExpectationSuite(name=suite.name, expectations=[dict(e) for e in suite.expectations])
    )


def _run(context: Any, registered: Any, job: Job, run_name: str) -> list[Failure]:
    import great_expectations as gx
    from great_expectations.core.run_identifier import RunIdentifier

    source = context.data_sources.add_pandas(run_name)
    asset = source.add_dataframe_asset(job.suite.name)
    batch = asset.add_batch_definition_whole_dataframe("rows")
    definition = context.validation_definitions.add(
        gx.ValidationDefinition(name=f"{job.suite.name}-{run_name}", data=batch, suite=registered)
    )
    frame = job.frame.reset_index(drop=True)
    result = definition.run(
        batch_parameters={"dataframe": frame.assign(**{_ROW: range(len(frame))})},
        run_id=RunIdentifier(run_name=run_name),
        result_format={
            "result_format": "COMPLETE",
            "unexpected_index_column_names": [_ROW],
            "return_unexpected_index_query": False,
        },
    )
    return [_failure(job.suite, frame, one) for one in result.results if not one.success]


def _failure(suite: Suite, frame: pd.DataFrame, result: Any) -> Failure:
    kwargs = result.expectation_config.kwargs
    columns = [kwargs[name] for name in _COLUMN_KWARGS if name in kwargs]
    rows = [int(entry[_ROW]) for entry in result.result.get("unexpected_index_list") or []]
    return Failure(
        suite=suite.name,
        expectation=result.expectation_config.type,
        columns=tuple(columns or kwargs.get("column_list", ())),
        reason=result.expectation_config.meta["reason"],
        rows=tuple(rows),
        keys=tuple(_key(suite, frame, row) for row in rows),
        error=_error(result.exception_info),
    )


def _key(suite: Suite, frame: pd.DataFrame, row: int) -> str:
    return " ".join(f"{name}={frame.at[row, name]}" for name in suite.keys)


def _error(info: dict[str, Any]) -> str:
    """The message of an expectation that could not be evaluated; one that could has none."""
    entries = [info] if "raised_exception" in info else list(info.values())
    return "; ".join(str(e["exception_message"]) for e in entries if e["raised_exception"])


def _forget_old_runs(results: Path, suite: Suite) -> None:
    runs = sorted(path for path in results.joinpath(*suite.name.split(".")).glob("*"))
    for run in runs[: -(KEPT_RUNS - 1)]:
        shutil.rmtree(run)
