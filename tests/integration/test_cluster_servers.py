"""The cluster's servers, Debian's own programs: who may enter, in plain text or without a name."""

import os
import shutil
import signal
import socket
import ssl
import tempfile
import time
from pathlib import Path

import kombu
import psycopg
import pytest
import redis
import requests
from redis.backoff import NoBackoff
from redis.retry import Retry

from leverageguard import config
from leverageguard.airflow_secrets import BROKER_URL
from leverageguard.stack import processes, secrets
from leverageguard.stack.cluster import certificates, nginx, postgresql, profile, rabbitmq
from leverageguard.stack.cluster import redis as cache
from leverageguard.stack.progress import Progress, StackError
from tests.e2e.stacks import free_port_base

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stack():
    # Not pytest's folder: only root may enter that one, and the servers are not root.
    folder = Path(tempfile.mkdtemp(prefix="lg-cluster-"))
    folder.chmod(0o755)
    made = config.Settings(data_dir=folder, port_base=free_port_base(25_000), profile="cluster")
    secrets.generate(made)
    try:
        profile.check(made)
        profile.start(made, Progress())
        yield made
    finally:
        processes.stop_all(made)
        shutil.rmtree(folder)


def enter(stack, database, certificate=None, **others):
    known = dict(word.split("=", 1) for word in stack.postgresql_words(database).split())
    if certificate is not None:
        path, key = stack.certificate(certificate)
        known |= {"sslcert": str(path), "sslkey": str(key)}
    return psycopg.connect(**(known | others), connect_timeout=5)


def broker(stack, **changed):
    certificate, key = stack.certificate("client-leverageguard")
    told = {
        "ca_certs": str(stack.ca_file),
        "certfile": str(certificate),
        "keyfile": str(key),
        "cert_reqs": ssl.CERT_REQUIRED,
    }
    url = stack.secret(BROKER_URL)
    return kombu.Connection(url, ssl={**told, **changed}, connect_timeout=5)


def test_postgresql__each_role__enters_its_own_database_over_tls(stack):
    for name in ("airflow", "store", "superset", "lake"):
        with enter(stack, name) as connection:
            found = connection.execute(
                "SELECT current_user, ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
            ).fetchone()
        assert found == (name, True)


@pytest.mark.parametrize(
    ("database", "certificate", "others", "refusal"),
    [
        ("store", "client-superset", {}, "certificate authentication failed"),
        ("store", "client-store", {"dbname": "lake"}, "no pg_hba.conf entry"),
        ("store", "client-store", {"sslmode": "disable"}, "no pg_hba.conf entry"),
        ("store", "client-store", {"user": "leverageguard"}, "no pg_hba.conf entry"),
        ("store", None, {"sslcert": "/nowhere", "sslkey": "/nowhere"}, "valid client certificate"),
    ],
)
def test_postgresql__without_the_roles_own_certificate__nobody_enters(
    stack, database, certificate, others, refusal
):
    with pytest.raises(psycopg.OperationalError, match=refusal):
        enter(stack, database, certificate, **others)


def test_redis__with_certificate_and_password__answers(stack):
    assert redis.Redis.from_url(stack.redis_url(0)).ping()


def test_redis__plain_text_or_no_certificate_or_no_password__is_refused(stack):
    once = {"port": stack.redis_port, "retry": Retry(NoBackoff(), 0)}
    plain = redis.Redis(**once, password=stack.secret(cache.PASSWORD))
    nameless = redis.Redis(
        **once, ssl=True, ssl_ca_certs=str(stack.ca_file),
        password=stack.secret(cache.PASSWORD),
    )  # fmt: skip
    certificate, key = stack.certificate("client-leverageguard")
    silent = redis.Redis(
        **once, ssl=True, ssl_ca_certs=str(stack.ca_file),
        ssl_certfile=str(certificate), ssl_keyfile=str(key),
    )  # fmt: skip

    for caller, refusal in (
        (plain, redis.ConnectionError),
        (nameless, redis.ConnectionError),
        (silent, redis.AuthenticationError),
    ):
        with pytest.raises(refusal):
            caller.ping()


def test_rabbitmq__with_certificate_and_password__takes_a_message_and_gives_it(stack):
    with broker(stack) as connection, connection.SimpleQueue("tried") as queue:
        queue.put({"claim": 1})
        assert queue.get(timeout=10).payload == {"claim": 1}


