"""The default day on a cluster whose servers are killed, one after the other, while it runs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest
import requests

from leverageguard import config
from leverageguard.recovery import rebuilding
from leverageguard.stack import airflow, processes
from tests.e2e import secret_search
from tests.e2e.stacks import REPO, Stack, against_truth, money

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

VICTIMS = (
    "airflow-worker-1", "airflow-scheduler", "postgresql", "rabbitmq", "redis", "airflow-api-1",
    "simulator",
)  # fmt: skip
SECONDS_BETWEEN = 8
TRIES = 4
# Each stack has a chain and keys of its own and pays at its own hour: these columns say when, and
# under which of the chain's names; gas too, as a zero byte of a signature or a root costs 4 and
# another 16 (EIP-2028). All other bytes of a mart are of the world alone.
OF_THE_CHAIN = {
    "fct_claims": ("tx_hash", "state_since", "appeal_until_at"),
    "fct_claim_checks": ("evidence_ids",),
    "fct_payout_items": ("tx_hash",),
    "fct_payout_batches": ("tx_hash", "evidence_root", "gas_used", "planned_at", "settled_at"),
}


class Attacked:
    """A cluster stack brought up again and again while its servers are killed with SIGKILL."""

    def __init__(self) -> None:
        # Not pytest's folder: only root may enter that one, and the servers are not root.
        self.folder = Path(tempfile.mkdtemp(prefix="lg-cluster-"))
        self.folder.chmod(0o755)
        self.stack = Stack(self.folder / "data", 24_000, {"LEVERAGEGUARD_PROFILE": "cluster"})
        self.settings = config.Settings(
            data_dir=self.stack.data, port_base=self.stack.port, profile="cluster"
        )
        self.killed: list[str] = []
        self.codes: list[int] = []

    def run(self) -> None:
        """Until every victim was killed while the day ran, and the day ended well after it."""
        while len(self.codes) < TRIES and not (self.codes and self.codes[-1] == 0 and self._all()):
            self.codes.append(self._up())

    def _up(self) -> int:
        command = [REPO / "leverageguard", "--data", self.stack.data, "--port", self.stack.port]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LEVERAGEGUARD_")}
        with (self.folder / f"up-{len(self.codes)}.out").open("w+") as out:
            going = subprocess.Popen(
                [*map(str, command), "up", "--no-superset"],
                env={**environment, **self.stack.variables},
                stdout=out,
                stderr=subprocess.STDOUT,
            )
            next_at = None
            while going.poll() is None:
                time.sleep(0.5)
                if next_at is None and "Airflow is up" in Path(out.name).read_text():
                    next_at = time.monotonic() + 4
                if next_at is not None and time.monotonic() > next_at and not self._all():
                    self._kill(VICTIMS[len(self.killed)])
                    next_at = time.monotonic() + SECONDS_BETWEEN
        return going.returncode

    def _kill(self, name: str) -> None:
        """All of a server's processes at once; what starts it again stays, as on its own machine
        the system's manager would."""
        leader = processes.running(self.settings)[name].pid
        inside = [pid for pid in processes.session(leader) if pid != leader] or [leader]
        for pid in inside:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.killed.append(name)

    def _all(self) -> bool:
        return len(self.killed) == len(VICTIMS)

    def said(self) -> str:
        """What every `up` printed."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("up-*.out")))


@pytest.fixture(scope="module")
def attacked() -> Iterator[Attacked]:
    made = Attacked()
    try:
        made.run()
        yield made
    finally:
        made.stack.run("down", check=False)
        shutil.rmtree(made.folder)


@pytest.fixture
def client(attacked: Attacked) -> airflow.Client:
    made = airflow.Client(attacked.settings)
    made.wait_ready()
    return made


def digests(data: Path) -> dict[str, str]:
    """The sha256 of each mart's rows as JSON, without the columns that are of the chain."""
    snapshot = (data / "serve" / "current" / "leverageguard.duckdb").resolve()
    found = {}
    with duckdb.connect(str(snapshot), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for mart, left_out in OF_THE_CHAIN.items():
            rows = connection.execute(
                f"select to_json(r)::varchar from (select * exclude ({', '.join(left_out)}) "
                f"from {mart} order by all) as r"
            ).fetchall()
            assert rows
            found[mart] = sha256("\n".join(row for (row,) in rows).encode()).hexdigest()
    return found


def test_cluster__every_server_killed_during_the_day__the_day_ends_right_after_restart(attacked):
    assert attacked.killed == list(VICTIMS)
    assert attacked.codes[-1] == 0, attacked.said()


def test_cluster__after_the_attack__no_claim_is_double_missing_or_lost(attacked):
    assert against_truth(attacked.stack) == []
    status = attacked.stack.status()
    approved = sum(claim["approved_micro_usdc"] or 0 for claim in status["claims"])
    settled = sum(batch["total_micro_usdc"] for batch in status["batches"])
    assert approved == settled == status["pool"]["paid_micro_usdc"] > 0


def test_cluster__the_same_day_on_both_profiles__gives_the_same_bytes(attacked, default_stack):
    assert digests(attacked.stack.data) == digests(default_stack.data)


def test_cluster__another_up__adds_superset_and_pays_nothing_more(attacked):
    before = attacked.stack.status()

    attacked.stack.run("up")

    assert money(attacked.stack.status()) == money(before)
    settings = attacked.settings
    page = requests.get(f"{settings.superset_url}/login/", verify=settings.verify, timeout=60)
    assert page.status_code == 200
    assert "LeverageGuard" in page.text


def test_cluster__tasks__end_well_on_both_workers(attacked):
    logs = attacked.stack.data / "logs"

    for number in (1, 2):
        assert "final_state=success" in (logs / f"airflow-worker-{number}.log").read_text()


def test_cluster__gateways_of_their_own__answer_over_tls(attacked):
    settings = attacked.settings
    for port in (settings.gateway_port, *settings.gateway_worker_ports):
        url = f"https://{settings.host}:{port}/leverageguard/api/v1/version"
        assert requests.get(url, verify=settings.verify, timeout=10).status_code == 200
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(url, timeout=10, verify=True)


def test_cluster__an_api_server_that_stays_away__is_not_missed(attacked, client):
    leader = processes.running(attacked.settings)["airflow-api-2"].pid
    os.kill(leader, signal.SIGSTOP)  # who would start it again
    try:
        for pid in processes.session(leader):
            if pid != leader:
                os.kill(pid, signal.SIGKILL)
        for _ in range(10):
            assert client.dag_ids()
    finally:
        os.kill(leader, signal.SIGCONT)


def test_cluster__secrets_of_an_attacked_day__are_in_no_file_the_stack_wrote(attacked, tmp_path):
    data = attacked.stack.data
    secrets = secret_search.known(data)
    (tmp_path / "unpacked").mkdir()
    unpacked = secret_search.unpacked(data, tmp_path / "unpacked")
    assert {"redis_password 0", "rabbitmq_password 0", "rabbitmq_url 0"} <= secrets.keys()

    for places in (secret_search.written(data), list(unpacked.iterdir())):
        assert secret_search.holding(secrets, places, tmp_path) == set()


def test_cluster__lake_deleted_while_down__the_rebuilt_one_has_the_same_marts(attacked):
    attacked.stack.run("down")
    attacked.stack.run("rebuild-warehouse")  # raw grew since the last build
    shutil.rmtree(attacked.settings.lake_dir)

    printed = attacked.stack.run("rebuild-warehouse", "--check").stdout

    assert printed.count("  as before") == len(rebuilding.MARTS)
    assert attacked.stack.processes() == []
