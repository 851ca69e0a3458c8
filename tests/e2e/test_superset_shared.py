"""A Superset of a cluster: metadata in PostgreSQL, caches and a queue in Redis, TLS everywhere."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis
import requests

from leverageguard import config
from leverageguard.cluster_settings import CHARTS, CLIENT, SUPERSET
from leverageguard.dashboards import command as dashboards
from leverageguard.gateway import guest_tokens
from leverageguard.stack import processes, superset
from leverageguard.stack import secrets as stack_secrets
from leverageguard.stack.cluster import certificates, nginx, postgresql
from leverageguard.stack.cluster import redis as redis_server
from tests.e2e import superset_server
from tests.e2e.stacks import free_port_base
from tests.e2e.superset_server import Running, send, session

pytestmark = pytest.mark.slow

FOLDER = config.REPO_DIR / "include" / "superset"
ASYNC_SECONDS = 3
MINE, THEIRS = "0x" + "a1" * 20, "0x" + "b2" * 20


def tables(count: int) -> str:
    """A snapshot's tables; the funnel's figure tells which snapshot it is."""
    return f"""
    create table rpt_claims_funnel as select 1 as stage_order, 'notified' as stage,
        {count}::bigint as claim_count, 0::bigint as amount_micro_usdc,
        0::decimal(38, 6) as amount_usdc;
    create table rpt_wallet_claims as select
        wallet, claim_id, 'pol-1' as policy_reference, 'BTC-USDT-SWAP' as inst_id,
        'long' as position_side, 20::bigint as leverage,
        timestamptz '2026-01-05 01:00:00+00' as notified_at,
        timestamptz '2026-01-05 00:30:00+00' as liquidated_at, 'verified' as verdict,
        'PAID' as claim_state, 'PAID' as payout_state, 7000000::bigint as approved_micro_usdc,
        7::decimal(38, 6) as approved_usdc, 7000000::bigint as paid_micro_usdc,
        7::decimal(38, 6) as paid_usdc, '0xab' as tx_hash
    from (values ('{MINE}', 'clm_mine'), ('{THEIRS}', 'clm_theirs')) as t (wallet, claim_id);
    """


@pytest.fixture(scope="module")
def settings() -> Iterator[config.Settings]:
    """A cluster's in a folder that the servers' users may enter; root alone may enter pytest's."""
    folder = Path(tempfile.mkdtemp(prefix="lg-superset-"))
    folder.chmod(0o711)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEVERAGEGUARD_DATA", str(folder))
        patch.setenv("LEVERAGEGUARD_PORT", str(free_port_base(23_200)))
        patch.setenv("LEVERAGEGUARD_PROFILE", "cluster")
        patch.setenv("LEVERAGEGUARD_SUPERSET_ASYNC_SECONDS", str(ASYNC_SECONDS))
        loaded = config.load()
        patch.setenv("REQUESTS_CA_BUNDLE", str(loaded.ca_file))  # it wins over a session's own
        yield loaded
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def shared(settings: config.Settings) -> Iterator[Running]:
    """A Superset behind its servers, started as `up` starts it."""
    stack_secrets.generate(settings)
    certificates.authority(settings)
    certificates.of_server(settings, superset.NAME)
    certificates.of_client(settings, CLIENT)
    try:
        redis_server.start(settings)
        nginx.start(settings)
        postgresql.create_databases(settings, postgresql.start(settings))
        superset.start(settings)
        superset_server.publish(settings, tables(3))
        superset.wait_ready(settings)
        yield Running(settings, settings.superset_url)
    finally:
        processes.stop_all(settings)


def keys(running: Running, pattern: str) -> list[str]:
    """What Redis holds for Superset under such names."""
    with redis.Redis.from_url(running.settings.redis_url(CHARTS)) as opened:
        return [key.decode() for key in opened.keys(pattern)]


