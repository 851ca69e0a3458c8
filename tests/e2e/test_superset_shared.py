"""A Superset of a cluster: metadata in PostgreSQL, caches and a queue in Redis, TLS everywhere."""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
import requests

from leverageguard import config
from leverageguard.dashboards import command as dashboards
from leverageguard.gateway import guest_tokens
from tests import tls
from tests.e2e import superset_server
from tests.e2e.superset_server import PYTHON, Running, send, session
from tests.postgresql import Server

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


@dataclass(frozen=True)
class Shared:
    """What the Superset under test shares, and how it is reached."""

    running: Running
    postgresql: Server
    redis_port: int
    password: str
    folder: Path

    def redis(self, database: int) -> redis.Redis:
        return redis.Redis(
            "127.0.0.1", self.redis_port, database, self.password, ssl=True,
            ssl_ca_certs=str(self.folder / "ca.crt"),
            ssl_certfile=str(self.folder / "client.crt"),
            ssl_keyfile=str(self.folder / "client.key"),
        )  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    folder = tls.certificates(tmp_path_factory.mktemp("tls"))
    data = tmp_path_factory.mktemp("superset")
    server = Server(folder)
    with server.connect() as connection:
        connection.execute("CREATE DATABASE superset")
    password = secrets.token_urlsafe(24)
    port = free_port()
    with queue(folder, port, password), pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(folder / "ca.crt"))
        (folder / "redis_password").write_text(password)
        variables = given(folder, server.port, port)
        with superset_server.served(data, variables) as running:
            superset_server.publish(running.settings, tables(3))
            with worker(data):
                yield Shared(running, server, port, password, folder)
    server.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def given(folder: Path, postgresql_port: int, redis_port: int) -> dict[str, str]:
    files = [str(folder / name) for name in ("ca.crt", "client.crt", "client.key")]
    of_database = zip(("sslrootcert", "sslcert", "sslkey"), files, strict=True)
    of_redis = zip(("ssl_ca_certs", "ssl_certfile", "ssl_keyfile"), files, strict=True)
    asked = "&".join("=".join(one) for one in (("sslmode", "verify-full"), *of_database))
    named = "&".join("=".join(one) for one in of_redis)
    where = f"leverageguard@127.0.0.1:{postgresql_port}/superset"
    return {
        "LEVERAGEGUARD_SUPERSET_DATABASE_URL": f"postgresql+psycopg2://{where}?{asked}",
        "LEVERAGEGUARD_SUPERSET_REDIS_URL": f"rediss://127.0.0.1:{redis_port}?{named}",
        "LEVERAGEGUARD_SUPERSET_REDIS_PASSWORD_FILE": str(folder / "redis_password"),
        "LEVERAGEGUARD_SUPERSET_TLS_CERTIFICATE": str(folder / "server.crt"),
        "LEVERAGEGUARD_SUPERSET_TLS_KEY": str(folder / "server.key"),
        "LEVERAGEGUARD_SUPERSET_PROXY": "1",
        "LEVERAGEGUARD_SUPERSET_ASYNC_SECONDS": str(ASYNC_SECONDS),
    }


@contextmanager
def queue(folder: Path, port: int, password: str) -> Iterator[None]:
    """A Redis that answers over TLS alone, to whoever shows a certificate and the password."""
    program = shutil.which("redis-server")
    assert program, "apt-get install redis-server"
    lines = [
        "port 0", f"tls-port {port}", "bind 127.0.0.1", 'save ""', f"dir {folder}",
        f"tls-ca-cert-file {folder}/ca.crt", f"tls-cert-file {folder}/server.crt",
        f"tls-key-file {folder}/server.key", "tls-auth-clients yes", f"requirepass {password}",
    ]  # fmt: skip
    process = subprocess.Popen(
        [program, "-"], stdin=subprocess.PIPE, stdout=(folder / "redis.log").open("wb")
    )
    assert process.stdin is not None
    process.stdin.write("\n".join(lines).encode())
    process.stdin.close()
    yield
    process.terminate()
    process.wait(20)


@contextmanager
def worker(data: Path) -> Iterator[None]:
    log = data / "worker.log"
    process = subprocess.Popen(
        [str(PYTHON), str(FOLDER / "worker.py")], stdout=log.open("wb"), stderr=subprocess.STDOUT
    )
    ready = data / "superset" / "worker.pid"
    until(lambda: ready.exists() or process.poll() is not None)
    assert process.poll() is None, log.read_text()[-3000:]
    yield
    process.terminate()
    process.wait(30)


def until(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if answer := found():
            return answer
        time.sleep(0.2)
    raise AssertionError("it did not come")


@pytest.fixture(scope="module")
def operator(shared: Shared) -> requests.Session:
    return session(shared.running, "operator")


@pytest.fixture(scope="module")
def datasets(shared: Shared) -> dict[str, int]:
    opened = session(shared.running, "admin")
    answer = opened.get(f"{shared.running.url}/api/v1/dataset/?q=(page_size:100)", timeout=60)
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
    shared: Shared, operator: requests.Session
) -> None:
    page = operator.get(f"{shared.running.url}/superset/dashboard/operations/", timeout=60)

    with shared.postgresql.connect("superset") as connection:
        names = {row[0] for row in connection.execute("select username from ab_user")}
        rows = connection.execute(
            "select bool_and(ssl), count(*) from pg_stat_ssl join pg_stat_activity using (pid) "
            "where datname = 'superset' and client_addr is not null"
        ).fetchone()
    assert page.ok and "Operations" in page.text
    assert {"admin", "viewer", "operator", "auditor"} <= names
    assert rows is not None and rows[0] is True and rows[1] >= 1
    assert not (shared.running.settings.data_dir / "superset" / "superset.db").exists()