def test_rabbitmq__plain_text_or_no_certificate__is_refused(stack):
    plain = kombu.Connection(stack.secret(BROKER_URL).replace("amqps", "amqp"), connect_timeout=5)
    nameless = broker(stack, certfile=None, keyfile=None)

    for caller in (plain, nameless):
        with pytest.raises((OSError, kombu.exceptions.OperationalError)):
            caller.connect()


def test_balancer__plain_http__is_refused_and_says_so(stack):
    for port in (stack.airflow_port, stack.superset_port, stack.gateway_port):
        answer = requests.get(f"http://{stack.host}:{port}/", timeout=5)
        assert answer.status_code == 400
        assert "plain HTTP request was sent to HTTPS port" in answer.text


def test_balancer__nobody_behind_it__says_so_over_tls(stack):
    answer = requests.get(f"{stack.airflow_url}/", timeout=5, verify=stack.verify)

    assert answer.status_code == 502
    assert "Strict-Transport-Security" in answer.headers


def test_balancer__without_the_stacks_authority__is_not_believed(stack):
    with (
        socket.create_connection((stack.host, stack.airflow_port)) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        ssl.create_default_context().wrap_socket(plain, server_hostname=stack.host)


@pytest.mark.parametrize("server", profile.SERVERS, ids=lambda one: one.name)
def test_servers__none__runs_as_root_or_knows_a_setting_or_shows_a_password(stack, server):
    leader = processes.running(stack)[server.name].pid
    passwords = [stack.secret(name) for name in (cache.PASSWORD, rabbitmq.PASSWORD)]

    for pid in processes.session(leader):
        told = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
        assert b"LEVERAGEGUARD_" not in told
        assert not [word for word in passwords if word.encode() in told]
        if os.geteuid() == 0:
            assert Path(f"/proc/{pid}").owner() == server.user


@pytest.mark.parametrize("server", [postgresql.SERVER, cache.SERVER, nginx.SERVER])
def test_servers__killed__come_back_by_themselves_with_what_they_held(stack, server):
    leader = processes.running(stack)[server.name].pid
    with enter(stack, "store") as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    redis.Redis.from_url(stack.redis_url(0)).set("kept", 1)
    time.sleep(1.1)  # Redis writes its log down each second

    for pid in processes.session(leader):
        if pid != leader:
            os.kill(pid, signal.SIGKILL)

    wait_for(lambda: redis.Redis.from_url(stack.redis_url(0)).get("kept") == b"1")
    wait_for(lambda: kept(stack) >= 1)
    wait_for(lambda: requests.get(stack.airflow_url, timeout=5, verify=stack.verify).ok is False)
    assert processes.running(stack)[server.name].pid == leader


def kept(stack):
    with enter(stack, "store") as connection:
        return connection.execute("SELECT count(*) FROM kept").fetchone()[0]


def wait_for(is_so):
    until = time.monotonic() + 60
    while True:
        try:
            if is_so():
                return
        except (OSError, psycopg.OperationalError, redis.ConnectionError, redis.BusyLoadingError):
            pass
        assert time.monotonic() < until
        time.sleep(0.2)


def test_start__again__starts_nothing_twice(stack):
    before = processes.running(stack)
    profile.start(stack, Progress())

    assert processes.running(stack) == before


def test_check__a_folder_that_holds_the_other_profile__is_refused(stack):
    other = config.Settings(data_dir=stack.data_dir, port_base=stack.port_base)

    with pytest.raises(StackError, match="is cluster, not embedded"):
        profile.check(other)


def test_check__a_folder_others_may_not_enter__says_where_to_go(tmp_path):
    if os.geteuid():
        pytest.skip("only root runs servers as other users")
    tmp_path.chmod(0o700)
    closed = config.Settings(data_dir=tmp_path, profile="cluster")

    with pytest.raises(StackError, match=r"may not enter .* choose a folder"):
        profile.check(closed)


def test_certificates__of_the_servers__are_there_for_the_servers_alone(stack):
    for server in (postgresql.SERVER, rabbitmq.SERVER, cache.SERVER, nginx.SERVER):
        key = server.folder(stack) / f"{server.name}.key"
        assert key.read_bytes() == certificates.of_server(stack, server.name)[1].read_bytes()
        assert key.stat().st_mode & 0o077 == 0