def until(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if answer := found():
            return answer
        time.sleep(0.2)
    raise AssertionError("it did not come")


@pytest.fixture(scope="module")
def operator(shared: Running) -> requests.Session:
    return session(shared, "operator")


@pytest.fixture(scope="module")
def datasets(shared: Running) -> dict[str, int]:
    opened = session(shared, "admin")
    answer = opened.get(f"{shared.url}/api/v1/dataset/?q=(page_size:100)", timeout=60)
    return {each["table_name"]: each["id"] for each in answer.json()["result"]}


def asked(dataset: int, *columns: str) -> dict[str, Any]:
    query = {"columns": columns, "metrics": [], "orderby": [], "row_limit": 100}
    return {
        "datasource": {"id": dataset, "type": "table"},
        "queries": [query],
        "result_format": "json",
        "result_type": "full",
    }


def told(answer: requests.Response) -> tuple[bool, list[dict[str, Any]]]:
    """Whether the rows came from the cache, and the rows."""
    assert answer.status_code == requests.codes.ok, answer.text
    result = answer.json()["result"][0]
    return bool(result["is_cached"]), list(result["data"])


def test_metadata__of_a_shared_superset__is_in_postgresql(
    shared: Running, operator: requests.Session
) -> None:
    page = operator.get(f"{shared.url}/superset/dashboard/operations/", timeout=60)

    with psycopg.connect(shared.settings.postgresql_words(SUPERSET)) as connection:
        users = {row[0] for row in connection.execute("select username from ab_user")}
        sealed = connection.execute(
            "select bool_and(ssl), count(*) from pg_stat_ssl join pg_stat_activity using (pid) "
            "where datname = 'superset' and pid <> pg_backend_pid()"
        ).fetchone()
    assert page.ok and "Operations" in page.text
    assert {"admin", "viewer", "operator", "auditor"} <= users
    assert sealed is not None and sealed[0] is True and sealed[1] >= 1
    assert not (shared.settings.data_dir / "superset" / "superset.db").exists()


def test_server__of_a_cluster__answers_the_balancer_alone_and_keeps_its_cookie_to_tls(
    shared: Running, operator: requests.Session
) -> None:
    behind = f"127.0.0.1:{shared.settings.superset_server_port}/health"
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{behind}", timeout=20)
    with pytest.raises(requests.ConnectionError):  # nobody's certificate
        requests.get(f"https://{behind}", timeout=20)
    answer = requests.get(f"https://{behind}", timeout=20, cert=balancer(shared))

    assert answer.ok
    assert requests.get(shared.url.replace("https", "http"), timeout=20).status_code == 400
    assert [cookie.secure for cookie in operator.cookies if cookie.name == "session"] == [True]


def test_chart__cached__shows_a_new_snapshot_at_once(
    shared: Running, operator: requests.Session, datasets: dict[str, int]
) -> None:
    body = asked(datasets["rpt_claims_funnel"], "stage", "claim_count")

    def ask() -> tuple[bool, list[dict[str, Any]]]:
        return told(send(operator, shared, "POST", "chart/data", json=body))

    superset_server.publish(shared.settings, tables(4))
    assert ask() == (False, [{"stage": "notified", "claim_count": 4}])
    assert ask() == (True, [{"stage": "notified", "claim_count": 4}])

    superset_server.publish(shared.settings, tables(5))
    assert ask() == (False, [{"stage": "notified", "claim_count": 5}])
    assert ask() == (True, [{"stage": "notified", "claim_count": 5}])


def test_guest__of_another_wallet__gets_nothing_from_the_cache(
    shared: Running, datasets: dict[str, int]
) -> None:
    body = asked(datasets["rpt_wallet_claims"], "claim_id")

    def ask(wallet: str) -> tuple[bool, list[dict[str, Any]]]:
        head = {"X-GuestToken": guest_tokens.mint(shared.settings, wallet)}
        url = f"{shared.url}/api/v1/chart/data"
        return told(requests.post(url, json=body, headers=head, timeout=60))

    assert ask(MINE) == (False, [{"claim_id": "clm_mine"}])
    assert ask(MINE) == (True, [{"claim_id": "clm_mine"}])
    assert ask(THEIRS) == (False, [{"claim_id": "clm_theirs"}])


def in_background(shared: Running, opened: requests.Session, sql: str) -> dict[str, Any]:
    """What became of a query that the worker was asked for."""
    form = {"database_id": 1, "sql": sql, "runAsync": True, "client_id": secrets.token_hex(5)}
    answer = send(opened, shared, "POST", "sqllab/execute/", json=form)
    assert answer.status_code == requests.codes.accepted, answer.text
    number = answer.json()["query"]["queryId"]

    def ended() -> dict[str, Any] | None:
        url = f"{shared.url}/api/v1/query/updated_since?q=(last_updated_ms:0)"
        found = {one["queryId"]: one for one in opened.get(url, timeout=60).json()["result"]}
        one = found.get(number)
        return one if one and one["state"] in ("success", "failed", "timed_out") else None

    return dict(until(ended))


def test_sql_lab__in_the_background__answers_from_the_worker(
    shared: Running, operator: requests.Session
) -> None:
    done = in_background(shared, operator, "select stage, 41 + 1 as n from rpt_claims_funnel")
    assert done["state"] == "success", done

    url = f"{shared.url}/api/v1/sqllab/results/?q=(key:'{done['resultsKey']}')"
    answer = operator.get(url, timeout=60)

    assert answer.json()["data"] == [{"stage": "notified", "n": 42}]
    assert keys(shared, "results:*")


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("select * from read_text('/etc/passwd')", "read_text is not allowed"),
        ("select getenv('LEVERAGEGUARD_DATA') as told", "getenv is not allowed"),
        ("select * from enable_logging(storage_path = '/tmp/x.csv')", "not allowed"),
        ("select count(*) from range(10000000) a, range(10000000) b where hash(a, b) % 7 = 3",
         f"longer than {ASYNC_SECONDS} s"),
    ],
)  # fmt: skip
def test_sql_lab__in_the_background__is_fenced_as_in_the_server(
    shared: Running, operator: requests.Session, sql: str, said: str
) -> None:
    done = in_background(shared, operator, sql)

    assert (done["state"], done["resultsKey"]) == ("failed", None)
    assert said in done["errorMessage"]


