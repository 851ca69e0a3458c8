"""A drained pool stops the next batch before the chain does, and a deposit lets it go on: the DAGs.

settle_payouts and manage_fund run as they are, in Airflow's own test mode, on a real chain.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from leverageguard import clock
from leverageguard.claims import register
from leverageguard.domain.claim_facts import Move
from leverageguard.evidence import verdicts
from leverageguard.settlement import chain_steps
from leverageguard.store import base, every_table  # noqa: F401 - registers tables
from leverageguard.store.fund_tables import FundAlert
from leverageguard.store.settlement_tables import PayoutRecord
from tests import sealed
from tests.anvil import STARTED_AT_S, anvil_fixture  # noqa: F401
from tests.pool_stack import USDC, PoolStack, item, key, stack_fixture  # noqa: F401

REPO = Path(__file__).parents[2]
RUN = """
import json, runpy, sys
repo, *names = sys.argv[1:]
states = {}
for name in names:
    run = runpy.run_path(f"{repo}/dags/{name}.py")[name]().test()
    states[name] = {ti.task_id: str(ti.state) for ti in run.get_task_instances()}
print("STATES " + json.dumps(states))
"""


class Airflow:
    """Runs DAGs of the repository once, each task in this stack's world."""

    def __init__(self, home: Path) -> None:
        self._own = {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW_CONFIG": str(REPO / "airflow.cfg"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(REPO / "dags"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
            "PYTHONPATH": str(REPO / "include"),
            "PYTHONWARNINGS": "ignore",
            "LEVERAGEGUARD_CAPITAL_PATHS": "200",
        }
        self._call("-m", "airflow", "db", "migrate")

    def run(self, *dag_ids: str) -> dict[str, dict[str, str]]:
        """The state of each task by DAG."""
        said = self._call("-c", RUN, str(REPO), *dag_ids)
        (line,) = (one for one in said.splitlines() if one.startswith("STATES "))
        return json.loads(line.removeprefix("STATES "))

    def _call(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, *words], env=os.environ | self._own, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    """One metadata database for all tests of the module."""
    return Airflow(tmp_path_factory.mktemp("airflow"))


def file_claims(stack: PoolStack, *numbers: int) -> None:
    """Have claims approved, filed in this order, each of 30 USDC."""
    for place, number in enumerate(numbers):
        one = item(number)
        moves = [
            Move(state, rule, "rules", 1000 * place + step, 30 * USDC, {})
            for step, (state, rule) in enumerate(sealed.WAY)
        ]
        with base.session(stack.settings) as session:
            register.append(session, stack.settings, one.claim_id, one.policy_id, moves, None)


def paid(stack: PoolStack) -> list[str]:
    with base.session(stack.settings) as session:
        query = select(PayoutRecord).where(PayoutRecord.state == "PAID")
        rows = session.scalars(query.order_by(PayoutRecord.claim_index)).all()
    return [row.claim_id for row in rows]


def alerts(stack: PoolStack, is_open: bool) -> set[str]:
    with base.session(stack.settings) as session:
        rows = session.scalars(select(FundAlert)).all()
    return {row.threshold_id for row in rows if (row.closed_at_ms is None) is is_open}


@pytest.mark.slow
def test_dags__drained_pool__halts_before_the_chain_queues_by_filing_and_resumes_after_a_deposit(
    stack: PoolStack, airflow: Airflow
) -> None:
    stack.send(stack.pool.set_reserved(835 * USDC))  # 165 free: two of 30 over the minimum of 100
    file_claims(stack, 3, 1, 2)
    stack.publish(*[item(n, amount=30 * USDC) for n in (1, 2, 3)])
    verdicts.land(stack.settings, 0)

    states = airflow.run("settle_payouts")

    assert set(states["settle_payouts"].values()) == {"success"}, states
    assert paid(stack) == [item(1).claim_id, item(3).claim_id]
    assert stack.pool.free_balance() == 105 * USDC
    assert alerts(stack, is_open=True) == {"minimum_solvency"}
    with base.session(stack.settings) as session:
        assert register.state_of(session, [item(2).claim_id]) == {item(2).claim_id: "APPROVED"}

    stack.fund(25 * USDC)
    airflow.run("settle_payouts")

    assert paid(stack) == [item(1).claim_id, item(3).claim_id, item(2).claim_id]
    assert stack.pool.free_balance() == 100 * USDC
    assert alerts(stack, is_open=True) == set()
    assert alerts(stack, is_open=False) == {"minimum_solvency"}


@pytest.mark.slow
def test_manage_fund__pool_that_holds_back_too_much__is_valued_and_its_reserve_set(
    stack: PoolStack, airflow: Airflow
) -> None:
    secrets = stack.settings.secrets_dir
    (secrets / "chain_reserver").write_text((secrets / "chain_proposer").read_text())
    stack.send(stack.pool.grant_role("RESERVER_ROLE", key("chain_proposer").address))
    stack.send(stack.pool.set_reserved(950 * USDC))
    clock.sleep(3600)
    hours = range(STARTED_AT_S * 1000, clock.now_ms() + 3_600_000, 3_600_000)
    chain_steps.land_hours(stack.settings, stack.chain, hours)

    states = airflow.run("manage_fund")

    assert set(states["manage_fund"].values()) == {"success"}, states
    # Nothing was sold, so nothing is owed: what was held back is free again.
    assert stack.pool.reserved() == 0
    assert alerts(stack, is_open=True) == set()
