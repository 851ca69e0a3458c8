"""The project's shape: names, layers, descriptions and the tests that money rules must have."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from leverageguard.config import REPO_DIR
from leverageguard.warehouse.raw_tables import RAW_TABLES

BIN = Path(sys.executable).parent
NAMES = {
    "staging": r"stg_[a-z]+__[a-z_]+s",
    "intermediate": r"int_[a-z_]+s__[a-z_]+",
    "marts": r"(fct|dim)_[a-z_]+",
    "reports": r"rpt_[a-z_]+",
}
# The big tables are deduplicated, and their key tested, for the accounts that matter alone.
LATER_KEYED = {
    "int_orders__deduplicated": "stg_exchanges__orders",
    "int_fills__deduplicated": "stg_exchanges__fills",
    "int_ledger_entries__deduplicated": "stg_exchanges__ledger_entries",
    "int_positions__deduplicated": "stg_exchanges__positions",
    "int_candles__deduplicated": "stg_exchanges__candles",
}
# Reports are for people to look at, and so is this mart; no decision reads them.
SHOWN_ALONE = {"fct_covers"}
# What a layer may read; sources are for staging alone.
READS = {
    "staging": set(),
    "intermediate": {"staging", "intermediate", "seeds"},
    "marts": {"staging", "intermediate", "marts", "seeds"},
    "reports": {"marts", "reports"},
}
MAX_LINES = {"staging": 60, "intermediate": 150, "marts": 120, "reports": 150}
DECIDES_MONEY = re.compile(
    r"int_claim_checks__(?!unioned|ordered)|int_claims__(opened|decided)|int_payouts__|"
    r"int_closes__|int_position_legs__|int_policies__|fct_claims$|fct_payout_|int_pool_movements__|"
    r"int_batches__|fct_reconciliation"
)


@pytest.fixture(scope="module")
def manifest(small: Any) -> dict[str, Any]:
    path = small.settings.data_dir / "dbt" / "target" / "manifest.json"
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


@pytest.fixture(scope="module")
def models(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]


def layer(node: dict[str, Any]) -> str:
    return "seeds" if node["resource_type"] == "seed" else str(node["fqn"][1])


def test_models__every__is_named_after_its_layer(models):
    wrong = [m["name"] for m in models if not re.fullmatch(NAMES[layer(m)], m["name"])]

    assert wrong == []


def test_models__every__reads_only_the_layers_below(models, manifest):
    wrong = [
        f"{model['name']} reads {parent}"
        for model in models
        for parent in model["depends_on"]["nodes"]
        if (parent.startswith("source.") and layer(model) != "staging")
        or (parent in manifest["nodes"]
            and layer(manifest["nodes"][parent]) not in READS[layer(model)])
    ]  # fmt: skip

    assert wrong == []


def test_models__every__says_what_one_row_is(models):
    wrong = [m["name"] for m in models if not m["description"].startswith("One row per ")]

    assert wrong == []


def test_marts_and_reports__every_column__is_documented_and_no_other(models, query):
    for model in models:
        if layer(model) not in ("marts", "reports") or not model["columns"]:
            continue
        built = {row["column_name"] for row in query(f"describe {model['name']}")}
        assert set(model["columns"]) == built, model["name"]
        assert all(column["description"] for column in model["columns"].values()), model["name"]


def test_models__that_decide_money__have_a_unit_test(models, manifest):
    tested = {test["model"] for test in manifest["unit_tests"].values()}
    wanted = {m["name"] for m in models if DECIDES_MONEY.match(m["name"])}

    assert wanted - tested == set()


def test_staging__every_model__has_an_exact_key_under_test_here_or_once_filtered(models, manifest):
    keyed = {
        parent
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and node.get("test_metadata", {}).get("name") == "unique_combination"
        for parent in node["depends_on"]["nodes"]
    }
    unkeyed = {m["name"] for m in models if layer(m) == "staging" and m["unique_id"] not in keyed}
    later = {m["name"] for m in models if m["unique_id"] in keyed and m["name"] in LATER_KEYED}

    assert unkeyed == set(LATER_KEYED.values())
    assert later == set(LATER_KEYED)


def test_sources__declare_what_is_landed_and_nothing_else(manifest):
    declared = {
        re.search(r"/([a-z_]+)/\w+/\*/\*", source["config"]["meta"]["external_location"].format(
            name=source["name"]))[1] + "/" + source["name"]
        for source in manifest["sources"].values()
    }  # fmt: skip

    assert declared == set(RAW_TABLES) - {"exchanges/replies"}


def test_singular_tests__every__names_the_harm_it_catches():
    wrong = [
        path.name
        for path in (REPO_DIR / "dbt_project" / "tests").glob("*.sql")
        if not path.read_text().startswith("-- Harm: ")
    ]

    assert wrong == []


def test_models__every__stay_readable_in_one_sitting(models):
    wrong = [m["name"] for m in models if len(m["raw_code"].splitlines()) > MAX_LINES[layer(m)]]

    assert wrong == []


def test_sql__one_row_of_all_is_taken_by_limit(models):
    """DuckDB 1.5.5 may make a row of nulls of none where a window over everything is filtered."""
    window = r"\b(row_number|rank|dense_rank)\(\)\s+over\s*\(\s*order\s+by[^()]*\)\s*<?="
    wrong = [m["name"] for m in models if re.search(window, m["raw_code"])]

    assert wrong == []


def test_sql__no_division_or_float_where_money_is_decided(models):
    code = {
        m["name"]: re.sub(r"--.*", "", m["raw_code"])
        for m in models
        if layer(m) != "reports" and m["name"] not in SHOWN_ALONE
    }
    wrong = [
        name
        for name, text in code.items()
        if re.search(r"(?<!/)/(?!/)(?![^']*'[^']*$)|\bavg\(|::double|::float|\bround\(", text, re.M)
        and "'/'" not in text
    ]

    assert wrong == []


@pytest.mark.slow
def test_unit_tests__all__pass(small):
    environment = {
        **os.environ,
        "LEVERAGEGUARD_RAW": str(small.settings.raw_dir),
        "LEVERAGEGUARD_WAREHOUSE": str(small.settings.warehouse_path),
    }
    project = REPO_DIR / "dbt_project"
    target = small.settings.data_dir / "dbt" / "unit"
    done = subprocess.run(
        [BIN / "dbt", "--no-use-colors", "test", "--select", "test_type:unit",
         "--project-dir", project, "--profiles-dir", project,
         "--target-path", target, "--log-path", target],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-8000:]
    assert re.search(r"PASS=(\d+)", done.stdout)[1] != "0"


@pytest.mark.slow
def test_sqlfluff__whole_project__is_clean():
    done = subprocess.run(
        [BIN / "sqlfluff", "lint", "dbt_project/models", "dbt_project/tests"],
        cwd=REPO_DIR, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout


def test_docs__static__is_one_page_that_knows_every_model(small, models):
    from leverageguard.warehouse import dbt_runner

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEVERAGEGUARD_DATA", str(small.settings.data_dir))
        page = dbt_runner.docs().read_text()

    assert page.lstrip().lower().startswith("<!doctype html>")
    assert [m["name"] for m in models if m["name"] not in page] == []


def test_models__that_people_look_at_alone__no_decision_reads(models):
    shown = {m["name"] for m in models if layer(m) == "reports"} | SHOWN_ALONE
    reading = {
        m["name"]: shown.intersection(name.rsplit(".", 1)[-1] for name in m["depends_on"]["nodes"])
        for m in models
        if layer(m) != "reports"
    }

    assert {name: read for name, read in reading.items() if read} == {}