def test_limits__of_a_visitor__are_counted_in_redis_by_what_the_balancer_says(
    shared: Running,
) -> None:
    behind = f"https://127.0.0.1:{shared.settings.superset_server_port}"
    told_by_balancer, told_by_visitor = "203.0.113.9", "198.51.100.7"

    def counted(address: str, url: str, told: str, **given: Any) -> str:
        head = {"X-Forwarded-For": told}
        requests.get(f"{url}/api/v1/chart/", headers=head, timeout=60, **given)  # soon refused
        found = " ".join(keys(shared, "LIMITS:*"))
        return found if address in found else ""

    # A count is kept for a second, which a slow machine may take to look.
    until(lambda: counted(told_by_balancer, behind, told_by_balancer, cert=balancer(shared)))
    found = until(lambda: counted("127.0.0.1", shared.url, told_by_visitor))
    assert told_by_visitor not in found


def balancer(running: Running) -> tuple[str, str]:
    """The certificate and key that the balancer shows."""
    certificate, key = running.settings.certificate(f"client-{CLIENT}")
    return str(certificate), str(key)


def test_password__of_redis__is_in_no_variable_and_in_no_log(shared: Running) -> None:
    password = shared.settings.secret("redis_password").encode()
    started = [entry for entry in Path("/proc").iterdir() if is_ours(entry)]
    texts = [(entry / name).read_bytes() for entry in started for name in ("environ", "cmdline")]
    logs = [shared.settings.logs_dir / f"{name}.log" for name in superset.SCRIPTS]
    texts += [log.read_bytes() for log in logs]

    assert len(started) >= 4  # a server, a worker, and what each of them forked
    assert not any(password in text for text in texts)


def is_ours(entry: Path) -> bool:
    """Whether it is a process of the server or of the worker."""
    try:
        return entry.name.isdigit() and str(FOLDER).encode() in (entry / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_dashboards__of_a_shared_superset__are_imported_and_exported(shared: Running) -> None:
    def run(action: str) -> list[str]:
        return dashboards.lines(shared.settings, {"action": action, "to": None})

    assert run("import") == ["Superset shows what the files say"]
    assert run("export") == ["no file differs from what Superset shows"]
