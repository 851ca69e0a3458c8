"""The models run in memory give, row for row, what a dbt build gives."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from leverageguard.warehouse import connect, landing, model_runner, raw_tables
from leverageguard.warehouse.model_runner import Models
from tests.dbt.dbt_world import DbtWorld

pytestmark = pytest.mark.slow
MARTS = {
    "fct_claims": "main",
    "fct_claim_checks": "main",
    "fct_payout_items": "main",
    "int_payouts__limited": "intermediate",
}


@pytest.fixture(scope="session")
def models(small: DbtWorld) -> Models:
    return model_runner.compiled(small.settings)


def answers(connection: Any) -> dict[str, list[tuple[Any, ...]]]:
    return {
        mart: connection.execute(f"select * from {schema}.{mart} order by all").fetchall()
        for mart, schema in MARTS.items()
    }


def built(small: DbtWorld) -> dict[str, list[tuple[Any, ...]]]:
    with connect.read_only(small.settings.warehouse_path) as connection:
        return answers(connection)


def rows_of(small: DbtWorld) -> dict[str, list[dict[str, Any]]]:
    return {path: landing.scan(small.settings, path) for path in raw_tables.RAW_TABLES}


def test_run__over_the_raw_folder__equals_the_build(small, models):
    with model_runner.connect() as connection:
        models.run(connection, MARTS, raw_dir=small.settings.raw_dir)

        assert answers(connection) == built(small)


def test_run__over_rows_in_memory__equals_the_build(small, models):
    rows = rows_of(small)
    with model_runner.connect() as connection:
        model_runner.land(connection, rows)
        models.run(connection, MARTS)

        assert answers(connection) == built(small)


def test_run__a_model_given_by_a_query__is_that_and_what_it_reads_is_not_made(models):
    query = "select 'c' as claim_id, 'w' as wallet"
    with model_runner.connect() as connection:
        model_runner.land(connection, {})
        models.run(connection, ["fct_reconciliation"], given={"int_claims__decided": query})
        made = {
            name
            for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()
        }

        assert connection.execute("select * from intermediate.int_claims__decided").fetchall() == [
            ("c", "w")
        ]
    assert "fct_reconciliation" in made
    assert not [name for name in made if name.startswith(("fct_claim", "stg_exchanges"))]


def test_replace_seed__other_thresholds__are_what_the_models_read(small, models):
    with model_runner.connect() as connection:
        model_runner.land(connection, rows_of(small))
        path = small.settings.dbt_dir / "seeds" / "check_thresholds.csv"
        names, *lines = [line.split(",") for line in path.read_text().splitlines()]
        changed = [
            {**dict(zip(names, line, strict=True)), "evidence_margin_seconds": "172800"}
            for line in lines
        ]
        models.replace_seed(connection, "check_thresholds", changed)
        models.run(connection, ["fct_claims"])

        verdicts = connection.execute("select distinct verdict from fct_claims").fetchall()
    assert ("verified",) not in verdicts


def test_compiled__second_time__is_read_from_the_cache(small, models, monkeypatch):
    monkeypatch.setattr(model_runner, "_compile", lambda *_: pytest.fail("compiled again"))

    assert model_runner.compiled(small.settings) == models


def test_compiled__another_rules_version__is_compiled_anew(small, models):
    other = model_runner.compiled(small.settings, {"rules_version": "none-v0"})

    assert other.seeds != models.seeds
    assert "none-v0" in other.model("int_closes__marked").sql


def test_compiled__a_model_that_does_not_compile__says_so(small, tmp_path, monkeypatch):
    import shutil
    from dataclasses import replace

    project = tmp_path / "dbt_project"
    shutil.copytree(small.settings.dbt_dir, project)
    broken: Path = project / "models" / "marts" / "claims" / "fct_claims.sql"
    broken.write_text("select * from {{ ref('nothing') }}")
    settings = replace(small.settings, repo_dir=tmp_path, data_dir=tmp_path / "data")

    with pytest.raises(model_runner.DbtFailed, match="nothing"):
        model_runner.compiled(settings)
    assert not list((tmp_path / "data" / "dbt" / "compiled").glob("*"))
