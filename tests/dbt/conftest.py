"""One dbt build of the small world for the whole folder; tests read what it made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from leverageguard import clock, config
from leverageguard.warehouse import connect, dbt_runner
from tests.dbt import small_world
from tests.dbt.dbt_world import DbtWorld

Query = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="session")
def dbt_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder of the session; dbt parses the project once in it."""
    return tmp_path_factory.mktemp("dbt")


@pytest.fixture(scope="session")
def small(dbt_data: Path) -> Iterator[DbtWorld]:
    """The small world, landed and built."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEVERAGEGUARD_DATA", str(dbt_data / "small"))
        world = DbtWorld(config.load(), hours=48)
        clock.set_world(world.start + 48 * small_world.HOUR)
        small_world.build(world)
        world.land()
        dbt_runner.build("fqn:*")  # by dbt itself, for other ways to be held against
        yield world


@pytest.fixture(scope="session")
def query(small: DbtWorld) -> Query:
    """Rows of the built warehouse of the small world."""

    def ask(sql: str, *parameters: Any) -> list[dict[str, Any]]:
        return connect.rows(small.settings.warehouse_path, sql, list(parameters))

    return ask


@pytest.fixture(scope="session")
def claims(query: Query) -> dict[str, list[dict[str, Any]]]:
    """Claims of the small world by the label of their policy, oldest first."""
    by_case: dict[str, list[dict[str, Any]]] = {}
    for row in query("select * from fct_claims order by notified_at, claim_id"):
        by_case.setdefault(row["policy_reference"], []).append(row)
    return by_case