def test_pages__without_tls__are_not_answered_and_the_cookie_stays_within(
    shared: Shared, operator: requests.Session
) -> None:
    with pytest.raises(requests.ConnectionError):
        requests.get(shared.running.url.replace("https", "http") + "/health", timeout=20)
    with pytest.raises(requests.exceptions.SSLError):
        bundle = requests.certs.where()
        requests.get(f"{shared.running.url}/health", timeout=20, verify=bundle)
    assert [cookie.secure for cookie in operator.cookies if cookie.name == "session"] == [True]


def test_chart__cached__shows_a_new_snapshot_at_once(
    shared: Shared, operator: requests.Session, datasets: dict[str, int]
) -> None:
    body = asked(datasets["rpt_claims_funnel"], "stage", "claim_count")

    def ask() -> tuple[bool, list[dict[str, Any]]]:
        return told(send(operator, shared.running, "POST", "chart/data", json=body))

    superset_server.publish(shared.running.settings, tables(4))
    assert ask() == (False, [{"stage": "notified", "claim_count": 4}])
    assert ask() == (True, [{"stage": "notified", "claim_count": 4}])

    superset_server.publish(shared.running.settings, tables(5))
    assert ask() == (False, [{"stage": "notified", "claim_count": 5}])
    assert ask() == (True, [{"stage": "notified", "claim_count": 5}])


def test_guest__of_another_wallet__gets_nothing_from_the_cache(
    shared: Shared, datasets: dict[str, int]
) -> None:
    body = asked(datasets["rpt_wallet_claims"], "claim_id")

    def ask(wallet: str) -> tuple[bool, list[dict[str, Any]]]:
        head = {"X-GuestToken": guest_tokens.mint(shared.running.settings, wallet)}
        url = f"{shared.running.url}/api/v1/chart/data"
        return told(requests.post(url, json=body, headers=head, timeout=60))

    assert ask(MINE) == (False, [{"claim_id": "clm_mine"}])
    assert ask(MINE) == (True, [{"claim_id": "clm_mine"}])
    assert ask(THEIRS) == (False, [{"claim_id": "clm_theirs"}])


def in_background(shared: Shared, opened: requests.Session, sql: str) -> dict[str, Any]:
    """What became of a query that the worker was asked for."""
    form = {"database_id": 1, "sql": sql, "runAsync": True, "client_id": secrets.token_hex(5)}
    answer = send(opened, shared.running, "POST", "sqllab/execute/", json=form)
    assert answer.status_code == requests.codes.accepted, answer.text
    number = answer.json()["query"]["queryId"]

    def ended() -> dict[str, Any] | None:
        url = f"{shared.running.url}/api/v1/query/updated_since?q=(last_updated_ms:0)"
        found = {one["queryId"]: one for one in opened.get(url, timeout=60).json()["result"]}
        one = found.get(number)
        return one if one and one["state"] in ("success", "failed", "timed_out") else None

    return dict(until(ended))


def test_sql_lab__in_the_background__answers_from_the_worker(
    shared: Shared, operator: requests.Session
) -> None:
    done = in_background(shared, operator, "select stage, 41 + 1 as n from rpt_claims_funnel")
    assert done["state"] == "success", done

    url = f"{shared.running.url}/api/v1/sqllab/results/?q=(key:'{done['resultsKey']}')"
    answer = operator.get(url, timeout=60)

    assert answer.json()["data"] == [{"stage": "notified", "n": 42}]
    assert shared.redis(1).keys("results:*")


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
    shared: Shared, operator: requests.Session, sql: str, said: str
) -> None:
    done = in_background(shared, operator, sql)

    assert (done["state"], done["resultsKey"]) == ("failed", None)
    assert said in done["errorMessage"]


def test_limits__of_one_address__are_counted_in_redis(shared: Shared) -> None:
    head = {"X-Forwarded-For": "203.0.113.9"}  # what a proxy says of its visitor
    requests.get(f"{shared.running.url}/login/", headers=head, timeout=60)

    keys = [key.decode() for key in shared.redis(1).keys("LIMITS:*")]
    assert any("203.0.113.9" in key for key in keys), keys


def test_password__of_redis__is_in_no_variable_and_in_no_log(shared: Shared) -> None:
    data = shared.running.settings.data_dir
    started = [entry for entry in Path("/proc").iterdir() if is_ours(entry)]
    texts = [(entry / name).read_bytes() for entry in started for name in ("environ", "cmdline")]
    texts += [(data / name).read_bytes() for name in ("superset.log", "worker.log")]

    assert len(started) >= 4  # a server, a worker, and what each of them forked
    assert not any(shared.password.encode() in text for text in texts)


def is_ours(entry: Path) -> bool:
    """Whether it is a process of the server or of the worker."""
    try:
        return entry.name.isdigit() and str(FOLDER).encode() in (entry / "cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_dashboards__of_a_shared_superset__are_imported_and_exported(shared: Shared) -> None:
    def run(action: str) -> list[str]:
        return dashboards.lines(shared.running.settings, {"action": action, "to": None})

    assert run("import") == ["Superset shows what the files say"]
    assert run("export") == ["no file differs from what Superset shows"]
