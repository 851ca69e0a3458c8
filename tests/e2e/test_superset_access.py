"""Who may do what in Superset, asked over HTTP as each of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e import superset_server
from tests.e2e.superset_server import FORBIDDEN, Running, query, send, session

pytestmark = pytest.mark.slow

USERS = ("viewer", "operator", "auditor")
LIMIT_S = 3
TABLES = """
create table fct_secrets as select 'nobody else' as told;
create table rpt_claims_funnel as select 1 as stage_order, 'notified' as stage,
    3::bigint as claim_count, 0::bigint as amount_micro_usdc, 0::decimal(38, 6) as amount_usdc;
"""
# Each is refused to everybody, administrators too.
TRICKS = [
    "select * from read_text('/etc/passwd')",
    "select * from read_csv('/etc/passwd')",
    "select * from read_blob('/etc/passwd')",
    "select * from read_parquet('{serve}/*/*.parquet')",
    "select * from glob('/etc/*')",
    "select * from sniff_csv('/etc/passwd')",
    "select * from '/etc/passwd'",
    "select * from '{data}/rows.csv'",
    "select * from query('select content from read_text(''/etc/passwd'')')",
    "select (select content from read_text('/etc/passwd'))",
    "with a as (select * from read_text('/etc/passwd')) select * from a",
    "attach '/tmp/another.duckdb' as another",
    "attach '{data}/superset/superset.db' as meta (type sqlite)",
    "select * from sqlite_scan('{data}/superset/superset.db', 'ab_user')",
    "select * from postgres_scan('host=127.0.0.1', 'public', 'x')",
    "copy (select 1) to '{data}/out.csv'",
    "copy rpt_claims_funnel to '{data}/out.csv'",
    "export database '{data}/out.csv'",
    "import database '/tmp'",
    "install httpfs",
    "load httpfs",
    "set memory_limit = '10GB'",
    "set enable_external_access = true",
    "reset lock_configuration",
    "pragma enable_profiling",
    "pragma database_list",
    "pragma profiling_output = '{data}/out.csv'",
    "call enable_logging(storage_path = '{data}/out.csv')",
    "select * from enable_logging(storage_path = '{data}/out.csv')",
    "select getenv('LEVERAGEGUARD_DATA')",
    "select write_log('a line of our log')",
    "insert into rpt_claims_funnel values (9, 'x', 1, 1, 1)",
    "update rpt_claims_funnel set claim_count = 0",
    "delete from rpt_claims_funnel",
    "drop table rpt_claims_funnel",
    "create table mine as select 1 as one",
    "create temp table mine as select 1 as one",
    "create macro mine() as 1",
    "create secret mine (type s3)",
    "select 1; insert into rpt_claims_funnel values (9, 'x', 1, 1, 1)",
    "select 1; attach '/tmp/another.duckdb' as another",
    "explain analyze select 1",
    "checkpoint",
    "vacuum",
]


@pytest.fixture(scope="module")
def superset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    data = tmp_path_factory.mktemp("superset")
    limit = {"LEVERAGEGUARD_SUPERSET_QUERY_SECONDS": str(LIMIT_S)}
    with superset_server.served(data, limit) as running:
        superset_server.publish(running.settings, TABLES)
        (data / "rows.csv").write_text("user,told\nroot:,1\n")
        yield running


@pytest.fixture(scope="module")
def people(superset: Running) -> dict[str, requests.Session]:
    return {user: session(superset, user) for user in ("admin", *USERS)}


def rows(answer: requests.Response) -> list[dict[str, Any]]:
    assert answer.status_code == requests.codes.ok, answer.text
    return list(answer.json()["data"])


@pytest.mark.parametrize("user", ["admin", "operator", "auditor"])
@pytest.mark.parametrize("sql", TRICKS)
def test_sql_lab__more_than_asking_for_rows__is_refused(
    superset: Running, people: dict[str, requests.Session], user: str, sql: str
) -> None:
    data, serve = superset.settings.data_dir, superset.settings.serve_dir
    answer = query(people[user], superset, sql.format(data=data, serve=serve))
    assert answer.status_code != requests.codes.ok, answer.text
    assert "CSRF" not in answer.text
    assert "root:" not in answer.text
    assert not Path("/tmp/another.duckdb").exists()
    assert not (data / "out.csv").exists()
    after = query(people[user], superset, "select count(*) as n from rpt_claims_funnel")
    assert rows(after) == [{"n": 1}]


@pytest.mark.parametrize("user", ["operator", "auditor"])
def test_sql_lab__operator_and_auditor__ask_every_table(
    superset: Running, people: dict[str, requests.Session], user: str
) -> None:
    asked = query(people[user], superset, "select told, n from fct_secrets, range(2) as t (n)")
    assert rows(asked) == [{"told": "nobody else", "n": 0}, {"told": "nobody else", "n": 1}]
    found = people[user].get(
        f"{superset.url}/api/v1/database/1/tables/?q=(schema_name:main)", timeout=60
    )
    assert "fct_secrets" in {each["value"] for each in found.json()["result"]}
    columns = people[user].get(
        f"{superset.url}/api/v1/database/1/table_metadata/?name=fct_secrets&schema=main", timeout=60
    )
    assert [each["name"] for each in columns.json()["columns"]] == ["told"]


def test_sql_lab__viewer__has_none(superset: Running, people: dict[str, requests.Session]) -> None:
    opened = people["viewer"]
    assert query(opened, superset, "select 1").status_code == requests.codes.forbidden
    page = opened.get(f"{superset.url}/sqllab/", timeout=60)
    assert page.status_code == requests.codes.forbidden


def test_query__over_its_time__is_ended_and_others_go_on(
    superset: Running, people: dict[str, requests.Session]
) -> None:
    heavy = "select count(*) from range(10000000) a, range(10000000) b where hash(a, b) % 7 = 3"
    answers: list[requests.Response] = []
    began = time.monotonic()
    asked = threading.Thread(
        target=lambda: answers.append(query(people["operator"], superset, heavy))
    )
    asked.start()
    assert rows(query(people["auditor"], superset, "select 1 as one")) == [{"one": 1}]
    assert asked.is_alive()
    asked.join(timeout=60)
    assert LIMIT_S <= time.monotonic() - began < LIMIT_S + 10
    assert f"longer than {LIMIT_S} s" in answers[0].text


# (method, path, body, who may): ids are those of the first import.
CHANGES = [
    ("PUT", "dashboard/1", {"css": ""}, {"operator"}),
    ("PUT", "chart/1", {"description": "said by the test"}, {"operator"}),
    ("POST", "dashboard/", {"dashboard_title": "made by the test"}, {"operator"}),
    ("DELETE", "dashboard/1/favorites/", None, set(USERS)),
    ("PUT", "dataset/1", {"description": "x"}, set()),
    ("DELETE", "dataset/1", None, set()),
    ("POST", "dataset/", {"database": 1, "schema": "main", "table_name": "fct_secrets"}, set()),
    ("PUT", "database/1", {"allow_dml": True}, set()),
    ("DELETE", "database/1", None, set()),
    ("POST", "database/", {"database_name": "x", "sqlalchemy_uri": "sqlite:////tmp/x"}, set()),
    ("POST", "database/test_connection/", {"sqlalchemy_uri": "sqlite:////tmp/x"}, set()),
    ("POST", "security/guest_token/", {"user": {}, "resources": [], "rls": []}, set()),
    ("POST", "dashboard/1/embedded", {"allowed_domains": []}, set()),
    ("DELETE", "dashboard/1/embedded", None, set()),
    ("POST", "rowlevelsecurity/", {"name": "x", "clause": "1=1", "tables": [1]}, set()),
    ("POST", "theme/", {"theme_name": "x", "json_data": "{}"}, set()),
    ("POST", "tag/", {"name": "x"}, set()),
    ("POST", "cachekey/invalidate", {}, set()),
    ("POST", "saved_query/", {"label": "x", "sql": "select 1", "db_id": 1}, {"operator"}),
]


@pytest.mark.parametrize(("method", "path", "body", "allowed"), CHANGES, ids=lambda each: str(each))
@pytest.mark.parametrize("user", USERS)
def test_change__by_role__is_made_or_refused(
    superset: Running, people: dict[str, requests.Session], user: str,
    method: str, path: str, body: dict[str, Any] | None, allowed: set[str],
) -> None:  # fmt: skip
    answer = send(people[user], superset, method, path, json=body)
    if user in allowed:
        assert answer.ok, answer.text
    else:
        assert answer.status_code in FORBIDDEN, (answer.status_code, answer.text)


def test_roles__nobody_but_the_administrator__sees_users_and_only_the_auditor_logs(
    superset: Running, people: dict[str, requests.Session]
) -> None:
    seen = {
        user: {
            path
            for path in ("log/", "security/users/", "security/roles/", "query/", "dashboard/")
            if opened.get(f"{superset.url}/api/v1/{path}", timeout=60).ok
        }
        for user, opened in people.items()
        if user != "admin"
    }
    assert seen == {
        "viewer": {"dashboard/"},
        "operator": {"dashboard/", "query/"},
        "auditor": {"dashboard/", "query/", "log/"},
    }
