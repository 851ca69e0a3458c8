from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from leverageguard import config
from leverageguard.quality import suites

GOOD = {
    "suite": "arrivals.fills",
    "table": "exchanges/fills",
    "keys": ["order_id"],
    "expectations": [
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "order_id"},
            "meta": {"reason": "a fill belongs to an order"},
        }
    ],
}


def load(folder: Path, **changed: object) -> suites.Suite:
    content = {name: value for name, value in {**GOOD, **changed}.items() if value is not None}
    (folder / "fills.yaml").write_text(yaml.safe_dump(content))
    (suite,) = suites.load(folder)
    return suite


def test_load__good_file__is_read_as_data(tmp_path):
    suite = load(tmp_path, window={"endpoint": "endpoint", "account": "account_id"})
    assert (suite.name, suite.table, suite.keys) == (
        "arrivals.fills",
        "exchanges/fills",
        ("order_id",),
    )
    assert suite.window == suites.Window("endpoint", "account_id")
    assert not suite.stops


def test_load__money_record__stops(tmp_path):
    assert load(tmp_path, on_failure="stop").stops


def test_load__content_changed__is_another_definition(tmp_path):
    assert load(tmp_path).definition != load(tmp_path, keys=["fill_id"]).definition


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"on_failure": "ignore"}, "on_failure"),
        ({"expectation": []}, "expectation"),
        ({"query": "select 1"}, "table and query"),
        ({"table": None}, "table and query"),
        ({"keys": None}, "keys"),
        ({"window": {"endpoint": "endpoint"}}, "account"),
        ({"expectations": [{"type": "t", "kwargs": {}, "meta": {}}]}, "meta.reason"),
        ({"expectations": [{"type": "t", "kwargs": {}}]}, "meta.reason"),
    ],
)
def test_load__bad_file__is_refused_naming_file_and_field(tmp_path, changed, named):
    with pytest.raises(suites.SuiteError, match=named) as refused:
        load(tmp_path, **changed)
    assert "fills.yaml" in str(refused.value)


def test_load__folder_without_suites__is_refused(tmp_path):
    with pytest.raises(suites.SuiteError, match="lets anything pass"):
        suites.load(tmp_path)


@pytest.mark.parametrize("boundary", ["arrivals", "departures"])
def test_load__committed_suites__are_read_and_named_after_their_boundary(boundary):
    found = suites.load(config.REPO_DIR / "expectations" / boundary)
    assert all(suite.name.startswith(f"{boundary}.") for suite in found)
    assert len({suite.name for suite in found}) == len(found)
